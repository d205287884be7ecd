"""The verbs in dbt-duckdb's connection: ``plugins: [{module: mfgsql.dbt}]`` in profiles.yml."""

from __future__ import annotations

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin

from mfgsql.engine import install


class Plugin(BasePlugin):  # type: ignore[misc]  # dbt-duckdb has no types
    """dbt-duckdb looks for this name, and calls it with the connection that models run on."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Add the verbs.

        Raises:
            CatalogError: the database is of a newer release.
        """
        install(conn)
