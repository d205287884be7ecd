"""Which structure a training asks for: by what it errs on rows learnt from and held out, and by its curve."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.training import Recipe
from mfgsql.training.structure import MOST_LAYERS, MOST_WIDTH, Fall, Shape, Signs, other_shape, usual_shape, wish_of

FLAT = (0.5, 0.5, 0.499, 0.5)
SIGNS = Signs(learnt=0.48, held_out=0.5, naive=0.69, curve=FLAT, rows=1_000)
errors = st.floats(0, 10, allow_subnormal=False) | st.sampled_from([math.nan, math.inf])
falls = st.none() | st.builds(Fall, st.just("roc_auc"), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
signs_of_any = st.builds(Signs, errors, errors, errors, st.lists(errors, max_size=9).map(tuple), st.integers(0, 100_000), falls)
heads = st.sampled_from([1, 2, 4, 8])
shapes = st.builds(lambda h, n, layers: Shape(h * n, layers, h), heads, st.integers(1, 512), st.integers(1, MOST_LAYERS))


@pytest.mark.parametrize(
    ("changed", "larger", "told"),
    [
        ({}, True, "learns no more (error 0.48 on rows learnt from, 0.5 on those held out, 0.69 of a naive guess)"),
        ({"fall": Fall("roc_auc", 0.9, 0.6, 0.65)}, True, "what is new is told worse, and learning gave back little of it (roc_auc 0.9 -> 0.6, and 0.65"),
        ({"fall": Fall("rmse", 1.0, 3.0, 1.5)}, True, "learns no more"),  # three quarters are back
        ({"curve": (0.9, 0.7, 0.6, 0.5)}, None, "nothing asks"),  # it still learns
        ({"curve": (0.9, 0.7, 0.5, 0.51, 0.5, 0.5)}, True, "learns no more"),
        ({"curve": (0.5,)}, None, "nothing asks"),
        ({"learnt": 0.03, "held_out": 0.04}, None, "nothing asks"),  # it tells nearly all
        ({"learnt": 0.1}, False, "1,000 rows by heart"),
        ({"learnt": 0.1, "rows": 50_000}, None, "more rows would serve"),
        ({"learnt": math.nan}, None, "nothing asks"),
    ],
)  # fmt: skip
def test_what_is_asked_for_and_why(changed: dict[str, object], larger: bool | None, told: str) -> None:
    wish = wish_of(replace(SIGNS, **changed))  # type: ignore[arg-type]
    assert wish.larger is larger
    assert told in wish.why


@given(signs_of_any)
def test_what_is_learnt_by_heart_never_asks_for_more(signs: Signs) -> None:
    wish = wish_of(signs)
    assert wish.why
    if wish.larger is not None:
        assert math.isfinite(signs.learnt + signs.held_out + signs.naive) and signs.held_out > 0
        assert wish.larger == (signs.learnt > 0.7 * signs.held_out)
    if wish.larger:
        worse = wish_of(replace(signs, learnt=signs.learnt + 1))
        assert worse.larger  # the more it errs on what it learnt from, the less it has learnt it by heart
    if wish.larger is False:
        assert wish_of(replace(signs, learnt=signs.learnt / 2)).larger is False


@given(shapes, shapes, st.booleans())
def test_the_next_structure_is_one_step_away_and_may_be_trained(now: Shape, usual: Shape, larger: bool) -> None:
    other = other_shape(now, usual, larger=larger)
    if other is None:
        assert not larger or (now.layers == MOST_LAYERS and 2 * now.width > MOST_WIDTH)
        return
    assert (other.width, other.layers) != (now.width, now.layers)
    assert (other.width >= now.width and other.layers >= now.layers) == larger
    assert (other.width == now.width) != (other.layers == now.layers)
    assert other.heads == now.heads and other.width % now.heads == 0
    Recipe.parse({"backbone": "transformer", "width": other.width, "layers": other.layers, "heads": other.heads})


def test_depth_follows_where_width_is_as_usual() -> None:
    usual = usual_shape(Recipe(backbone="ensemble", folds=5))
    assert (usual.width, usual.layers) == (96, 2)
    assert other_shape(Shape(96, 1), usual, larger=True) == Shape(96, 2)
    assert other_shape(Shape(48, 1), usual, larger=True) == Shape(96, 1)
    assert other_shape(Shape(96, 2), usual, larger=True) == Shape(192, 2)
    assert other_shape(Shape(12, 3, 4), usual, larger=False) == Shape(4, 3, 4)
    assert other_shape(Shape(4, 3, 4), usual, larger=False) == Shape(4, 2, 4)
    assert other_shape(Shape(4, 1, 4), usual, larger=False) is None
