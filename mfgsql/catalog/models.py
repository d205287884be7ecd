"""Models, their versions and aliases: ``m`` (its champion), ``m@3``, ``m@candidate``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import duckdb

from mfgsql.catalog.artifacts import drop_artifact, write_artifact
from mfgsql.catalog.migrate import SCHEMA
from mfgsql.catalog.references import drop_references
from mfgsql.catalog.replays import forget_past
from mfgsql.errors import NotFoundError, OptionError, did_you_mean, one_of

CHAMPION, CANDIDATE, PREVIOUS = "champion", "candidate", "previous"
_COLUMNS = "model, version, run_id, artifact, bytes, manifest, base, rows, metric, value, baseline, verdict"


@dataclass(frozen=True)
class ModelRef:
    """A model's name, with a version or an alias."""

    model: str
    version: int | None = None
    alias: str = CHAMPION

    @classmethod
    def parse(cls, text: Any) -> ModelRef:
        """``m``, ``m@3`` or ``m@candidate``.

        Raises:
            OptionError: it is none of these.
        """
        if not isinstance(text, str) or not text.strip():
            raise OptionError("The model is missing; name it as 'm', 'm@3' or 'm@candidate'.")
        model, _, suffix = text.strip().partition("@")
        if not model or ("@" in text and not re.fullmatch(r"\d{1,9}|[A-Za-z_]\w*", suffix)):
            raise OptionError(f"{text!r} names no model; write 'm', 'm@3' or 'm@candidate'.")
        if suffix.isdigit():
            return cls(model, int(suffix))
        return cls(model, None, suffix.lower() or CHAMPION)

    def __str__(self) -> str:
        suffix = self.alias if self.version is None else str(self.version)
        return self.model if suffix == CHAMPION else f"{self.model}@{suffix}"


@dataclass(frozen=True)
class Version:
    """A row of ``ml_catalog.versions``."""

    model: str
    version: int
    run_id: str | None
    artifact: str
    bytes: int
    manifest: str
    base: str | None
    rows: int | None
    metric: str | None
    value: float | None
    baseline: float | None
    verdict: str | None

    @property
    def name(self) -> str:
        """``model@version``."""
        return f"{self.model}@{self.version}"


def model_name(text: Any) -> str:
    """A name for a model that is to be made.

    Raises:
        OptionError: empty, or with an ``@``, a slash, a control character.
    """
    if not isinstance(text, str) or not text.strip():
        raise OptionError("The model needs a name, as in ml_finetune('press_failure', ...).")
    if re.search(r"[@/\\\x00-\x1f]", text) or text.startswith("hf:") or len(text) > 200:
        raise OptionError(f"{text!r} can't name a model: no @, slash, control character or leading 'hf:'.")
    return text.strip()


def resolve(con: duckdb.DuckDBPyConnection, text: Any) -> Version:
    """The version that ``m``, ``m@3`` or ``m@candidate`` means now.

    Raises:
        NotFoundError: no such model (close names are offered), version or alias.
    """
    ref = ModelRef.parse(text)
    row = con.execute(
        f"SELECT {', '.join('v.' + c for c in _COLUMNS.split(', '))} "
        f"FROM {SCHEMA}.versions v LEFT JOIN {SCHEMA}.aliases a "
        "ON a.model = v.model AND a.version = v.version AND a.alias = $alias "
        "WHERE v.model = $model AND CASE WHEN $version IS NULL THEN a.alias IS NOT NULL ELSE v.version = $version END",
        {"model": ref.model, "version": ref.version, "alias": ref.alias},
    ).fetchone()
    if row is None:
        raise _not_found(con, ref)
    return Version(*row)


def _not_found(con: duckdb.DuckDBPyConnection, ref: ModelRef) -> NotFoundError:
    names = [r[0] for r in con.execute(f"SELECT model FROM {SCHEMA}.models ORDER BY created_at DESC").fetchall()]
    if not names:
        return NotFoundError(
            f"There is no model '{ref.model}': this database has no models yet.",
            remedy=f"Make one: FROM ml_finetune('{ref.model}', 'your_table', target := 'your_column');",
        )
    if ref.model not in names:
        hint = did_you_mean(ref.model, names) or f" There is {one_of(names[:8])}."
        return NotFoundError(f"There is no model '{ref.model}'.{hint}", remedy="All models: FROM ml.models;")
    versions = con.execute(f"SELECT version FROM {SCHEMA}.versions WHERE model = ? ORDER BY 1", [ref.model]).fetchall()
    aliases = con.execute(f"SELECT alias FROM {SCHEMA}.aliases WHERE model = ? ORDER BY 1", [ref.model]).fetchall()
    there = [str(v[0]) for v in versions] + [str(a[0]) for a in aliases]
    suffix = ref.alias if ref.version is None else ref.version
    return NotFoundError(f"The model '{ref.model}' has no '@{suffix}'; it has {one_of('@' + t for t in there)}.")


