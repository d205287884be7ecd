"""What designs are asked for, read the same way when the statement is planned and when it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import duckdb
from sqlglot import exp

from mfgsql.catalog import Version, resolve
from mfgsql.engine.conditions import Condition, computed_among, parse_conditions, parse_derived
from mfgsql.engine.kept import check_columns, read_second
from mfgsql.engine.planning import Args, at_place, read_names, read_options
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.sources import Source
from mfgsql.errors import OptionError, did_you_mean
from mfgsql.features import is_numeric_type
from mfgsql.features.binned import BinnedEncoder
from mfgsql.features.categorical import BooleanEncoder
from mfgsql.manifest import Manifest
from mfgsql.options import check_options, read_whole
from mfgsql.tasks import DESIGN, Target

OPTIONS = ("temperature", "top_p", "seed", "most_tries", "copies", "outcomes")
_EXAMPLE = "{'temperature': 1.0, 'seed': 1}"
_MOST = 10_000  # designs
_FEWEST_TRIES, _MOST_TRIES, _TRIES = 10_000, 200_000, 200  # by default, and for each design
_TASKS = ("regression", "rul", "classification")
MEASURES = {
    "likelihood": "DOUBLE", "novelty": "DOUBLE", "nearest": "", "diversity": "DOUBLE", "pareto_rank": "BIGINT",
    "is_duplicate": "BOOLEAN", "ml_status": "VARCHAR", "ml_reason": "VARCHAR",
}  # fmt: skip


@dataclass(frozen=True)
class Scored:
    """A target that a model tells of designs."""

    version: Version
    features: list[str]
    target: Target

    def outputs(self, alone: bool) -> dict[str, str]:
        """Columns of the result, with types; named with the target where it isn't alone, as ml_recommend does."""
        name, behind = self.target.column, "" if alone else f"_{self.target.column}"
        if self.target.classes:
            return {f"predicted_{name}": self.target.type, f"probability{behind}": "DOUBLE"}
        return {f"predicted_{name}": "DOUBLE", f"lower{behind}": "DOUBLE", f"upper{behind}": "DOUBLE"}


@dataclass(frozen=True)
class Brief:
    """What is asked for.

    Attributes:
        types: DuckDB's of the design's columns. names: that conditions may name. guide: the source of the rules.
        derived: columns computed of others. objectives: names, and whether they are to be high. told: columns that
            options call outcomes.
    """

    version: Version
    manifest: Manifest
    types: dict[str, str]
    scores: list[Scored]
    derived: dict[str, exp.Expression]
    conditions: list[Condition]
    guide: Source | None
    given: dict[str, Any]
    objectives: list[tuple[str, bool]]
    n: int
    temperature: float
    top_p: float
    seed: int
    tries: int
    copies: bool
    told: list[str]

    @property
    def outcomes(self) -> set[str]:
        """Columns that come of what one sets, and make no design another one: those told, scored, or computed."""
        made = {*self.computed, *self.told}
        scored = {s.target.name.lower() for s in self.scores}
        return made | {name for name in self.types if name.lower() in scored}

    @property
    def names(self) -> list[str]:
        """That conditions may name."""
        return _names(self.types, self.scores, self.derived)

    @property
    def truths(self) -> list[str]:
        """Of these, what is true or false."""
        return _truths(self.types, self.scores)

    @cached_property
    def computed(self) -> dict[str, str]:
        """Columns of the design that follow from others, and what ``derive`` calls them."""
        return computed_among(self.types, self.derived)

    @property
    def columns(self) -> dict[str, str]:
        """Of the result, with types."""
        fields = ", ".join(f"{quote_identifier(name)} {kind}" for name, kind in self.types.items())
        own = {name: kind for name, kind in self.types.items() if name not in self.computed}
        found = {"design": "BIGINT"}
        outputs = (s.outputs(len(self.scores) == 1) for s in self.scores)
        parts = (own, *outputs, dict.fromkeys(self.derived, "DOUBLE"), MEASURES)
        for part in parts:
            for name, kind in part.items():
                if name.lower() in {known.lower() for known in found}:
                    raise OptionError(
                        f"Two columns of the result would be called '{name}'.",
                        remedy="Rename it in a SELECT that the model learns from, or in derive.",
                    )
                found[name] = kind
        return found | {"nearest": f"STRUCT({fields})"}


