"""``ml_predict``: a source's rows with predictions beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import duckdb

from mfgsql.catalog import Version, resolve
from mfgsql.engine.access import Role, asker
from mfgsql.engine.cases import Events
from mfgsql.engine.engine import Engine, caller_id
from mfgsql.engine.planning import Args, at_place, planners
from mfgsql.engine.profiling import visible_types
from mfgsql.engine.quoting import quote_identifier, quote_literal, quote_text
from mfgsql.engine.scoring import DEFAULT_LEVEL, WITH_FILES
from mfgsql.engine.sources import Source, read_source
from mfgsql.engine.underway import WAITED, outlasted
from mfgsql.engine.verbs.misuse import ALIAS, asked
from mfgsql.engine.versions import task_of
from mfgsql.engine.windowing import answered, check_asked, in_parts
from mfgsql.errors import OptionError
from mfgsql.manifest import Manifest
from mfgsql.tasks import ANOMALY

_STATUS = ("ml_status", "ml_reason")


@planners.register("predict")
def plan_predict(engine: Engine, args: Args) -> str:
    """Typed for the model; evaluates the model once per row that survives filters on input columns.

    The input's columns stay, but for those whose name an output takes: a table that was scored before has them.
    The lambda leaves them out without reading the source's schema, which may be a CTE that only the caller sees.
    """
    version, manifest, source = model_and_source(engine, args)
    most = check_explain(args.get("explain"))
    windowed = manifest.history is not None
    ml = "__ml.scored" if most and not windowed else "__ml"
    outputs = _detected(manifest, args) if manifest.task == ANOMALY else _predicted(version, manifest, args, ml)
    outputs += status_of_history(manifest) if windowed else [(name, f"{ml}.{name}") for name in _STATUS]
    outputs += [("why", "__ml.why" if windowed else _why(most))] if most else []
    made = Events.of(manifest).made() if manifest.cases is not None else []
    taken = ", ".join(quote_literal(name.lower()) for name in (*(n for n, _ in outputs), *made, "__ml"))
    selected = ", ".join(f"{sql} AS {quote_identifier(name)}" for name, sql in outputs)
    inner = scored(version, manifest, source, args | {"explain": most}, told=bool(most))
    if manifest.cases is not None and manifest.history is not None and args.get("latest"):
        assert manifest.target is not None
        level = check_level(args.get("level"))
        inner = outlasted(inner, manifest.history.order_by, level, manifest.target.classes)
    return f"SELECT COLUMNS(lambda c: lower(c) NOT IN ({taken})), {selected} FROM ({inner})"


def _predicted(version: Version, manifest: Manifest, args: Args, ml: str) -> list[tuple[str, str]]:
    """Columns of a task with a target, by name, as SQL over the scored struct."""
    task = task_of(version, manifest)
    assert manifest.target is not None
    columns = task.columns(manifest.target)
    if args.get("level") is not None:
        columns += task.at_level(manifest.target, manifest.calibration, check_level(args["level"]))
    classes = f"[{', '.join(map(quote_text, manifest.target.classes))}]"
    said = [(c.name, c.sql.format(ml=ml, classes=classes)) for c in columns]
    if manifest.cases is None:
        return said
    return said + Events.of(manifest).outputs(ml, WAITED if args.get("latest") else "0")


def _detected(manifest: Manifest, args: Args) -> list[tuple[str, str]]:
    """Columns of a detector; the flag is made of the two numbers that stand beside it."""
    if args.get("level") is not None:
        raise OptionError("A detector has no level: how often it may be wrong was said when it learnt.")
    names = ["score", "threshold", "changepoint"] if manifest.history is not None else _of_pictures(args)
    if args.get("heat_map") and manifest.history is not None:
        raise OptionError("heat_map is of pictures, and this detector reads histories: leave it out.")
    columns = [(name, f"__ml.{name}") for name in names]
    columns.insert(2, ("is_anomaly", "__ml.score > __ml.threshold"))
    return columns


def _of_pictures(args: Args) -> list[str]:
    if args.get("explain") is not None:
        raise OptionError(
            "explain is of histories: of pictures the column regions tells where.", remedy="heat_map := TRUE shows it."
        )
    return ["score", "threshold", "regions", *(["heat_map"] if args.get("heat_map") else [])]


def scored(
    version: Version, manifest: Manifest, source: Source, args: Args, *, also: str = "", told: bool = False
) -> str:
    """A SELECT of the source's columns and the scored struct ``__ml``; with ``told``, of that and what it was told.

    The source's alias qualifies every feature: in a correlated subquery a missing column would else be looked up
    outside. DuckDB's error about a missing column shows the alias, so it says who asks.
    """
    alias = source_alias(version)
    kept = also or "COLUMNS(lambda c: lower(c) <> '__ml')"
    if manifest.history is not None:
        asked = args | {"level": check_level(args.get("level")), "session": caller_id()}
        return f"SELECT {kept}, __ml FROM ({answered(version, manifest, source, asked, alias)}) AS {alias}"
    named = {quote_literal(n): f"{alias}.{quote_identifier(n)}" for n in manifest.features.names}
    row = f"{{{quote_literal(pinned(version, manifest))}: {_struct(named)}}}"
    if manifest.task == ANOMALY:
        how = f"{bool(args.get('heat_map'))}, {_session()}"
        return f"SELECT {kept}, _ml_score_picture({row}, {how}) AS __ml FROM {source.sql} AS {alias}"
    task = task_of(version, manifest)
    level = check_level(args.get("level"))
    # An argument costs for each row, a name in a type nothing: so the version is one, and the usual level is left out.
    other = f", {level}" if task.shape == "value" and level != DEFAULT_LEVEL else ""
    call = f"_ml_score_{task.shape}({row}{other})"
    if told:
        pictures = [quote_literal(name) for name in manifest.features.fields("image")]
        told_of = {name: "NULL" if name in pictures else column for name, column in named.items()}
        texts = _struct({name: f"CAST({value} AS VARCHAR)" for name, value in told_of.items()})
        call = _struct({"'scored'": call, "'row'": row, "'texts'": texts})
    return f"SELECT {kept}, {call} AS __ml FROM {source.sql} AS {alias}"


def pinned(version: Version, manifest: Manifest) -> str:
    """The version's name as a scoring function reads it; of pictures with whether their paths may be opened."""
    identity = asker()
    may = identity is not None and identity.role is Role.ADMIN and manifest.features.fields("image")
    return version.name + WITH_FILES if may else version.name


