"""``labels``, ``events``, ``chart`` and ``capability``: shown, or kept as a table."""

from __future__ import annotations

import json

RUN = "SELECT shift AS unit, id AS cycle, torque FROM parts"


def rows(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_labels_are_shown_or_kept(mfgsql):
    call = ("labels", RUN, "--entity", "unit", "--order-by", "cycle", "--horizon", "20")
    found = rows(mfgsql(*call, "--run-to-failure", "--format", "json"))
    assert len(found) == 400 and {r["rul"] for r in found if r["cycle"] > 396} == {0}
    assert sum(r["fails_within"] for r in found) == 3 * 7
    failures = "SELECT 'A' AS unit, 100 AS cycle"
    assert "run_to_failure" in mfgsql(*call).stderr
    call += ("--failures", failures)
    made = mfgsql(*call, "--table", "labelled ones", "--option", "blackout=30")
    assert made.output == "390 rows in the table labelled ones\n"
    assert mfgsql(*call, "--table", "labelled ones").exit_code == 1
    assert mfgsql(*call, "--table", "labelled ones", "--replace").exit_code == 0
    assert mfgsql(*call, "--replace").exit_code == 2
    mfgsql("sql", 'DROP TABLE "labelled ones"')


def test_events_are_joined(mfgsql):
    log = "SELECT 'A' AS unit, id AS cycle, CASE WHEN failed THEN 'bad' ELSE 'good' END AS code FROM parts"
    call = ("events", RUN, log, "--entity", "unit", "--order-by", "cycle", "--field", "code", "--option", "within=100")
    found = rows(mfgsql(*call, "--kinds", "bad, worse", "--format", "json"))
    assert len(found) == 400
    assert [k for k in found[0] if k.endswith("_count")] == ["events_count", "bad_count", "worse_count"]
    last = next(r for r in found if r["cycle"] == 399)
    assert (last["unit"], last["events_count"], last["bad_age"]) == ("A", 100, 0)
    assert mfgsql(*call, "--table", "joined").output == "400 rows in the table joined\n"
    mfgsql("sql", "DROP TABLE joined")


def test_a_chart_and_its_signals(mfgsql):
    call = ("chart", "parts", "--field", "torque", "--order-by", "id", "--format", "json")
    assert len(rows(mfgsql(*call))) == 400
    found = rows(mfgsql(*call, "--entity", "shift", "--kind", "cusum", "--baseline", "30", "--signals"))
    assert found and all(r["signal"] for r in found)
    assert len(rows(mfgsql(*call, "--kind", "xbar_r", "--option", "subgroup=4"))) == 100
    assert rows(mfgsql("chart", "parts", "--field", "torque, id", "--order-by", "id", "--kind", "hotelling", "--format", "json"))
    assert mfgsql(*call, "--kind", "c").exit_code == 2


def test_capability(mfgsql):
    call = ("capability", "parts", "--field", "torque", "--lower", "0", "--order-by", "id", "--format", "json")
    (row,) = rows(mfgsql(*call, "--upper", "4"))
    assert row["rows"] == 400 and row["verdict"].startswith("not capable")
    assert len(rows(mfgsql(*call, "--entity", "shift", "--subgroup", "4"))) == 3
    assert "lower" in mfgsql("capability", "parts", "--field", "torque").stderr