def read_brief(con: duckdb.DuckDBPyConnection, args: Args) -> Brief:
    """What is asked for.

    Raises:
        InputError, NotFoundError: it can't be done; the message says why.
    """
    version = resolve(con, args.get("model"))
    manifest = Manifest.from_json(version.manifest)
    if manifest.objective != DESIGN:
        raise OptionError(
            f"'{version.model}' says no designs.",
            remedy="Pre-train one that does: FROM ml_pretrain('designer', 'past_designs', objective := 'design');",
        )
    types = _types(con, version, manifest)
    scores = [_scored(con, name, types) for name in _models(args.get("score"))]
    if len({s.target.name.lower() for s in scores}) < len(scores):
        raise OptionError("Two of the models in score predict the same target: name one of them.")
    targets = [s.target.name for s in scores]
    derived = parse_derived(args.get("derive"), [*types, *targets], targets)
    names = _names(types, scores, derived)
    conditions = parse_conditions(args.get("subject_to"), names, truths=_truths(types, scores))
    guide = None
    if args.get("guide") is not None:
        at_place(con, args)
        guide = read_second(con, args["guide"], "guide", "As in: guide := 'design_rules'.")
        check_columns(con, guide, "guide", ["expression", "reason"])
    told = dict.fromkeys(derived, "DOUBLE") | {s.target.name: _kind(s.target) for s in scores}
    numbers = [n for n in names if is_numeric_type((types | told)[n])]
    objectives = [(name, high) for what, high in (("maximize", True), ("minimize", False))
                  for name in _objectives(args.get(what), what, numbers)]  # fmt: skip
    if twice := {name for name, high in objectives if (name, not high) in objectives}:
        raise OptionError(f"'{min(twice)}' is to be both high and low: leave one of the two out.")
    fixed = _given(args.get("given"), types)
    _check_derived(derived, manifest, targets, fixed)
    return Brief(
        version, manifest, types, scores, derived, conditions, guide, fixed, objectives, *_effort(args),
        _outcomes(args, types),
    )  # fmt: skip


def _check_derived(
    derived: Mapping[str, exp.Expression], manifest: Manifest, targets: list[str], fixed: Mapping[str, Any]
) -> None:
    """A column of the designs can follow from others where it holds numbers, and before models tell of it."""
    encoders = {e.column.name.lower(): e for e in manifest.features.encoders}
    given = {name.lower() for name in fixed}
    for name, tree in derived.items():
        encoder = encoders.get(name.lower())
        if encoder is None:
            continue
        if not isinstance(encoder, BinnedEncoder) or encoder.timed:
            raise OptionError(f"derive makes '{name}', which holds no numbers in the designs: give it another name.")
        if name.lower() in given:
            raise OptionError(f"derive makes '{name}', and given fixes it: leave one of the two out.")
        if said := {column.name for column in tree.find_all(exp.Column)} & set(targets):
            raise OptionError(f"derive makes '{name}', a column of the designs, of '{min(said)}', which is only known "
                              "once they are there: give it another name.")  # fmt: skip


def _names(types: Mapping[str, str], scores: list[Scored], derived: Mapping[str, Any]) -> list[str]:
    named = [*types, *(s.target.name for s in scores), *derived]
    return list({name.lower(): name for name in reversed(named)}.values())[::-1]


def _truths(types: Mapping[str, str], scores: list[Scored]) -> list[str]:
    told = dict(types) | {s.target.name: s.target.type for s in scores}
    return [name for name, kind in told.items() if kind == "BOOLEAN"]


def _kind(target: Target) -> str:
    return "VARCHAR" if target.classes else "DOUBLE"


def _types(con: duckdb.DuckDBPyConnection, version: Version, manifest: Manifest) -> dict[str, str]:
    """Of the design's columns, as recorded; of an imported version categories are text."""
    rows = con.execute(
        "SELECT feature, type FROM ml_catalog.features WHERE model = ? AND version = ? AND type IS NOT NULL",
        [version.model, version.version],
    ).fetchall()
    recorded, found = dict(rows), {}
    for encoder in manifest.features.encoders:
        usual = "BOOLEAN" if isinstance(encoder, BooleanEncoder) else "VARCHAR"
        kind = encoder.type if isinstance(encoder, BinnedEncoder) else recorded.get(encoder.column.name, usual)
        found[encoder.column.name] = kind
    return found


