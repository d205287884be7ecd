"""Which rows are learnt from and which judge: by folds, hash, time, entity, or a column."""

from __future__ import annotations

from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import numpy as np

from mfgsql.engine.histories import BLOCKS
from mfgsql.engine.planning import Args
from mfgsql.engine.quoting import quote_identifier
from mfgsql.errors import DataError, OptionError, one_of
from mfgsql.tasks import FORECAST
from mfgsql.tasks.task import Array
from mfgsql.training.snapshot import HASH, TRAIN, UNUSED, VALIDATION
from mfgsql.training.windows import HISTORY, MOMENT

_FEWEST_STEPS = 6  # of a series of which some may judge


def parts_by_folds(rows: ir.Table, args: Args, folds: int, seed: int) -> ir.IntegerValue:
    """The part of each row, from 1: each has its share of every class, and of every range of a number.

    Rows that are the same share a part, or one would be judged by a network that has seen its twin; so do all rows of
    an entity where it is the split.
    """
    dice = (rows[HASH].cast("string") + f"|{seed}").hash()
    if args.get("split") == BLOCKS:
        return ibis.ntile(folds).over(order_by=[rows[MOMENT], dice]) + 1
    if args.get("split") == "entity":
        dice = (_entity(rows, args).cast("string") + f"|{seed}").hash()
        return ibis.dense_rank().over(order_by=dice) % folds + 1
    return ibis.dense_rank().over(order_by=[rows[args["target"]], dice]) % folds + 1


def parts_by_split(rows: ir.Table, args: Args, task: str | None, seed: int) -> ir.IntegerValue:
    """0 to train, 1 to judge, -1 for neither: by hash (within each class), time, entity, or a column."""
    kind, share = args.get("split"), float(args["validation"])
    if task == FORECAST:
        return _latest(rows, args, share)
    dice = (rows[HASH].cast("string") + f"|{seed}").hash()
    if kind is None and task in ("classification", "hierarchy"):
        return _held_out(ibis.cume_dist().over(group_by=rows[args["target"]], order_by=dice) <= share)
    if kind is None:
        return _held_out((dice % 10_000 + 10_000) % 10_000 < int(share * 10_000))
    if kind in ("time", BLOCKS):
        parts = _by_time(rows, args, share)
        return _apart(rows, parts, args) if args.get("histories") else parts
    if kind == "entity":
        return _by_entity(rows, args, share, seed)
    return _by_column(rows, kind)


def _held_out(condition: ir.BooleanValue) -> ir.IntegerValue:
    return ibis.ifelse(condition, VALIDATION, TRAIN)


def _by_time(rows: ir.Table, args: Args, share: float) -> ir.IntegerValue:
    """The latest share is judged; rows within ``gap`` before it are left out, whose labels may look into it."""
    name = args.get("order_by")
    if not name:
        raise OptionError("split := 'time' needs order_by := 'ts', the column of time.")
    if not (rows[name].type().is_temporal() or rows[name].type().is_numeric()):
        raise OptionError(
            f"split := 'time' can't order by {name!r}: it is {rows[name].type()}, and text has an order of its own.",
            remedy=f"Cast it in the source: SELECT *, {quote_identifier(name)}::TIMESTAMP AS ts FROM ...",
        )
    con, quoted = rows.get_backend().con, quote_identifier(name)
    unit, zero = ("INTERVAL", "0 days") if rows[name].type().is_temporal() else ("DOUBLE", "0")
    try:
        bounds = con.execute(
            f"SELECT cut::VARCHAR, (cut - CAST($gap AS {unit}))::VARCHAR "
            f"FROM (SELECT quantile_disc({quoted}, $share) AS cut FROM {rows.get_name()})",
            {"gap": str(args.get("gap") or zero), "share": 1 - share},
        ).fetchone()
    except duckdb.ConversionException:
        form = "'3 hours'" if unit == "INTERVAL" else "a number, since order_by is one"
        raise OptionError(f"gap = {args['gap']!r} can't be taken from {name!r}; write it as {form}.") from None
    cut, last = (ibis.literal(b).cast(rows[name].type()) for b in bounds)
    return ibis.cases((rows[name] > cut, VALIDATION), (rows[name] <= last, TRAIN), else_=UNUSED)


