"""Saved states of trainings under way, as files: whole ones, or none."""

from __future__ import annotations

import os
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors


def read_state(state: Path) -> bytes | None:
    """A saved state; None where there is none, or a power cut has left a broken one: then the run starts anew."""
    try:
        data = state.read_bytes()
        load_tensors(data)
    except FileNotFoundError:
        return None
    except SafetensorError:
        state.unlink()
        return None
    return data


def write_state(path: Path, data: bytes) -> None:
    """Put a state in the place of an earlier one; a power cut leaves one of the two."""
    partial = path.with_suffix(".part")
    with open(partial, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
