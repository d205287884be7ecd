"""``ml_drift``, executed: the source counted and scored once, and compared with what the version was learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import duckdb
import numpy as np

from mfgsql.cancellation import Cancellation
from mfgsql.catalog import Version
from mfgsql.catalog.references import Reference, read_references
from mfgsql.drift.distributions import compare_counts, compare_shares
from mfgsql.engine.drifting.asked import Asked
from mfgsql.engine.drifting.comparing import Comparing
from mfgsql.engine.drifting.counting import Counted, Known, check_types, count, features_of_source, known_features
from mfgsql.engine.drifting.judging import Finding, judged
from mfgsql.engine.drifting.reading import Asking, Read, Reader
from mfgsql.engine.drifting.references import of_predictions, of_truth, of_vectors
from mfgsql.engine.engine import Engine
from mfgsql.engine.planning import Args, Rows, at_place, stoppable
from mfgsql.engine.profiling import read_columns
from mfgsql.engine.sources import Source
from mfgsql.engine.verbs.judging import true_value
from mfgsql.engine.verbs.predicting import model_and_source
from mfgsql.errors import DataError, OptionError, did_you_mean
from mfgsql.manifest import Manifest
from mfgsql.scoring import Scorer
from mfgsql.tasks import ANOMALY, TOKENS
from mfgsql.tasks.task import Array


def run_drift(engine: Engine, args: Args) -> Rows:
    """The rows."""
    asked = Asked.of(args)
    with stoppable(engine, args) as (cursor, cancellation):
        version, _, source = model_and_source(engine, args)
        at_place(cursor, args)
        with engine.scorer(version.name) as scorer:
            return _Drift(engine, args, asked, version, scorer, cursor, cancellation).rows(source)


def compared_features(
    con: duckdb.DuckDBPyConnection, version: Version, manifest: Manifest, asked: Asked, types: dict[str, str]
) -> list[Known]:
    """The version's features that are asked for, which a source of such types has.

    Raises:
        OptionError, SourceError: the version reads no such feature, or the source has none.
    """
    features = known_features(con, version, manifest.features)
    for name in asked.features:
        if name.lower() not in (f.name.lower() for f in features):
            hint = did_you_mean(name, [f.name for f in features])
            raise OptionError(f"{version.name} reads no feature {name!r}.{hint}", remedy="FROM ml.features;")
    if asked.features:
        features = [f for f in features if f.name.lower() in {n.lower() for n in asked.features}]
    check_types(types, features, version)
    return features


class _Drift:
    """One statement: a version, and what comes now."""

    def __init__(
        self, engine: Engine, args: Args, asked: Asked, version: Version, scorer: Scorer,
        cursor: duckdb.DuckDBPyConnection, cancellation: Cancellation,
    ) -> None:  # fmt: skip
        self.engine, self.args, self.asked, self.version, self.scorer = engine, args, asked, version, scorer
        self.cursor, self.check = cursor, cancellation.check
        self.manifest = scorer.model.manifest
        history = self.manifest.history
        self.apart = float(history.length) if history is not None else 1.0
        task = self.manifest.task
        self.predicts = self.manifest.target is not None and task not in (ANOMALY, TOKENS)

    def rows(self, source: Source) -> Rows:
        """All findings, judged together."""
        types = read_columns(self.cursor, source)
        with self.engine.cursor() as catalog:  # where the caller is there may be another one
            was = compared_features(catalog, self.version, self.manifest, self.asked, types)
            references = read_references(catalog, self.version.model, self.version.version)
        if self.args.get("reference") is not None:
            was, references = self._own(was)
        self.check()
        total, now = count(self.cursor, source, was)
        if not total:
            raise DataError(f"The source {self.args['source']!r} has no rows.")
        self.check()
        read = self._read(source, types, total, self.asked.order_by)
        findings = [f for one in was for f in self._of_feature(one, now[one.name])]
        comparing = Comparing(self.version, self.scorer, self.asked, references, self.check)
        findings += [*comparing.scores(read, total)] if self.predicts else []
        findings += [*comparing.vectors(read), *comparing.truth(read)]
        return judged(findings, self.asked, total)

    def _read(self, source: Source, types: dict[str, str], total: int, order_by: str | None = None) -> Read:
        """What the version says of a source's rows; nothing where not all it reads is there."""
        there = {name.lower() for name in types}
        if not {n.lower() for n in self.manifest.features.names} <= there:
            return Read(None, None, None, {})
        reader = Reader(self.engine, self.scorer, self.version, self.check)
        truth = None
        if self.predicts and self.scorer.model.target.name.lower() in there:
            column = true_value(self.engine, self.version, self.manifest, source, self.args)
            truth = self.scorer.model.task.truth_sql(column, self.scorer.model.target)
        asking = Asking(truth, order_by, self.asked.k, self.predicts)
        return reader.read(self.cursor, source, total, asking)

    def _own(self, was: Sequence[Known]) -> tuple[list[Known], list[Reference]]:
        """What a source of the caller's own was like, in place of what was learnt from."""
        args = self.args | {"source": self.args["reference"]}
        _, _, source = model_and_source(self.engine, args)
        types = read_columns(self.cursor, source)
        check_types(types, was, self.version)
        features = features_of_source(self.cursor, source, was)
        rows, counted = count(self.cursor, source, features)
        features = [replace(one, unseen=counted[one.name].unseen) for one in features]
        if not rows:
            raise DataError(f"The reference {self.args['reference']!r} has no rows.")
        read = self._read(source, types, rows)
        found = of_vectors(read.vectors)
        if read.prediction is not None and len(read.prediction):
            task, target = self.scorer.model.task, self.scorer.model.target
            found += of_predictions(task, target, read.prediction)
            truth, there = read.known(task, target)
            found += of_truth(task, target, truth[there], read.prediction.take(there)) if len(there) else []
        return features, found

    def _of_feature(self, was: Known, now: Counted) -> list[Finding]:
        """Shape, missing values and new words of a feature."""
        found, there = list[Finding](), float(now.cells.sum())
        # Of histories neighbours are nearly one: tests count one of each window.
        shrink = 1.0 / self.apart
        if was.quantiles and there and was.there:
            before = was.numbers(self.apart)
            words = f"median {before.median_of(now.cells):.4g}, was {before.median:.4g}"
            compared = before.compare(now.cells, max(there * shrink, 1.0))
            found.append(Finding.of("feature", was.name, int(there), compared, words))
        elif was.top and there and was.there:
            frequent = [float(n) for _, n in was.top]
            theirs = np.array([*frequent, max(was.there - sum(frequent), 0.0)])
            compared = compare_counts(now.cells * shrink, theirs * shrink)
            found.append(Finding.of("feature", was.name, int(there), compared, _moved(was, now.cells, theirs)))
        elif not now.there:
            found.append(Finding("feature", was.name, now.rows, reason="no row has a value"))
        shares = [("missing", now.rows - now.there, now.rows, was.nulls, was.rows)]
        shares += [("unseen", now.unseen, now.there, was.unseen, was.there)] if was.words else []
        for kind, hits, of, hits_before, of_before in shares:
            if (hits or hits_before) and of and of_before:
                compared = compare_shares(hits * shrink, of * shrink, hits_before * shrink, of_before * shrink)
                found.append(Finding.of(kind, was.name, of, compared, f"{hits:,} of {of:,} rows"))
        return found


def _moved(was: Known, now: Array, before: Array) -> str:
    """The word whose share has changed most."""
    ours, theirs = now / now.sum(), before / before.sum()
    most = int(np.argmax(np.abs(ours - theirs)))
    word = repr(was.top[most][0]) if most < len(was.top) else "other values"
    return f"{word} {ours[most]:.1%}, was {theirs[most]:.1%}"
