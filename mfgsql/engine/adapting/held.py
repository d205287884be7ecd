"""The champion that is gone on from, and who might take its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import duckdb

from mfgsql.catalog import Version, read_artifact, resolve
from mfgsql.catalog.models import CANDIDATE, PREVIOUS, alias_of
from mfgsql.manifest import Manifest
from mfgsql.model import Model


@dataclass(frozen=True)
class Held:
    """A version, and what it says about itself."""

    version: Version
    manifest: Manifest

    @classmethod
    def of(cls, con: duckdb.DuckDBPyConnection, name: str) -> Self:
        """The version of that name."""
        version = resolve(con, name)
        return cls(version, Manifest.from_json(version.manifest))

    def load(self, con: duckdb.DuckDBPyConnection) -> Model:
        """A copy of it that may learn."""
        return Model.from_bytes(read_artifact(con, self.version.artifact, self.version.bytes))

    def rivals(self, con: duckdb.DuckDBPyConnection, past_of: int) -> list[tuple[str, Version]]:
        """The candidate and the champion before, where they go back to the same version: by role."""
        found = []
        for role in (CANDIDATE, PREVIOUS):
            number = alias_of(con, self.version.model, role)
            if number is not None and number != self.version.version:
                rival = Held.of(con, f"{self.version.model}@{number}")
                if root_of(rival.version, rival.manifest) == past_of:
                    found.append((role, rival.version))
        return found

    def stands(self, con: duckdb.DuckDBPyConnection, earlier: Mapping[str, Any]) -> bool:
        """Whether a run's result still says it: it went on from this version, or this one has learnt its batch.

        Args:
            earlier: the row of result.
        """
        number = earlier["version"]
        row = con.execute(
            "SELECT base FROM ml_catalog.versions WHERE model = ? AND version = ?", [self.version.model, number]
        ).fetchone()
        return self.version.version >= number or (row is not None and row[0] == self.version.name)

    def took_over(self, con: duckdb.DuckDBPyConnection) -> bool:
        """Whether it is champion because its own run made it so, and nobody has said otherwise since."""
        row = con.execute(
            "SELECT event, run_id FROM ml_catalog.events WHERE model = ? AND version = ? AND "
            "event IN ('promoted', 'rolled_back', 'reverted') ORDER BY happened_at DESC, rowid DESC LIMIT 1",
            [self.version.model, self.version.version],
        ).fetchone()
        return row == ("promoted", self.version.run_id)


def root_of(version: Version, manifest: Manifest) -> int:
    """The version that was trained from the beginning, from which this one went on learning."""
    return int(manifest.lineage.get("adapted", {}).get("root", version.version))
