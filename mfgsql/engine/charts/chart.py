"""What is to be charted, and its points in order.

Points are ordered by time, then value, then the row's hash, so that the order of input changes nothing. A point without
value, time or entity is in no chain: it has no statistic, and the points around it are neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mfgsql.engine.clock import is_number, orderable
from mfgsql.engine.kept import OWN, alias, column
from mfgsql.engine.quoting import quote_literal
from mfgsql.engine.sources import Source

CHAIN = "PARTITION BY __ml_entity, __ml_known"


@dataclass(frozen=True)
class Chart:
    """Arguments that were understood.

    Attributes:
        entity: None: all rows are of one. baseline: the first points, or the last moment; None: all points.
        center, sigma: of a known process; else they are estimated. options: of the kind.
    """

    verb: str
    source: Source
    fields: tuple[str, ...]
    entity: str | None
    order_by: str | None
    baseline: int | str | None = None
    center: float | None = None
    sigma: float | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def field(self) -> str:
        """The one column."""
        return self.fields[0]


def points(chart: Chart, more: str = "") -> str:
    """The source's columns with entity, time, values and tie; values are NULL where one of these is."""
    at, entity = "0", column("source", chart.entity) if chart.entity else "0"
    if chart.order_by:
        at = orderable(column("source", chart.order_by), f"order_by '{chart.order_by}'", chart.verb)
    places = range(len(chart.fields))
    read = ", ".join(f"{_number(chart, name)} AS __ml_y{i}" for i, name in enumerate(chart.fields))
    inner = (
        f"SELECT {OWN}, {entity} AS __ml_entity, {at} AS __ml_at, {read}, hash({alias('source')}) AS __ml_tie{more} "
        f"FROM {chart.source.sql} AS {alias('source')}"
    )
    needed = ["__ml_entity", "__ml_at", *(f"__ml_y{i}" for i in places)]
    known = " AND ".join(f"{name} IS NOT NULL" for name in needed)
    values = ", ".join(f"CASE WHEN __ml_known THEN __ml_y{i} END AS __ml_x{i}" for i in places)
    return f"SELECT *, {values} FROM (SELECT *, {known} AS __ml_known FROM ({inner}))"


def chained(chart: Chart, lags: int = 0, order: str = "__ml_at, __ml_x0, __ml_tie", rows: str | None = None) -> str:
    """Points with their number ``__ml_n`` in the chain, and as many values before as wanted, ``__ml_1`` and so on."""
    before = "".join(f", lag(__ml_x0, {i}) OVER __ml_chain AS __ml_{i}" for i in range(1, lags + 1))
    return (
        f"SELECT *, row_number() OVER __ml_chain AS __ml_n{before} FROM ({rows or points(chart)}) "
        f"WINDOW __ml_chain AS ({CHAIN} ORDER BY {order})"
    )


def in_baseline(chart: Chart) -> str:
    """Whether limits are estimated from a point."""
    if chart.baseline is None:
        return "__ml_known"
    if isinstance(chart.baseline, int):
        return f"(__ml_known AND __ml_n <= {chart.baseline})"
    return f"(__ml_known AND __ml_at <= {quote_literal(chart.baseline)})"


def _number(chart: Chart, name: str) -> str:
    value = column("source", name)
    number = f"CAST({value} AS DOUBLE)"
    before, behind = (
        quote_literal(f"{chart.verb}: field '{name}' is "),
        quote_literal(", which is no number. Cast it in a SELECT."),
    )
    return (
        f"CASE WHEN {is_number(value)} THEN CASE WHEN isfinite({number}) THEN {number} END "
        f"WHEN typeof({value}) = '\"NULL\"' THEN NULL ELSE error({before} || typeof({value}) || {behind}) END"
    )
