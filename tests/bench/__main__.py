"""Figures of an area, measured here and now: ``python -m tests.bench --area core``.

Each benchmark prints as it goes; at the end comes a table, and ``bench-out/AREA.json`` keeps for each benchmark what its last
run gave, on what machine and from what commit.
"""

import argparse
import importlib
import json
import os
import platform
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

AREAS = {
    "core": ["labels", "scoring", "memory", "startup", "wide"],
    "quality": ["quality"],
    "series": ["turbofan", "anomalies", "histories"],
    "wire": ["wire"],
    "text": ["text", "text_speed"],
    "image": ["image", "image_speed"],
    "demand": ["forecasts", "ordering"],
    "decide": ["flow", "process", "concrete_decide", "designs"],
    "adapt": ["drifting", "adapting", "engines", "new_classes", "tuning", "adapters", "distilling"],
}
LIBRARIES = ("mfgsql", "duckdb", "torch", "transformers", "numpy", "pyarrow", "pandas", "lightgbm", "xgboost-cpu", "catboost")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--area", choices=AREAS, default="core")
    parser.add_argument("--only", choices=sorted({name for names in AREAS.values() for name in names}))
    parser.add_argument("--full", action="store_true", help="all areas")
    args = parser.parse_args()
    if args.full:
        os.environ["MFGSQL_BENCH_FULL"] = "1"
    for area in AREAS if args.full else [args.area]:
        names = [name for name in AREAS[area] if args.only in (None, name)]
        if not names:
            parser.error(f"the area {area} has no benchmark {args.only}")
        measured = {name: _measure(name) for name in names}
        _show(area, measured)
        _keep(Path("bench-out") / f"{area}.json", measured)


def _measure(name: str) -> dict[str, Any]:
    print(f"--- {name}", flush=True)
    started = time.monotonic()
    figures = importlib.import_module(f"tests.bench.{name}").run()
    return {"figures": figures, "seconds": round(time.monotonic() - started, 1), **_circumstances()}


def _circumstances() -> dict[str, Any]:
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return {
        "commit": commit.stdout.strip() or None,
        "machine": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _show(area: str, measured: dict[str, Any]) -> None:
    table = Table("figure", "measured", "goal", title=f"area {area}")
    for result in measured.values():
        for row in result["figures"]:
            table.add_row(row["figure"], str(row["measured"]), str(row["goal"]))
    Console().print(table)


def _keep(file: Path, measured: dict[str, Any]) -> None:
    """What an earlier run measured of the other benchmarks stays."""
    file.parent.mkdir(exist_ok=True)
    kept = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({k: v for k, v in kept.items() if k in AREAS[file.stem]} | measured, indent=2))


if __name__ == "__main__":
    main()
