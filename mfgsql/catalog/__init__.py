"""What the database remembers: models, versions, aliases, runs, metrics, features, snapshots, artifacts, events.

Plain functions over a DuckDB cursor. Who calls them sees to transactions and to the commit lock.
"""

from mfgsql.catalog.artifacts import drop_artifact, read_artifact, write_artifact
from mfgsql.catalog.events import add_event
from mfgsql.catalog.migrate import SCHEMA, migrate, pending
from mfgsql.catalog.models import ModelRef, Version, add_version, drop_model, drop_version, resolve, set_alias
from mfgsql.catalog.runs import Run, finish_run, forget_run, interrupt_stale_runs, new_run, reusable, update_run

__all__ = [
    "SCHEMA",
    "ModelRef",
    "Run",
    "Version",
    "add_event",
    "add_version",
    "drop_artifact",
    "drop_model",
    "drop_version",
    "finish_run",
    "forget_run",
    "interrupt_stale_runs",
    "migrate",
    "new_run",
    "pending",
    "read_artifact",
    "resolve",
    "reusable",
    "set_alias",
    "update_run",
    "write_artifact",
]
