"""Numbers and words as the network takes them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from mfgsql.features import ColumnProfile
from mfgsql.features.categorical import FIRST, MISSING, UNKNOWN, CategoricalEncoder
from mfgsql.features.numeric import NumericEncoder

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)


def numeric(values: list[float], *, nulls: int = 0, sentinel: float | None = None) -> NumericEncoder:
    quantiles = tuple(np.quantile(values, np.linspace(0, 1, 65)).tolist())
    profile = ColumnProfile("x", "DOUBLE", len(values) + nulls, nulls, len(set(values)), len(values), min(values),
                            max(values), quantiles=quantiles, sentinel=sentinel)  # fmt: skip
    encoder = NumericEncoder.fit(profile)
    assert isinstance(encoder, NumericEncoder)
    return encoder


@settings(max_examples=60, deadline=None)
@given(st.lists(FINITE, min_size=2, max_size=50, unique=True), st.lists(FINITE, min_size=1, max_size=50))
def test_numbers_keep_their_order(fitted: list[float], seen: list[float]) -> None:
    encoder = numeric(fitted)
    ordered = sorted(seen)
    found = encoder.encode(pa.array(ordered, pa.float64())).values[:, 0]
    assert np.isfinite(found).all()
    assert (np.diff(found) >= 0).all()
    assert np.abs(found).max() < 5
    assert NumericEncoder.from_dict(encoder.to_dict()) == encoder


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.one_of(FINITE, st.sampled_from([np.nan, np.inf, -np.inf, -999.0]), st.none()), min_size=1, max_size=40)
)
def test_missing_values_are_nan_or_flagged(seen: list[float | None]) -> None:
    values = pa.array(seen, pa.float64())
    missing = np.array([v is None or not np.isfinite(v) or v == -999.0 for v in seen])
    known = numeric([0.0, 1.0, 2.0], nulls=1, sentinel=-999.0).encode(values)
    assert (np.isnan(known.values[:, 0]) == missing).all()
    assert all(f.status != "missing" for f in known.flags)
    plain = numeric([0.0, 1.0, 2.0])
    surprised = plain.encode(values)
    assert np.isfinite(surprised.values).all()
    flagged = [f for f in surprised.flags if f.status == "missing"]
    absent = np.array([v is None or np.isnan(v) for v in seen])  # an infinite one is out of range
    assert bool(flagged) == absent.any()
    assert not flagged or (flagged[0].rows == absent).all()


def words(**more: int) -> CategoricalEncoder:
    profile = ColumnProfile("c", "VARCHAR", 10, more.get("nulls", 0), 2, 10, top=(("a", 6), ("b", 4)))
    encoder = CategoricalEncoder.fit(profile)
    assert isinstance(encoder, CategoricalEncoder)
    return encoder


def test_new_words_are_unseen_and_null_is_missing() -> None:
    encoded = words().encode(pa.array(["b", "new", None, "a"]))
    assert encoded.values.tolist() == [FIRST + 1, UNKNOWN, UNKNOWN, FIRST]
    assert [(f.status, f.rows.tolist()) for f in encoded.flags] == [
        ("unseen", [False, True, False, False]),
        ("missing", [False, False, True, False]),
    ]
    assert "'new'" in encoded.flags[0].describe(1)
    knows = words(nulls=1).encode(pa.array([None, "a"]))
    assert (knows.values.tolist(), knows.flags) == ([MISSING, FIRST], ())


def test_a_wider_encoder_keeps_the_old_codes() -> None:
    wider = words().widen(ColumnProfile("c", "VARCHAR", 10, 1, 2, 9, top=(("z", 6), ("a", 3))))
    assert wider.categories == ("a", "b", "z")
    assert wider.nullable
