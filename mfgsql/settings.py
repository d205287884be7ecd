"""What can be set from outside, once for a process: ``MFGSQL_*`` variables or arguments of ``connect``."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, fields
from typing import Any

from mfgsql.errors import OptionError

GIB = 1024**3
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
          "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """Settings of one engine.

    Attributes:
        memory: bytes for everything together: DuckDB, cached models, the trainer. Default 60 % of the machine.
        threads: CPU threads for DuckDB and torch. Default: the cores this process may use.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        udfs_dir: a folder with a site's own UDF files, loaded like those of ``udfs/``.
        progress: ``auto`` (a bar where a person looks), ``on``, ``off``.
        keep_snapshots: how many training snapshots of each model stay beside the database.
        track: where trainings are recorded, too, as ``tensorboard,wandb`` or a list. Needs the extra ``[track]``.
        track_dir: the folder for that; default ``plant.duckdb.ml/tracking`` beside the database.
        files_root: the folder below which files are read and written. Default: any for embedded use; of a server none.
        hub: ``offline`` (bases named ``hf:org/name`` are those downloaded before), or ``online``.
    """

    memory: int = 0
    threads: int = 0
    device: str = "auto"
    udfs_dir: str = ""
    progress: str = "auto"
    keep_snapshots: int = 3
    track: tuple[str, ...] = ()
    track_dir: str = ""
    files_root: str = ""
    hub: str = "offline"

    @property
    def duckdb_memory(self) -> int:
        """DuckDB's share: half. It spills to disk beyond it."""
        return self.memory // 2

    @property
    def cache_memory(self) -> int:
        """The share of models kept warm for scoring: a fifth."""
        return self.memory // 5

    @property
    def trainer_memory(self) -> int:
        """Encoded rows the trainer may hold; beyond it they stream from the snapshot."""
        return min(self.memory // 10, GIB)


def load_settings(**given: Any) -> Settings:
    """Settings from arguments, else from ``MFGSQL_<NAME>``, else defaults.

    Raises:
        OptionError: a value can't be read, or a name is unknown.
    """
    known = {f.name: f for f in fields(Settings)}
    if unknown := given.keys() - known:
        raise OptionError(f"Unknown setting {sorted(unknown)[0]!r}; known are {', '.join(known)}.")
    raw = {n: given.get(n) if given.get(n) is not None else os.environ.get(f"MFGSQL_{n.upper()}") for n in known}
    values: dict[str, Any] = {n: v for n, v in raw.items() if v not in (None, "")}
    for name in ("threads", "keep_snapshots"):
        if name in values:
            values[name] = _whole(name, values[name])
    values["track"] = _names(values.get("track", ()))
    for name in ("track_dir", "files_root"):
        values[name] = str(values.get(name, ""))
    values["memory"] = parse_bytes(values["memory"]) if "memory" in values else int(_machine_memory() * 0.6)
    values["threads"] = values.get("threads") or _cores()
    if values.get("progress", "auto") not in ("auto", "on", "off"):
        raise OptionError(f"progress is auto, on or off, not {values['progress']!r}.")
    if values.get("hub", "offline") not in ("offline", "online"):
        raise OptionError(f"hub is offline or online, not {values['hub']!r}.")
    return Settings(**values)


def _cores() -> int:
    """That this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parse_bytes(text: str | int) -> int:
    """``'4GB'``, ``'512 MiB'`` or a number of bytes, as DuckDB reads its memory_limit."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", str(text))
    if not match or match[2].upper() not in _UNITS:
        raise OptionError(f"memory = {text!r} is not a size; write it as '4GB' or '512MiB'.")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def _whole(name: str, value: Any) -> int:
    try:
        return int(value)
    except ValueError:
        raise OptionError(f"{name} = {value!r} is not a whole number.") from None


def _names(value: Any) -> tuple[str, ...]:
    """``'a, b'`` or a list as names, each once."""
    listed = value.split(",") if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not all(isinstance(name, str) for name in listed):
        raise OptionError(f"track = {value!r} is no list of names; write it as 'tensorboard,wandb'.")
    return tuple(dict.fromkeys(name.strip() for name in listed if name.strip()))


def _machine_memory() -> int:
    """Bytes of the machine, or of the container it is confined to."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as limit:
            text = limit.read().strip()
    except OSError:
        return total
    return min(total, int(text)) if text.isdigit() else total
