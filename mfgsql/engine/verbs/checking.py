"""``ml_check``: what would come of learning from a source, before it is tried."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mfgsql.engine.engine import Engine, caller_id
from mfgsql.engine.eventlogs import find_log
from mfgsql.engine.fields import choose_fields
from mfgsql.engine.findings import (
    as_number,
    by_reason,
    copies_of,
    filling,
    leaks_of,
    misread,
    several,
    texts_of,
    void,
)
from mfgsql.engine.planning import Action, Args, Rows, acting_plan, actions, planners
from mfgsql.engine.quoting import quote_identifier, quote_literal, render
from mfgsql.engine.readings import nearly_numbers
from mfgsql.engine.settling import settle
from mfgsql.engine.snapshots import ROWS, Frozen, freeze
from mfgsql.engine.specs import FEWEST
from mfgsql.engine.targets import fit_target
from mfgsql.engine.verbs.learning import part_options
from mfgsql.errors import MfgsqlError
from mfgsql.features import ColumnProfile, FeatureSet, Leak, Rejection
from mfgsql.tasks import TOKENS, Target, tasks
from mfgsql.training import Recipe, TrainSpec

COLUMNS = {"item": "VARCHAR", "verdict": "VARCHAR", "finding": "VARCHAR", "advice": "VARCHAR"}
_OK, _LOOK, _STOP = "ok", "look", "stop"
_FIELDS = {"text": "a text", "image": "a picture"}
_MUCH, _TOGETHER = 0.5, 8  # share of NULLs that is worth a look, and columns of less that are told one by one
_PIECES = 1.5  # of a word
_PIECE, _PICTURE = 8e5, 3e7  # multiply-adds of the networks that learn from scratch
_MULTIPLY_ADDS = 4e9  # a second and core, measured for training on small batches


def check(engine: Engine, args: Args) -> Rows:
    """Findings, one a row; the last says whether to go on, and how."""
    cancellation = engine.cancellation(args.get("session"))
    with engine.cursor() as cursor, cancellation.calls(cursor.interrupt):
        frozen = freeze(cursor, args, cancellation)
        rows = list(_findings(engine, frozen, args))
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def _findings(engine: Engine, frozen: Frozen, args: Args) -> Iterator[tuple[str, str, str, str | None]]:
    total, few = frozen.rows + frozen.unlabelled, frozen.rows < 200
    known = f", {frozen.rows:,} with a target" if frozen.unlabelled else ""
    if frozen.rows < FEWEST:
        yield "rows", _STOP, f"{total:,} rows{known}", f"At least {FEWEST} are needed to learn from."
    else:
        yield "rows", _LOOK if few else _OK, f"{total:,} rows{known}", "More rows would help." if few else None
    yield from _span(frozen)
    task, target, problem = _target(frozen, args)
    if problem is not None:
        yield "target", _STOP, problem.message, problem.remedy
    if target is not None:
        yield from _about_target(frozen, target)
        yield from _about_spans(target) if task == TOKENS else _about_classes(target, tasks[task].shape == "labels")
    features, rejected = FeatureSet.fit(p for n, p in frozen.profiles.items() if n != args.get("target"))
    leaks = leaks_of(frozen, features, task, target) if target and features.encoders and task != TOKENS else []
    if frozen.rows:  # columns are looked at where the target is known
        yield from _about_columns(frozen, features, rejected, leaks, args.get("target") or "")
    if (log := find_log(frozen)) and args.get("target") in (None, log.activity):
        yield "log", _OK, log.finding, log.statement(args["source"])
    if features.encoders:
        yield _effort(engine, frozen, features, (task, target), args)
    stop = problem is not None or not features.encoders or frozen.rows < FEWEST
    args = args | {"fields": features.fields()}
    yield _advice(args, [*(r.name for r in rejected), *(leak.column for leak in leaks)], leaks, stop)


def _span(frozen: Frozen) -> Iterator[tuple[str, str, str, str | None]]:
    """First and last moment of each column of time."""
    for name, type_name in frozen.types.items():
        if frozen.rows and type_name.startswith(("TIMESTAMP", "DATE")):
            q = quote_identifier(name)
            low, high = frozen.con.execute(f"SELECT min({q})::VARCHAR, max({q})::VARCHAR FROM {ROWS}").fetchone() or ()
            yield (
                "span",
                _OK,
                f"{name} runs from {low} to {high}",
                f"To judge on later rows: split := 'time', order_by := {quote_literal(name)}.",
            )


def _target(frozen: Frozen, args: Args) -> tuple[str, Target | None, MfgsqlError | None]:
    """The task's name and the target, or why there is none."""
    if not args.get("target"):
        return "", None, None
    try:
        if _holds_spans(frozen.types[args["target"]]):
            args["task"] = TOKENS
            choose_fields([p for n, p in frozen.profiles.items() if n != args["target"]], args, None)
        return *fit_target(frozen, args), None
    except MfgsqlError as error:
        return "", None, error


