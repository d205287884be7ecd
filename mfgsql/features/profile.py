"""What one pass over a table tells about a column. Encoders are fitted on this and see no row."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

NUMERIC_TYPES = frozenset(
    [
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "HUGEINT",
        "UTINYINT",
        "USMALLINT",
        "UINTEGER",
        "UBIGINT",
        "UHUGEINT",
        "FLOAT",
        "DOUBLE",
        "DECIMAL",
    ]
)
FLOAT_TYPES = frozenset({"FLOAT", "DOUBLE"})
INTEGER_TYPES = NUMERIC_TYPES - FLOAT_TYPES - {"DECIMAL"}
TEXT_TYPES = frozenset({"VARCHAR", "ENUM", "UUID"})
TIME_TYPES = frozenset({"DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"})

_PICTURES, PICTURE_PATHS = 0.5, 0.9  # shares from which a column is one of pictures


def base_type(type_name: str) -> str:
    """``DECIMAL(5,2)`` -> ``DECIMAL``; ``VARCHAR[]`` and ``STRUCT(...)`` -> ``NESTED``."""
    if type_name.endswith("]") or type_name.startswith(("STRUCT", "MAP", "UNION")):
        return "NESTED"
    return type_name.split("(", maxsplit=1)[0].strip().upper()


def is_numeric_type(type_name: str) -> bool:
    """Whether DuckDB's type of that name holds numbers."""
    return base_type(type_name) in NUMERIC_TYPES


@dataclass(frozen=True)
class ColumnProfile:
    """Counts, range and shape of one column.

    Attributes:
        name, type: as the database says.
        rows, nulls: over all rows; a NaN or an infinity counts as NULL.
        distinct: exact number of values among the sampled rows.
        sampled: non-NULL rows that ``distinct``, ``quantiles`` and ``top`` were taken from.
        minimum, maximum: finite range over all rows; of times, in seconds since 1970.
        mean, deviation: of finite values.
        quantiles: at equal steps of probability, ends included (numbers and times only).
        top: most frequent values as text, with counts, most frequent first.
        longest: characters of the longest text.
        infinities: number of infinite values.
        sentinel: a value that stands for "no value"; the rest of the profile leaves it out.
        pictures: share of some values of a BLOB that look like pictures.
        words: of a text on average; characters of Chinese count as words.
        picture_paths: share of sampled texts that are named as files of pictures are.
    """

    name: str
    type: str
    rows: int
    nulls: int
    distinct: int = 0
    sampled: int = 0
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    deviation: float | None = None
    quantiles: tuple[float, ...] = ()
    top: tuple[tuple[str, int], ...] = ()
    longest: int = 0
    infinities: int = 0
    sentinel: float | None = None
    pictures: float = 0.0
    picture_paths: float = 0.0
    words: float = 0.0

    @property
    def holds_pictures(self) -> bool:
        """Whether most values are pictures, or nearly all are paths of them."""
        if self.base_type == "BLOB":
            return self.pictures >= _PICTURES
        return self.base_type in TEXT_TYPES and self.picture_paths >= PICTURE_PATHS

    @property
    def base_type(self) -> str:
        """The type without its parameters."""
        return base_type(self.type)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)
