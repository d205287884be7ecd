"""Training on pictures that a column names: each file once, whatever is missing, and the source read once."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import DataError, OptionError

SHORT = "options := {'epochs': 1, 'size': 32, 'channels': 1}"


@pytest.fixture
def s(tmp_path: Path) -> Iterator[Session]:
    for number in range(40):
        picture = io.BytesIO()
        Image.new("L", (24, 24), 40 + 150 * (number % 2)).save(picture, "PNG")
        (tmp_path / f"{number}.png").write_bytes(picture.getvalue())
    with mfgsql.connect(threads=1, progress="off") as session:
        session.execute(
            f"CREATE TABLE photos AS SELECT i AS id, '{tmp_path}/' || i || '.png' AS photo, i % 2 = 0 AS dark FROM range(40) t(i)"
        )
        yield session


def warnings(s: Session, source: str) -> list[str]:
    return list(s.execute(f"FROM ml_finetune('m', '{source}', target := 'dark', {SHORT})").fetchone()[-1])


def test_one_name_of_a_missing_file_may_stand_in_many_rows(s):
    told = warnings(s, "SELECT * REPLACE (if(id < 15, ''gone.png'', photo) AS photo) FROM photos")
    assert any(word.startswith("1 of 26 files can't be read, and are learnt from as missing (gone.png: no such") for word in told)


def test_rows_without_a_picture_may_come_first(s):
    source = "SELECT NULL::VARCHAR AS photo, id % 2 = 0 AS dark FROM range(1500) t(id) UNION ALL SELECT photo, dark FROM photos"
    s.execute(f"FROM ml_finetune('m', '{source}', target := 'dark', {SHORT})")
    kinds = s.execute("SELECT feature, kind FROM ml.features WHERE model = 'm'").fetchall()
    assert ("photo", "image") in kinds
    predicted = s.execute("SELECT ml_status, predicted_dark = dark FROM ml_predict('m', 'photos')").fetchall()
    assert {status for status, _ in predicted} == {"ok"}


def test_a_sample_is_drawn_once(s):
    told = warnings(s, "SELECT * EXCLUDE (id) FROM photos USING SAMPLE 30 ROWS")
    assert told == []


def test_what_can_not_be_read_at_all_is_said(s):
    nowhere = "SELECT ''nowhere/'' || id || ''.png'' AS photo FROM photos"
    with pytest.raises(DataError, match="'photo' holds no picture that can be read"):
        s.execute(f"FROM ml_finetune('good', '{nowhere}', task := 'anomaly')")


def test_pictures_have_one_channel_or_three(s):
    with pytest.raises(OptionError, match="channels is 1 for grey pictures, 3 for colour"):
        s.execute("FROM ml_finetune('m', 'photos', target := 'dark', options := {'channels': 2})")


def test_the_field_that_is_named_is_the_one_that_is_compared(s):
    s.execute("CREATE TABLE noted AS SELECT *, 'plate ' || id || ' as ever before' AS note FROM photos")
    both = "SELECT photo, note, dark FROM noted"
    s.execute(f"FROM ml_finetune('both', '{both}', target := 'dark', {SHORT})")
    widths = {f: s.execute(f"SELECT any_value(len(embedding)) FROM ml_embed('both', 'noted', field := '{f}')").fetchone()[0] for f in ("note", "photo")}
    assert widths["note"] == 128
    assert widths["photo"] != 128
    like = s.execute("SELECT id % 2 = similar_id % 2 FROM ml_similar('both', 'noted', key := 'id', field := 'photo')").fetchall()
    assert len(like) == 40
    assert all(same for (same,) in like)
    with pytest.raises(OptionError, match="reads pictures: a query in words finds none"):
        s.execute("FROM ml_search('both', 'noted', field := 'photo', query := 'a plate')")


def test_what_of_pictures_and_texts_is_not_learnt_from_is_said(s, tmp_path):
    s.execute(f"CREATE TABLE bytes AS SELECT content AS photo, row_number() OVER (ORDER BY filename) AS id FROM read_blob('{tmp_path}/*.png')")
    broken = "SELECT if(id <= 3, photo[:40], photo) AS photo, ''plate '' || id || repeat('' so'', id::INT) AS note, id % 2 = 0 AS dark FROM bytes"
    options = SHORT.replace("}", ", 'tokens': 20}")
    told = s.execute(f"FROM ml_finetune('m', '{broken}', target := 'dark', {options})").fetchone()[-1]
    unread, cut = (next(w for w in told if what in w) for what in ("photo can't be read", "note is longer than"))
    assert unread.startswith("3 rows, one of them: photo can't be read: ")
    assert cut.endswith("What is beyond is not read; options.tokens says how much is.")
    good = "FROM ml_finetune('good', 'SELECT if(id <= 3, photo[:40], photo) AS photo FROM bytes', task := 'anomaly')"
    assert any(w.startswith("3 rows, one of them: photo") for w in s.execute(good).fetchone()[-1])
