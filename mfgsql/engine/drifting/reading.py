"""Rows of a source as a version reads them: what it says of each, the truth where it came, vectors, and when each was.

Where a version is several networks, each judged on rows of its own, one of them speaks of each row here, too: what all
say together spreads less, and would differ from what was said of the rows held out where nothing has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mfgsql.catalog import Version
from mfgsql.engine.answering import check_times
from mfgsql.engine.drifting.references import VECTORS, has_vectors, joined
from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.engine.scoring import features_of, row_named
from mfgsql.engine.sources import Source
from mfgsql.engine.verbs.predicting import pinned, source_alias
from mfgsql.engine.windowing import POSITION
from mfgsql.evaluation import apart
from mfgsql.features import Batch
from mfgsql.scoring.histories import Asked, Histories, place
from mfgsql.scoring.turns import in_turns
from mfgsql.scoring.vectors import vectors_of
from mfgsql.tasks import Prediction, Target, Task
from mfgsql.tasks.task import Array, known

if TYPE_CHECKING:
    from mfgsql.engine.engine import Engine
    from mfgsql.manifest import Manifest
    from mfgsql.scoring import Scorer

MOST = 100_000  # rows that a version is asked about
_TURN = 2_048


@dataclass(frozen=True)
class Asking:
    """How rows are read.

    Attributes:
        truth: SQL of the target; None where the source has none. order_by: column of the order, or None.
        vectors: how many at most. predicts: whether the version says anything that is compared.
    """

    truth: str | None
    order_by: str | None
    vectors: int = VECTORS
    predicts: bool = True


@dataclass(frozen=True)
class Read:
    """Rows that were read, or of histories windows that share no row.

    Attributes:
        prediction: of each, or None. truth: of each as SQL gives it, or None. at: when each was, or None.
        vectors: of some of them, by column.
    """

    prediction: Prediction | None
    truth: pa.Array | None
    at: pa.Array | None
    vectors: dict[str, Array]

    def known(self, task: Task, target: Target) -> tuple[Array, Array]:
        """The truth as the task has it, and numbers of the rows where it is known."""
        if self.truth is None:
            return np.empty(0), np.empty(0, np.int64)
        truth = np.asarray(task.encode(self.truth, target))
        return truth, np.flatnonzero(known(truth))

    def ordered(self) -> Array:
        """Numbers of the rows in the order of time; those without a time are left out."""
        assert self.at is not None
        order = np.asarray(pc.sort_indices(self.at))
        return order[: len(self.at) - self.at.null_count]


class Reader:
    """Reads rows of a source by a version."""

    def __init__(self, engine: Engine, scorer: Scorer, version: Version, check: Callable[[], None]) -> None:
        self.engine, self.scorer, self.version, self.check = engine, scorer, version, check
        self.manifest: Manifest = scorer.model.manifest

    def read(self, con: duckdb.DuckDBPyConnection, source: Source, rows: int, asking: Asking) -> Read:
        """The rows; of more than 100,000 those with the smallest hashes, a uniform sample, the same each time."""
        if self.manifest.history is not None:
            return self._histories(con, source, asking)
        parts, truth, at, said, kept = list[dict[str, Array]](), list[pa.Array](), list[pa.Array](), list[Any](), 0
        order = f" ORDER BY __hash LIMIT {MOST}" if rows > MOST else ""
        sql = f"SELECT {self._columns(asking)} FROM {source.sql} AS {source_alias(self.version)}{order}"
        wanted = asking.vectors if has_vectors(self.manifest) else 0
        least = 2**64 if rows <= wanted else int(2**64 * min(1.0, 1.1 * wanted / rows))
        for batch in con.execute(sql).to_arrow_reader(_TURN):
            self.check()
            columns, hashes = self._features(batch.column("__row")), batch.column("__hash").to_numpy()
            if asking.predicts:
                parts_of, there = self._predict(columns, hashes)
                said.append(parts_of)
            else:
                there = np.arange(len(batch))
            truth.append(batch.column("__truth").take(pa.array(there)))
            at.append(batch.column("__at").take(pa.array(there)))
            chosen = np.flatnonzero(hashes < least)[: wanted - kept] if kept < wanted else np.empty(0, np.int64)
            kept += len(chosen)
            if len(chosen):
                some = {name: column.take(pa.array(chosen)) for name, column in columns.items()}
                parts += [vectors_of(self.scorer, b) for b in in_turns(self.scorer.model, some, len(chosen))]
        return _read(said, truth, at, joined(parts), asking)

    def _columns(self, asking: Asking) -> str:
        alias = source_alias(self.version)
        fields = ", ".join(f"{quote_literal(n)}: {alias}.{quote_identifier(n)}" for n in self.manifest.features.names)
        at = f"{alias}.{quote_identifier(asking.order_by)}" if asking.order_by else "NULL"
        return f"{{{fields}}} AS __row, hash({{{fields}}}) AS __hash, {asking.truth or 'NULL'} AS __truth, {at} AS __at"

    def _features(self, row: pa.Array) -> dict[str, pa.Array]:
        return features_of(self.engine, self.scorer, row_named(pinned(self.version, self.manifest), row))

    def _predict(self, columns: dict[str, pa.Array], hashes: Array) -> tuple[Prediction, Array]:
        """Predictions, and numbers of the rows that have one."""
        if self.manifest.features.fields():
            scored = self.scorer.score(columns, len(hashes))
            void = scored.rows.void
            there = np.arange(len(hashes)) if void is None else np.flatnonzero(~void)
            return scored.prediction.take(there), there
        part = 1 + (hashes % np.uint64(self.manifest.backbone.groups)).astype(np.int64)
        return self.scorer.score_unseen(columns, part), np.arange(len(hashes))

    def _histories(self, con: duckdb.DuckDBPyConnection, source: Source, asking: Asking) -> Read:
        """Windows that share no row, of fifty rows at least: neighbours are nearly one."""
        history = self.manifest.history
        assert history is not None
        alias = source_alias(self.version)
        time = f"{alias}.{quote_identifier(history.order_by)}"
        by = f"{alias}.{quote_identifier(history.entity)}" if history.entity else "true"
        ties = f"__row.{quote_identifier(POSITION)}" if POSITION in self.manifest.features.names else "__hash"
        rows = (
            f"SELECT {self._columns(asking)}, {time} AS __time, {by} AS __by FROM {source.sql} AS {alias} "
            f"WHERE {time} IS NOT NULL AND {by} IS NOT NULL"
        )
        number = f"row_number() OVER (PARTITION BY __by ORDER BY __time, {ties}) AS __number"
        table = (
            con.execute(
                f"SELECT __row, __truth, __at, __time, __number FROM (SELECT *, {number} FROM ({rows})) "
                "ORDER BY __by, __number"
            )
            .to_arrow_table()
            .combine_chunks()
        )
        column = {n: table[n].combine_chunks() for n in table.column_names}
        check_times(history.order_by, column["__time"].type, timed=history.timed)
        first = np.arange(len(table)) - (column["__number"].to_numpy() - 1)
        placed = place(self.scorer, Histories(self._features(column["__row"]), column["__time"], first), Asked())
        void = placed.status.void
        there = np.arange(len(placed.asked)) if void is None else np.flatnonzero(~void)
        there = there[apart(len(there), history.length)]
        ends, taken = placed.ends[placed.asked[there]], pa.array(placed.rows[there])
        said, some = list[Prediction](), ends[np.linspace(0, len(ends) - 1, min(len(ends), asking.vectors)).astype(int)]
        for turn in placed.track.in_turns(len(ends) if asking.predicts else 0):
            self.check()
            part = 1 + np.arange(turn.start, min(turn.stop, len(ends))) % self.manifest.backbone.groups
            said.append(self.scorer.predict_unseen(*placed.track.windows(ends[turn]), part))
        vectors = [
            vectors_of(self.scorer, Batch(*placed.track.windows(some[t]))) for t in placed.track.in_turns(len(some))
        ]
        return _read(said, [column["__truth"].take(taken)], [column["__at"].take(taken)], joined(vectors), asking)


def _read(
    said: Sequence[Prediction],
    truth: Sequence[pa.Array],
    at: Sequence[pa.Array],
    vectors: dict[str, Array],
    asking: Asking,
) -> Read:
    return Read(
        Prediction.concat(said) if said else None,
        pa.concat_arrays(truth) if asking.truth and truth else None,
        pa.concat_arrays(at) if asking.order_by and at else None,
        vectors,
    )
