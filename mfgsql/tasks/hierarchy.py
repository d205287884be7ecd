"""Classes that are paths in a tree, as ``bearing > inner race``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from mfgsql.errors import DataError, OptionError
from mfgsql.features import ColumnProfile
from mfgsql.heads.hierarchy import HierarchyHead
from mfgsql.metrics import Metric
from mfgsql.tasks.classification import Classification
from mfgsql.tasks.task import Array, OutputColumn, Target, tasks

SIGN = " > "
MOST_LEVELS = 5
_UPPER = 0.5  # weight of what is told on all levels but the last, beside the class itself


@dataclass(frozen=True)
class Level:
    """Nodes of one depth.

    Attributes:
        parents: the number of each node's parent in the level above, of the first level 0.
        owners: the number of each class's node.
    """

    parents: tuple[int, ...]
    owners: tuple[int, ...]


@lru_cache(maxsize=64)
def levels_of(classes: tuple[str, ...]) -> tuple[Level, ...]:
    """The tree of these paths, from its first level on; the nodes of the last one are the classes.

    A path that ends early goes on as its own only child, and where others go on from its end, beside these.
    """
    paths = [tuple(path.split(SIGN)) for path in classes]
    depth = max(map(len, paths))
    padded = [(*path, *[""] * (depth - len(path))) for path in paths]
    levels: list[Level] = []
    above: list[tuple[str, ...]] = [()]
    for level in range(1, depth + 1):
        here = list(dict.fromkeys(path[:level] for path in padded))
        places = {path: number for number, path in enumerate(above)}
        owners = tuple(here.index(path[:level]) for path in padded)
        levels.append(Level(tuple(places[path[:-1]] for path in here), owners))
        above = here
    return tuple(levels)


def looks_like_paths(classes: Sequence[str]) -> bool:
    """Whether all of them are paths of the same length, of two levels at least."""
    depths = {len(_path(text).split(SIGN)) for text in classes}
    parts = [part for text in classes for part in _path(text).split(SIGN)]
    return len(depths) == 1 and 1 < max(depths) <= MOST_LEVELS and all(parts)


def _path(text: str) -> str:
    return re.sub(r"\s*>\s*", SIGN, text.strip())


class Hierarchy(Classification):
    """Cross-entropy over the classes, each told level by level by `HierarchyHead`, and over the levels above them.

    Of a head that tells all classes at once, as an ensemble's members and windows have, the levels above are sums.
    """

    name: ClassVar[str] = "hierarchy"
    looks: ClassVar[bool] = True

    def fit_target(self, profile: ColumnProfile, options: dict[str, Any]) -> Target:
        """Paths by alphabet.

        Args:
            profile: of the column; ``top`` counts paths as `truth_sql` writes them.
        """
        if profile.base_type not in ("VARCHAR", "ENUM", "NESTED"):
            raise DataError(f"The target {profile.name!r} is {profile.type}; paths are texts, as 'family > type'.")
        if options.get("positive") is not None:
            raise OptionError("positive is for two classes that are no paths: leave it out.")
        for path, _ in profile.top:
            parts = path.split(SIGN)
            if len(parts) > MOST_LEVELS or not all(parts):
                what = f"has {len(parts)} levels, and at most {MOST_LEVELS} are told" if all(parts) else "has a gap"
                raise DataError(f"The path {path!r} of the target {profile.name!r} {what}.")
        target = super().fit_target(replace(profile, type="VARCHAR"), options)
        counts = dict(sorted(zip(target.classes, target.counts, strict=True)))
        return replace(target, type=profile.type, classes=tuple(counts), counts=tuple(counts.values()))

    def truth_sql(self, column: str, target: Target) -> str:
        """The path with one blank on each side of each sign."""
        if target.type.endswith("]"):
            return f"array_to_string(CAST({column} AS VARCHAR[]), '{SIGN}')"
        return f"regexp_replace(trim(CAST({column} AS VARCHAR)), '\\s*>\\s*', '{SIGN}', 'g')"

    def make_head(self, target: Target, width: int, dropout: float) -> nn.Module:
        """A head that goes down the tree."""
        return HierarchyHead(width, [level.parents for level in levels_of(target.classes)], dropout)

    def loss(self, output: Tensor, truth: Tensor, target: Target, options: dict[str, Any]) -> Tensor:
        """Cross-entropy of the class, and half of the mean over the levels above."""
        losses = super().loss(output, truth, target, options)
        upper = levels_of(target.classes)[:-1]
        if not upper:
            return losses
        told = output.float().log_softmax(dim=-1)
        above = torch.zeros_like(losses)
        for level in upper:
            owners = torch.tensor(level.owners, device=output.device)
            own = owners == owners[truth].unsqueeze(1)
            above = above - torch.where(own, told, -torch.inf).logsumexp(dim=1)
        return losses + _UPPER / len(upper) * above

    def metrics(self, target: Target) -> Sequence[Metric]:
        """Those of the classes, and how often the first level is right."""
        first = np.array(levels_of(target.classes)[0].owners)

        def family(truth: Array, prediction: Array, _: Any) -> float:
            return float(np.mean(first[truth] == first[prediction]))

        return (*super().metrics(target), Metric("family_accuracy", True, family))

    def columns(self, target: Target) -> list[OutputColumn]:
        """The path, its probability, that of all paths, and the way down: each level's probability is the sum of those
        below.
        """
        path, sign = f"string_split({{ml}}.label, '{SIGN}')", f"'{SIGN}'"
        whole = path if target.type.endswith("]") else "{ml}.label"
        so_far = f"array_to_string({path}[1:i], {sign}) || {sign}"
        pairs = "list_zip({classes}, {ml}.scores)"
        below = f"list_filter({pairs}, lambda e: starts_with(e[1] || {sign}, {so_far}))"
        chance = f"list_sum(list_transform({below}, lambda e: e[2]))"
        level = f"{{{{'level': i::INTEGER, 'label': {path}[i], 'probability': {chance}}}}}"
        levels = f"list_transform(range(1, len({path}) + 1), lambda i: {level})"
        first = OutputColumn(f"predicted_{target.column}", whole)
        return [first, *super().columns(target)[1:], OutputColumn("levels", levels)]


tasks.register("hierarchy")(Hierarchy())
