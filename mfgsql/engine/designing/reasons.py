"""In words: what can't be, how near a search came where it found nothing, and what is to be known of what it found."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sqlglot import exp

from mfgsql.engine.conditions import Condition
from mfgsql.engine.designing.drafting import Search
from mfgsql.engine.designing.drafts import Drafts, keys_of
from mfgsql.engine.designing.judge import DesignJudge, Floats
from mfgsql.engine.designing.space import DesignSpace
from mfgsql.engine.proofs import Ranges, cant_hold, disproven
from mfgsql.engine.quoting import quote_literal

_HARD = 0.05  # share of first drafts in which a condition holds, below which that is told
_FEW = 3  # open columns of numbers that may be outcomes
_USELESS = "no better than the baseline"  # of a version
_LONGER = "options := {'epochs': 100, 'learning_rate': 0.005}"


class Reasons:
    """What is said of a statement's designs.

    Args:
        of_rules: of the guide, by the text of a rule.
    """

    def __init__(self, judge: DesignJudge, space: DesignSpace, of_rules: Mapping[str, str]) -> None:
        self.judge, self.space, self.of_rules = judge, space, of_rules
        self.brief, self.conditions = judge.brief, judge.conditions

    def impossible(self) -> str | None:
        """What is proven not to hold; None: nothing is."""
        if self.space.impossible:
            return "; ".join(map(self._of_column, self.space.impossible))
        scored = {s.target.name for s in self.brief.scores}
        some = [i for i, whole in enumerate(self.judge.wholes) if not scored & whole.columns]
        mine = [self.conditions[i] for i in some]
        proven = disproven(mine, [self.judge.wholes[i] for i in some], self._ranges())
        if proven is None:
            return None
        return cant_hold([self._with_reason(mine[number]) for number in proven[0]], proven[1])

    def _ranges(self) -> Ranges:
        """Of the numbers of designs."""
        given = self.brief.given
        names = [n for n in self.space.numbers if n not in self.brief.computed and given.get(n, 0.0) is not None]
        kept = {name: self.space.reach(name, wholly=name not in given) for name in names}
        low, high = np.array([kept[name] for name in names]).reshape(-1, 2).T

        def value(tree: exp.Expression, point: Floats) -> float:
            return self.judge.number(tree, {name: point[i : i + 1] for i, name in enumerate(names)})

        return Ranges(names, low, high, frozenset(), value)

    def _of_column(self, name: str) -> str:
        named = [self._with_reason(c) for c in self.conditions if name in c.columns]
        given = self.brief.given
        named += [f"given {name} = {'NULL' if given[name] is None else repr(given[name])}"] if name in given else []
        near = self.space.around(name, given.get(name)) if len(named) == 1 else []
        told = f"; near it are {near[0]:.9g} and {near[1]:.9g}" if near else ""
        return cant_hold(named, f"{self.space.trained(name)} in the designs that were learnt from{told}")

    def _with_reason(self, condition: Condition) -> str:
        reason = self.of_rules.get(condition.text)
        return f"'{condition.text}'" + (f" ({reason})" if reason else "")

    def _hard(self, search: Search) -> list[str]:
        """Conditions that few first drafts hold, the hardest first."""
        shares = sorted(zip(search.held, self.conditions, strict=True), key=lambda pair: pair[0])
        return [f"{self._with_reason(c)} held in {100 * share:.2g} %" for share, c in shares if share < _HARD]

    def not_found(self, search: Search) -> str:
        """How near the search came, and what to do."""
        parts = [self._near(search)] if not search.copies else [
            f"all of {search.tries:,} drafts{' that hold' if self.conditions else ''} are copies of past designs: "
            "options := {'copies': true} shows them"
        ]  # fmt: skip
        if not search.copies:
            more = f"options := {{'most_tries': {10 * self.brief.tries}}} searches longer"
            parts.append(f"loosen a condition, or {more}" if search.tries >= self.brief.tries else "loosen a condition")
        return "; ".join([*parts, *self._of_designer()])

    def _near(self, search: Search) -> str:
        """The draft that is nearest to holding all."""
        whole = Drafts.concat(search.near)
        best = whole.take(whole.order[:1])
        off = []
        for number in np.flatnonzero(best.excess[0] > 0).tolist():
            reached = self.judge.comes_to(number, best.columns)
            told = "doesn't hold" if reached is None else f"comes to {reached:.4g}"
            off.append(f"{self._with_reason(self.conditions[number])} {told}")
        hard = self._hard(search)
        first = f"of the first drafts {', '.join(hard)}" if hard else "of the first drafts each held in some"
        return f"of {search.tries:,} drafts none holds all conditions: {first}; in the nearest one {' and '.join(off)}"

    def note(self, search: Search, shown: Drafts) -> str | None:
        """What is told beside each design: too few, nearly the same, what can hardly hold, that nothing was learnt."""
        hard, chosen = self._hard(search), len(shown)
        few = f"{chosen:,} of {self.brief.n:,} designs: {search.tries:,} drafts brought no more"
        told = [few] if chosen < self.brief.n else []
        told += self._same_but(search, shown)
        told += [f"of the first drafts {', '.join(hard)}"] if hard else []
        return "; ".join([*told, *self._of_designer()]) or None

    def _same_but(self, search: Search, shown: Drafts) -> list[str]:
        """Designs most of which differ in a few numbers alone, which may well come of what one sets."""
        open_ = zip(self.space.names, search.open, strict=True)
        mixed = [name for name, there in open_ if there and name not in self.brief.outcomes]
        drawn = [name for name in mixed if name in self.space.continuous]
        others = [name for name in mixed if name not in drawn]
        if not 0 < len(drawn) <= _FEW or not others or len(shown) < 2:
            return []
        count = len(set(keys_of(shown.values, others)))
        if 2 * count > len(shown):
            return []
        told = f"options := {{'outcomes': [{', '.join(map(quote_literal, drawn))}]}} counts by the others"
        but = f"{len(shown):,} designs are {count:,} but for {' and '.join(drawn)}"
        return [f"{but}: where that comes of a design, {told}"]

    def _of_designer(self) -> list[str]:
        """A designer that hasn't learnt how columns go together finds less than one that has."""
        version = self.brief.version
        if version.verdict is None or not version.verdict.startswith(_USELESS):
            return []
        return [f"{version.name} is no better than to draw each column by itself: pre-train it with {_LONGER}"]
