"""The wheel carries the files that are loaded by path, and works without a checkout beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("udfs", "sql", "migrations")
TRY = """
import json, mfgsql
with mfgsql.connect(progress="off") as s:
    verbs = s.execute("SELECT count(*) FROM ml.functions WHERE kind = 'verb'").fetchone()[0]
print(json.dumps([mfgsql.__file__, verbs]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked."""
    pytest.importorskip("hatchling", reason="needs hatchling, which builds the wheel")
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    environment = os.environ | {"HATCH_METADATA_CLASSIFIERS_NO_VERIFY": "1"}  # would need another package
    done = subprocess.run(build, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def files(folder: Path) -> set[str]:
    return {str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file() and "__pycache__" not in f.parts}


@pytest.mark.parametrize("name", FOLDERS)
def test_files_loaded_by_path_are_inside(wheel: Path, name: str) -> None:
    assert files(ROOT / name)
    assert files(wheel / "mfgsql" / "_bundled" / name) == files(ROOT / name)


def test_nothing_else_is_installed(wheel: Path) -> None:
    assert {p.name.split("-")[0] for p in wheel.iterdir()} == {"mfgsql"}
    assert {f for f in files(wheel / "mfgsql") if not f.startswith("_bundled")} == files(ROOT / "mfgsql")


def test_it_works_away_from_the_checkout(wheel: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TRY], cwd=wheel, env=os.environ | {"PYTHONPATH": str(wheel)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    file, verbs = json.loads(done.stdout)
    assert Path(file).is_relative_to(wheel)
    assert verbs == len(list((ROOT / "sql" / "functions").glob("*.sql")))
