"""``ml_promote`` and ``ml_rollback``: which version a model's bare name means, by what it has to reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from mfgsql.catalog import ModelRef, Version, add_event, resolve, set_alias
from mfgsql.catalog.events import read_reason
from mfgsql.catalog.models import CHAMPION, PREVIOUS, alias_of, make_champion
from mfgsql.catalog.records import final_metrics
from mfgsql.engine.engine import Engine, caller_id
from mfgsql.engine.planning import (
    Action,
    Args,
    Rows,
    acting_plan,
    actions,
    at_place,
    planners,
    stoppable,
)
from mfgsql.engine.quoting import quote_literal
from mfgsql.engine.requirements import Requirement, parse_requirements
from mfgsql.engine.runs import check_writable
from mfgsql.engine.sources import read_source
from mfgsql.engine.verbs.comparing import check_comparable, comparison
from mfgsql.entities import FIGURES
from mfgsql.errors import InputError, NotFoundError, OptionError
from mfgsql.manifest import Manifest
from mfgsql.tasks import TOKENS, tasks

_POINTED = {"model": "VARCHAR", "champion": "INTEGER", "previous": "INTEGER"}
_READ_ONLY = "each model's champion stays"
Figures = dict[str, float]


@dataclass(frozen=True)
class Judged:
    """What a version has to reach, and what was found.

    Attributes:
        champion: that it was compared with. wants: the requirements, each with the version's figure and the champion's.
    """

    champion: Version
    wants: list[tuple[Requirement, float, float | None]]

    @property
    def unmet(self) -> list[str]:
        """In words, what doesn't hold."""
        return [
            f"{one.metric} is {value:.4g}" + ("" if other is None else f", that of {self.champion.name} {other:.4g}")
            for one, value, other in self.wants if not one.holds(value, other)
        ]  # fmt: skip

    def detail(self, source: Any) -> dict[str, Any]:
        """As an event keeps it."""
        of_both = {one.metric: {"version": value, "champion": other} for one, value, other in self.wants}
        texts = list(dict.fromkeys(one.text for one, _, _ in self.wants))
        return {"require": texts, "against": self.champion.name, "source": source, "figures": of_both}


@planners.register("promote")
def plan_promote(engine: Engine, args: Args) -> str:
    """Judges the arguments; the promotion itself is one transaction."""
    check_writable(engine, _READ_ONLY)
    ref = ModelRef.parse(args.get("model"))
    read_reason(args.get("reason"))
    args["source"] = args.get("source") or None  # ml_plan asks for one, which may be empty
    if args.get("require") is None and args.get("source") is not None:
        raise OptionError("source is judged by require, which is missing.", remedy="Say require := '... >= champion'.")
    if args.get("require") is not None:
        with engine.cursor() as cursor:
            version, champion = resolve(cursor, args["model"]), resolve(cursor, ref.model)
            _requirements(version, args)
            if args.get("source") is not None:
                check_comparable(version, champion)
                read_source(at_place(cursor, args), args["source"])
    return acting_plan("promote", args | {"session": caller_id()})


def run_promote(engine: Engine, args: Args) -> Rows:
    """Judge the version where something is required, and point the alias at it.

    Raises:
        InputError: it does not reach what is required; the refusal is kept in the audit.
    """
    with engine.cursor() as cursor:
        version = resolve(cursor, args["model"])
        champion = resolve(cursor, version.model)
    judged = _judged(engine, version, champion, args) if args.get("require") is not None else None
    if judged is not None and judged.unmet:
        with engine.transaction() as con:
            told = read_reason(args.get("reason")) or f"{'; '.join(judged.unmet)}, and required is {_texts(judged)}"
            _record(con, version, "refused", champion.version, args | {"reason": told}, judged)
        raise InputError(
            f"{version.name} is not promoted: {'; '.join(judged.unmet)}, and required is {_texts(judged)}. "
            "Nothing has changed.",
            remedy=_elsewhere(version, champion, judged, args.get("source")),
        )
    with engine.transaction() as con:
        version = resolve(con, version.name)  # still there
        before = alias_of(con, version.model, CHAMPION)
        if judged is not None and before != champion.version:
            raise InputError(f"{version.name} is not promoted: meanwhile @{before} became the champion.",
                             remedy="Say it again, to be judged by that one.")  # fmt: skip
        make_champion(con, version.model, version.version)
        if before != version.version:
            _record(con, version, "promoted", before, args, judged)
        previous = alias_of(con, version.model, PREVIOUS)
    return [{"model": version.model, "champion": version.version, "previous": previous}]


