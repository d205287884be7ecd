"""Features of a source counted in one pass, in the cells of what they were when the model learnt."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from mfgsql.catalog import Version
from mfgsql.drift.distributions import Quantiles
from mfgsql.engine.profiling import SAMPLE, profile_columns
from mfgsql.engine.quoting import quote_identifier, quote_text
from mfgsql.engine.sources import Source
from mfgsql.errors import SourceError, did_you_mean
from mfgsql.features import ColumnProfile, FeatureSet
from mfgsql.features.categorical import CategoricalEncoder
from mfgsql.features.groups import GroupEncoder
from mfgsql.features.profile import TIME_TYPES, base_type

Array = npt.NDArray[np.float64]
_ROWS, _HASH = "__ml_reference", "__ml_hash"
_NO_NUMBERS = frozenset({"NESTED", "BLOB", "BIT", "GEOMETRY", *TIME_TYPES})


@dataclass(frozen=True)
class Known:
    """A feature as it was.

    Attributes:
        name: of the column. rows, nulls: that were read, and of them without a value.
        quantiles: of numbers. top: frequent values with counts, of words.
        words: all values that there were, where no other is known to the model. sentinel: that stands for none.
        unseen: rows with another word.
    """

    name: str
    rows: int
    nulls: int
    quantiles: tuple[float, ...] = ()
    top: tuple[tuple[str, int], ...] = ()
    words: tuple[str, ...] = ()
    sentinel: float | None = None
    unseen: int = 0

    @property
    def there(self) -> int:
        """Rows with a value."""
        return self.rows - self.nulls

    def numbers(self, apart: float) -> Quantiles:
        """Of a feature of numbers its distribution; ``apart``: rows to an independent one."""
        return Quantiles(self.quantiles, max(min(self.there, SAMPLE) / apart, 1.0))


@dataclass(frozen=True)
class Counted:
    """A feature as it is.

    Attributes:
        rows, there: read, and of them with a value.
        cells: counts, of numbers in the cells of the quantiles, of words of each frequent one and then of all others.
        unseen: rows with a word that the model does not know.
    """

    rows: int
    there: int
    cells: Array
    unseen: int


def known_features(con: duckdb.DuckDBPyConnection, version: Version, features: FeatureSet) -> list[Known]:
    """As the catalog has them, in the order of the model's columns."""
    rows = con.execute(
        "SELECT feature, type, rows, nulls, quantiles, top FROM ml_catalog.features "
        "WHERE model = ? AND version = ? AND kind IS NOT NULL",
        [version.model, version.version],
    ).fetchall()
    found = {row[0]: row[1:] for row in rows}
    known = []
    for name in features.names:
        if name in found:
            kind, count, nulls, quantiles, top = found[name]
            numbers = () if base_type(kind or "") in TIME_TYPES else tuple(quantiles or ())
            known.append(_known(features, name, count or 0, nulls or 0, numbers, json.loads(top or "[]")))
    return known


def _known(
    features: FeatureSet, name: str, rows: int, nulls: int, quantiles: Sequence[float], top: Sequence[Any]
) -> Known:
    encoder = next(e for e in features.encoders if e.column.name == name)
    words = encoder.categories if isinstance(encoder, CategoricalEncoder) and encoder.complete else ()
    is_word = isinstance(encoder, CategoricalEncoder)
    if isinstance(encoder, GroupEncoder) and top:  # of numbers there are quantiles instead
        words, is_word = encoder.values, True
    pairs = tuple((str(value), int(count)) for value, count in top) if is_word else ()
    sentinel = getattr(encoder, "sentinel", None)
    unseen = sum(count for value, count in pairs if words and value not in words)  # by who went on from the encoder's
    return Known(name, rows, nulls, () if is_word else tuple(quantiles), pairs, words, sentinel, unseen)


def features_of_source(con: duckdb.DuckDBPyConnection, source: Source, known: Sequence[Known]) -> list[Known]:
    """Features as they are in a source of the caller's own; of a number its quantiles are those of a sample."""
    values = [f"{_value(one, 'r')} AS {quote_identifier(one.name)}" for one in known]
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {_ROWS} AS SELECT *, hash(v) AS {_HASH} "
        f"FROM (SELECT {', '.join(values)} FROM {source.sql} AS r) AS v"
    )
    types = {one.name: "DOUBLE" if one.quantiles else "VARCHAR" if one.top else "BOOLEAN" for one in known}
    profiles: dict[str, ColumnProfile] = {p.name: p for p in profile_columns(con, _ROWS, types, order=_HASH)}
    con.execute(f"DROP TABLE {_ROWS}")
    found = []
    for one in known:
        profile = profiles[one.name]
        numbers, top = profile.quantiles if one.quantiles else (), profile.top[:20] if one.top else ()
        found.append(Known(one.name, profile.rows, profile.nulls, numbers, top, one.words, one.sentinel))
    return found