def add_version(con: duckdb.DuckDBPyConnection, version: Version, data: bytes, kind: str, target: str | None) -> None:
    """Record a version with its weights (and its model, if it is the first), inside the caller's transaction."""
    write_artifact(con, version.artifact, data)
    known = con.execute(f"SELECT 1 FROM {SCHEMA}.models WHERE model = ?", [version.model]).fetchone()
    if known is None:
        con.execute(f"INSERT INTO {SCHEMA}.models VALUES (?, ?, ?, now())", [version.model, kind, target])
    values = [getattr(version, c) for c in _COLUMNS.split(", ")]
    con.execute(f"INSERT INTO {SCHEMA}.versions VALUES ({', '.join('?' * len(values))}, now())", values)


def next_version(con: duckdb.DuckDBPyConnection, model: str) -> int:
    """The number after the highest one ever given, dropped versions included."""
    row = con.execute(
        f"SELECT coalesce(max(version), 0) + 1 FROM (SELECT version FROM {SCHEMA}.versions WHERE model = $m "
        f"UNION ALL SELECT version FROM {SCHEMA}.runs WHERE model = $m)",
        {"m": model},
    ).fetchone()
    return int(row[0]) if row else 1


def alias_of(con: duckdb.DuckDBPyConnection, model: str, alias: str) -> int | None:
    """Version that the alias means, or None."""
    row = con.execute(f"SELECT version FROM {SCHEMA}.aliases WHERE model = ? AND alias = ?", [model, alias]).fetchone()
    return int(row[0]) if row else None


def set_alias(con: duckdb.DuckDBPyConnection, model: str, alias: str, version: int | None) -> None:
    """Point an alias at a version, or take it away, inside the caller's transaction.

    Moving the champion also runs a DDL, which makes every prepared statement bind again: to the new one. (One that
    reads no table, view or file and has no parameters is a constant to DuckDB, and keeps its plan.)
    """
    con.execute(f"DELETE FROM {SCHEMA}.aliases WHERE model = ? AND alias = ?", [model, alias])
    if version is not None:
        con.execute(f"INSERT INTO {SCHEMA}.aliases VALUES (?, ?, ?)", [model, alias, version])
    if alias == CHAMPION:
        con.execute(f"CREATE OR REPLACE VIEW {SCHEMA}.rebind AS SELECT 1 AS touched")


def make_champion(con: duckdb.DuckDBPyConnection, model: str, version: int) -> None:
    """Let the model's bare name mean this version, inside the caller's transaction; the one before is remembered."""
    before = alias_of(con, model, CHAMPION)
    if before != version:
        set_alias(con, model, PREVIOUS, before)
        set_alias(con, model, CHAMPION, version)
    if alias_of(con, model, CANDIDATE) == version:
        set_alias(con, model, CANDIDATE, None)


def crown(
    con: duckdb.DuckDBPyConnection, model: str, version: int, *, wins: bool, candidate: bool = True
) -> bool:
    """Point an alias at a new version, inside the caller's transaction; whether it is the champion.

    A model's first version is; a later one where it wins, else it is the candidate, unless it shall be none.
    """
    if wins or alias_of(con, model, CHAMPION) is None:
        make_champion(con, model, version)
        return True
    if candidate:
        set_alias(con, model, CANDIDATE, version)
    return False


def drop_version(con: duckdb.DuckDBPyConnection, version: Version) -> None:
    """Delete a version with its weights, inside the caller's transaction."""
    drop_artifact(con, version.artifact)
    drop_references(con, version.model, version.version)
    for table in ("versions", "features", "aliases"):
        con.execute(f"DELETE FROM {SCHEMA}.{table} WHERE model = ? AND version = ?", [version.model, version.version])
    con.execute(f"CREATE OR REPLACE VIEW {SCHEMA}.rebind AS SELECT 1 AS touched")


def drop_model(con: duckdb.DuckDBPyConnection, model: str) -> list[int]:
    """Delete a model with all versions, inside the caller's transaction; numbers of the versions."""
    rows = con.execute(f"SELECT {_COLUMNS} FROM {SCHEMA}.versions WHERE model = ? ORDER BY version", [model]).fetchall()
    for row in rows:
        drop_version(con, Version(*row))
    forget_past(con, model)
    con.execute(f"DELETE FROM {SCHEMA}.models WHERE model = ?", [model])
    return [int(row[1]) for row in rows]