def _models(told: Any) -> list[str]:
    if isinstance(told, str):
        return [told]
    return read_names(told, "score is the name of a fine-tuned model, or a list of names")


def _scored(con: duckdb.DuckDBPyConnection, name: str, types: Mapping[str, str]) -> Scored:
    version = resolve(con, name)
    manifest = Manifest.from_json(version.manifest)
    if manifest.task not in _TASKS or manifest.target is None or manifest.history is not None:
        raise OptionError(
            f"'{version.name}' can't score designs: models of a number or a class of a row can.",
            remedy=f"Train one: FROM ml_finetune({quote_literal(version.model)}, 'designs', target := 'strength');",
        )
    known = {n.lower(): n for n in types}
    for feature in manifest.features.names:
        if feature.lower() not in known:
            raise OptionError(f"'{version.name}' reads {feature!r}, which is no column of the designs."
                              f"{did_you_mean(feature, types)}",
                              remedy="Train one of the two anew, so that both know the same columns.")  # fmt: skip
    return Scored(version, manifest.features.names, manifest.target)


def _given(told: Any, types: Mapping[str, str]) -> dict[str, Any]:
    if not isinstance(told, dict | None):
        raise OptionError(f"given is a struct of columns with their values, as {{'line': 'A'}}, not {told!r}.")
    known, found = {name.lower(): name for name in types}, {}
    for name, value in (told or {}).items():
        if name.lower() not in known:
            raise OptionError(f"given names '{name}', which is no column of the designs.{did_you_mean(name, types)}")
        if value is not None and not isinstance(value, str | bool | int | float):
            raise OptionError(f"given sets '{name}' to {value!r}, which is no single value.")
        found[known[name.lower()]] = value
    return found


def _objectives(told: Any, what: str, names: list[str]) -> list[str]:
    known = {name.lower(): name for name in names}
    for name in (listed := read_names(told, f"{what} is a list of columns or targets of numbers")):
        if name.lower() not in known:
            raise OptionError(f"{what} names '{name}', which is no number of the designs.{did_you_mean(name, names)}",
                              remedy=f"It may name {', '.join(names)}.")  # fmt: skip
    return [known[name.lower()] for name in listed]


def _outcomes(args: Args, types: Mapping[str, str]) -> list[str]:
    known = {name.lower(): name for name in types}
    told = read_names(read_options(args, _EXAMPLE).get("outcomes"), "outcomes is a list of columns of the designs")
    for name in told:
        if name.lower() not in known:
            raise OptionError(f"outcomes names '{name}', which is no column of the designs.{did_you_mean(name, types)}")
    return [known[name.lower()] for name in told]


def _effort(args: Args) -> tuple[int, float, float, int, int, bool]:
    options = read_options(args, _EXAMPLE)
    check_options(options, OPTIONS)
    n = read_whole("n", args.get("n"), 1, _MOST) or 100
    usual = min(max(_TRIES * n, _FEWEST_TRIES), _MOST_TRIES)
    copies = options.get("copies")
    if not isinstance(copies, bool | None):
        raise OptionError(f"copies is TRUE or FALSE, not {copies!r}.")
    return (
        n,
        _number("temperature", options.get("temperature"), 1.0, 0.05, 10.0),
        _number("top_p", options.get("top_p"), 1.0, 0.01, 1.0),
        read_whole("seed", options.get("seed"), 0, 2**31 - 1) or 0,
        read_whole("most_tries", options.get("most_tries"), 1, 10**7) or usual,
        bool(copies),
    )


def _number(name: str, told: Any, usual: float, least: float, most: float) -> float:
    if told is None:
        return usual
    if isinstance(told, bool) or not isinstance(told, int | float) or not least <= told <= most:
        raise OptionError(f"{name} is a number from {least:,} to {most:,}, not {told!r}.")
    return told