def status_of_history(manifest: Manifest) -> list[tuple[str, str]]:
    """Rows without a moment or an entity are no part of a history, and get no answer."""
    history = manifest.history
    assert history is not None
    names = [n for n in (history.entity, history.order_by) if n]
    lost = ", ".join(f"if({quote_identifier(n)} IS NULL, {quote_text(n)}, NULL)" for n in names)
    endless = quote_text(f"{history.order_by} is infinite")
    told = f"coalesce(nullif(concat_ws(' and ', {lost}), '') || ' is NULL', {endless})"
    return [
        ("ml_status", "CASE WHEN __ml IS NULL THEN 'unreadable' ELSE __ml.ml_status END"),
        ("ml_reason", f"CASE WHEN __ml IS NULL THEN {told} ELSE __ml.ml_reason END"),
    ]


def _struct(fields: Mapping[str, str]) -> str:
    return f"{{{', '.join(f'{name}: {sql}' for name, sql in fields.items())}}}"


def _why(most: int) -> str:
    """A call above the scoring, so that a filter on the prediction leaves few rows to explain."""
    return f"_ml_why(__ml.row, __ml.texts, {most}, {_session()})"


def _session() -> str:
    session = caller_id()
    return quote_literal(session) if session else "NULL"


def source_alias(version: Version) -> str:
    """What plans call the source, quoted."""
    return quote_identifier(f"{ALIAS}{version.name}")


def model_and_source(engine: Engine, args: Args) -> tuple[Version, Manifest, Source]:
    """The version that the statement is pinned to, and its source."""

    with engine.cursor() as cursor:
        version = resolve(cursor, args.get("model"))
        source = read_source(at_place(cursor, args), args.get("source"))
        manifest = Manifest.from_json(version.manifest)
        check_asked(cursor, manifest, args)
        source = as_read_by(cursor, version, manifest, source, args)
    asked.set((version.name, source))
    return version, manifest, source


def as_read_by(
    con: duckdb.DuckDBPyConnection, version: Version, manifest: Manifest, source: Source, args: Args, name: str = ""
) -> Source:
    """The source as a version reads it: in so many parts, and of a process with what is made of its events.

    Args:
        name: by which the plan itself calls the source's rows.
    """
    types = {}
    if manifest.cases is not None and manifest.cases.open:
        types = visible_types(at_place(con, args), source.select)
    if manifest.history is not None:
        source = in_parts(con, source, manifest)
    source = replace(source, sql=name or source.sql)
    if manifest.cases is None:
        return source
    return Events.of(manifest, source_alias(version)).read(source, types, under_way=bool(args.get("latest")))


def check_level(level: Any) -> float:
    """The share of true values that the interval is to hold."""
    if level is None:
        return DEFAULT_LEVEL
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0 < level < 1:
        raise OptionError(f"level is a share between 0 and 1, such as 0.9, not {level!r}.")
    return float(level)


def check_explain(most: Any) -> int | None:
    """How many features of each row are to be explained; None: the question isn't asked."""
    if most is None:
        return None
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise OptionError(f"explain is a number of features from 1 on, such as 3, not {most!r}.")
    return min(most, 2**31 - 1)