def _holds_spans(type_name: str) -> bool:
    """Whether a column's type is a list of structs that say where they begin."""
    return type_name.startswith("STRUCT(") and type_name.endswith(")[]") and bool(re.search(r"\bbegin\b", type_name))


def _about_target(frozen: Frozen, target: Target) -> Iterator[tuple[str, str, str, str | None]]:
    if frozen.unlabelled:
        yield (
            "target",
            _LOOK,
            f"{target.name!r} is {void(frozen, target.name)} in {frozen.unlabelled:,} of "
            f"{frozen.rows + frozen.unlabelled:,} rows, which teach nothing about it",
            f"They can train a base: ml_pretrain. {filling(frozen, target.name)}",
        )
    if not target.classes:
        yield "target", _OK, f"a number, {target.mean:.4g} on average, deviation {target.deviation:.4g}", None


def _about_spans(target: Target) -> Iterator[tuple[str, str, str, str | None]]:
    """How many spans each label has."""
    counts = dict(zip((tag[2:] for tag in target.classes[1:]), target.counts[1:], strict=True))
    shares = ", ".join(f"{label}: {count:,}" for label, count in list(counts.items())[:8])
    rare = min(counts.values())
    advice = f"The rarest label has {rare} spans; below 50 a model and its figures are shaky." if rare < 50 else None
    yield "target", _LOOK if rare < 50 else _OK, f"spans of {len(counts)} labels ({shares})", advice


def _about_classes(target: Target, several: bool) -> Iterator[tuple[str, str, str, str | None]]:
    """How many rows each has; ``several``: of which a row may have more than one."""
    if not target.classes:
        return
    word = "label" if several else "class"
    rare = min(target.counts)
    shares = ", ".join(f"{c}: {n:,}" for c, n in list(zip(target.classes, target.counts, strict=True))[:8])
    advice = f"The rarest {word} has {rare} rows; below 50 a model and its figures are shaky." if rare < 50 else None
    words = f"{len(target.classes)} {'labels' if several else 'classes'} ({shares})"
    yield "target", _LOOK if rare < 50 else _OK, words, advice
    if len(target.classes) == 2 and not several:
        share = target.counts[1] / sum(target.counts)
        yield (
            "positives",
            _OK,
            f"{target.counts[1]:,} of {sum(target.counts):,} are {target.classes[1]} ({share:.1%})",
            None,
        )


def _about_columns(
    frozen: Frozen, features: FeatureSet, rejected: list[Rejection], leaks: list[Leak], target: str
) -> Iterator[tuple[str, str, str, str | None]]:
    yield "features", _OK if features.encoders else _STOP, f"{len(features.encoders)} columns can be learnt from", None
    for known in features.columns:
        if known.field:
            yield "features", _OK, f"{known.name} is read as {_FIELDS[known.field]}", None
    for leak in leaks:
        yield "leak", _LOOK, f"{leak.column} {leak.words}", "If it is known only after the fact, exclude it."
    for reason, names in by_reason(frozen, rejected, excluded=True):
        yield "left out", _OK, f"{several(names)}: {reason}", None
    for text in nearly_numbers(frozen.con, ROWS, texts_of(frozen)):
        why = text.words if text.misfit is not None else "all of its values are numbers"
        yield "text", _LOOK, f"{text.name} is text: {why}", as_number(frozen, text.name)
    for name, what, advice in misread(frozen):
        yield "text", _LOOK, f"{name} is text: {what}", advice
    for copy, first in copies_of(frozen, [*(r.name for r in rejected), target]):
        yield "copy", _LOOK, f"{copy} holds what {first} holds, in every row", "What they tell is parted among them."
    yield from _about_nulls(list(frozen.profiles.values()))


