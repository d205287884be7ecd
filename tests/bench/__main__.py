"""Figures of an area, measured here and now: ``python -m tests.bench --area core``."""

import argparse
import json
import platform
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import labels, startup

AREAS = {"core": {"labels": labels.run, "startup": startup.run}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--area", choices=AREAS, default="core")
    parser.add_argument("--only", help="one benchmark of the area")
    parser.add_argument("--full", action="store_true", help="all areas")
    args = parser.parse_args()
    areas = AREAS if args.full else {args.area: AREAS[args.area]}
    rows = []
    for benchmarks in areas.values():
        for name, run in benchmarks.items():
            if args.only in (None, name):
                rows += run()
    table = Table("figure", "measured", "goal")
    for row in rows:
        table.add_row(row["figure"], str(row["measured"]), str(row["goal"]))
    Console().print(table)
    out = Path("bench-out")
    out.mkdir(exist_ok=True)
    (out / f"{args.area}.json").write_text(json.dumps({"machine": platform.platform(), "figures": rows}, indent=2))


if __name__ == "__main__":
    main()