def _elsewhere(version: Version, champion: Version, judged: Judged, source: Any) -> str | None:
    """What shows more than the figures of a refusal."""
    if version == champion:
        return None
    if source is None and any(one.asks_champion for one, _, _ in judged.wants):
        return (
            "Each was judged on the rows that it held out itself, which may be others: to ask both about the same, "
            "say source := 'my_table'."
        )
    rows = quote_literal(source) if isinstance(source, str) else "'my_table'"
    return f"See FROM ml_compare({quote_literal(version.name)}, {quote_literal(champion.name)}, {rows});"


def _requirements(version: Version, args: Args) -> list[Requirement]:
    manifest = Manifest.from_json(version.manifest)
    known = ["loss"] if args.get("source") is None else []
    if manifest.task == TOKENS:
        known += FIGURES
    elif manifest.target is not None:
        known += [metric.name for metric in tasks[str(manifest.task)].metrics(manifest.target)]
    return parse_requirements(args["require"], known)


def _judged(engine: Engine, version: Version, champion: Version, args: Args) -> Judged:
    """By rows of a source, or by what each reached on those that it held out.

    Raises:
        InputError: a figure that is asked for isn't known.
    """
    asked = _requirements(version, args)
    with stoppable(engine, args) as (cursor, _):
        if args.get("source") is None:
            own, theirs = (final_metrics(cursor, v.run_id) for v in (version, champion))
        else:
            told = {"a": version.name, "b": champion.name, "source": args["source"], "place": args.get("place")}
            sql = comparison(engine, told | {"session": args.get("session")})
            rows = at_place(cursor, args).execute(f"SELECT metric, a, b FROM ({sql})").fetchall()
            own, theirs = ({m: v[i] for m, *v in rows if v[i] is not None} for i in (0, 1))
    wants = []
    for one in asked:
        for name, figures in ((version.name, own), *(((champion.name, theirs),) if one.asks_champion else ())):
            if one.metric not in figures:
                raise InputError(f"What {name} reaches in {one.metric} isn't known: nothing has changed.",
                                 remedy="Judge both on rows: source := 'my_table'.")  # fmt: skip
        wants.append((one, own[one.metric], theirs.get(one.metric)))
    return Judged(champion, wants)


def _texts(judged: Judged) -> str:
    return " and ".join(f"'{text}'" for text in dict.fromkeys(one.text for one, _, _ in judged.wants))


def _record(
    con: duckdb.DuckDBPyConnection, version: Version, event: str, champion: int | None, args: Args, found: Judged | None
) -> None:
    reason, detail = read_reason(args.get("reason")), found.detail(args.get("source")) if found else None
    add_event(con, model=version.model, version=version.version, event=event, previous=champion, reason=reason,
              detail=detail)  # fmt: skip


@planners.register("rollback")
def plan_rollback(engine: Engine, args: Args) -> str:
    """The previous champion, whichever it is when it runs."""
    check_writable(engine, _READ_ONLY)
    ModelRef.parse(args.get("model"))
    read_reason(args.get("reason"))
    return acting_plan("rollback", args)


def run_rollback(engine: Engine, args: Args) -> Rows:
    """Swap the champion and the one before it.

    Raises:
        NotFoundError: there is none before it.
    """
    with engine.transaction() as con:
        model = ModelRef.parse(args["model"]).model
        champion = resolve(con, model).version
        previous = alias_of(con, model, PREVIOUS)
        if previous is None:
            raise NotFoundError(
                f"'{model}' has no earlier champion to go back to.",
                remedy=f"See FROM ml.versions WHERE model = {quote_literal(model)}; and choose one by its number: "
                f"FROM ml_promote({quote_literal(f'{model}@N')});",
            )
        set_alias(con, model, CHAMPION, previous)
        set_alias(con, model, PREVIOUS, champion)
        add_event(con, model=model, version=previous, event="rolled_back", previous=champion,
                  reason=read_reason(args.get("reason")))  # fmt: skip
    return [{"model": model, "champion": previous, "previous": champion}]


actions.register("promote")(Action(_POINTED, run_promote))
actions.register("rollback")(Action(_POINTED, run_rollback))
