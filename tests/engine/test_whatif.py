"""``ml_whatif``: changes that are parsed, played and told; suggestions; and what can't be played."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mfgsql
from mfgsql.engine import Session
from mfgsql.engine.flow.changes import candidates, parse_changes, read_changes
from mfgsql.errors import CancelledError, DataError, OptionError
from mfgsql.flow.simulation import Change

PRODUCTION = Path(__file__).parents[3] / "shared/data/production_log/Production.csv"
ROLES = "case_id := 'c', station := 's', started := 'b', finished := 'e'"
# 300 orders every 10 minutes pass three stations, of 4, 9 and 5 minutes more or less (Lindley's recursion).
LOG = """
CREATE TABLE log AS WITH RECURSIVE r AS (
  SELECT -1 AS i, k, 10 * k::DOUBLE AS done, 0::DOUBLE AS work FROM range(300) t(k)
  UNION ALL
  SELECT i + 1, k, sum(work) OVER w + max(done - before) OVER w, work FROM (
    SELECT *, sum(work) OVER (ORDER BY k) - work AS before FROM (
      SELECT i, k, done, [4, 9, 5][i + 2] * (0.5 + hash(k, i) % 1000 / 1000.0)::DOUBLE AS work FROM r WHERE i < 2))
  WINDOW w AS (ORDER BY k))
SELECT k AS c, ['saw', 'mill: 5', 'test'][i + 1] AS s, TIMESTAMP '2026-03-02' + to_seconds(60 * (done - work)) AS b,
  TIMESTAMP '2026-03-02' + to_seconds(60 * done) AS e FROM r WHERE i >= 0
