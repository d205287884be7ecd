"""Reports and metrics of found spans, added up by SQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import mfgsql
from mfgsql.engine import Session
from mfgsql.engine.spans import compared, plan_span_metrics, plan_span_report
from mfgsql.errors import SourceError

TRUTH = "[{'label': 'PART', 'begin': 0, 'stop': 13}, {'label': 'ACT', 'begin': 20, 'stop': 30}]"
SAID = (
    "[{'label': 'PART', 'text': 'bearing noise', 'begin': 0, 'stop': 13, 'score': 0.9}, "
    "{'label': 'PART', 'text': 'oil', 'begin': 20, 'stop': 23, 'score': 0.6}]"
)
# Of four rows one is found by half, one has no text, one no truth, one no answer.
SCORED = f"""
SELECT {compared("note", "truth")}, {{'spans': said}} AS __ml FROM (
  VALUES ('bearing noise after oil change', {TRUTH}, {SAID}), (NULL, {TRUTH}, {SAID}), ('a b', NULL, {SAID}),
  ('a b', {TRUTH}, NULL)) t(note, truth, said)
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with mfgsql.connect(tmp_path_factory.mktemp("spans") / "s.duckdb", threads=2, progress="off") as opened:
        yield opened


def test_a_report_has_labels_and_tags(session: Session) -> None:
    rows = session.execute(plan_span_report(SCORED, "truth")).fetchall()
    third = pytest.approx(1 / 3)
    assert [r for r in rows if r[0] == "span"] == [
        ("span", "ACT", 0, 0, 0, 1),
        ("span", "PART", 0.5, 1, pytest.approx(2 / 3), 1),
        ("span", "micro avg", 0.5, 0.5, 0.5, 2),
        ("span", "macro avg", 0.25, 0.5, third, 2),
        ("span", "weighted avg", 0.25, 0.5, third, 2),
    ]
    tokens = {r[1]: r[2:] for r in rows if r[0] == "token"}
    assert list(tokens) == ["B-ACT", "I-ACT", "B-PART", "I-PART", "O", "micro avg", "macro avg", "weighted avg"]
    assert tokens["B-PART"] == (0.5, 1, pytest.approx(2 / 3), 1)
    assert tokens["O"] == (0.5, 1, pytest.approx(2 / 3), 1)
    assert tokens["micro avg"] == pytest.approx((0.6, 0.6, 0.6, 5))


def test_a_report_of_many_rows_is_that_of_one(session: Session) -> None:
    many = f"SELECT t.* FROM ({SCORED}) t, range(5000)"
    one = session.execute(plan_span_report(SCORED, "truth")).fetchall()
    found = session.execute(plan_span_report(many, "truth")).fetchall()
    assert [r[:2] for r in found] == [r[:2] for r in one]
    for a, b in zip(found, one, strict=True):
        assert a[2:5] == pytest.approx(b[2:5])
        assert a[5] == 5000 * b[5]


def test_metrics_have_intervals_over_rows(session: Session) -> None:
    many = f"SELECT t.* FROM ({SCORED}) t, range(50) UNION ALL {SCORED.replace(SAID, TRUTH)}"
    found = session.execute(plan_span_metrics(many, "truth"))
    assert [d[0] for d in found.description or []] == ["metric", "value", "baseline", "lower", "upper", "rows"]
    rows = {r[0]: r[1:] for r in found.fetchall()}
    assert rows["span_f1"][0] == pytest.approx(52 / 102)
    assert rows["token_accuracy"][:2] == pytest.approx((155 / 255, 51 / 255))
    for value, _, lower, upper, count in rows.values():
        assert lower <= value <= upper
        assert count == 51


def test_truth_may_be_json(session: Session) -> None:
    written = json.dumps([{"label": "PART", "start": 0, "end": 13}, {"label": "X", "start": 5, "end": 99}, 3])
    source = f"SELECT 'bearing noise after oil change' AS __text, '{written}' AS __truth, {{'spans': {SAID}}} AS __ml"
    rows = session.execute(plan_span_report(source, "truth")).fetchall()
    assert rows[0] == ("span", "PART", 0.5, 1, pytest.approx(2 / 3), 1)


@pytest.mark.parametrize("plan", [plan_span_report, plan_span_metrics])
@pytest.mark.parametrize("condition", ["__truth IS NULL", "false"])
def test_no_row_to_compare_with(session: Session, plan: object, condition: str) -> None:
    with pytest.raises(SourceError, match="No row of the source has .my 'spans. to compare with"):
        session.execute(plan(f"SELECT * FROM ({SCORED}) WHERE {condition}", "my 'spans"))  # type: ignore[operator]


def test_a_view_of_a_report_asks_anew(session: Session, tmp_path: Path) -> None:
    session.execute(f"CREATE TABLE scored AS {SCORED}")
    session.execute(f"CREATE VIEW report AS {plan_span_report('FROM scored', 'truth')}")
    before = session.execute("SELECT support FROM report WHERE class = 'O'").fetchall()
    session.execute("INSERT INTO scored FROM scored")
    assert session.execute("SELECT support FROM report WHERE class = 'O'").fetchall() == [(2 * before[0][0],)]


def test_a_finder_has_to_beat_each_words_usual_tag(session: Session) -> None:
    session.execute("""
        CREATE OR REPLACE TABLE told AS SELECT part || ' ' || fault || ' on line ' || i AS note,
          [{'label': 'Part', 'begin': 0, 'stop': length(part)}] AS spans
        FROM (SELECT i, ['pump', 'bearing'][1 + i % 2] AS part, ['leaks', 'is loud', 'is worn'][1 + i % 3] AS fault FROM range(120) r(i))
    """)
    call = "FROM ml_finetune('told', 'told', target := 'spans', task := 'token_classification', options := {'epochs': 1})"
    (found,) = session.sql(call).to_pylist()
    assert found["metric"] == "span_f1"
    assert found["baseline"] == pytest.approx(1.0)  # a pump is always a part
    assert found["verdict"] == "no better than the baseline"
