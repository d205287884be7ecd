"""Paths in a tree: one distribution over all of it, however it grows, and a head that learns its way down."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mfgsql.errors import DataError
from mfgsql.features import ColumnProfile
from mfgsql.heads import HierarchyHead
from mfgsql.tasks import Target, choose_task, tasks
from mfgsql.tasks.hierarchy import SIGN, levels_of, looks_like_paths

TASK = tasks["hierarchy"]
NAMES = st.sampled_from(["a", "b", "c", "d"])
PATHS = st.sets(st.lists(NAMES, min_size=1, max_size=5).map(SIGN.join), min_size=2, max_size=14).map(sorted)
FAMILIES = ("fluid > hose", "fluid > pump", "rotating > bearing > inner", "rotating > bearing > outer", "rotating > shaft")


def target(paths: list[str] | tuple[str, ...], type_name: str = "VARCHAR") -> Target:
    counts = tuple((path, 3) for path in paths)
    return TASK.fit_target(ColumnProfile("y", type_name, 3 * len(paths), 0, top=counts), {})


def parents_of(paths: tuple[str, ...]) -> list[tuple[int, ...]]:
    return [level.parents for level in levels_of(paths)]


# -- the tree -------------------------------------------------------------------------------------------------------


def test_paths_of_differing_length_make_a_tree() -> None:
    first, second, third = levels_of(FAMILIES)
    assert first.owners == (0, 0, 1, 1, 1)
    assert second.parents == (0, 0, 1, 1)
    assert third.parents == (0, 1, 2, 2, 3)
    assert third.owners == (0, 1, 2, 3, 4)


@given(PATHS)
def test_the_last_level_is_the_classes(paths: list[str]) -> None:
    levels = levels_of(tuple(paths))
    assert levels[-1].owners == tuple(range(len(paths)))
    for above, level in zip(levels, levels[1:], strict=False):
        assert [level.parents[node] for node in level.owners] == list(above.owners)
        assert set(level.parents) == set(above.owners)


@pytest.mark.parametrize(
    ("classes", "paths"),
    [
        (["a > b", "a>c", " d >e "], True),
        (["a > b", "a"], False),
        (["a", "b"], False),
        (["a > b > c", "a > b"], False),
        (["> 5", "> 6"], False),
        (["a > b > c > d > e > f"], False),
        ([], False),
    ],
)
def test_what_looks_like_paths(classes: list[str], paths: bool) -> None:
    assert looks_like_paths(classes) is paths
    profile = ColumnProfile("y", "VARCHAR", 9, 0, top=tuple((c, 3) for c in classes))
    assert choose_task(profile) == ("hierarchy" if paths else "classification")
    assert choose_task(profile, windowed=True) == "classification"


@pytest.mark.parametrize(("path", "words"), [("a > b > c > d > e > f", "6 levels"), ("a > ", "a gap")])
def test_what_is_no_path_is_refused(path: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        target([path, "a > b"])


# -- one distribution over all of it --------------------------------------------------------------------------------


@given(PATHS, st.integers(0, 2**16))
def test_probabilities_sum_to_one_and_a_parents_is_that_of_its_children(paths: list[str], seed: int) -> None:
    torch.manual_seed(seed)
    classes = tuple(paths)
    head = HierarchyHead(8, parents_of(classes)).eval()
    told = head(torch.randn(4, 3, 8)).exp()
    assert told.shape == (4, len(classes))
    assert told.sum(dim=1).tolist() == pytest.approx([1.0] * 4, abs=1e-5)
    families = levels_of(classes)[0].owners
    if len(levels_of(classes)) > 1:  # the first level alone, told by the same weights
        alone = HierarchyHead(8, parents_of(classes)[:1]).eval()
        alone.load_state_dict(head.state_dict(), strict=False)
        hidden = torch.randn(4, 3, 8)
        below = torch.zeros(4, max(families) + 1).index_add(1, torch.tensor(families), head(hidden).exp())
        assert below.flatten().tolist() == pytest.approx(alone(hidden).exp().flatten().tolist(), abs=1e-5)


def test_a_row_does_not_depend_on_those_beside_it_nor_on_what_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    head, hidden = HierarchyHead(8, parents_of(FAMILIES)).eval(), torch.randn(7, 4, 8)
    mask = torch.ones(7, 4, dtype=torch.bool)
    mask[:, 3] = False
    whole = head(hidden, mask)
    other = hidden.clone()
    other[:, 3] = 100.0
    assert torch.allclose(head(other, mask), whole)
    assert not torch.allclose(head(other), whole)
    monkeypatch.setattr("mfgsql.heads.hierarchy._STATES", 1)
    assert torch.allclose(head(hidden, mask), whole, atol=1e-6)
    assert bool(head(hidden, mask & False).isfinite().all())


# -- learning -------------------------------------------------------------------------------------------------------


def test_it_learns_a_planted_tree() -> None:
    """Of three tokens the first tells the family, and the other two, by family, which the type is."""
    torch.manual_seed(0)
    classes = tuple(f"{family} > {kind}" for family in "ab" for kind in "xyz")
    hidden = torch.randn(2_200, 3, 12)
    hidden[:, :, 9:] = 3 * torch.eye(3)  # which token it is
    family = (hidden[:, 0, 0] > 0).long()
    kinds = torch.stack([hidden[:, 1, :3].argmax(dim=1), hidden[:, 2, :3].argmax(dim=1)], dim=1)
    truth = 3 * family + kinds.gather(1, family[:, None])[:, 0]
    of = target(classes)
    head = TASK.make_head(of, 12, 0.0)
    assert isinstance(head, HierarchyHead)
    optimizer = torch.optim.Adam(head.parameters(), lr=1e-2)
    for _ in range(150):
        loss = TASK.loss(head(hidden[:2000]), truth[:2000], of, {}).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.inference_mode():
        said = TASK.predict(head.eval()(hidden[2000:]).unsqueeze(1), of)
    found = {m.name: m.compute(truth[2000:].numpy(), said.values, said.scores) for m in TASK.metrics(of)}
    assert found["accuracy"] > 0.85
    assert found["family_accuracy"] > 0.93
    assert found["family_accuracy"] >= found["accuracy"]


def test_the_loss_counts_the_class_and_the_levels_above() -> None:
    of = target(["a > x", "a > y", "b > x"])
    shares = torch.tensor([[0.2, 0.5, 0.3]])
    loss = TASK.loss(shares.log(), torch.tensor([0]), of, {})
    assert float(loss) == pytest.approx(-np.log(0.2) - 0.5 * np.log(0.7))
    assert float(TASK.loss(shares.log() + 3, torch.tensor([0]), of, {})) == pytest.approx(float(loss))  # any logits do
    flat = target(["a", "b"])
    assert float(TASK.loss(shares[:, :2].log(), torch.tensor([1]), flat, {})) == pytest.approx(-np.log(0.5 / 0.7))


@given(PATHS, st.integers(0, 2**16))
def test_a_prediction_is_a_known_path(paths: list[str], seed: int) -> None:
    torch.manual_seed(seed)
    of = target(paths)
    said = TASK.predict(torch.randn(5, 2, len(paths)), of)
    assert {of.classes[i] for i in said.values} <= set(paths)
    assert said.scores is not None
    assert said.scores.sum(axis=1) == pytest.approx(np.ones(5))