def _about_nulls(profiles: list[ColumnProfile]) -> Iterator[tuple[str, str, str, str | None]]:
    """What is missing; columns with few NULLs together, where they are many."""
    shares = {p.name: (p.nulls - p.infinities) / max(p.rows, 1) for p in profiles}
    some = [name for name, share in shares.items() if 0 < share <= _MUCH]
    for name in some if len(some) <= _TOGETHER else []:
        yield "NULLs", _OK, f"{name} is NULL in {shares[name]:.1%} of the rows", None
    if len(some) > _TOGETHER:
        most = max(some, key=shares.__getitem__)
        yield "NULLs", _OK, f"{len(some):,} columns have NULLs, {most} most: in {shares[most]:.1%} of the rows", None
    for profile in profiles:
        if _MUCH < shares[profile.name] < 1:
            yield "NULLs", _LOOK, f"{profile.name} is NULL in {shares[profile.name]:.1%} of the rows", None
        if profile.infinities:
            share = profile.infinities / max(profile.rows, 1)
            yield "infinite", _LOOK, f"{profile.name} is infinite or NaN in {share:.1%} of the rows", "Read as missing."
        if profile.sentinel is not None:
            yield "sentinel", _LOOK, f"{profile.name} = {profile.sentinel:g} looks like 'no value'", "Read as missing."


def _effort(
    engine: Engine, frozen: Frozen, features: FeatureSet, told: tuple[str, Target | None], args: Args
) -> tuple[str, str, str, str | None]:
    """Seconds and memory, by the network's size; early stopping often takes less."""
    train = max(1, int(frozen.rows * 0.8))
    task, target = told
    asked = {"verb": "finetune", "task": task, "target": args.get("target"), "options": args["options"]}
    fields = {column.name: column.field for column in features.columns if column.field}
    recipe = settle(frozen.rows, asked, fields=fields, columns=len(features.columns)).for_rows(train)
    shape = TrainSpec(features, recipe, task or None, target).manifest(None, {}).backbone
    pieces = sum(1 + _PIECES * frozen.profiles[name].words for name in features.fields("text"))
    work = shape.work + _PIECE * pieces + _PICTURE * len(features.fields("image"))
    seconds = train * recipe.epochs * 3 * work / (_MULTIPLY_ADDS * engine.settings.threads)
    held = min(
        frozen.rows * 4 * (sum(c.size for c in features.columns if c.continuous) + 8), engine.settings.trainer_memory
    )
    memory = (400 * 2**20 + held) / 2**20
    words = f"about {max(1, seconds):,.0f} seconds on an idle {engine.device}, often less, {memory:,.0f} MiB"
    return "effort", _OK, words, None


def _advice(args: Args, out: list[str], leaks: list[Leak], stop: bool) -> tuple[str, str, str, str | None]:
    if stop:
        return "go", _STOP, "no: see the rows marked stop", None
    source = quote_literal(args["source"])
    if not args.get("target"):
        field = f", field := {quote_literal(args['fields'][0])}" if args["fields"] else ""
        return "go", _OK, "yes", f"FROM ml_pretrain('my_base', {source}{field}{_options(args, [])});"
    options = _options(args, [leak.column for leak in leaks])
    words = "yes, once the leaks are looked at" if leaks else "yes"
    task = f", task := '{TOKENS}'" if args.get("task") == TOKENS else ""
    statement = f"FROM ml_finetune('my_model', {source}, target := {quote_literal(args['target'])}{task}{options});"
    return "go", _LOOK if leaks else _OK, words, statement


def _options(args: Args, leaks: list[str]) -> str:
    """Those that were given, and leaks left out, for the statement to run."""
    usual = Recipe().to_dict()
    given = {name: value for name, value in args["options"].items() if value != usual[name]}
    given |= {name: args[name] for name in ("positive", "gap", "separator") if args.get(name) is not None}
    exclude = list(dict.fromkeys([*args["exclude"], *leaks]))
    given |= {"exclude": exclude} if exclude else {}
    return f", options := {render(given)}" if given else ""


actions.register("check")(Action(COLUMNS, check))


@planners.register("check")
def plan_check(engine: Engine, args: Args) -> str:
    """Findings about a source, and the statement to run."""
    part_options(args)
    return acting_plan("check", {**args, "session": caller_id()})
