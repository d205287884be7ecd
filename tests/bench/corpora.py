"""Real texts and pictures beside the project, as tables that models learn from."""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from sklearn.model_selection import train_test_split

import mfgsql

DATA = Path(__file__).parents[3] / "shared/data"
SPANS = pa.list_(pa.struct([("label", pa.string()), ("begin", pa.int64()), ("stop", pa.int64())]))
Span = dict[str, Any]


@dataclass(frozen=True)
class Words:
    """A text that is known word by word.

    Attributes:
        words: joined by one space they are the text. tags: BIO, one a word.
    """

    words: list[str]
    tags: list[str]

    @property
    def text(self) -> str:
        """As a person would write it, almost."""
        return " ".join(self.words)

    @property
    def places(self) -> list[tuple[int, int]]:
        """Where each word begins and stops, in characters."""
        found, begin = [], 0
        for word in self.words:
            found.append((begin, begin + len(word)))
            begin += len(word) + 1
        return found

    @property
    def spans(self) -> list[Span]:
        """The tags as spans of characters."""
        spans: list[Span] = []
        for (begin, stop), tag, before in zip(self.places, self.tags, ["O", *self.tags], strict=False):
            if tag == "O":
                continue
            if tag.startswith("I-") and before[2:] == tag[2:]:
                spans[-1]["stop"] = stop
            else:
                spans.append({"label": tag[2:], "begin": begin, "stop": stop})
        return spans

    def tagged(self, spans: Iterable[Span]) -> list[str]:
        """Tags of spans that a model found; a word belongs to the span that its first letter lies in."""
        spans = sorted(spans, key=lambda span: span["begin"])
        tags, last = [], None
        for begin, _ in self.places:
            own = next((i for i, span in enumerate(spans) if span["begin"] <= begin < span["stop"]), None)
            tags.append("O" if own is None else f"{'I' if own == last else 'B'}-{spans[own]['label']}")
            last = own
        return tags


def conll(part: str) -> list[Words]:
    """Sentences of CoNLL-2003: ``train`` 14,041, ``valid`` 3,250, ``test`` 3,453."""
    blocks = (DATA / f"conll2003/{part}.txt").read_text(encoding="utf-8").strip().split("\n\n")
    rows = [[line.split(" ")[:2] for line in block.splitlines()] for block in blocks]
    return [Words([word for word, _ in row], [tag for _, tag in row]) for row in rows]


def maintie() -> tuple[list[Words], int]:
    """MaintIE's 1,076 texts with entities of five classes, and how many entities lie within others.

    Entities nest ("oil filter" and "filter" in it). Tags can't say that: the outermost one counts, the others are
    left out, of training and of judging.
    """
    found, inner = [], 0
    for item in json.loads((DATA / "maintie/gold_release.json").read_text(encoding="utf-8")):
        tags = ["O"] * len(item["tokens"])
        for entity in sorted(item["entities"], key=lambda e: (e["start"] - e["end"], e["start"])):
            words = range(entity["start"], entity["end"])
            if any(tags[i] != "O" for i in words):
                inner += 1
                continue
            label = entity["type"].split("/")[0]
            for i in words:
                tags[i] = f"{'B' if i == words[0] else 'I'}-{label}"
        found.append(Words(item["tokens"], tags))
    return found, inner


def excavators() -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Work orders of excavators: (train, test, notes); notes are all but those of test, without labels.

    Columns note and system; a system may be several, parted by ``_``. Rows with both, in order of their dates; the
    last fifth tests.
    """
    rows = pd.read_csv(DATA / "nist_excavators/excavators-cleaned.csv", usecols=["BscStartDate", "OriginalShorttext", "MajorSystem"])
    rows.columns = ["day", "note", "system"]
    labelled = rows.dropna(subset=["note", "system"]).sort_values("day", kind="stable")
    cut = int(0.8 * len(labelled))
    test = labelled.iloc[cut:]
    notes = rows["note"].dropna()
    return labelled.iloc[:cut], test, notes[~notes.index.isin(test.index)].tolist()


@dataclass(frozen=True)
class Picture:
    """A file's bytes, its class, and the part it belongs to: ``train``, ``held`` or ``test``."""

    image: bytes
    label: str
    part: str


def neu() -> list[Picture]:
    """NEU's 1,800 pictures of steel, 300 of each of six defects: 70 % train, 15 % are held out, 15 % test."""
    with (DATA / "neu_det/labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    labels = [row["label"] for row in rows]
    train, rest = train_test_split(range(len(rows)), test_size=0.3, stratify=labels, random_state=0)
    held, _ = train_test_split(rest, test_size=0.5, stratify=[labels[i] for i in rest], random_state=0)
    parts = {**dict.fromkeys(train, "train"), **dict.fromkeys(held, "held")}
    with zipfile.ZipFile(DATA / "neu_det/neu_det.zip") as archive:
        return [Picture(archive.read(row["path"]), row["label"], parts.get(i, "test")) for i, row in enumerate(rows)]


def table(s: mfgsql.Session, name: str, columns: dict[str, Any]) -> None:
    """A table of the columns, with ``n``, the number of each row."""
    arrays = {k: pa.array(v, SPANS) if k == "spans" else pa.array(v) for k, v in columns.items()}
    rows = len(next(iter(arrays.values())))
    s.con.register("raw", pa.table({"n": pa.array(range(rows)), **arrays}))
    s.execute(f"CREATE OR REPLACE TABLE {name} AS FROM raw").fetchall()
    s.con.unregister("raw")


def greys(pictures: Iterable[Picture]) -> Iterator[Any]:
    """Pixels [height, width] of each."""
    import numpy as np
    from PIL import Image

    for picture in pictures:
        yield np.asarray(Image.open(io.BytesIO(picture.image)).convert("L"))
