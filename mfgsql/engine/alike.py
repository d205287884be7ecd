"""Rows for a version that is there, frozen: the same columns and kinds as it learnt from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

from mfgsql.cancellation import Cancellation
from mfgsql.catalog import Version
from mfgsql.engine.picture_files import Reader
from mfgsql.engine.planning import Args, at_place
from mfgsql.engine.profiling import read_columns
from mfgsql.engine.quoting import quote_identifier
from mfgsql.engine.snapshots import KNOWN, Frozen, freeze
from mfgsql.engine.sources import Source, read_source
from mfgsql.errors import SourceError, one_of
from mfgsql.features.profile import FLOAT_TYPES, NUMERIC_TYPES, TEXT_TYPES, TIME_TYPES, base_type
from mfgsql.manifest import Manifest
from mfgsql.tasks import Target

_READS = {"numeric": "DOUBLE", "temporal": "TIMESTAMP"}  # what an encoder reads, where no type was recorded


def read_alike(
    con: duckdb.DuckDBPyConnection, catalog: duckdb.DuckDBPyConnection, args: Args, version: Version,
    cancellation: Cancellation, files: Reader, *, labelled: bool = True,
) -> Frozen:  # fmt: skip
    """The rows of ``args["source"]``, their columns spelled as the version's; what these are goes into the arguments.

    Args:
        catalog: a cursor at the catalog's database; that of the source may be at another.
        labelled: whether rows without a target are left out; else they stay, the target and the weight may be missing,
            and columns are profiled.

    Raises:
        SourceError: not readable, or its columns are not those that the version reads.
    """
    manifest = Manifest.from_json(version.manifest)
    assert manifest.target is not None
    source = read_source(at_place(con, args), args["source"])
    types = read_columns(con, source)
    args |= _roles(catalog, version, manifest, types)
    if not labelled:
        there = {name.lower() for name in types}
        args |= {role: None for role in ("target", "weight") if str(args[role]).lower() not in there}
    wanted = [*manifest.features.names, *(args[r] for r in ("target", "weight", "entity", "order_by") if args.get(r))]
    args["source"] = _spelled(source, types, wanted)
    _check_schema(catalog, version, manifest, types, wanted)
    if args["target"]:
        _as_classes(con, args, manifest.target, types)
    if labelled:
        return freeze(con, args, cancellation, files)
    told = args | {"target": None, "split": None, KNOWN: False}
    frozen = freeze(con, told, cancellation, files)
    args |= told | {"target": args["target"]}
    return frozen


def _roles(
    con: duckdb.DuckDBPyConnection, version: Version, manifest: Manifest, types: Mapping[str, str]
) -> dict[str, Any]:
    """Columns by what the version takes them for."""
    row = con.execute(
        "SELECT spec->>'$.weight', spec->>'$.censored' FROM ml_catalog.runs WHERE run_id = ?", [version.run_id]
    ).fetchone()
    weight, censored = row or (None, None)
    left = con.execute(
        "SELECT feature FROM ml_catalog.features WHERE model = ? AND version = ? AND left_out = 'excluded'",
        [version.model, version.version],
    ).fetchall()
    there = {name.lower() for name in types}
    history = manifest.history
    assert manifest.target is not None
    return {
        "target": manifest.target.name, "task": manifest.task, "weight": weight, "censored": censored,
        "exclude": [n for (n,) in left if n.lower() in there], "histories": history is not None,
        "entity": history.entity if history else None, "order_by": history.order_by if history else None,
        KNOWN: True, "split": "time" if history else None, "separator": manifest.target.separator,
    }  # fmt: skip


def _spelled(source: Source, types: Mapping[str, str], wanted: list[str]) -> str:
    """The source, its columns spelled as the version's were."""
    by_lower = {name.lower(): name for name in types}
    found = {by_lower[w.lower()]: w for w in wanted if by_lower.get(w.lower(), w) != w}
    if not found:
        return source.text
    renamed = ", ".join(f"{quote_identifier(a)} AS {quote_identifier(b)}" for a, b in found.items())
    return f"SELECT * RENAME ({renamed}) FROM (\n{source.select}\n)"


def _as_classes(con: duckdb.DuckDBPyConnection, args: Args, target: Target, types: Mapping[str, str]) -> None:
    """Numbers that name classes, of the type that they had: 1.0 is the class 1.

    Raises:
        SourceError: one is no value of that type.
    """
    name = quote_identifier(target.name)
    kind = next(kind for told, kind in types.items() if told.lower() == target.name.lower())
    if not target.classes or base_type(kind) not in NUMERIC_TYPES or kind == target.type:
        return
    source = read_source(at_place(con, args), args["source"])
    there = f"{name} IS NOT NULL" + (f" AND isfinite({name})" if base_type(kind) in FLOAT_TYPES else "")
    row = con.execute(
        f"SELECT any_value({name}) FROM {source.sql} WHERE {there} AND "
        f"TRY_CAST({name} AS {target.type}) IS DISTINCT FROM {name}"
    ).fetchone()
    if row and row[0] is not None:
        raise SourceError(f"{target.name!r} is {row[0]} in a row, which is no {target.type}: its classes are.")
    args["source"] = f"SELECT * REPLACE (TRY_CAST({name} AS {target.type}) AS {name}) FROM {source.sql}"


def _check_schema(
    con: duckdb.DuckDBPyConnection, version: Version, manifest: Manifest, types: Mapping[str, str], wanted: list[str]
) -> None:
    """Refuse a source whose columns are others than the version's.

    Raises:
        SourceError: some are missing, or hold another kind of values.
    """
    by_lower = {name.lower(): kind for name, kind in types.items()}
    missing = [name for name in wanted if name.lower() not in by_lower]
    if manifest.target is not None and missing == [manifest.target.name]:
        raise SourceError(
            f"The source lacks {manifest.target.name!r}, the truth that {version.name} learns.",
            remedy="Give the rows their labels; those without one wait (ml_predict needs none).",
        )
    if missing:
        raise SourceError(
            f"The source lacks {one_of(map(repr, missing[:8]))}, which {version.name} reads: its schema has changed.",
            remedy=f"Give it by a SELECT, or train anew: FROM ml_finetune('{version.model}', ...);",
        )
    rows = con.execute(
        "SELECT feature, type FROM ml_catalog.features WHERE model = ? AND version = ? AND type IS NOT NULL",
        [version.model, version.version],
    ).fetchall()
    of_encoders = [(e.column.name, _READS[e.kind]) for e in manifest.features.encoders if e.kind in _READS]
    for name, kind in rows or of_encoders:  # of an imported version nothing else is known
        now = by_lower.get(name.lower(), kind)
        if name in wanted and _kind(kind) != _kind(now):
            raise SourceError(
                f"{name!r} is {now}, and was {kind} when {version.name} learnt: its schema has changed.",
                remedy=f"Cast it: SELECT * REPLACE ({(q := quote_identifier(name))}::{kind} AS {q}) FROM ...",
            )


def _kind(type_name: str) -> str:
    """What values of a type are taken for. A picture may come as its bytes or by the name of its file."""
    kind = base_type(type_name)
    known = {"number": NUMERIC_TYPES, "text": TEXT_TYPES | {"BLOB"}, "time": TIME_TYPES}
    return next((word for word, types in known.items() if kind in types), kind)