def check_types(types: Mapping[str, str], known: Sequence[Known], version: Version) -> None:
    """See that a source has the columns, of types that compare.

    Raises:
        SourceError: it lacks one, or has a list, a time or the like in place of a number or a word.
    """
    there = {name.lower(): kind for name, kind in types.items()}
    for one in known:
        kind = there.get(one.name.lower())
        if kind is None:
            raise SourceError(
                f"The source has no column {one.name!r}, which {version.name} reads.{did_you_mean(one.name, types)}",
                remedy="Rename or add it in a SELECT, or name the features to compare: options := {'features': [..]}.",
            )
        wrong = base_type(kind) in (_NO_NUMBERS if one.quantiles else {"NESTED", "BLOB"})
        if wrong and (one.quantiles or one.top):
            what, cast = ("numbers", "DOUBLE") if one.quantiles else ("words", "VARCHAR")
            raise SourceError(
                f"The column {one.name!r} is {kind}, and {version.name} reads {what} in it.",
                remedy=f"Cast it in a SELECT: {quote_identifier(one.name)}::{cast}.",
            )


def count(con: duckdb.DuckDBPyConnection, source: Source, known: Sequence[Known]) -> tuple[int, dict[str, Counted]]:
    """How many rows there are, and each feature counted: one pass, aggregated by DuckDB."""
    inner, outer = ["1 AS one"], ["count(*)"]
    for number, one in enumerate(known):
        value = f"v{number}"
        inner.append(f"{_value(one, 'r')} AS {value}")
        outer.append(f"count({value})")
        if one.quantiles:
            cuts = ", ".join(map(_double, Quantiles(one.quantiles, 1).cuts.tolist()))
            kept = value if one.sentinel is None else f"nullif({value}, {_double(one.sentinel)})"
            outer += [f"histogram({kept}, [{cuts}])", "0"]
        elif one.top:
            place = f"coalesce(list_position([{_texts([w for w, _ in one.top])}], {value}), 0)"
            outer.append(f"histogram({place}, range({len(one.top) + 1})) FILTER ({value} IS NOT NULL)")
            outer.append(f"count(*) FILTER ({value} NOT IN ({_texts(one.words)}))" if one.words else "0")
        else:
            outer += ["NULL", "0"]
    row = con.execute(f"SELECT {', '.join(outer)} FROM (SELECT {', '.join(inner)} FROM {source.sql} AS r)").fetchone()
    assert row is not None
    rows, found = int(row[0]), {}
    for number, one in enumerate(known):
        there, cells, unseen = row[1 + 3 * number : 4 + 3 * number]
        found[one.name] = Counted(rows, int(there), _cells(one, cells or {}), int(unseen))
    return rows, found


def _cells(one: Known, counts: Mapping[float, int]) -> Array:
    if one.quantiles:
        cuts = Quantiles(one.quantiles, 1).cuts.tolist()
        return np.array([*(counts.get(cut, 0) for cut in cuts), counts.get(np.inf, 0)], np.float64)
    places = range(len(one.top) + 1)
    cells = np.array([counts.get(place, 0) for place in places], np.float64)
    return np.append(cells[1:], cells[0])  # all others last


def _value(one: Known, alias: str) -> str:
    """SQL of a feature's value: a finite number, a word, or whether there is one."""
    column = f"{alias}.{quote_identifier(one.name)}"
    if one.quantiles:
        number = f"TRY_CAST({column} AS DOUBLE)"
        return f"CASE WHEN isfinite({number}) THEN {number} END"
    return f"CAST({column} AS VARCHAR)" if one.top else f"nullif({column} IS NOT NULL, false)"


def _double(value: float) -> str:
    """As DuckDB reads it to the last bit; without an exponent it would be a DECIMAL."""
    text = repr(float(value))
    return text if "e" in text else f"{text}e0"


def _texts(values: Sequence[str]) -> str:
    return ", ".join(map(quote_text, values))
