"""Training rows, frozen: a Parquet file, and the columns of it that are ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# Column of a snapshot: the number of the part that a row belongs to. The group of that number is judged on the row and
# has not seen it; all other groups are trained on it. With one group that is a plain hold-out.
SPLIT = "__ml_split"
TRAIN, VALIDATION, UNUSED = 0, 1, -1  # trained on by all groups; the first part; neither
HASH = "__ml_hash"  # column of a snapshot: hash of the row's content
REPLAYED = "__ml_replayed"  # column of a snapshot: whether the champion that is gone on from has learnt the row
WEIGHT = "__ml_weight"  # column of such a snapshot: what the row weighs
TAUGHT = "__ml_taught"  # column of a snapshot: a teacher's answer, see `mfgsql.training.distilling`
CHUNK = 65_536  # rows of a row group, at most


@dataclass(frozen=True)
class Snapshot:
    """Training rows, frozen: a Parquet file of the features, the target, `SPLIT` and `HASH`.

    Attributes:
        path: the file. hash: of its content, whatever the order of the source.
        rows: how many. train: of them each group learns from. validation: are judged.
        sql: text of the source. parts: of the judged rows; as many groups are trained.
    """

    path: Path
    hash: str
    rows: int
    train: int
    validation: int
    sql: str
    parts: int = 1
