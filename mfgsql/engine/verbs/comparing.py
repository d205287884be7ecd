"""``ml_compare``: two versions on the same labelled rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mfgsql.catalog import Version, resolve
from mfgsql.engine.comparing import COLUMNS
from mfgsql.engine.engine import Engine, caller_id
from mfgsql.engine.kept import kept
from mfgsql.engine.planning import Args, at_place, json_rows, planners, read_options
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.seeing import hash_of
from mfgsql.engine.sources import Source, read_source
from mfgsql.engine.spans import compared
from mfgsql.engine.verbs.judging import GUESSES, true_value
from mfgsql.engine.verbs.misuse import asked
from mfgsql.engine.verbs.predicting import as_read_by, check_level, scored, source_alias
from mfgsql.engine.versions import task_of
from mfgsql.errors import NotFoundError, OptionError
from mfgsql.evaluation.paired import DRAWS
from mfgsql.manifest import Manifest
from mfgsql.options import check_options, read_whole
from mfgsql.tasks import FORECAST, TOKENS

_LEVEL, _MOST_DRAWS = 0.95, 100_000
_ROWS = '"__ml rows"'  # the source, read once
_PAIR, _GROUP = "(pair)", "(group)"  # the number of a row in it, and of the rows that are drawn together


@dataclass(frozen=True)
class Side:
    """One of the two, and the source as it reads it."""

    version: Version
    manifest: Manifest
    source: Source

    @property
    def alias(self) -> str:
        """What plans call its source, quoted."""
        return source_alias(self.version)


@planners.register("compare")
def plan_compare(engine: Engine, args: Args) -> str:
    """A row for each metric of the task, the one that decides first."""
    return comparison(engine, args | {"session": caller_id()})


def comparison(engine: Engine, args: Args) -> str:
    """The SELECT that compares the versions ``a`` and ``b`` by the rows of ``source``.

    Raises:
        OptionError: they predict different things, or an option can't be.
        NotFoundError: there is no such version, or it predicts nothing.
    """
    with engine.cursor() as cursor:
        versions = [resolve(cursor, args.get(name)) for name in ("a", "b")]
        manifests = check_comparable(*versions)
        source = read_source(at_place(cursor, args), args.get("source"))
        asked.set((versions[0].name, source))
        sides = [
            Side(v, m, as_read_by(cursor, v, m, source, args, _ROWS))
            for v, m in zip(versions, manifests, strict=True)
        ]  # fmt: skip
    groups, drawn = _groups(sides, args)
    # Both read the same numbered rows, or answers could not be paired.
    rows = (
        f"SELECT {kept((_PAIR, _GROUP))}, row_number() OVER () AS {quote_identifier(_PAIR)}, "
        f"{groups} AS {quote_identifier(_GROUP)} FROM {source.sql} AS {sides[0].alias}"
    )
    # In a WITH of their own: beside a JOIN, DuckDB would look a missing column up on the other side, and say so.
    answers = ", ".join(f"{n} AS ({_answers(engine, s, source, args)})" for n, s in zip("ab", sides, strict=True))
    lists = ("a.__truth", "a.__group", *(f"{s}.{c}" for s in "ab" for c in ("__said", "__scores", "__hash")))
    there = "a.__said IS NOT NULL AND b.__said IS NOT NULL"
    listed = ", ".join(f"list({c} ORDER BY __pair) FILTER ({there}) AS l{i}" for i, c in enumerate(lists))
    paired = (
        f"(WITH {_ROWS} AS MATERIALIZED ({rows}), {answers} SELECT {listed}, count(*) FILTER (NOT ({there})) AS unread "
        f"FROM a JOIN b USING (__pair) WHERE a.__truth IS NOT NULL)"
    )
    told = _told(sides, args) | {"drawn": drawn}
    call = f"_ml_compare({quote_literal(json.dumps(told))}, {', '.join(f'l{i}' for i in range(len(lists)))}, unread)"
    return json_rows(call, COLUMNS, paired)


def _told(sides: Sequence[Side], args: Args) -> dict[str, Any]:
    options = read_options(args, "{'draws': 2000}")
    check_options(options, ("draws", "seed"))
    level = args.get("level")
    target = sides[0].manifest.target
    assert target is not None
    return {
        "a": sides[0].version.name, "b": sides[1].version.name, "target": target.name, "session": args.get("session"),
        "level": _LEVEL if level is None else check_level(level),
        "draws": read_whole("draws", options.get("draws"), 100, _MOST_DRAWS) or DRAWS,
        "seed": read_whole("seed", options.get("seed"), 0, 2**32 - 1) or 0,
    }  # fmt: skip


def _groups(sides: Sequence[Side], args: Args) -> tuple[str, str]:
    """SQL of the number of the rows that are drawn together, and what these are, in words.

    Rows of one machine are alike, and rows whose windows overlap nearly one: drawn by themselves they would feign more
    evidence than there is. Without an entity, stretches as long as a window are drawn (Carlstein, "The Use of Subseries
    Values for Estimating the Variance", Annals of Statistics, 1986).
    """
    histories = [side.manifest.history for side in sides if side.manifest.history is not None]
    entity = args.get("entity")
    if entity is not None and not isinstance(entity, str):
        raise OptionError(f"entity is the name of a column, not {entity!r}.")
    entity = entity or next((h.entity for h in histories if h.entity), None)
    alias = sides[0].alias
    if entity:
        return f"dense_rank() OVER (ORDER BY {alias}.{quote_identifier(entity)})", "entities"
    if not histories:
        return "row_number() OVER ()", "rows"
    order = f"{alias}.{quote_identifier(histories[0].order_by)}"
    return f"(row_number() OVER (ORDER BY {order}) - 1) // {max(h.length for h in histories)}", "stretches of time"


def _answers(engine: Engine, side: Side, source: Source, args: Args) -> str:
    """A SELECT of what a side says: pair, group, truth, what is said, scores, hash."""
    manifest, alias, target = side.manifest, side.alias, side.manifest.target
    assert target is not None
    columns = [f"{alias}.{quote_identifier(_PAIR)} AS __pair", f"{alias}.{quote_identifier(_GROUP)} AS __group",
               f"{hash_of(engine, side.version, manifest, alias)} AS __hash"]  # fmt: skip
    if manifest.task == TOKENS:
        text, truth = (f"{alias}.{quote_identifier(n)}" for n in (manifest.features.names[0], target.name))
        columns.append(compared(text, truth))
        said, scores = "_ml_span_sums(__text, __truth, __ml.spans)", "NULL::DOUBLE"
    else:
        task = task_of(side.version, manifest)
        truth = true_value(engine, side.version, manifest, source, args)
        columns.append(f"{task.truth_sql(truth, target)} AS __truth")
        said, scores = GUESSES[task.shape], "NULL::DOUBLE" if task.shape == "value" else "__ml.scores"
    inner = scored(side.version, manifest, side.source, args, also=", ".join(columns))
    return f"SELECT __pair, __group, __truth, __hash, {said} AS __said, {scores} AS __scores FROM ({inner})"


def check_comparable(one: Version, other: Version) -> list[Manifest]:
    """The versions' manifests; both are judged by the same metrics.

    Raises:
        OptionError: they predict different things.
        NotFoundError: one predicts nothing that rows can tell.
    """
    manifests = []
    for version in (one, other):
        manifest = Manifest.from_json(version.manifest)
        if manifest.task == FORECAST:
            raise NotFoundError(
                f"'{version.model}' forecasts series, and rows don't judge it.",
                remedy=f"Backtest both: FROM ml_backtest({quote_literal(one.name)}, 'my_table'); "
                f"FROM ml_backtest({quote_literal(other.name)}, 'my_table');",
            )
        task_of(version, manifest)
        manifests.append(manifest)
    targets = [m.target for m in manifests if m.target is not None]
    if manifests[0].task == manifests[1].task and targets[0].name.lower() == targets[1].name.lower():
        return manifests
    each = (f"{v.name} predicts {t.name!r} ({m.task})"
            for v, t, m in zip((one, other), targets, manifests, strict=True))  # fmt: skip
    raise OptionError(f"{', '.join(each)}: they can't be compared.", remedy="Name two versions of the same target.")
