"""``ml_label_queue``: which rows a person should label next."""

from __future__ import annotations

import json
from typing import Any

from mfgsql.catalog import Version, resolve
from mfgsql.engine.engine import Engine, caller_id
from mfgsql.engine.kept import kept
from mfgsql.engine.planning import Args, at_place, planners, read_options
from mfgsql.engine.profiling import visible_types
from mfgsql.engine.queueing import ASKED
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.sources import Source, read_source
from mfgsql.engine.verbs.misuse import asked
from mfgsql.engine.verbs.predicting import as_read_by, pinned, scored, source_alias
from mfgsql.engine.versions import task_of
from mfgsql.errors import OptionError
from mfgsql.features.profile import FLOAT_TYPES, base_type
from mfgsql.manifest import Manifest
from mfgsql.options import check_options, read_whole
from mfgsql.tasks import ANOMALY, PROCESS

_OUTPUTS = ("rank", "score", "uncertainty", "novelty", "why")
_ROWS, _PAIR = '"__ml rows"', "(pair)"  # the source, read once, and the number of a row in it
_MOST, _USUAL = 10_000, 20  # rows that a queue gives


@planners.register("label_queue")
def plan_label_queue(engine: Engine, args: Args) -> str:
    """The source's rows without a target that are most worth a label, best first."""
    with engine.cursor() as cursor:
        version = resolve(cursor, args.get("model"))
        manifest = Manifest.from_json(version.manifest)
        told = _told(version, manifest, args)
        source = read_source(at_place(cursor, args), args.get("source"))
        asked.set((version.name, source))
        types = visible_types(at_place(cursor, args), source.select)
        read = as_read_by(cursor, version, manifest, source, args, _ROWS)
    alias, pair = source_alias(version), quote_identifier(_PAIR)
    behind, free = _unlabelled(types, source, manifest, alias)
    numbered = f"SELECT {kept((_PAIR,))}, row_number() OVER () AS {pair} FROM {behind} AS {alias}"
    if manifest.history is None:  # of histories also labelled rows tell what came before
        numbered, free = f"{numbered} WHERE {free}", "true"
    named = _named(version, manifest)
    also = f"{alias}.{pair} AS __pair, {named} AS __named, {free} AS __free"
    queue = _queue(scored(version, manifest, read, args, also=also), told)
    # In a WITH of its own: beside a JOIN, DuckDB would look a missing column up on the other side, and say so.
    return (
        f"WITH {_ROWS} AS MATERIALIZED ({numbered}), __ml_queue AS ({queue}) SELECT {kept((*_OUTPUTS, _PAIR))}, "
        f"{', '.join(f'__ml_one.{name} AS {name}' for name in _OUTPUTS)} "
        f"FROM {_ROWS} JOIN __ml_queue ON __ml_one.__ml_row = {pair} ORDER BY __ml_one.rank"
    )


def _named(version: Version, manifest: Manifest) -> str:
    """SQL of a row as scoring functions take it."""
    alias = source_alias(version)
    values = ", ".join(f"{quote_literal(n)}: {alias}.{quote_identifier(n)}" for n in manifest.features.names)
    return f"{{{quote_literal(pinned(version, manifest))}: {{{values}}}}}"


def _queue(answered: str, told: dict[str, Any]) -> str:
    """A SELECT of the queue's rows as structs ``__ml_one``.

    Args:
        answered: a SELECT of ``__pair``, ``__named``, ``__free`` and the scored struct ``__ml``.
    """
    fields = ASKED[told["shape"]]
    said = ", ".join(f"{quote_literal(n)}: {sql}" for n, sql in {**fields, "ml_reason": "__ml.ml_reason"}.items())
    lists = ", ".join(f"list({c} ORDER BY __pair) AS {c}s" for c in ("__pair", "__named", "__said"))
    readable = f"{next(iter(fields.values()))} IS NOT NULL"
    rows = f"SELECT __pair, __named, {{{said}}} AS __said FROM ({answered}) WHERE __free AND {readable}"
    call = f"_ml_label_queue({quote_literal(json.dumps(told))}, __pairs, __nameds, __saids)"
    return f"SELECT unnest({call}) AS __ml_one FROM (SELECT {lists} FROM ({rows}))"


def _unlabelled(types: dict[str, str], source: Source, manifest: Manifest, alias: str) -> tuple[str, str]:
    """What stands behind FROM, and SQL that keeps its rows without a target; all of a source that has none.

    Of a source that only the caller sees it isn't known whether it has one: then it gets one that is NULL.
    """
    target = manifest.target
    if target is None or (types and target.name.lower() not in types):
        return source.sql, "true"
    name = quote_identifier(target.name)
    behind = source.sql if types else f"(FROM {source.sql} UNION ALL BY NAME SELECT NULL AS {name} WHERE false)"
    value = f"{alias}.{name}"
    if types and base_type(types[target.name.lower()]) not in FLOAT_TYPES:
        return behind, f"{value} IS NULL"
    # As trainings have it, NaN and an infinity are no labels; by its text, which any type has that isn't known here.
    no_number = f"typeof({value}) IN ('FLOAT', 'DOUBLE') AND CAST({value} AS VARCHAR) IN ('nan', 'inf', '-inf')"
    return behind, f"({value} IS NULL OR {no_number})"


def _told(version: Version, manifest: Manifest, args: Args) -> dict[str, Any]:
    if manifest.task == PROCESS:
        raise OptionError(f"'{version.model}' predicts what follows in a log, which tells it: nobody labels that.")
    options = read_options(args, "{'novelty': 0.5}")
    check_options(options, ("novelty", "uncertainty"))
    weight, how = options.get("novelty", 0.5), options.get("uncertainty", "margin")
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight <= 1:
        raise OptionError(f"novelty is its weight beside uncertainty, a share from 0 to 1, not {weight!r}.")
    if how not in ("margin", "entropy"):
        raise OptionError(f"uncertainty is 'margin' or 'entropy', not {how!r}.")
    shape = ANOMALY if manifest.task == ANOMALY else task_of(version, manifest).shape
    k = read_whole("k", args.get("k"), 1, _MOST) or _USUAL
    return {"k": k, "novelty": float(weight), "uncertainty": how, "shape": shape, "session": caller_id()}
