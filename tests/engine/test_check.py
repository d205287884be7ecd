"""What is told of a table before and after it is learnt from: what is odd in its columns, not lost among many."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import mfgsql
from mfgsql.engine import Session
from mfgsql.errors import DataError

ODD = """CREATE TABLE odd AS SELECT i % 7 + 0.5 AS x, x AS again, 'k' || i % 5 AS word, 'k' || i % 5 AS same_word, (i * 31) % 7 + 0.5 AS other,
  replace(printf('%.3f', i * 0.0137), '.', ',') AS pressure, 'a,b' || i % 3 AS pair, '1,23' || i % 5 AS group_or_comma,
  if(i % 90 = 3, 'infinity'::DOUBLE, i * 0.1) AS endless, i % 2 = 0 AS fail, i % 2 AS leak, 1 AS c1, 2 AS c2, 3 AS c3, 4 AS c4, 5 AS c5,
  6 AS c6, 7 AS c7, 8 AS c8, 9 AS c9, NULL::INT AS gone, if(i < 8, 'rare' || i % 2, 'class' || i % 3) AS kind,
  {nulls} FROM range(1000) r(i)"""
NULLS = ", ".join(f"if(hash(i + {k}) % 10 < {1 + k % 4}, NULL, hash(i * {k + 2}) % 100) AS s{k}" for k in range(12))


@pytest.fixture(scope="module")
def odd() -> Iterator[Session]:
    with mfgsql.connect(threads=1, progress="off") as session:
        session.execute(ODD.format(nulls=NULLS))
        yield session


def told(s: Session, target: str, item: str, source: str = "odd") -> list[tuple[str, str, str | None]]:
    """Verdict, finding and advice of the rows of an item."""
    sql = f"SELECT verdict, finding, advice FROM ml_check($${source}$$, target := '{target}') WHERE item = $1"
    return s.execute(sql, [item]).fetchall()


def test_many_columns_are_told_in_one_row(odd: Session) -> None:
    assert told(odd, "fail", "left out")[-1][1] == "c1, c2, c3, c4, c5, c6, c7, c8 and 1 more: constant"
    (_, finding, _), *more = told(odd, "fail", "NULLs")
    assert finding.startswith("12 columns have NULLs, s") and not more


def test_columns_that_are_copies_are_told(odd: Session) -> None:
    found = [finding for _, finding, _ in told(odd, "fail", "copy")]
    assert found == ["again holds what x holds, in every row", "same_word holds what word holds, in every row"]
    assert told(odd, "x", "copy") == told(odd, "x", "copy", "SELECT * EXCLUDE again FROM odd")  # of the target it is a leak


def test_decimal_commas_are_told_with_what_reads_them(odd: Session) -> None:
    ((verdict, finding, advice),) = told(odd, "fail", "text")
    assert (verdict, finding) == ("look", "pressure is text: numbers with a decimal comma")
    assert advice is not None
    read = advice.removeprefix("As numbers: ")
    assert odd.execute(f"SELECT sum(pressure) FROM ({read})").fetchone() == pytest.approx((499_500 * 0.0137,), abs=0.5)


@pytest.mark.parametrize("form", ["%d.%m.%Y %H:%M:%S", "%Y-%m-%d %H:%M", "%d.%m.%Y"])
def test_times_as_text_are_told_with_what_reads_them(odd: Session, form: str) -> None:
    made = f"strftime(TIMESTAMP '2026-03-31 14:00' + to_hours(i::INT), '{form}')"
    source = f"SELECT {made} AS moment, 'lot ' || i % 9 AS lot, i % 2 = 0 AS fail FROM range(300) r(i)"
    ((verdict, finding, advice),) = told(odd, "fail", "text", source)
    assert (verdict, finding) == ("look", "moment is text: times") and advice is not None
    read = advice.removeprefix("As times: ").replace("(...)", f"({source})")
    row = odd.execute(f"SELECT typeof(any_value(moment)), min(moment)::DATE::VARCHAR FROM ({read})").fetchone()
    assert row == ("TIMESTAMP", "2026-03-31")


def test_a_target_of_text_is_told_how_to_be_a_number(odd: Session) -> None:
    with pytest.raises(DataError) as caught:
        odd.execute("FROM ml_finetune('p', 'odd', target := 'pressure', task := 'regression')")
    read = str(caught.value).partition("in the source: ")[2].replace("...", "odd")
    assert odd.execute(f"SELECT count(pressure), typeof(any_value(pressure)) FROM ({read})").fetchone() == (1000, "DOUBLE")


def test_infinite_values_are_no_nulls(odd: Session) -> None:
    assert told(odd, "fail", "infinite") == [("look", "endless is infinite or NaN in 1.2% of the rows", "Read as missing.")]
    assert "'endless' is NULL, NaN or infinite in 12 of 1,000 rows" in told(odd, "endless", "target")[0][1]


def test_warnings_begin_with_leaks_and_name_rare_classes(odd: Session) -> None:
    tiny = "options := {'epochs': 1, 'width': 8, 'folds': 2, 'members': 1}"
    row = odd.execute(f"FROM ml_finetune('m', 'odd', target := 'fail', {tiny})").pl().to_dicts()[0]
    assert row["warnings"][0].startswith("leak may give the target away")
    assert "c1, c2, c3, c4, c5, c6, c7, c8 and 1 more are left out: constant." in row["warnings"]
    copies = "Columns that hold the same in every row: again of x, same_word of word. What they tell is parted among them."
    assert copies in row["warnings"]
    row = odd.execute(f"FROM ml_finetune('k', 'SELECT x, word, kind FROM odd', target := 'kind', {tiny})").pl().to_dicts()[0]
    assert row["warnings"] == ["Of 'kind' rare0 (4), rare1 (4) have fewer than 10 rows, too few to be learnt or judged by."]


def test_a_very_wide_table_is_learnt_in_fewer_folds(odd: Session) -> None:
    columns = ", ".join(f"hash(i + {k}) % 100 AS s{k}" for k in range(310))
    told = []
    for name, source in (("wide", columns), ("narrow", "i * 37 % 61 + 0.5 AS s")):
        sql = f"FROM ml_finetune('{name}', 'SELECT {source}, i % 2 = 0 AS y FROM range(60) r(i)', target := 'y', options := {{'epochs': 1, 'width': 8}})"
        odd.execute(sql).fetchall()
        told.append(odd.execute(f"SELECT spec->>'$.recipe.folds' FROM ml_catalog.runs WHERE model = '{name}'").fetchone())
    assert told == [("5",), ("20",)]
