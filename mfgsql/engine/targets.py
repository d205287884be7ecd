"""The target of a training: its task, its classes, and what mistakes cost."""

from __future__ import annotations

from typing import Any

import ibis

from mfgsql.engine.fields import profile_spans
from mfgsql.engine.findings import named_source
from mfgsql.engine.labelsets import count_paths, fit_labels
from mfgsql.engine.planning import Args
from mfgsql.engine.profiling import value_counts
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.snapshots import ROWS, Frozen
from mfgsql.errors import DataError, OptionError
from mfgsql.features import ColumnProfile
from mfgsql.tasks import AT_LEAST, NEXT, PROCESS, REMAINING, TOKENS, Target, choose_task, tasks

_FEW_OVER = 10  # cases


def fit_target(frozen: Frozen, args: Args) -> tuple[str, Target]:
    """The task, as told or by the target's kind, and the target."""
    if not frozen.rows:
        raise all_null(frozen, args["target"])
    if args.get("task") == PROCESS:
        return PROCESS, fit_process(frozen, args)
    if args.get("task") == TOKENS:
        return TOKENS, tasks[TOKENS].fit_target(profile_spans(frozen, args), args)
    profile = frozen.profiles[args["target"]]
    task: str = args.get("task") or choose_task(profile, args.get("separator"), windowed=bool(args.get("histories")))
    if task == "multilabel":
        return task, fit_labels(frozen.con, ROWS, profile, args)
    if task == "hierarchy":
        profile = count_paths(frozen.con, ROWS, profile)
    if task == "classification":
        backend = ibis.duckdb.from_connection(frozen.con)
        rows = backend.table(ROWS, database=("temp", "main"))
        profile = ColumnProfile(
            profile.name, profile.type, profile.rows, profile.nulls, top=value_counts(rows, profile.name)
        )
    return task, tasks[task].fit_target(profile, args)


def fit_process(frozen: Frozen, args: Args) -> Target:
    """The activities that follow others, and the usual remaining time."""
    name = args["target"]
    column = quote_identifier(name)
    _check_over(frozen, args, f"NOT {column}.{AT_LEAST}")
    counts = frozen.con.execute(
        f"SELECT {column}.{NEXT}, count(*) FROM {ROWS} WHERE {column}.{NEXT} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    known = f"NOT {column}.{AT_LEAST} AND isfinite({column}.{REMAINING})"
    row: Any = frozen.con.execute(
        f"SELECT median({column}.{REMAINING}) FILTER ({known}), "
        f"median({column}.{REMAINING}) FILTER ({known} AND {column}.{REMAINING} > 0) FROM {ROWS}"
    ).fetchone()
    profile = ColumnProfile(
        name, "VARCHAR", frozen.rows, 0, top=tuple(counts), quantiles=(float(row[0] or 0.0), float(row[1] or 1.0))
    )
    return tasks[PROCESS].fit_target(profile, args)


def _check_over(frozen: Frozen, args: Args, over: str) -> None:
    """See that cases have ended; few that did teach little of when others do.

    Raises:
        DataError: all are open.
    """
    case, column = quote_identifier(args["entity"]), args["open"]
    row: Any = frozen.con.execute(
        f"SELECT count(DISTINCT {case}) FILTER ({over}), count(DISTINCT {case}) FROM {ROWS}"
    ).fetchone()
    ended, cases = row
    if not ended and cases:
        open_cases = f"SELECT * FROM {named_source(frozen)} WHERE NOT {quote_identifier(column)}"
        raise DataError(
            f"All {cases:,} cases are open ({column} is TRUE in each): how long one takes can't be learnt.",
            remedy=f"Are there any of these? {open_cases}. If {column} says something else, leave 'censored' out.",
        )
    if ended < _FEW_OVER:
        args.setdefault("warnings", []).append(
            f"{ended} of {cases:,} cases are over: too few to tell how long others take."
        )


def costs_of(args: Args, task: str | None, target: Target | None) -> dict[str, float] | None:
    """What mistakes cost, where there is an alarm that can be raised or not."""
    costs: dict[str, float] | None = args.get("costs")
    if costs is None:
        return None
    labels = task is not None and tasks[task].shape == "labels"
    if target is None or labels or len(target.classes) != 2:
        what = f"has {len(target.classes)} classes" if target and target.classes else "is a number"
        what = "has several labels a row" if labels else what
        raise OptionError(f"costs are for a target of two classes, and {args['target']!r} {what}: leave them out.")
    return costs


def all_null(frozen: Frozen, target: str) -> DataError:
    """The error of a target that is known in no row."""
    without = f"SELECT * EXCLUDE ({quote_identifier(target)}) FROM {named_source(frozen)}"
    return DataError(
        f"The target {target!r} is NULL in all of the source's {frozen.unlabelled:,} rows.",
        remedy=f"Name another, or train a base: FROM ml_pretrain('my_base', {quote_literal(without)});",
    )
