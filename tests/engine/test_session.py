"""Opening, adding the verbs to somebody else's connection, closing."""

import duckdb
import pytest

import mfgsql
from mfgsql.errors import CatalogError, ClosedError


def test_install_leaves_the_connection_to_its_owner():
    con = duckdb.connect()
    session = mfgsql.install(con, progress="off")
    assert con.execute("SELECT device FROM ml_devices() WHERE used").fetchone() is not None
    session.close()
    assert con.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(ClosedError):
        session.execute("SELECT 1")


def test_one_engine_for_one_file(tmp_path):
    with mfgsql.connect(tmp_path / "a.duckdb") as one:
        assert mfgsql.connect(tmp_path / "a.duckdb").engine is one.engine
        with pytest.raises(CatalogError, match="for writing"):
            mfgsql.connect(tmp_path / "a.duckdb", read_only=True)
    with mfgsql.connect(tmp_path / "a.duckdb", read_only=True) as reader:
        assert reader.execute("FROM ml.models").fetchall() == []


def test_views_and_words_are_listed():
    with mfgsql.connect() as session:
        names = {r[0] for r in session.execute("SELECT name FROM ml.functions WHERE kind = 'verb'").fetchall()}
        assert {"ml_predict", "ml_finetune", "ml_check"} <= names
        assert session.execute("SELECT count(*) FROM ml.functions WHERE kind = 'word'").fetchone()[0] > 5
