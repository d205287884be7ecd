"""Where models run: chosen once for a process, and shown."""

from __future__ import annotations

import platform
from typing import Any

import torch

from mfgsql.errors import OptionError


def choose_device(wanted: str) -> str:
    """The device to use: as told, else the first CUDA GPU, else the CPU (mps lacks float64, which ensembles need).

    Raises:
        OptionError: the device told is not there.
    """
    available = _available()
    if wanted == "auto":
        return next((name for name in available if name.startswith("cuda")), "cpu")
    name = "cuda:0" if wanted == "cuda" else wanted
    if name not in available:
        raise OptionError(f"There is no device '{wanted}'; this machine has {', '.join(available)}.")
    return name


def _available() -> list[str]:
    names = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    return [*names, "mps"] if torch.backends.mps.is_available() else names


def describe_devices(chosen: str) -> list[dict[str, Any]]:
    """A row a device: name, what it is, whether it is used, memory in bytes (GPUs only)."""
    rows = []
    for name in _available():
        what, memory = platform.processor() or platform.machine(), None
        if name.startswith("cuda"):
            properties = torch.cuda.get_device_properties(name)
            what, memory = properties.name, properties.total_memory
        rows.append({"device": name, "what": what, "used": name == chosen, "memory": memory})
    return rows
