"""What equal weights need besides equal rows and an equal spec."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import torch

from mfgsql.engine.engine import Engine
from mfgsql.version import __version__

_LIBRARIES = ("duckdb", "torch", "numpy", "pyarrow", "scikit-learn", "scipy")


def lineage_of_machine(engine: Engine) -> dict[str, Any]:
    """Libraries, threads, device, the CPU's instructions."""
    return {
        "mfgsql": __version__,
        "libraries": {name: importlib.metadata.version(name) for name in _LIBRARIES},
        "threads": engine.settings.threads,
        "device": engine.device,
        "cpu": torch.backends.cpu.get_cpu_capability(),
    }
