"""Kill -9 at a random moment, again and again: the database opens, and nothing in it is half done."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import mfgsql
from mfgsql.engine import Session

LOOPS = int(os.environ.get("SOAK_LOOPS", "20"))
ROWS, LINES = 3000, 20_000
WORK = """
import random, sys, mfgsql
from mfgsql.engine.intake import LoadOptions, load
from mfgsql.errors import InputError, NotFoundError

database, folder, seed = sys.argv[1:]
dice = random.Random(int(seed))
s = mfgsql.connect(database, threads=2, progress='off')
DROPPED = ['m', 'b', 'i', 'm@candidate', 'm@previous', 'b@candidate']
TINY = "options := {'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2}"
work = {
    'train': lambda: s.execute(f"FROM ml_finetune('m', 'parts', target := 'failed', force := true, {TINY})"),
    'base': lambda: s.execute(f"FROM ml_pretrain('b', 'SELECT torque, temp FROM parts', force := true, {TINY})"),
    'promote': lambda: s.execute("FROM ml_promote('m@candidate')"),
    'require': lambda: s.execute("FROM ml_promote('m@candidate', 'parts', require := 'accuracy >= champion')"),
    'rollback': lambda: s.execute("FROM ml_rollback('m')"),
    'drop': lambda: s.execute(f"FROM ml_drop('{dice.choice(DROPPED)}')"),
    'export': lambda: s.execute(f"FROM ml_export('m', '{folder}/m.safetensors', overwrite := true)"),
    'import': lambda: s.execute(f"FROM ml_import('i', '{folder}/m.safetensors')"),
    'append': lambda: load(s.con, [f'{folder}/lines.csv'], 'appended', LoadOptions(append=True)),
    'replace': lambda: load(s.con, [f'{folder}/lines.csv'], 'replaced', LoadOptions(replace=True)),
}
print('ready', flush=True)
while True:
    try:
        work[dice.choice(list(work))]()
    except (NotFoundError, InputError):
        pass  # nothing to promote, drop or go back to at this moment
"""


def prepare(database: Path, folder: Path) -> None:
    """Rows to learn from, a file to load, and one exported model."""
    lines = "".join(f"{n},{n * 2}\n" for n in range(LINES))
    (folder / "lines.csv").write_text("a,b\n" + lines)
    with mfgsql.connect(database, threads=2, progress="off") as s:
        s.execute(
            "CREATE TABLE parts AS SELECT (i % 40) / 10.0 AS torque, (hash(i) % 1000)::DOUBLE AS temp, "
            f"(i % 40) > 28 AS failed FROM range({ROWS}) r(i)"
        )
        s.execute(
            "FROM ml_finetune('m', 'parts', target := 'failed', "
            "options := {'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2})"
        )
        s.execute(f"FROM ml_export('m', '{folder}/m.safetensors')")


def run_and_kill(database: Path, folder: Path, seed: int, after: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", WORK, str(database), str(folder), str(seed)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    ready = process.stdout.readline().strip()
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    _, errors = process.communicate()
    assert (ready, process.returncode) == ("ready", -signal.SIGKILL), errors


def check_catalog(s: Session, folder: Path, rows: int) -> None:
    """Whole versions, ended runs, and aliases that mean something; ``parts`` has so many rows."""
    states = {r[0] for r in s.execute("SELECT DISTINCT status FROM ml.runs").fetchall()}
    assert states <= {"finished", "interrupted", "cancelled"}
    versions = s.execute(
        "SELECT v.model, v.version, kind, artifact FROM ml_catalog.versions v JOIN ml_catalog.models USING (model)"
    ).fetchall()
    stored = s.execute("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'artifact%'").fetchall()
    assert {v[3] for v in versions} == {t[0] for t in stored}
    assert len(versions) == s.execute("SELECT count(*) FROM ml.versions").fetchone()[0]
    for model, version, kind, _ in versions:
        name = f"{model}@{version}"
        if kind == "base":  # it predicts nothing; that its weights can be read shows in an export
            s.execute("FROM ml_export($1, $2, overwrite := true)", [name, str(folder / "base.safetensors")])
        else:
            query = f"SELECT count(probability) FROM ml_predict('{name}', 'parts')"
            assert s.execute(query).fetchone() == (rows,), name
    lost = "SELECT model, alias FROM ml_catalog.aliases ANTI JOIN ml_catalog.versions USING (model, version)"
    assert s.execute(lost).fetchall() == []
    assert s.execute("SELECT model FROM ml.models WHERE champion IS NULL").fetchall() == []
    made = "SELECT model, version FROM ml.versions ANTI JOIN (FROM ml.events WHERE event IN ('created', 'imported'))"
    assert s.execute(f"{made} USING (model, version)").fetchall() == []  # each version's beginning is told
    assert s.execute(
        "SELECT e.model FROM (SELECT model, arg_max(version, rowid) AS version FROM ml_catalog.events "
        "WHERE event IN ('promoted', 'rolled_back') GROUP BY model) e JOIN ml.models m USING (model) "
        "WHERE m.champion <> e.version"
    ).fetchall() == []  # and who is champion is what was told last
    assert s.execute("SELECT path FROM ml.snapshots").pl()["path"].map_elements(os.path.exists, bool).all()
    assert [f.name for f in s.engine.folder.iterdir() if f.suffix == ".part"] == []


def check(s: Session, folder: Path) -> None:
    """A sound catalog, and whole tables and files."""
    check_catalog(s, folder, ROWS)
    assert s.execute("FROM ml_import('whole', $1)", [str(folder / "m.safetensors")]).fetchall()
    s.execute("FROM ml_drop('whole')")
    tables = {r[0] for r in s.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert "__ml_load" not in tables
    for table in {"appended", "replaced"} & tables:
        copies = s.execute(f"SELECT n FROM (SELECT a, count(*) AS n FROM {table} GROUP BY a)").fetchall()
        assert len(copies) == LINES
        assert len(set(copies)) == 1
        assert table == "appended" or set(copies) == {(1,)}


def test_a_process_killed_at_any_moment_leaves_a_sound_database(tmp_path: Path) -> None:
    database, folder = tmp_path / "plant.duckdb", tmp_path / "files"
    folder.mkdir()
    prepare(database, folder)
    seed = int(time.time())
    for loop in range(LOOPS):
        dice = random.Random(seed + loop)
        run_and_kill(database, folder, seed + loop, dice.uniform(0, 6))
        with mfgsql.connect(database, threads=2, progress="off") as s:
            check(s, folder)


def test_an_unfinished_file_is_gone_when_the_database_opens(tmp_path: Path) -> None:
    """What a kill in the middle of a snapshot leaves is too rare to wait for: it is put there."""
    database = tmp_path / "plant.duckdb"
    prepare(database, tmp_path)
    left = [Path(f"{database}.ml") / name for name in ("0123456789ab.part", "key.part")]
    for file in left:
        file.write_bytes(b"half")
    with mfgsql.connect(database, threads=2, progress="off"):
        assert [f.name for f in left if f.exists()] == []
