"""What a recommendation is asked for, read the same way when it is planned and when it is made."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import duckdb
from sqlglot import exp

from mfgsql.catalog import Version, resolve
from mfgsql.engine.conditions import computed_among
from mfgsql.engine.planning import Args, at_place, read_names, read_options
from mfgsql.engine.profiling import read_columns
from mfgsql.engine.quoting import quote_literal
from mfgsql.engine.recommending.adjustable import Adjustable, within
from mfgsql.engine.recommending.adjusting import adjustables, kind_of, read_adjust
from mfgsql.engine.recommending.goals import Goals, Reader
from mfgsql.engine.sources import Source, read_source
from mfgsql.errors import OptionError, SourceError, did_you_mean
from mfgsql.features.numeric import NumericEncoder
from mfgsql.features.profile import TEXT_TYPES, base_type, is_numeric_type
from mfgsql.manifest import Manifest
from mfgsql.options import check_options, read_whole
from mfgsql.tasks.task import Target

TASKS = ("classification", "regression", "rul")
OPTIONS = ("beyond", "most_changes", "trials", "seed")
CHANGES = 'STRUCT(feature VARCHAR, "from" VARCHAR, "to" VARCHAR)[]'
_EXAMPLE = "{'most_changes': 2, 'seed': 1}"
_MOST_K, _TRIALS = 100, 6_000
_BEHIND = {
    "gain": "DOUBLE", "change_cost": "DOUBLE", "changes": CHANGES, "why": "VARCHAR", "ml_status": "VARCHAR",
    "ml_reason": "VARCHAR",
}  # fmt: skip


@dataclass(frozen=True)
class Effort:
    """How to search.

    Attributes:
        k: suggestions a row. most: columns that may change; None: all. trials: candidates a row.
        beyond: whether numbers may leave the range that was learnt from.
    """

    k: int = 3
    most: int | None = None
    trials: int = _TRIALS
    seed: int = 0
    beyond: bool = False

    @classmethod
    def read(cls, args: Args) -> Effort:
        """From ``k`` and ``options``.

        Raises:
            OptionError: one is unknown, or out of its range.
        """
        options = read_options(args, _EXAMPLE)
        check_options(options, OPTIONS)
        k = read_whole("k", args.get("k"), 1, _MOST_K) or cls.k
        beyond = options.get("beyond")
        if not isinstance(beyond, bool | None):
            raise OptionError(f"beyond is TRUE or FALSE, not {beyond!r}.")
        trials = read_whole("trials", options.get("trials"), 16, 10**6) or _TRIALS
        seed = read_whole("seed", options.get("seed"), 0, 2**31 - 1) or 0
        return cls(k, read_whole("most_changes", options.get("most_changes"), 1, 10**4), trials, seed, bool(beyond))


@dataclass(frozen=True)
class Asked:
    """A recommendation that can be made.

    Attributes:
        versions, manifests: of the models. source: of the rows. types: of its columns. costs: of a change of a column
            by one, or of categories at all. conflict: conditions that can't hold, whatever the rows are.
    """

    versions: list[Version]
    manifests: list[Manifest]
    source: Source
    types: dict[str, str]
    adjust: list[Adjustable]
    goals: Goals
    costs: dict[str, float]
    effort: Effort
    level: float
    conflict: str | None

    @property
    def targets(self) -> list[Target]:
        """Of the models."""
        return [m.target for m in self.manifests if m.target is not None]

    @cached_property
    def computed(self) -> dict[str, str]:
        """Columns of the source that a model reads and ``derive`` makes, and what that calls them."""
        read = {name.lower() for m in self.manifests for name in m.features.names}
        return computed_among((name for name in self.types if name.lower() in read), self.goals.derived)

    @property
    def stored(self) -> dict[str, str]:
        """Numbers of the source that nothing of what is adjusted changes though it may be meant to, and who names them.

        What a model reads is told apart by being an input.
        """
        read = {name.lower() for m in self.manifests for name in m.features.names}  # adjusted ones are among these
        wanted = [(o.text, o.tree) for o in self.goals.objectives if o.tree is not None]
        wanted += [(c.text, c.tree) for c in self.goals.conditions]
        named = {column.name: text for text, tree in wanted for column in tree.find_all(exp.Column)}
        numbers = {name.lower() for name, kind in self.types.items() if is_numeric_type(kind)}
        return {name: text for name, text in named.items() if name.lower() in numbers - read}

    def named(self, what: str, number: int) -> str:
        """A column of the result: with the target's name where there are several."""
        return what if len(self.manifests) == 1 else f"{what}_{self.targets[number].column}"

    @property
    def outputs(self) -> dict[str, str]:
        """Columns of the result behind the source's, with types."""
        found = dict.fromkeys(self.goals.derived, "DOUBLE")
        found["suggestion"] = "BIGINT"
        for number, target in enumerate(self.targets):
            shown = target.type if target.classes else "DOUBLE"
            found |= {f"current_{target.column}": shown, f"predicted_{target.column}": shown}
            what = ("current_probability", "probability") if target.classes else ("lower", "upper")
            found |= {self.named(name, number): "DOUBLE" for name in what}
        if len(self.goals.objectives) > 1:
            found["pareto_rank"] = "BIGINT"
        return found | _BEHIND

    @property
    def kept(self) -> list[str]:
        """Columns of the source that stay in the result."""
        taken = {name.lower() for name in self.outputs}
        return [n for n in self.types if n.lower() not in taken and not n.lower().startswith("__ml")]


