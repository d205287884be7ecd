"""What one would want to know of frozen rows before and after learning from them, in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.engine.planning import Args
from mfgsql.engine.profiling import SAMPLE
from mfgsql.engine.quoting import quote_identifier
from mfgsql.engine.readings import comma_numbers, moments, nearly_numbers
from mfgsql.engine.snapshots import ROWS, Frozen
from mfgsql.features import FeatureSet, Leak, Rejection, find_leaks
from mfgsql.features.profile import FLOAT_TYPES, NUMERIC_TYPES, TEXT_TYPES, TIME_TYPES, base_type
from mfgsql.tasks import Target, tasks
from mfgsql.tasks.task import known
from mfgsql.training.snapshot import HASH

_RARE = 10  # rows of a class
_ONE_BY_ONE, _NAMED = 3, 8  # columns left out for one reason that are told apart, and names of more


def filling(frozen: Frozen, target: str) -> str:
    """How to give NULLs of the target a value, where NULL means one."""
    kind = frozen.types[target]
    value = "false" if kind == "BOOLEAN" else "0" if base_type(kind) in NUMERIC_TYPES else "'none'"
    quoted = quote_identifier(target)
    known = f"{quoted}::VARCHAR" if value == "'none'" and kind != "VARCHAR" else quoted
    filled = f"SELECT * REPLACE (coalesce({known}, {value}) AS {quoted}) FROM {named_source(frozen)}"
    return f"If NULL means {value}, say so in the source: {filled}"


def named_source(frozen: Frozen) -> str:
    """What stands behind FROM; a long statement is left to the reader."""
    written = frozen.sql.removeprefix("SELECT * FROM ")
    lines = written.strip("()\n ").split("\n")
    return "(...)" if len(written) > 60 or len(lines) > 1 or "--" in written else "".join(written.split("\n"))


def warnings_of_rows(frozen: Frozen, rejected: list[Rejection], leaks: list[Leak], args: Args) -> list[str]:
    """Leaks first, since they make figures good."""
    found = [f"{leak.column} may give the target away: it {leak.words}. {_exclude(leaks)}" for leak in leaks[:1]]
    found += [f"{leak.column} may give the target away: it {leak.words}." for leak in leaks[1:]]
    for reason, names in by_reason(frozen, rejected, excluded=False):
        found.append(f"{several(names)} {'is' if len(names) == 1 else 'are'} left out: {reason}.")
    sentinels = [(n, p.sentinel) for n, p in frozen.profiles.items() if p.sentinel is not None]
    found += [f"{n} = {value:g} is read as missing." for n, value in sentinels]
    infinite = [(n, p.infinities) for n, p in frozen.profiles.items() if p.infinities]
    found += [f"{n} has {count} values that are infinite or NaN, read as missing." for n, count in infinite]
    for text in nearly_numbers(frozen.con, ROWS, texts_of(frozen)):
        if text.misfit is not None:
            found.append(f"{text.name} is text, and is read as such: {text.words}. {as_number(frozen, text.name)}")
    found += [f"{name} is text, of {what}. {advice}" for name, what, advice in misread(frozen)]
    if copies := copies_of(frozen, [*(r.name for r in rejected), args.get("target") or ""]):
        told = several([f"{copy} of {first}" for copy, first in copies])
        found.append(f"Columns that hold the same in every row: {told}. What they tell is parted among them.")
    if frozen.unlabelled:
        total = frozen.rows + frozen.unlabelled
        why = f"{args['target']} is {void(frozen, args['target'])} in them"
        words = f"{frozen.unlabelled:,} of {total:,} rows are left out: {why}."
        found.append(f"{words} {filling(frozen, args['target'])}")
    if args.get("split") == "time" and args.get("order_by"):
        found += _timeless(frozen, args["order_by"])
    return found


def rare_classes(target: Target | None) -> list[str]:
    """A warning of classes that are too rare to be learnt, or judged."""
    if target is None:
        return []
    rare = [f"{c} ({n})" for c, n in zip(target.classes, target.counts, strict=True) if 0 < n < _RARE]
    return [f"Of {target.name!r} {several(rare)} {'has' if len(rare) == 1 else 'have'} fewer than {_RARE} rows, "
            "too few to be learnt or judged by."] if rare else []  # fmt: skip


def void(frozen: Frozen, name: str) -> str:
    """What a column is where it has no value."""
    return "NULL, NaN or infinite" if base_type(frozen.types[name]) in FLOAT_TYPES else "NULL"


def texts_of(frozen: Frozen) -> list[str]:
    """Columns of text."""
    return [n for n, p in frozen.profiles.items() if p.base_type == "VARCHAR"]


def misread(frozen: Frozen) -> list[tuple[str, str, str]]:
    """Columns of text that hold something else than texts, what that is, and how to read it."""
    texts, source = texts_of(frozen), named_source(frozen)
    found = [(name, "numbers with a decimal comma", as_number(frozen, name, comma=True))
             for name in comma_numbers(frozen.con, ROWS, texts)]  # fmt: skip
    for name, read in moments(frozen.con, ROWS, texts).items():
        found.append((name, "times", f"As times: SELECT * REPLACE ({read} AS {quote_identifier(name)}) FROM {source}"))
    return found


def by_reason(frozen: Frozen, rejected: list[Rejection], *, excluded: bool) -> list[tuple[str, list[str]]]:
    """Reasons with the columns that are left out for them: few one by one, many together.

    Args:
        excluded: whether those that the statement leaves out are told, too.
    """
    pairs = [(r.reason, r.name) for r in rejected]
    pairs += [(why, name) for name, why in frozen.ignored.items() if excluded or why != "excluded"]
    found: dict[str, list[str]] = {}
    for reason, name in pairs:
        found.setdefault(reason, []).append(name)
    together = [(reason, names) for reason, names in found.items() if len(names) > _ONE_BY_ONE]
    return [(r, [n]) for r, n in pairs if len(found[r]) <= _ONE_BY_ONE] + together


def several(names: list[str]) -> str:
    """Some names, and how many there are where these are not all."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def copies_of(frozen: Frozen, but: list[str]) -> list[tuple[str, str]]:
    """Columns that hold in every row what another one holds, and that one.

    Args:
        but: columns that aren't learnt from anyway.
    """
    alike: dict[object, list[str]] = {}
    for name, p in frozen.profiles.items():
        if name not in but and p.base_type in NUMERIC_TYPES | TEXT_TYPES and p.distinct > 1:
            told = (p.base_type in TEXT_TYPES, p.nulls, p.distinct, p.minimum, p.maximum, p.mean, p.quantiles, p.top)
            alike.setdefault(told, []).append(name)
    pairs = [(copy, names[0]) for names in alike.values() for copy in names[1:]]
    if not pairs:
        return []
    same = ", ".join(f"bool_and({quote_identifier(a)} IS NOT DISTINCT FROM {quote_identifier(b)})" for a, b in pairs)
    row = frozen.con.execute(f"SELECT {same} FROM {ROWS}").fetchone() or ()
    return [pair for pair, holds in zip(pairs, row, strict=True) if holds]


