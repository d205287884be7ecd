"""Verbs over the registry: drop, export, import. Each is one transaction."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from mfgsql.backbones import MixedConfig
from mfgsql.backbones.filters import FilterConfig
from mfgsql.catalog import (
    ModelRef,
    Version,
    add_event,
    add_version,
    finish_run,
    new_run,
    read_artifact,
    resolve,
)
from mfgsql.catalog import drop_model as forget_model
from mfgsql.catalog import drop_version as forget_version
from mfgsql.catalog.artifacts import new_artifact
from mfgsql.catalog.events import read_reason
from mfgsql.catalog.models import CHAMPION, alias_of, crown, model_name, next_version
from mfgsql.catalog.records import forget_snapshots
from mfgsql.engine.access import asker, resolve_file
from mfgsql.engine.auditing import record_won
from mfgsql.engine.engine import Engine
from mfgsql.engine.planning import Action, Args, Rows, acting_plan, actions, planners
from mfgsql.engine.versions import check_same_target
from mfgsql.errors import OptionError, SourceError
from mfgsql.manifest import Manifest
from mfgsql.model import Model, read_manifest

_FILE = {"model": "VARCHAR", "version": "INTEGER", "file": "VARCHAR", "bytes": "BIGINT"}


def _drop(engine: Engine, args: Args) -> Rows:
    ref = ModelRef.parse(args["model"])
    with engine.transaction() as cursor:
        if "@" not in args["model"]:
            stale = forget_snapshots(cursor, ref.model)
            dropped = forget_model(cursor, ref.model)
            if not dropped:
                resolve(cursor, ref.model)  # says that there is no such model
        else:
            version = resolve(cursor, args["model"])
            if alias_of(cursor, ref.model, CHAMPION) == version.version:
                others = next_version(cursor, ref.model) > 2
                raise OptionError(
                    f"{version.name} is the champion of '{ref.model}'.",
                    remedy=("Promote another version first, or drop" if others else "Drop")
                    + f" the whole model: FROM ml_drop('{ref.model}');",
                )
            stale = forget_snapshots(cursor, ref.model, version.version)
            if version.version > (alias_of(cursor, ref.model, CHAMPION) or 0):  # nobody who leads has learnt them
                from mfgsql.engine.adapting.past import forget_batch

                forget_batch(cursor, version)
            forget_version(cursor, version)
            dropped = [version.version]
        for number in dropped:
            add_event(cursor, model=ref.model, version=number, event="dropped", reason=read_reason(args.get("reason")))
    engine.discard(stale)
    for number in dropped:
        engine.cache.drop(f"{ref.model}@{number}")
    return [{"model": ref.model, "version": number} for number in dropped]


def _export(engine: Engine, args: Args) -> Rows:
    path = _path(engine, args)
    with engine.cursor() as cursor:
        version = resolve(cursor, args["model"])
        data = read_artifact(cursor, version.artifact, version.bytes)
    if path.exists() and not args.get("overwrite"):
        raise SourceError(f"The file '{path}' exists.", remedy="Name another, or say overwrite := true.")
    if path.exists() and not path.is_file():
        raise SourceError(f"'{path}' is no regular file.", remedy="Name a file.")
    if not path.parent.is_dir():
        raise SourceError(f"There is no folder '{path.parent}'.", remedy="Make it, or name a file in one that exists.")
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        partial.write_bytes(data)
        if engine.read_only:
            os.replace(partial, path)
        else:
            with engine.transaction() as cursor:
                told = {"file": str(path), "bytes": len(data)}
                add_event(cursor, model=version.model, version=version.version, event="exported", detail=told)
                os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return [{"model": version.model, "version": version.version, "file": str(path), "bytes": len(data)}]


def _folders(manifest: Manifest) -> list[str]:
    """Folders of checkpoints that a model's weights lie in."""
    config = manifest.backbone
    if not isinstance(config, MixedConfig):
        return []
    towers = (config.text, None if isinstance(config.image, FilterConfig) else config.image)
    return [tower.source for tower in towers if tower and tower.frozen and tower.source]


def _import(engine: Engine, args: Args) -> Rows:
    path, name = _path(engine, args), model_name(args["model"])
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"The file '{path}' can't be read: {error.strerror}.") from None
    manifest = Manifest.from_json(read_manifest(data))
    for folder in _folders(manifest):
        resolve_file(engine, asker(), folder)  # refused before it is looked at
    Model.from_bytes(data, verify=True)  # damaged weights are refused here, not at the first prediction
    target = manifest.target.name if manifest.target else None
    with engine.transaction() as cursor:
        check_same_target(cursor, name, manifest.task, manifest.target)
        number = next_version(cursor, name)
        run_id = new_run(cursor, model=name, verb="import", source=str(path), status="running")
        version = Version(
            name, number, run_id, new_artifact(), len(data), manifest.to_json(), None, None, None, None, None, None
        )
        add_version(cursor, version, data, manifest.task or "base", target)
        add_event(cursor, model=name, version=number, event="imported", detail={"file": str(path)}, run_id=run_id)
        if crown(cursor, name, number, wins=False):
            record_won(cursor, name, number, None, run_id)
        finish_run(cursor, run_id, "finished", version=number)  # the run keeps the number when the version is dropped
    return [{"model": name, "version": number, "file": str(path), "bytes": len(data)}]


def _path(engine: Engine, args: Args) -> Path:
    if not isinstance(args.get("file"), str) or not args["file"].strip():
        raise OptionError("The file is missing; name it as 'press_failure.safetensors'.")
    if "\0" in args["file"]:
        raise OptionError(f"No file can be called {args['file']!r}.")
    return resolve_file(engine, asker(), args["file"])


def _acting(verb: str, columns: dict[str, str], run: object) -> None:
    """Register an action, and a planner that judges the model's name and returns it."""
    actions.register(verb)(Action(columns, run))  # type: ignore[arg-type]

    def planner(engine: Engine, args: Args) -> str:
        ModelRef.parse(args.get("model"))
        read_reason(args.get("reason"))
        if "file" in args:
            _path(engine, args)  # whoever may not name it is told before anything runs
        return acting_plan(verb, args)

    planners.register(verb)(planner)


_acting("drop", {"model": "VARCHAR", "version": "INTEGER"}, _drop)
_acting("export", _FILE, _export)
_acting("import", _FILE, _import)
