"""``ml_drivers``: which columns drive a defect class or a number; no model is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from mfgsql.engine.engine import Engine, caller_id
from mfgsql.engine.planning import (
    Action,
    Args,
    Rows,
    acting_plan,
    actions,
    planners,
    read_exclude,
    read_options,
    stoppable,
)
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.snapshots import ROWS, Frozen, freeze
from mfgsql.engine.targets import fit_target
from mfgsql.errors import DataError, OptionError
from mfgsql.evaluation.drivers import FEWEST, Driver, driver, ranked
from mfgsql.evaluation.variables import Variable
from mfgsql.features import FeatureSet
from mfgsql.options import check_options
from mfgsql.tasks import Target, tasks
from mfgsql.training.snapshot import HASH

COLUMNS = {
    "feature": "VARCHAR", "kind": "VARCHAR", "effect": "VARCHAR", "value": "DOUBLE", "lower": "DOUBLE",
    "upper": "DOUBLE", "p_value": "DOUBLE", "q_value": "DOUBLE", "significant": "BOOLEAN", "finding": "VARCHAR",
    "rows": "BIGINT",
}  # fmt: skip
MOST = 200_000  # rows looked at
_SAMPLE = "__ml_sample"
_OPTIONS = ("exclude", "positive")
_EXPLAINED = "ml_finetune, then ml_predict(.., explain := 5)"


def drivers(engine: Engine, args: Args) -> Rows:
    """A row for each column, the strongest effect first; those left out last, with the reason."""
    with stoppable(engine, args) as (cursor, cancellation):
        found = []
        for one in _drivers(freeze(cursor, args, cancellation), args):
            cancellation.check()
            found.append(one)
    return [one.to_row() for one in ranked(found)]


def _drivers(frozen: Frozen, args: Args) -> Iterator[Driver]:
    if 0 < frozen.rows < FEWEST:
        raise DataError(
            f"The target {args['target']!r} is known in {frozen.rows} rows: too few to tell an effect from chance "
            f"(at least {FEWEST})."
        )
    target = _target(frozen, args)
    _sample(frozen)
    features, rejected = FeatureSet.fit(p for n, p in frozen.profiles.items() if n != target.name)
    for encoder in features.encoders:
        if encoder.column.field is None:
            yield driver(*_read(frozen, target, encoder.column.name, encoder.kind))
    for name in features.fields():
        what = "a text" if name in features.fields("text") else "a picture"
        yield Driver(name, None, None, f"left out: {what}; a model tells what in it counts: {_EXPLAINED}")
    left_out = {r.name: r.reason for r in rejected} | {n: w for n, w in frozen.ignored.items() if w != "excluded"}
    for name, why in left_out.items():
        yield Driver(name, None, None, f"left out: {why}")


def _sample(frozen: Frozen) -> None:
    """The same rows each time, whatever their order; equal rows, which share a hash, are drawn one by one."""
    numbered = f"SELECT *, row_number() OVER (PARTITION BY {HASH}) AS __ml_copy FROM {ROWS}"
    frozen.con.execute(
        f"CREATE OR REPLACE TEMP TABLE {_SAMPLE} AS SELECT * FROM ({numbered}) "
        f"ORDER BY hash({HASH}, __ml_copy) LIMIT {MOST}"
    )


def _target(frozen: Frozen, args: Args) -> Target:
    try:
        task, target = fit_target(frozen, args)
        if task == "hierarchy":  # here paths are groups, as they are spelt
            task, target = fit_target(frozen, args | {"task": "classification"})
    except DataError as error:  # its remedies are about learning
        raise DataError(
            error.message, remedy="Name a column of classes, or of a number, that differs between rows."
        ) from None
    if tasks[task].shape == "labels":
        has = f"list_contains({quote_identifier(target.name)}, {quote_literal(target.classes[0])})"
        raise DataError(
            f"The target {target.name!r} has several labels a row, and drivers are told of one thing at a time.",
            remedy=f"Ask for one: SELECT *, {has} AS it FROM ...",
        )
    return target


def _read(frozen: Frozen, target: Target, name: str, kind: str) -> tuple[Variable, Variable]:
    """Target and one column, read together, so that memory holds two columns at a time."""
    wanted = _text(target.name) if target.classes else _number(frozen, target.name)
    number = {"numeric": _number(frozen, name), "temporal": _seconds(name)}.get(kind)
    # A number of two values is a switch, and told best as one.
    text = _text(name) if number is None else f"CASE WHEN {number} IS NOT NULL THEN {_text(name)} END"
    grouped = number is None or (kind == "numeric" and frozen.profiles[name].distinct == 2)
    table = frozen.con.execute(
        f"SELECT {wanted} AS y, {text if grouped else number} AS x FROM {_SAMPLE}"
    ).to_arrow_table()
    y, x = (table[c].combine_chunks() for c in ("y", "x"))
    truth = _variable(target.name, "categorical" if target.classes else "numeric", y, target.classes)
    return truth, _variable(name, kind, x)


def _variable(name: str, kind: str, values: pa.Array, groups: Sequence[str] = ()) -> Variable:
    if pa.types.is_string(values.type):
        return Variable.of_texts(name, kind, values, groups)
    return Variable(name, kind, values.to_numpy(zero_copy_only=False))


def _text(name: str) -> str:
    return f"CAST({quote_identifier(name)} AS VARCHAR)"


def _number(frozen: Frozen, name: str) -> str:
    """Finite, and no sentinel."""
    number, sentinel = f"CAST({quote_identifier(name)} AS DOUBLE)", frozen.profiles[name].sentinel
    kept = number if sentinel is None else f"nullif({number}, {sentinel!r})"
    return f"CASE WHEN isfinite({number}) THEN {kept} END"


def _seconds(name: str) -> str:
    time = f"CAST({quote_identifier(name)} AS TIMESTAMP)"
    return f"CASE WHEN isfinite({time}) THEN epoch({time}) END"


actions.register("drivers")(Action(COLUMNS, drivers))


@planners.register("drivers")
def plan_drivers(engine: Engine, args: Args) -> str:
    """Effects of all columns on the target."""
    if not args.get("target"):
        raise OptionError("The target is missing.", remedy="Name it: target := 'defect'.")
    options = read_options(args, "{'exclude': ['column']}")
    check_options(options, _OPTIONS)
    options["exclude"] = read_exclude(options.get("exclude"))
    kept = {name: args.get(name) for name in ("source", "target", "place")}
    return acting_plan("drivers", {**kept, **options, "session": caller_id()})