def _timeless(frozen: Frozen, name: str) -> list[str]:
    row = frozen.con.execute(f"SELECT count(*) FROM {ROWS} WHERE {quote_identifier(name)} IS NULL").fetchone()
    return [f"{row[0]:,} rows are neither learnt from nor judged: {name} is NULL in them."] if row and row[0] else []


def as_number(frozen: Frozen, name: str, *, comma: bool = False) -> str:
    """How to read a column of text as numbers."""
    quoted = quote_identifier(name)
    text = f"replace({quoted}, ',', '.')" if comma else quoted
    return f"As numbers: SELECT * REPLACE (TRY_CAST({text} AS DOUBLE) AS {quoted}) FROM {named_source(frozen)}"


def _exclude(leaks: list[Leak]) -> str:
    names = ", ".join("'" + leak.column.replace("'", "''") + "'" for leak in leaks)
    return f"If it is known only after the fact, leave it out: options := {{'exclude': [{names}]}}."


def leaks_of(frozen: Frozen, features: FeatureSet, task: str, target: Target) -> list[Leak]:
    """Leaks among the features, on a sample; of several labels a row those of the most frequent ones.

    Texts and pictures are not looked at: hardly a value comes twice.
    """
    told = tasks[task].truth_sql(quote_identifier(target.name), target)
    names = [column.name for column in features.columns if not column.field and not column.chooses]
    listed = "".join(f"{quote_identifier(name)}, " for name in names)
    table = frozen.con.execute(
        f"SELECT {listed}{told} AS __ml_truth FROM {ROWS} ORDER BY {HASH} LIMIT {min(SAMPLE, 20_000)}"
    ).to_arrow_table()
    truth = tasks[task].encode(table.column(len(names)).combine_chunks(), target)
    there = known(truth)
    columns = {n: _as_numbers(table[n].combine_chunks(), frozen.types[n])[there] for n in names}
    if tasks[task].shape != "labels":
        return find_leaks(columns, truth[there].astype(np.float64), classes=len(target.classes))
    labels = tasks[task].numbers(truth[there], target).T
    found = {leak.column: leak for label in labels for leak in find_leaks(columns, label, classes=2)}
    return list(found.values())


def _as_numbers(values: pa.Array, type_name: str) -> Any:
    kind = base_type(type_name)
    if kind in TEXT_TYPES or kind == "BOOLEAN":
        codes = pc.dictionary_encode(values.cast(pa.string())).indices
        return codes.cast(pa.float64()).to_numpy(zero_copy_only=False)
    if kind in TIME_TYPES:
        micros = pc.cast(values, pa.timestamp("us", tz=getattr(values.type, "tz", None)), safe=False)
        return micros.cast(pa.int64()).cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