def _latest(rows: ir.Table, args: Args, share: float) -> ir.IntegerValue:
    """The latest steps of each series are judged: a share of them, and one horizon at least; of short series a third,
    of very short ones none.
    """
    horizon = args["histories"]["horizon"]
    value = rows[args["target"]].cast("float64")
    known = (value.notnull() & ~value.isnan() & ~value.isinf()).cast("int64")
    number = known.sum().over(group_by=rows[HISTORY])
    since = known.sum().over(group_by=rows[HISTORY], order_by=[rows[MOMENT].desc(), rows[HASH]], rows=(None, 0))
    wanted = ibis.greatest((number * share).ceil().cast("int64"), horizon)
    few = ibis.ifelse(number >= _FEWEST_STEPS, (number / 3).floor().cast("int64"), 0)
    judged = ibis.ifelse(number >= 3 * horizon, wanted, few) if share else ibis.literal(0)
    return ibis.ifelse((since <= judged) & (since > 0), VALIDATION, TRAIN)


def _apart(rows: ir.Table, parts: ir.IntegerValue, args: Args) -> ir.IntegerValue:
    """Without those judged rows whose window holds rows that are learnt from, where enough others are left."""
    window, span = args["histories"]["window"], args["histories"]["span"]
    judged = (parts == VALIDATION).cast("int64")
    since = judged.sum().over(group_by=rows[HISTORY], order_by=[rows[MOMENT], rows[HASH]], rows=(None, 0))
    if span is not None:  # resampled: a window is a stretch of time
        begins = ibis.ifelse(judged == 1, rows[MOMENT], ibis.null("float64")).min().over(group_by=rows[HISTORY])
        since, window = rows[MOMENT] - begins, span
    apart = rows.select(judged=judged, apart=(judged == 1) & (since >= window))
    found = apart.aggregate(all=apart.judged.sum(), apart=apart.apart.cast("int64").sum()).to_pyarrow().to_pylist()[0]
    if not found["apart"] or found["apart"] * 2 < found["all"]:
        return parts
    return ibis.ifelse((judged == 1) & (since < window), UNUSED, parts)


def _by_entity(rows: ir.Table, args: Args, share: float, seed: int) -> ir.IntegerValue:
    """Whole entities are judged, at least one."""
    entity = _entity(rows, args)
    dice = (entity.cast("string") + f"|{seed}").hash()
    judged = max(1, round(share * int(entity.nunique().to_pyarrow().as_py())))
    return _held_out(ibis.dense_rank().over(order_by=dice) < judged)


def _entity(rows: ir.Table, args: Args) -> ir.Column:
    name = args.get("entity")
    if not name:
        raise OptionError("split := 'entity' needs entity := 'machine', the column of entities.")
    entities = int(rows[name].nunique().to_pyarrow().as_py())
    if entities < 2:
        raise DataError(f"split := 'entity' needs two entities; {name!r} has {entities}.")
    return rows[name]


def _by_column(rows: ir.Table, name: str) -> ir.IntegerValue:
    """TRUE or 'validation' is judged; FALSE or 'train' is trained on; anything else is left out."""
    by_lower = {c.lower(): c for c in rows.columns}
    words = rows[by_lower[name.lower()]].cast("string").lower()
    return ibis.cases(
        (words.isin(["true", "1", "validation", "valid", "val"]), VALIDATION),
        (words.isin(["false", "0", "train", "training"]), TRAIN),
        else_=UNUSED,
    )


def check_split(split: Any) -> None:
    """Refuse what is no text."""
    if split is not None and not isinstance(split, str):
        raise OptionError(f"split is {one_of(['time', 'entity', 'the name of a column'])}, not {split!r}.")


def mixed(values: Array, seed: int) -> Array:
    """Numbers that look drawn by chance, uint64 [n] (the last steps of splitmix64)."""
    with np.errstate(over="ignore"):
        x = values.astype(np.uint64) + np.uint64(seed + 1) * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(x ^ (x >> np.uint64(31)))
