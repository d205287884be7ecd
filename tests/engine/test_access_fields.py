"""On a server: who may open files by columns of paths, and by names of bases. What may not be opened is not looked at."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import mfgsql
from mfgsql.engine import Session
from mfgsql.engine.access import Identity, Role, check_statements
from mfgsql.errors import AccessError, MfgsqlError, NotFoundError, SourceError
from tests.checkpoints import small_text

ROLES = ("reader", "analyst", "admin")
opened: list[str] = []
sys.addaudithook(lambda event, told: opened.append(str(told[0])) if event == "open" else None)


def picture(value: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (16, 16), value).save(file, "PNG")
    return file.getvalue()


class Served:
    """A database as a server holds it, with pictures in files and the models ``defect`` and ``notes``."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "files"
        (self.root / "photos").mkdir(parents=True)
        for number in range(40):
            (self.root / "photos" / f"{number}.png").write_bytes(picture(40 + 150 * (number % 2)))
        (folder / "secret.png").write_bytes(picture(9))
        small_text(self.root / "small", ["pump leaks", "fuse blown"] * 9)
        small_text(folder / "outside", ["pump leaks", "fuse blown"] * 9)
        self.owner = mfgsql.connect(folder / "plant.duckdb", threads=1, progress="off")
        self.owner.execute(
            f"CREATE TABLE photos AS SELECT i AS id, '{self.root}/photos/' || i || '.png' AS photo, "
            "i % 2 = 0 AS dark, 'pump ' || i || ' leaks' AS note FROM range(40) t(i)"
        )
        short = "options := {'epochs': 1, 'size': 16, 'channels': 1}"
        self.owner.execute(f"FROM ml_finetune('defect', 'SELECT photo, dark FROM photos', target := 'dark', {short})")
        self.owner.execute(
            f"FROM ml_pretrain('notes', 'photos', field := 'note', base := '{self.root}/small', options := {{'epochs': 1}})"
        )
        self.owner.engine.guard(self.root)
        self.owner.engine.lock()
        self.sessions = {role: self.session(role) for role in ROLES}

    def session(self, role: str) -> Session:
        session = self.owner.cursor()
        session.identity = Identity(f"the {role}", Role(role))
        return session

    def run(self, role: str, sql: str) -> list[tuple]:
        """As the server does: judged, then run."""
        session, rows = self.sessions[role], []
        for statement in check_statements(session.con, sql, session.identity):
            rows = session.execute(statement.text).fetchall()
        return rows

    def looked_at(self, role: str, sql: str) -> tuple[list[tuple], list[str]]:
        """Rows, and which pictures were opened meanwhile."""
        opened.clear()
        rows = self.run(role, sql)
        return rows, [path for path in opened if path.endswith(".png")]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("served"))
    with served.owner:
        yield served


# -- columns of paths ---------------------------------------------------------------------------------------------------

PREDICTED = "SELECT ml_status, ml_reason, predicted_dark FROM ml_predict('defect', 'photos')"
EMBEDDED = "SELECT ml_status, ml_reason, embedding FROM ml_embed('defect', 'photos')"


@pytest.mark.parametrize("sql", [PREDICTED, EMBEDDED])
@pytest.mark.parametrize("role", ["reader", "analyst"])
def test_a_path_is_not_opened_for_a_lower_role(served, role, sql):
    rows, paths = served.looked_at(role, sql)
    assert paths == []
    assert len(rows) == 40
    assert {row[0] for row in rows} == {"unreadable"}
    assert all("not for the role reader" in row[1] and row[2] is None for row in rows)


@pytest.mark.parametrize("sql", [PREDICTED, EMBEDDED])
def test_an_admin_reads_files_below_the_folder(served, sql):
    rows, paths = served.looked_at("admin", sql)
    assert len(paths) == 40
    assert {row[0] for row in rows} == {"ok"}
    assert all(row[2] is not None for row in rows)


@pytest.mark.parametrize("path", ["../secret.png", "{root}/../secret.png", "/etc/hosts", "photos/../../secret.png"])
def test_an_admin_reads_none_beside_it(served, path):
    told = path.format(root=served.root)
    rows, paths = served.looked_at(
        "admin", f"SELECT ml_status, ml_reason FROM ml_predict('defect', 'SELECT ''{told}'' AS photo')"
    )
    assert paths == []
    assert rows[0][0] == "unreadable"
    assert "is not below the folder for files" in rows[0][1]


