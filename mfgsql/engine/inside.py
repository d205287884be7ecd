"""Why a row with texts or pictures is predicted as it is: which columns, which words, which places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mfgsql.engine.explaining import WHY_TYPE

if TYPE_CHECKING:
    from mfgsql.features import Batch
    from mfgsql.scoring import Scorer
    from mfgsql.scoring.attributing import Inside
    from mfgsql.tasks.task import Array

Reason = tuple[str, str | None, str | None, float]  # feature, at, value, contribution


@dataclass(frozen=True)
class Told:
    """The rows' values.

    Attributes:
        texts: structs of the columns as text. cells: of each column of pictures the bytes, or path and reason.
    """

    texts: pa.Array
    cells: dict[str, pa.Array]


def reasons_inside(
    scorer: Scorer, batch: Batch, told: Told, contributions: Array, most: int, check: Callable[[], None]
) -> pa.Array:
    """Lists of the column ``why``, of so many structs each, at most.

    Of the columns that contribute most, a text is told of by its words and a picture by its places, which sum to what
    the column contributes.

    Args:
        contributions: of the columns, [rows, columns]. check: raises where the work shall stop.
    """
    from mfgsql.scoring.attributing import look_inside
    from mfgsql.scoring.explaining import rows_of

    features = scorer.model.manifest.features
    fields, lists = set(features.fields()), []
    for row, line in enumerate(contributions):
        one, found = rows_of(batch, np.array([row])), list[Reason]()
        for number in np.argsort(-np.abs(line), kind="stable")[:most].tolist():
            name, whole = features.names[number], float(line[number])
            value = told.texts.field(name)[row].as_py()
            parts: list[Reason] = []
            if name in fields:
                inside = look_inside(scorer, one, name, value, whole, check)
                parts = list(_parts(name, inside, told.cells.get(name), row))
            found += parts or [(name, None, value, whole)]
        found.sort(key=lambda reason: -abs(reason[3]))
        lists.append([dict(zip(WHY_TYPE.value_type.names, reason, strict=True)) for reason in found[:most]])
    return pa.array(lists, WHY_TYPE)


def _parts(name: str, inside: Inside, cells: pa.Array | None, row: int) -> Iterator[Reason]:
    from mfgsql.features.parts import Words

    parts = inside.parts
    size = None if cells is None or not inside.found else size_of(cells[row])
    for part, value in inside.found:
        if isinstance(parts, Words):
            begin, stop = parts.place(part)
            yield name, f"{begin}-{stop}", parts.text[begin:stop], value
        else:
            yield name, None if size is None else ",".join(map(str, parts.box(part, size))), None, value


def size_of(cell: Any) -> tuple[int, int] | None:
    """Height and width of a picture before it was scaled; None where it can't be read, or its file is gone meanwhile.

    Args:
        cell: Arrow's scalar of bytes, or of a struct with a path.
    """
    from mfgsql.features.pictures import Unreadable, dimensions

    value = cell.as_py()
    try:
        return dimensions(Path(value["path"]) if isinstance(value, dict) else value)
    except (Unreadable, TypeError):
        return None
