"""Columns of paths: who may open which files, and what comes back."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from PIL import Image

import mfgsql
from mfgsql.engine import Session
from mfgsql.engine.access import Identity, Role, resolve_file
from mfgsql.engine.files import CELLS, picture_cells, read_bytes
from mfgsql.engine.profiling import BLOBS, profile_columns
from mfgsql.errors import AccessError
from mfgsql.features.image import ImageEncoder

ADMIN, ANALYST, READER = (Identity(role, Role(role)) for role in ("admin", "analyst", "reader"))


def picture(value: int = 9) -> bytes:
    file = io.BytesIO()
    Image.new("L", (5, 4), value).save(file, "PNG")
    return file.getvalue()


@pytest.fixture()
def root(tmp_path: Path) -> Path:
    """A folder with pictures; beside it one that is not to be opened, and links to that."""
    folder = tmp_path / "files"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.png").write_bytes(picture(1))
    (folder / "sub" / "裂 纹.png").write_bytes(picture(2))
    (tmp_path / "secret.png").write_bytes(picture(3))
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "out").symlink_to(tmp_path)
    (folder / "in.png").symlink_to(folder / "a.png")
    (folder / "loop.png").symlink_to(folder / "loop.png")
    return folder


@pytest.fixture()
def free(tmp_path: Path) -> Iterator[Session]:
    with mfgsql.connect(tmp_path / "p.duckdb", progress="off") as session:
        yield session


@pytest.fixture()
def held(tmp_path: Path, root: Path) -> Iterator[Session]:
    """Embedded, with the setting."""
    with mfgsql.connect(tmp_path / "held.duckdb", progress="off", files_root=str(root)) as session:
        yield session


@pytest.fixture()
def served(tmp_path: Path, root: Path) -> Iterator[Session]:
    with mfgsql.connect(tmp_path / "p.duckdb", progress="off") as session:
        session.engine.guard(root)
        yield session


OUTSIDE = ("../secret.png", "sub/../../secret.png", "link.png", "out/secret.png", "{folder}/secret.png", "loop.png", "",
           ".", "/etc/passwd", "a\0.png")  # fmt: skip


def outside(root: Path) -> list[str]:
    return [path.format(folder=root.parent) for path in OUTSIDE]


# -- who may ------------------------------------------------------------------------------------------------------------


def test_below_the_folder(served, held, root):
    told = ["a.png", "sub/裂 纹.png", str(root / "a.png"), "in.png", "sub/../a.png", "no.png", None]
    real = root.resolve()
    expected = [real / "a.png", real / "sub/裂 纹.png", real / "a.png", real / "a.png", real / "a.png", real / "no.png"]
    for session, identity in ((served, ADMIN), (held, None)):
        cells = picture_cells(session.engine, identity, pa.array(told))
        assert cells.type == CELLS
        assert cells.to_pylist() == [{"path": str(path), "reason": None} for path in expected] + [None]


def test_no_path_leads_out_of_it(served, held, root):
    for session, identity in ((served, ADMIN), (held, None)):
        for path in outside(root):
            with pytest.raises(AccessError):
                resolve_file(session.engine, identity, path)
        cells = picture_cells(session.engine, identity, pa.array(outside(root)))
        assert [cell["path"] for cell in cells.to_pylist()] == [None] * len(OUTSIDE)
        assert (
            cells[0]
            .as_py()["reason"]
            .startswith("'../secret.png' is not below the folder for files. Name a file below")
        )
        data, reasons = read_bytes(session.engine, identity, pa.array(outside(root)))
        assert data.null_count == len(OUTSIDE)
        assert all(reasons)


def test_embedded_use_opens_any_path(free, root, monkeypatch):
    monkeypatch.chdir(root)
    told = ["a.png", "../secret.png", str(root / "link.png")]
    cells = picture_cells(free.engine, None, pa.array(told))
    assert cells.to_pylist() == [{"path": path, "reason": None} for path in told]
    pixels = ImageEncoder("p", False).sized((2, 2), 1).encode(cells).values.pixels
    assert pixels[:, 0, 0, 0].tolist() == [1, 3, 3]


@pytest.mark.parametrize("identity", [READER, ANALYST])
def test_a_role_that_opens_no_file(served, root, identity, monkeypatch):
    def never(*args, **more):
        raise AssertionError("the file system was asked")

    told = pa.array(["a.png", str(root / "a.png"), None, *outside(root)])
    for name in ("open", "stat", "lstat", "readlink"):
        monkeypatch.setattr(os, name, never)
    monkeypatch.setattr(Path, "resolve", never)
    cells = picture_cells(served.engine, identity, told)
    data, reasons = read_bytes(served.engine, identity, told)
    column = ImageEncoder("p", True).encode(cells)
    monkeypatch.undo()
    assert cells.null_count == 1
    assert not any(cell["path"] for cell in cells.to_pylist() if cell)
    assert data.null_count == len(told)
    told_why = cells[0].as_py()["reason"]
    assert reasons[0] == told_why
    assert f"not for the role {identity.role}" in told_why
    assert "takes the role admin" in told_why
    assert not column.values.there.any()
    assert column.flags[0].rows.tolist() == [True, True, False, *[True] * len(OUTSIDE)]


def test_a_server_without_a_folder_opens_nothing(free):
    free.engine.guard(None)
    for identity in (ADMIN, READER):
        assert picture_cells(free.engine, identity, pa.array(["/etc/hosts"]))[0].as_py()["path"] is None
    assert "--files-root" in picture_cells(free.engine, ADMIN, pa.array(["a"]))[0].as_py()["reason"]


# -- what is in them ----------------------------------------------------------------------------------------------------


def test_bytes_of_files(served, root):
    (root / "empty.png").touch()
    (root / "big.png").write_bytes(bytes(1000))
    os.mkfifo(root / "pipe.png")
    told = pa.array(["a.png", None, "no.png", "empty.png", "big.png", "pipe.png", "sub", "sub/裂 纹.png"])
    data, reasons = read_bytes(served.engine, ADMIN, told, most=999)
    assert data.type == pa.large_binary()
    assert data.to_pylist() == [picture(1), *[None] * 6, picture(2)]
    assert reasons == [
        None,
        None,
        "no such file",
        "empty",
        "1,000 bytes: more than 999",
        "not a file",
        "not a file",
        None,
    ]


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())])
def test_texts_of_every_type(held, kind):
    told = pa.array(["a.png", None], pa.string()).cast(kind)
    assert picture_cells(held.engine, None, told)[0].as_py()["path"].endswith("files/a.png")
    assert read_bytes(held.engine, None, told)[0].to_pylist() == [picture(1), None]


def test_none_at_all(held):
    assert picture_cells(held.engine, None, pa.nulls(2)).to_pylist() == [None, None]
    assert picture_cells(held.engine, None, pa.array([], pa.string())).type == CELLS
    assert read_bytes(held.engine, None, pa.nulls(1))[1] == [None]


# -- which columns ------------------------------------------------------------------------------------------------------


def profiles(session: Session, select: str) -> dict:
    session.execute(f"CREATE TABLE cells AS {select}")
    with session.engine.cursor() as con:
        con.execute("CREATE TEMP TABLE seen AS SELECT *, hash(cells) AS __h FROM cells")
        types = {name: kind for name, kind, *_ in con.execute("DESCRIBE cells").fetchall()}
        return {p.name: p for p in profile_columns(con, "seen", types, order="__h")}


def test_columns_of_pictures_are_known_by_a_sample(free):
    free.execute("SET VARIABLE png = ?::BLOB", [picture()])
    found = profiles(free, "SELECT i, CASE WHEN i % 3 = 0 THEN NULL WHEN i % 4 = 0 THEN 'PK'::BLOB ELSE "
        "getvariable('png') || encode('' || i) END AS photo, 'a/' || i || '.JPeG' AS path, 'w' || i % 3 AS word, "
        "CASE WHEN i % 10 > 0 THEN 'x.png' END AS mostly, ''::BLOB AS empty, NULL::BLOB AS none, "
        "CASE WHEN i % 2 = 0 THEN 'x.png' ELSE 'scratched, see x.png for it' END AS note FROM range(6000) r(i)")  # fmt: skip
    photo = found["photo"]
    assert (photo.rows, photo.nulls, photo.sampled) == (6000, 2000, BLOBS)
    assert photo.distinct == pytest.approx(0.75 * BLOBS, rel=0.1)
    assert photo.pictures == pytest.approx(0.75, abs=0.05)
    assert (photo.minimum, photo.top, photo.holds_pictures) == (None, (), True)
    shares = {name: p.picture_paths for name, p in found.items()}
    assert shares == {"i": 0, "photo": 0, "path": 1, "word": 0, "mostly": 1, "empty": 0, "none": 0, "note": 0.5}
    assert {name for name, p in found.items() if p.holds_pictures} == {"photo", "path", "mostly"}
    assert (found["empty"].sampled, found["empty"].distinct, found["empty"].pictures) == (BLOBS, 1, 0)
    assert (found["none"].sampled, found["none"].nulls) == (0, 6000)


def test_equal_rows_are_all_looked_at(free):
    found = profiles(free, "SELECT 'same'::BLOB AS b FROM range(5000)")["b"]
    assert (found.sampled, found.distinct) == (5000, 1)
