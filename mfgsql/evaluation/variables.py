"""A column as statistics see it: numbers, or groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Array = npt.NDArray[Any]
MOST_GROUPS = 50
OTHER = "(other)"


@dataclass(frozen=True)
class Variable:
    """A column.

    Attributes:
        name, kind: numeric, temporal (seconds since 1970), categorical or boolean.
        values: numbers, or codes of groups, [rows] of float64; NaN where missing.
        groups: what the codes mean; empty for numbers.
    """

    name: str
    kind: str
    values: Array
    groups: tuple[str, ...] = ()

    @classmethod
    def of_texts(cls, name: str, kind: str, texts: pa.Array, groups: Sequence[str] = ()) -> Variable:
        """Groups of texts, by alphabet or in the order told; beyond the `MOST_GROUPS` largest ones they are one."""
        counts = {c["values"]: c["counts"] for c in pc.value_counts(texts.drop_null()).to_pylist()}
        largest = sorted(counts, key=lambda g: (-counts[g], g))[:MOST_GROUPS]
        known = [g for g in groups if g in largest] if groups else sorted(largest)
        codes = pc.fill_null(pc.index_in(texts, pa.array(known, pa.string())), len(known)).cast(pa.float64())
        values = np.where(np.asarray(texts.is_null()), np.nan, codes.to_numpy(zero_copy_only=False))
        return cls(name, kind, values, (*known, *([OTHER] if len(known) < len(counts) else [])))

    def at(self, rows: Array) -> Variable:
        """Those rows (a mask), with only those groups that occur in them."""
        values = self.values[rows]
        if not self.groups:
            return replace(self, values=values)
        present, codes = np.unique(values.astype(np.int64), return_inverse=True)
        return replace(self, values=codes, groups=tuple(self.groups[i] for i in present))

    @property
    def varies(self) -> bool:
        """Whether two values occur, none of them missing."""
        return len(self.values) > 0 and bool(np.any(self.values != self.values[0]))

    def show(self, value: float) -> str:
        """A value of it in words."""
        if self.kind == "temporal":
            return str(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=round(value))).removesuffix("+00:00")
        return f"{value:.4g}"
