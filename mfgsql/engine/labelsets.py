"""Targets of several labels a row, and of paths: what is counted of them before they are learnt."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from mfgsql.engine.planning import Args
from mfgsql.engine.profiling import TOP
from mfgsql.engine.quoting import quote_identifier
from mfgsql.features import ColumnProfile
from mfgsql.tasks import Target, Task, tasks
from mfgsql.tasks.multilabel import LEAST, separator_of

_NAMED = 10  # labels that a warning names


def fit_labels(con: duckdb.DuckDBPyConnection, table: str, profile: ColumnProfile, args: Args) -> Target:
    """The target of several labels a row.

    Raises:
        DataError, OptionError: it can't be one.
    """
    task = tasks["multilabel"]
    raw = Target(profile.name, profile.type, separator=separator_of(profile, args.get("separator")))
    target = task.fit_target(replace(profile, top=_counts(con, table, task, raw)), args)
    together = f"SELECT list_sort(list_distinct({_labels(task, raw)})) AS labels FROM {table}"
    usual = con.execute(
        f"SELECT labels FROM ({together}) WHERE labels IS NOT NULL "
        "GROUP BY labels ORDER BY count(*) DESC, labels LIMIT 1"
    ).fetchone()
    most = usual[0] if usual else []
    return replace(target, usual=tuple(i for i, label in enumerate(target.classes) if label in most))


def rare_labels(con: duckdb.DuckDBPyConnection, table: str, target: Target | None) -> list[str]:
    """A warning of the labels that are too rare to be learnt, where a row may have several."""
    if target is None or not target.rows:
        return []
    counts = _counts(con, table, tasks["multilabel"], target)
    rare = sorted(label for label, rows in counts if rows < LEAST)
    if not rare:
        return []
    named = ", ".join(repr(label) for label in rare[:_NAMED]) + (", ..." if len(rare) > _NAMED else "")
    return [f"{len(rare):,} labels of {target.name} are left out, of fewer than {LEAST} rows each: {named}."]


def count_paths(con: duckdb.DuckDBPyConnection, table: str, profile: ColumnProfile) -> ColumnProfile:
    """The profile with the most frequent paths, however they are spelt."""
    told = tasks["hierarchy"].truth_sql(quote_identifier(profile.name), Target(profile.name, profile.type))
    rows = con.execute(
        f"SELECT path, count(*) AS n FROM (SELECT {told} AS path FROM {table}) WHERE path IS NOT NULL GROUP BY path "
        f"ORDER BY n DESC, path LIMIT {TOP}"
    ).fetchall()
    return replace(profile, top=tuple(rows))


def _counts(con: duckdb.DuckDBPyConnection, table: str, task: Task, target: Target) -> tuple[tuple[str, int], ...]:
    """Labels with the rows that have them, most frequent first, ties by name."""
    each = f"SELECT unnest(list_distinct({_labels(task, target)})) AS label FROM {table}"
    counts = f"SELECT label, count(*) AS n FROM ({each}) GROUP BY label ORDER BY n DESC, label"
    return tuple(con.execute(counts).fetchall())


def _labels(task: Task, target: Target) -> str:
    return task.truth_sql(quote_identifier(target.name), target)