def read_asked(con: duckdb.DuckDBPyConnection, args: Args, level: float) -> Asked:
    """What is asked for.

    Raises:
        InputError, NotFoundError: it can't be done; the message says why.
    """
    effort, told = Effort.read(args), read_adjust(args.get("adjust"))
    versions = [resolve(con, name) for name in _models(args.get("model"))]
    manifests = [Manifest.from_json(v.manifest) for v in versions]
    for version, manifest in zip(versions, manifests, strict=True):
        _check_model(version, manifest)
    targets = [m.target for m in manifests if m.target is not None]
    if len({t.name.lower() for t in targets}) < len(targets):
        raise OptionError("Two of the models predict the same target: name one of them.")
    source = read_source(at_place(con, args), args.get("source"))
    types = read_columns(con, source)
    _check_features(versions, manifests, types)
    goals = Reader(targets, types, level).read(args)
    roles = _roles(manifests)
    _check_derived(goals, manifests, roles)
    found = adjustables(told, [m.features for m in manifests], types, roles, effort.beyond)
    costs = _costs(args.get("costs"), found)
    left, conflict = within(found, goals.conditions)
    conflict = goals.conflict or conflict
    asked = Asked(versions, manifests, source, types, left, goals, costs, effort, level, conflict)
    for one in found:
        if one.name.lower() in {name.lower() for name in goals.derived}:
            raise OptionError(f"derive makes '{one.name}', which is adjusted: leave it out of one of the two.")
        if one.name not in asked.kept:
            raise OptionError(f"'{one.name}' can't be adjusted: a column of the result takes its name.",
                              remedy="Rename it where the model learns, in a SELECT.")  # fmt: skip
    return asked


def _models(told: Any) -> list[Any]:
    names: list[Any] = list(told) if isinstance(told, list) else [told]
    if not names or (isinstance(told, list) and not read_names(told, "model is the name of a model, or a list")):
        raise OptionError("model is the name of a model, or a list of names, and names none.")
    return names


def _check_model(version: Version, manifest: Manifest) -> None:
    """Of which models there is something to recommend."""
    what = f"task '{manifest.task}'" if manifest.task else "a base"
    if manifest.task not in TASKS or manifest.target is None:
        raise OptionError(
            f"'{version.name}' is {what}, and what to change can be said by models of numbers and of classes only.",
            remedy=f"Train one: FROM ml_finetune({quote_literal(version.model)}, 'my_table', target := 'quality');",
        )
    if not manifest.target.classes and not manifest.calibration:
        raise OptionError(f"'{version.name}' was judged on no rows: how far it is off isn't known.",
                          remedy="Train it with more rows, or another split.")  # fmt: skip


def _check_features(versions: list[Version], manifests: list[Manifest], types: Mapping[str, str]) -> None:
    by_lower = {name.lower(): kind for name, kind in types.items()}
    for version, manifest in zip(versions, manifests, strict=True):
        history = manifest.history
        places = [n for n in (history.entity, history.order_by) if n] if history is not None else []
        for name in (*manifest.features.names, *places):
            if name.lower() not in by_lower:
                raise SourceError(f"The source has no column {name!r}, which {version.name} reads."
                                  f"{did_you_mean(name, types)}")  # fmt: skip
        for name in manifest.features.fields("image"):
            if base_type(by_lower[name.lower()]) in TEXT_TYPES:
                raise OptionError(f"{version.name} reads pictures of {name!r}, and the source holds names of files.",
                                  remedy="Give it the pictures themselves, as BLOB.")  # fmt: skip


def _check_derived(goals: Goals, manifests: list[Manifest], roles: Collection[str]) -> None:
    """A column that a model reads can follow from others where it holds numbers."""
    encoders = {e.column.name.lower(): e for m in manifests for e in m.features.encoders}
    for name in goals.derived:
        if name.lower() in roles:
            raise OptionError(f"derive makes '{name}', which says whose row it is and when: give it another name.")
        encoder = encoders.get(name.lower())
        if encoder is not None and not isinstance(encoder, NumericEncoder):
            raise OptionError(f"derive makes '{name}', a number, and the model reads it as {kind_of(encoder)}.",
                              remedy="Give it another name, or compute it in the source.")  # fmt: skip


def _roles(manifests: list[Manifest]) -> set[str]:
    """Columns, in lower case, that say whose row it is and when.

    Raises:
        OptionError: models of histories differ in that.
    """
    histories = [m.history for m in manifests if m.history is not None]
    found = {tuple((n or "").lower() for n in (h.entity, h.order_by)) for h in histories}
    if len(found) > 1:
        raise OptionError("The models read histories by different columns: ask them one by one.")
    return {name for pair in found for name in pair if name}


def _costs(told: Any, found: list[Adjustable]) -> dict[str, float]:
    names = {a.name.lower(): a.name for a in found}
    if not isinstance(told, dict | None):
        raise OptionError(f"costs is a struct of adjusted columns, as {{'cement': 0.12}}, not {told!r}.")
    for name, cost in (told or {}).items():
        if name.lower() not in names:
            raise OptionError(f"costs names '{name}', which isn't adjusted.{did_you_mean(name, names.values())}")
        if isinstance(cost, bool) or not isinstance(cost, int | float) or not 0 <= cost < float("inf"):
            raise OptionError(f"The cost of '{name}' is a number from 0 on, not {cost!r}.")
    return {names[name.lower()]: float(cost) for name, cost in (told or {}).items()}