def test_a_view_opens_for_who_looks_not_for_who_made_it(served):
    served.run("admin", f"CREATE OR REPLACE VIEW seen AS {PREDICTED}")
    assert {row[0] for row in served.run("admin", "FROM seen")} == {"ok"}
    rows, paths = served.looked_at("reader", "FROM seen")
    assert ({row[0] for row in rows}, paths) == ({"unreadable"}, [])
    served.run("admin", f"PREPARE mine AS {PREDICTED}")
    assert {row[0] for row in served.run("admin", "EXECUTE mine")} == {"ok"}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "sql",
    ["SELECT ml_predict('defect', t).label FROM photos t", "SELECT ml_embed('defect', photo) FROM photos",
     "SELECT ml_embed('defect', '/etc/hosts')", "SELECT ml_predict('defect', {{'photo': '{root}/photos/1.png'}}).label"],
)  # fmt: skip
def test_in_an_expression_nobody_opens_a_path(served, role, sql):
    rows, paths = served.looked_at(role, sql.format(root=served.root))
    assert paths == []
    assert {row[0] for row in rows} == {None}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT _ml_embed({'defect@1 files': {'photo': photo}}) FROM photos",
        "SELECT _ml_score_class({'defect@1 files': {'photo': photo}}) FROM photos",
        "SELECT _ml_score_spans({'defect@1 files': {'photo': photo}}) FROM photos",
        "SELECT _ml_embed_value('defect@1 files', photo) FROM photos",
        "SELECT _ml_score_row('defect@1 files', t) FROM photos t",
        "SELECT \"_ml_embed\"({'defect@1 files': {'photo': photo}}) FROM photos",
        "FROM query('SELECT _ml_embed({''defect@1 files'': {''photo'': photo}}) FROM photos')",
        "FROM ml_predict('notes', 'SELECT _ml_embed_value(''defect@1'', photo) AS note FROM photos')",
        "SELECT _ml_similar(list({'row': id, 'vector': [1]}), '{}') FROM photos",
    ],
)
def test_nobody_calls_by_hand_what_opens_files(served, role, sql):
    opened.clear()
    with pytest.raises(AccessError, match=r"Calling _ml_\w+ is not possible"):
        served.run(role, sql)
    assert not [path for path in opened if path.endswith(".png")]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "sql",
    ["FROM ml_predict('defect@1 files', 'photos')", "FROM ml_embed('defect@1 files', 'photos')",
     "SELECT ml_embed('defect@1 files', photo) FROM photos", "SELECT ml_predict('defect@1 files', t) FROM photos t"],
)  # fmt: skip
def test_the_mark_of_a_plan_is_no_name_of_a_version(served, role, sql):
    opened.clear()
    with pytest.raises(MfgsqlError):
        served.run(role, sql)
    assert not [path for path in opened if path.endswith(".png")]


def test_a_training_opens_files_for_an_admin_alone(served):
    call = "FROM ml_finetune('{}', 'SELECT photo, id, dark FROM photos', target := 'dark', options := {{'epochs': 1, 'size': 16}})"
    opened.clear()
    with pytest.raises(AccessError):
        served.run("reader", call.format("r"))
    try:
        served.run("analyst", call.format("a"))
    except MfgsqlError as error:
        assert "role" in str(error) or "photo" in str(error)  # noqa: PT017  (it may do without the pictures, too)
    assert not [path for path in opened if path.endswith(".png")]
    served.run("admin", call.format("b"))
    assert len({path for path in opened if path.endswith(".png")}) == 40


# -- bases --------------------------------------------------------------------------------------------------------------

TRAINING = "FROM ml_pretrain('more', 'photos', field := 'note', base := '{}', options := {{'epochs': 1}})"


@pytest.mark.parametrize("role", ["reader", "analyst"])
@pytest.mark.parametrize("base", ["./small", "{root}/small", "{root}/../outside", "./nowhere", "hf:org/name"])
def test_a_lower_role_names_no_folder_and_learns_not_whether_there_is_one(served, role, base):
    with pytest.raises(AccessError) as error:
        served.run(role, TRAINING.format(base.format(root=served.root)))
    assert "no folder" not in str(error.value)


@pytest.mark.parametrize("base", ["{root}/../outside", "../outside", "/etc", "hf:org/name", "~/models/small"])
def test_an_admin_names_none_beside_the_folder_for_files(served, base):
    with pytest.raises((AccessError, NotFoundError)):
        served.run("admin", TRAINING.format(base.format(root=served.root)))


@pytest.mark.parametrize("base", ["./small", "{root}/small"])
def test_an_admin_names_folders_below_it(served, base):
    rows = served.run("admin", TRAINING.format(base.format(root=served.root)).replace("'more'", "'of_admin'"))
    assert rows[0][3] in ("finished", "reused")


def test_what_stands_on_a_folder_is_for_all_to_use(served):
    served.run("admin", "FROM ml_finetune('frozen', 'SELECT note, dark FROM photos', target := 'dark', base := './small', "
                        "options := {'epochs': 1, 'freeze': 'yes'})")  # fmt: skip
    assert len(served.run("reader", "FROM ml_predict('frozen', 'photos')")) == 40
    assert len(served.run("analyst", "FROM ml_finetune('on_notes', 'SELECT note, dark FROM photos', target := 'dark', "
                                     "base := 'notes', options := {'epochs': 1})")) == 1  # fmt: skip


@pytest.mark.parametrize("role", ["reader", "analyst", "admin"])
@pytest.mark.parametrize(
    "sql",
    ["FROM ml_predict('defect', 'SELECT {cell} AS photo')", "FROM ml_embed('defect', 'SELECT {cell} AS photo')",
     "SELECT ml_predict('defect', {{'photo': {bare}}}).label", "SELECT ml_embed('defect', {bare})"],
)  # fmt: skip
def test_a_struct_that_looks_like_an_opened_path_opens_nothing(served, role, sql):
    bare = f"{{'path': '{served.root}/photos/1.png', 'reason': NULL::VARCHAR}}"
    with pytest.raises(SourceError, match="A picture is a BLOB, or the path of a file"):
        served.run(role, sql.format(cell=bare.replace("'", "''"), bare=bare))
