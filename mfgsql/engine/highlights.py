"""What example rows show of their texts and pictures: the words and places that move the prediction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import cast

import numpy as np
import pyarrow as pa

from mfgsql.engine.inside import size_of
from mfgsql.features import Batch
from mfgsql.features.fields import Pictures
from mfgsql.features.parts import Cells, Words
from mfgsql.reporting.facts import Marked, Picture, Stretch
from mfgsql.reporting.formats import added
from mfgsql.scoring import Scorer
from mfgsql.scoring.attributing import Inside, Valued, look_inside
from mfgsql.scoring.explaining import rows_of
from mfgsql.tasks.heat_maps import heat_map_png
from mfgsql.tasks.task import Array

Shown = tuple[tuple[Marked, ...], tuple[Picture, ...]]

_LONGEST = 400  # characters of a text
_BEFORE = 120  # of them before its strongest word
_FAINT = 0.05  # of the strongest word: below it a word is left unmarked
_PIXELS = 192  # of a picture's longer side
_FULL = 1.4  # what has all its colour in a heat map


def highlights(
    scorer: Scorer, batch: Batch, columns: Mapping[str, pa.Array], contributions: Array, check: Callable[[], None]
) -> list[Shown]:
    """Texts and pictures of each row.

    Args:
        columns: the rows as they came. contributions: of the model's columns, [rows, columns].
        check: called before each pass of the network; raises where the work shall stop.
    """
    features = scorer.model.manifest.features
    shares = scorer.model.task.shape != "value"
    found = []
    for row, line in enumerate(contributions):
        one, texts, pictures = rows_of(batch, np.array([row])), list[Marked](), list[Picture]()
        for place, name in enumerate(features.fields()):
            whole = float(line[features.names.index(name)])
            adds = added(whole, shares) if len(features.names) > 1 else ""
            strength = abs(whole) / (np.abs(line).max() or 1.0)
            cell, field = columns[name][row], one.fields[place]
            if isinstance(field, Pictures):
                inside = look_inside(scorer, one, name, None, whole, check)
                png = _png(field, inside, np.sign(whole) * strength, size_of(cell)) if bool(field.there[0]) else None
                pictures.append(Picture(name, png, adds))
            else:
                text = str(cell) if cell.is_valid else ""
                inside = look_inside(scorer, one, name, text, whole, check)
                words = cast("Words", inside.parts)
                texts.append(Marked(name, tuple(_stretches(words, inside.found, strength, shares)), adds))
        found.append((tuple(texts), tuple(pictures)))
    return found


def _stretches(parts: Words, found: list[Valued], strength: float, shares: bool) -> Iterator[Stretch]:
    """The text in order, of a long one what lies around its strongest words, which are marked by that strength."""
    if not found:
        return
    places = sorted((*parts.place(part), value) for part, value in found)
    first, _, most = max(places, key=lambda place: abs(place[2]))
    text, most = parts.text, abs(most) or 1.0
    begin = max(0, first - _BEFORE) if len(text) > _LONGEST else 0
    stop, at = begin + _LONGEST, begin
    if begin:
        yield Stretch("… ")
    for first, last, value in places:
        if first >= begin and last <= stop and abs(value) >= _FAINT * most:
            yield Stretch(text[at:first])
            yield Stretch(text[first:last], strength * value / most, added(value, shares))
            at = last
    yield Stretch(text[at:stop] + (" …" if stop < len(text) else ""))


def _png(field: Pictures, inside: Inside, strength: float, size: tuple[int, int] | None) -> bytes:
    """The picture in grey, coloured where it moves the prediction to where the whole of it does: the sign of
    ``strength``, by which the strongest place is coloured.
    """
    cells, pixels = cast("Cells", inside.parts), field.pixels[0].cpu().numpy()
    places = np.zeros(cells.grid)
    for (top, bottom, left, right), value in inside.found:
        places[top:bottom, left:right] = max(value * np.sign(strength), 0.0) / ((bottom - top) * (right - left))
    heat = _FULL * abs(strength) * places / (places.max() or 1.0)
    height, width = size or pixels.shape[1:]
    scale = _PIXELS / max(height, width)
    return heat_map_png(pixels, heat, (round(width * scale), round(height * scale)))
