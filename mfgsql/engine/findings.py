"""What one would want to know of frozen rows before and after learning from them, in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.engine.planning import Args
from mfgsql.engine.profiling import SAMPLE
from mfgsql.engine.quoting import quote_identifier
from mfgsql.engine.readings import nearly_numbers
from mfgsql.engine.snapshots import ROWS, Frozen
from mfgsql.features import FeatureSet, Leak, Rejection, find_leaks
from mfgsql.features.profile import FLOAT_TYPES, NUMERIC_TYPES, TEXT_TYPES, TIME_TYPES, base_type
from mfgsql.tasks import Target, tasks
from mfgsql.tasks.task import known
from mfgsql.training.snapshot import HASH


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
    found = [f"{r.name} is left out: {r.reason}." for r in rejected]
    found += [f"{n} is left out: {w}." for n, w in frozen.ignored.items() if w != "excluded"]
    found += [f"{leak.column} may give the target away: it {leak.words}. {_exclude(leaks)}" for leak in leaks[:1]]
    found += [f"{leak.column} may give the target away: it {leak.words}." for leak in leaks[1:]]
    sentinels = [(n, p.sentinel) for n, p in frozen.profiles.items() if p.sentinel is not None]
    found += [f"{n} = {value:g} is read as missing." for n, value in sentinels]
    infinite = [(n, p.infinities) for n, p in frozen.profiles.items() if p.infinities]
    found += [f"{n} has {count} values that are infinite or NaN, read as missing." for n, count in infinite]
    for text in nearly_numbers(frozen.con, ROWS, [n for n, p in frozen.profiles.items() if p.base_type == "VARCHAR"]):
        if text.misfit is not None:
            found.append(f"{text.name} is text, and is read as such: {text.words}. {as_number(frozen, text.name)}")
    if frozen.unlabelled:
        total = frozen.rows + frozen.unlabelled
        without = "NULL, NaN or infinite" if base_type(frozen.types[args["target"]]) in FLOAT_TYPES else "NULL"
        words = f"{frozen.unlabelled:,} of {total:,} rows are left out: {args['target']} is {without} in them."
        found.append(f"{words} {filling(frozen, args['target'])}")
    if args.get("split") == "time" and args.get("order_by"):
        found += _timeless(frozen, args["order_by"])
    return found


def _timeless(frozen: Frozen, name: str) -> list[str]:
    row = frozen.con.execute(f"SELECT count(*) FROM {ROWS} WHERE {quote_identifier(name)} IS NULL").fetchone()
    return [f"{row[0]:,} rows are neither learnt from nor judged: {name} is NULL in them."] if row and row[0] else []


def as_number(frozen: Frozen, name: str) -> str:
    """How to read a column of text as numbers."""
    quoted = quote_identifier(name)
    return f"As numbers: SELECT * REPLACE (TRY_CAST({quoted} AS DOUBLE) AS {quoted}) FROM {named_source(frozen)}"


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