"""
NAMES, TIMES, MACHINES = ["saw", "mill: 5", 7], [np.full(9, 240.0), np.full(9, 540.0), np.full(9, 300.0)], np.array([1, 2, 1])


@pytest.fixture(scope="module")
def s() -> Iterator[Session]:
    with mfgsql.connect(threads=1, progress="off") as session:
        session.execute(LOG)
        yield session


def rows(session: Session, more: str, source: str = "log", roles: str = ROLES) -> list[dict[str, Any]]:
    session.execute(f"FROM ml_whatif('{source}', {roles}{more})")
    names = [d[0] for d in session.description]
    return [dict(zip(names, row, strict=True)) for row in session.fetchall()]


def parsed(told: Any) -> list[Change]:
    return parse_changes(read_changes(told), NAMES, TIMES, MACHINES)


def test_changes_are_parsed() -> None:
    assert parsed("saw: -10 %") == [Change(0, factor=0.9)]
    assert parsed("SAW :-12,5%") == [Change(0, factor=0.875)]
    assert parsed("mill: 5: -1 min") == [Change(1, seconds=60)]
    assert parsed("mill: 5: +30 s") == [Change(1, seconds=-30)]
    assert parsed("7: +2 machines") == [Change(2, machines=2)]
    assert parsed("mill: 5: -1 machine") == [Change(1, machines=-1)]
    assert parsed(["saw: -10 percent", "7: +1 machine"]) == parsed("saw: -10 %; 7: +1 machine") == [Change(0, factor=0.9), Change(2, machines=1)]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("saw faster", "can't be read: it is '<station>: -10 %'"), ("saw: 10 %", "can't be read"), ("saw: -10 parsecs", "can't be read"),
        ("saww: -10 %", "There is no station 'saww'. Did you mean 'saw'"), ("saw: -100 %", "leaves no time"), ("saw: -5 min", "more than an operation there takes: 4 min"),
        ("saw: +0 machine", "changes nothing"), ("saw: -0 %", "changes nothing"), ("saw: -1 machine", "leaves no machine: there is 1"), ("saw: +0.5 machine", "machines are whole"), ("", "can't be read"), ([], "a text or a list of texts"),
        (3, "a text or a list of texts"), ("saw: -10 %); DROP TABLE log; --", "can't be read"),
    ],
)  # fmt: skip
def test_nonsense_is_told(told: Any, words: str) -> None:
    with pytest.raises(OptionError, match=words.replace("(", r"\(")):
        parsed(told)


def test_suggestions_can_be_given_back() -> None:
    found = candidates(NAMES, [1, 0], TIMES, {"percent": 0.1, "minute": 1, "machine": 10})
    assert found[0] == ("mill: 5: -10 %", 1.0)
    assert found[-1] == ("mill: 5: -10 %; saw: -10 %", 2.0)
    assert all(parsed(text) for text, _ in found)
    assert [text for text, _ in candidates(NAMES, [1], TIMES, {"machine": 5})] == ["mill: 5: +1 machine"]


def test_a_change_is_played_beside_the_line_as_it_is(s: Session) -> None:
    found = {row["measure"]: row for row in rows(s, ", change := 'mill: 5: -10 %'")}
    assert list(found) == ["throughput", "lead_time", "wip", "waiting", "utilisation", "bottleneck"]
    rate = found["throughput"]
    assert rate["difference"] == pytest.approx(rate["changed"] - rate["now"])
    assert rate["lower"] < rate["difference"] < rate["upper"]
    assert rate["difference"] / rate["now"] == pytest.approx(0.1, abs=0.04)  # cases are kept in the line
    assert rate["logged"] == pytest.approx(144, rel=0.02)
    assert rate["finding"].startswith("mill: 5: -10 %: +")
    assert found["bottleneck"]["finding"].startswith("mill: 5 limits the line")
    assert found["wip"]["difference"] == pytest.approx(0, abs=0.01)
    assert rate["ml_status"] == "ok" and "simulated" in rate["ml_reason"]


def test_at_todays_demand_the_lead_time_falls_and_agrees_with_the_log(s: Session) -> None:
    found = {row["measure"]: row for row in rows(s, ", change := ['mill: 5: -1 min'], options := {'release': 'log', 'replications': 6}")}
    lead = found["lead_time"]
    assert lead["now"] == pytest.approx(lead["logged"], rel=0.1)
    assert lead["upper"] < 0
    assert found["throughput"]["difference"] / found["throughput"]["now"] == pytest.approx(0, abs=0.005)


def test_throughput_that_is_not_the_logs_is_not_calibrated(s: Session) -> None:
    """An order each half hour: were as many in the line all the time, it would do more."""
    sparse = "SELECT c, s, b + to_minutes(20 * c) AS b, e + to_minutes(20 * c) AS e FROM log"
    first = rows(s, ", change := 'saw: -10 %', options := {'replications': 2}", source=sparse)[0]
    assert abs(first["now"] / first["logged"] - 1) > 0.1
    assert first["ml_status"] == "uncalibrated" and "options := {'release': 'log'} plays it so" in first["ml_reason"]


def test_few_orders_in_the_line_limit_it_and_that_is_said(s: Session) -> None:
    """B works 99 % of the time; with two orders that never wait another machine brings next to nothing."""
    s.execute("""CREATE OR REPLACE TABLE thin AS SELECT i AS c, st AS s, TIMESTAMP '2026-03-02' + to_minutes(10 * i + k) AS b, TIMESTAMP '2026-03-02' + to_minutes(10 * i + k + l) AS e
      FROM range(120) r(i), (VALUES ('A', 0, 5), ('B', 5, 10), ('C', 15, 6)) v(st, k, l)""")
    change = ", change := 'B: +1 machine', options := {'replications': 3}"
    held = rows(s, change, source="thin")[0]
    assert (held["ml_status"], held["difference"] / held["now"] < 0.05) == ("doubtful", True)
    assert held["ml_reason"].startswith("only 2.08 cases are in the line at once, as in the log") and "{'release': 'always'}" in held["ml_reason"]
    more = {row["measure"]: row for row in rows(s, change.replace("3}", "3, 'wip': 4}"), source="thin")}
    assert (more["throughput"]["ml_status"], more["wip"]["now"]) == ("ok", pytest.approx(4, abs=0.01))
    assert more["throughput"]["difference"] / more["throughput"]["now"] > 0.5


def test_the_same_seed_is_the_same(s: Session) -> None:
    asked = ", change := 'mill: 5: -10 %', options := {'replications': 3, 'seed': SEED}"
    one, again, other = (rows(s, asked.replace("SEED", seed)) for seed in ("4", "4", "5"))
    assert one == again != other


def test_suggestions_are_ranked_by_gain_for_cost(s: Session) -> None:
    found = rows(s, "")
    assert [row["rank"] for row in found] == list(range(1, len(found) + 1))
    assert found[0]["change"].startswith("mill: 5")
    sure = [row for row in found if row["lower"] > 0]
    assert found[: len(sure)] == sure
    assert [row["gain_per_cost"] for row in sure] == sorted((row["gain_per_cost"] for row in sure), reverse=True)
    assert all("can be told from chance" in row["suggestion"] for row in found[len(sure):] if row["upper"] >= 0)
    back = rows(s, f", change := '{found[0]['change']}', options := {{'replications': 8}}")
    assert back[0]["difference"] == pytest.approx(found[0]["gain"])


def test_two_changes_that_bring_no_more_than_one_are_not_recommended(s: Session) -> None:
    """All the time goes by at the mill: a faster test bench adds nothing to a faster mill."""
    found = {row["change"]: row for row in rows(s, ", options := {'release': 'always', 'replications': 4}", source="SELECT * FROM log WHERE s <> ''saw''")}
    alone, both = found["mill: 5: -10 %"], next(row for change, row in found.items() if ";" in change)
    assert both["gain"] == pytest.approx(alone["gain"], rel=0.02) and "no better than mill: 5: -10 % alone" in both["suggestion"]
    assert both["rank"] > alone["rank"] and "for each unit of cost" not in both["suggestion"]
    assert "costs weren't told: a minute counts as 1" in both["ml_reason"]


def test_costs_say_which_kinds_are_worth_asking_for(s: Session) -> None:
    found = rows(s, ", costs := {'machine': 50000}, options := {'replications': 2}")
    assert {row["change"].rsplit(": ")[-1] for row in found} == {"+1 machine"}
    assert all(row["gain_per_cost"] == pytest.approx(row["gain"] / row["cost"]) for row in found)


def test_one_replication_tells_no_interval(s: Session) -> None:
    first = rows(s, ", change := 'saw: -10 %', options := {'replications': 1}")[0]
    assert first["lower"] is first["upper"] is None and "one replication" in first["finding"]
    assert rows(s, ", options := {'replications': 1}")[0]["lower"] is None


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (", change := 'saw quicker'", "can't be read"), (", change := 'nope: -10 %'", "There is no station 'nope'.*There are"),
        (", change := 'saw: -1 %', costs := {'minute': 3}", "costs are of suggestions"), (", costs := {'minutes': 3}", "Did you mean 'minute'"),
        (", costs := {'minute': -3}", "numbers above 0"), (", options := {'release': 'now'}", "release is wip, log or always"),
        (", options := {'replications': 0}", "replications is a whole number from 1"), (", options := {'wip': 0.5}", "wip is how many cases"), (", options := {'wip': 3, 'release': 'log'}", "leave one out"), (", options := {'seed': 1.5}", "seed is a whole number"),
        (", level := 1.5", "level is a share"), (", options := {'good': 'c'}", "Unknown option 'good'"),
    ],
)  # fmt: skip
def test_errors_say_what_mends_them(s: Session, more: str, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        rows(s, more)


def test_a_few_cases_are_too_few(s: Session) -> None:
    with pytest.raises(DataError, match="The log has 4 cases: too few"):
        rows(s, "", source="SELECT * FROM log WHERE c < 4")


def test_it_can_be_stopped(s: Session) -> None:
    threading.Timer(1.0, s.interrupt).start()
    began = time.monotonic()
    with pytest.raises(CancelledError):
        rows(s, ", change := 'saw: -10 %', options := {'replications': 1000}")
    assert time.monotonic() - began < 10


def test_python_has_both(s: Session) -> None:
    named = {"case_id": "c", "started": "b", "finished": "e"}
    limits = s.bottlenecks("log", station="s", **named)
    assert limits.filter(limits["is_bottleneck"]).to_pyarrow()["station"].to_pylist() == ["mill: 5"]
    found = s.whatif("log", station="s", **named, change=["mill: 5: -10 %"], options={"replications": 2})
    assert found[0]["measure"] == "throughput"


def test_planning_plays_nothing(s: Session) -> None:
    began = time.monotonic()
    s.execute(f"EXPLAIN FROM ml_whatif('log', {ROLES}, options := {{'replications': 1000}})").fetchall()
    assert time.monotonic() - began < 2


def test_a_real_shop_whose_hours_the_log_does_not_tell_is_not_calibrated(s: Session) -> None:
    if not PRODUCTION.exists():
        pytest.skip(f"{PRODUCTION} is absent")
    roles = "case_id := 'case_id', station := 'activity', started := 'start_timestamp', finished := 'timestamp'"
    began = time.monotonic()
    found = rows(s, "", source=str(PRODUCTION), roles=roles)
    assert time.monotonic() - began < 60
    assert found[0]["change"].startswith("Turning & Milling: ")
    assert {row["ml_status"] for row in found} == {"uncalibrated"}
