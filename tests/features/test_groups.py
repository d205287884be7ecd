"""The column whose values have adapters of their own."""

from __future__ import annotations

import pyarrow as pa
import pytest

from mfgsql.features import FeatureSet
from mfgsql.features.categorical import CategoricalEncoder
from mfgsql.features.encoders import encoders
from mfgsql.features.groups import GroupEncoder

LINES = GroupEncoder("line", ("A", "B", "C"), ("C", "A"), nullable=False)


def test_values_without_an_adapter_share_a_code() -> None:
    found = LINES.encode(pa.array(["A", "B", "C", "new", None]))
    assert found.values.tolist() == [2, 0, 1, 0, 0]
    told = {flag.status: (flag.rows.tolist(), flag.describe(3 if flag.status == "unseen" else 4)) for flag in found.flags}
    assert told == {
        "unseen": ([False, False, False, True, False], "line = 'new' (new)"),
        "missing": ([False, False, False, False, True], "line is missing (never so in training)"),
    }


@pytest.mark.parametrize(
    ("values", "kind"),
    [([1, 2, None], pa.int32()), ([True, False, None], pa.bool_()), (["1", "2", None], pa.dictionary(pa.int8(), pa.string()))],
)
def test_groups_of_any_type_are_told_by_their_text(values: list, kind: pa.DataType) -> None:
    own = ("true", "false") if pa.types.is_boolean(kind) else ("1", "2")
    found = GroupEncoder("g", own, own, nullable=True).encode(pa.array(values, kind))
    assert found.values.tolist() == [1, 2, 0]
    assert not found.flags


def test_its_code_is_the_last_one_whatever_the_order_of_columns() -> None:
    words = CategoricalEncoder("zone", ("n", "s"), complete=True, nullable=False)
    features = FeatureSet((words,)).with_group(LINES)
    assert features.names == ["zone", "line"]
    assert features.encode({"line": pa.array(["A"]), "zone": pa.array(["s"])}, 1).codes.tolist() == [[3, 2]]
    assert features.places["line"].code == 1
    other = features.with_group(GroupEncoder("line", ("A",), (), nullable=True))
    assert other.group is not None
    assert other.group.own == ()
    assert len(other.encoders) == 2


def test_it_is_saved_and_never_guessed() -> None:
    assert encoders["adapter"].from_dict(LINES.to_dict()) == LINES
    assert FeatureSet.from_list(FeatureSet((LINES,)).to_list()).group == LINES
    assert FeatureSet(()).group is None
