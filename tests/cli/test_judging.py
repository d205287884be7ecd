"""``drivers`` and ``thresholds``."""

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
