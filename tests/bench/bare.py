"""The best bare loops around a network of texts or of pictures: what SQL is held against.

They have the rows in memory and know the network, and do no more than a careful engineer would in a script: texts sorted
by length and padded by batch; pictures decoded in threads beside the network. Of several batch sizes the best counts.
"""

import io
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

THREADS = 2
PART = 4096  # texts that are sorted together


def best(loop: Callable[[list[Any], int], float], rows: list[Any], sizes: Sequence[int]) -> tuple[float, int]:
    """Rows a second on all rows at the batch size that is the fastest on a tenth of them, and that size."""
    torch.set_num_threads(THREADS)
    loop(rows[: len(rows) // 20], sizes[0])  # the first pass warms up
    size = max(sizes, key=lambda size: loop(rows[: len(rows) // 10], size))
    return loop(rows, size), size


def texts(folder: Path, classes: int) -> Callable[[list[str], int], float]:
    """Rows a second of a text encoder with a linear layer on the mean of its states: (notes, batch size) -> speed."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    body = AutoModel.from_pretrained(folder, attn_implementation="sdpa").eval()
    head = nn.Linear(body.config.hidden_size, classes)

    def score(ids: list[list[int]]) -> Tensor:
        told = tokenizer.pad({"input_ids": ids}, return_tensors="pt")
        states, there = body(**told).last_hidden_state, told["attention_mask"][..., None]
        return torch.softmax(head((states * there).sum(1) / there.sum(1)), dim=-1)

    def run(notes: list[str], size: int) -> float:
        began = time.perf_counter()
        with torch.inference_mode():
            for part in _parts(notes, PART):
                ids = tokenizer(part, truncation=True, max_length=512)["input_ids"]
                for rows in _parts(sorted(ids, key=len), size):
                    score(rows).numpy()
        return len(notes) / (time.perf_counter() - began)

    return run


def pictures(body: nn.Module, width: int, classes: int, side: int, mean: float, std: float) -> Callable[[list[bytes], int], float]:
    """Rows a second of a picture encoder with a linear layer on what it pools: (files, batch size) -> speed.

    Args:
        width: of what it pools. side: of the square that it sees, in pixels. mean, std: of a pixel from 0 to 1.
    """
    body = body.eval().to(memory_format=torch.channels_last)
    head = nn.Linear(width, classes)

    def run(files: list[bytes], size: int) -> float:
        began = time.perf_counter()
        with torch.inference_mode(), ThreadPoolExecutor(THREADS) as pool:
            for batch in _ahead(pool, files, size, side):
                pixels = (torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 255 - mean) / std
                torch.softmax(head(body(pixel_values=pixels).pooler_output), dim=-1).numpy()
        return len(files) / (time.perf_counter() - began)

    return run


def _parts(rows: list[Any], size: int) -> Iterator[list[Any]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _ahead(pool: ThreadPoolExecutor, files: list[bytes], size: int, side: int) -> Iterator[np.ndarray]:
    """Batches [rows, side, side, 3], of which the next two are being decoded."""
    waiting: list[Any] = []
    for rows in _parts(files, size):
        waiting.append([pool.submit(_decode, file, side) for file in rows])
        if len(waiting) > 2:
            yield np.stack([picture.result() for picture in waiting.pop(0)])
    for pending in waiting:
        yield np.stack([picture.result() for picture in pending])


def _decode(file: bytes, side: int) -> np.ndarray:
    from PIL import Image

    with Image.open(io.BytesIO(file)) as image:
        image.draft("RGB", (2 * side, 2 * side))
        return np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.BICUBIC, reducing_gap=3.0))
