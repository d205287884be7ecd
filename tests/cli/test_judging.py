"""``drivers``, ``thresholds``, ``compare``, ``queue``, and promotions by what is required."""

from __future__ import annotations

import json


def rows(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_drivers_are_listed_by_strength(mfgsql):
    found = rows(mfgsql("drivers", "parts", "--target", "failed", "--exclude", "id", "--format", "json"))
    assert [r["feature"] for r in found] == ["torque", "shift"]
    assert found[0]["significant"] and found[0]["finding"].startswith("torque is higher where failed = true")
    assert mfgsql("drivers", "parts").exit_code == 2


def test_thresholds_mark_the_cheapest(mfgsql):
    found = rows(mfgsql("thresholds", "m", "parts", "--missed", "2000", "--false-alarm", "50", "--format", "json"))
    (best,) = (r for r in found if r["best"])
    assert best["cost"] == min(r["cost"] for r in found)
    assert rows(mfgsql("thresholds", "m", "parts", "--format", "json"))[0]["cost"] is None
    assert mfgsql("thresholds", "m", "parts", "--missed", "2000").exit_code == 2
    assert "order_by" in mfgsql("thresholds", "m", "parts", "--order-by", "shift").stderr


def test_versions_are_compared_and_promoted_by_what_they_reach(mfgsql):
    rows(mfgsql("models", "promote", "m@1", "--format", "json"))  # other tests share the database
    found = rows(mfgsql("compare", "m", "m@1", "parts", "--level", "0.8", "--option", "draws=100", "--format", "json"))
    assert [r["metric"] for r in found][:2] == ["pr_auc", "roc_auc"]
    assert all(r["difference"] == 0 and r["ahead"] is None for r in found)
    refused = mfgsql("models", "promote", "m@1", "--require", "accuracy > 1", "--require", "f1 >= 0", "--reason", "a try")
    assert refused.exit_code == 1 and "Nothing has changed" in refused.stderr
    rows(mfgsql("models", "promote", "m@1", "--source", "parts", "--require", "accuracy >= champion", "--format", "json"))
    told = rows(mfgsql("models", "events", "m", "--format", "json"))
    assert [(r["event"], r["reason"]) for r in told][-1] == ("refused", "a try")
    assert [r for r in rows(mfgsql("models", "events", "--format", "json")) if r["model"] == "m"] == told
    assert rows(mfgsql("models", "events", "nix", "--format", "json")) == []


def test_a_queue_is_written(mfgsql, tmp_path):
    source = "SELECT * EXCLUDE failed FROM parts"
    assert len(rows(mfgsql("queue", "m", source, "-k", "3", "--option", "novelty=0.2", "--format", "json"))) == 3
    file = tmp_path / "queue.csv"
    assert mfgsql("queue", "m", source, "-o", str(file)).exit_code == 0
    assert len(file.read_text().splitlines()) == 21
