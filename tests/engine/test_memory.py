"""The ablation: a cause that lies beyond the window is found with memory, and can't be without."""

from __future__ import annotations

import mfgsql

LINE = """
CREATE TABLE line AS SELECT 'm' || u AS unit, n, (hash(u, n) % 20 = 0)::INT * 3.0 AS pulse, hash(u, n, 1) % 1000 / 1000.0 AS other
FROM range(10) a(u), range(250) b(n);
CREATE TABLE asked AS SELECT *, coalesce(max(pulse) OVER (PARTITION BY unit ORDER BY n ROWS BETWEEN 14 PRECEDING AND 10 PRECEDING) > 0, false)
  AS late FROM line;
"""


def test_memory_finds_a_cause_beyond_the_window() -> None:
    with mfgsql.connect(progress="off", threads=2) as s:
        s.execute(LINE)
        found = []
        for memory in (0, 1):
            options = {"window": 8, "patch": 2, "memory": memory, "epochs": 14, "width": 16, "layers": 2, "heads": 2, "folds": 1,
                       "learning_rate": 0.005}  # fmt: skip
            made = s.verb("finetune", f"m{memory}", "asked", target="late", entity="unit", order_by="n", options=options)
            found.append(made["value"])
        assert made["baseline"] < 0.35
        assert found[0] < 0.6
        assert found[1] > 0.9
        # The memory is made of rows: the prediction is the same wherever the query begins.
        whole = dict(s.execute("SELECT (unit, n)::VARCHAR, probability FROM ml_predict('m1', 'asked') WHERE n > 200").fetchall())
        tail = s.execute("SELECT (unit, n)::VARCHAR, probability FROM ml_predict('m1', 'asked', since := 200)").fetchall()
        assert len(tail) == len(whole)
        assert all(abs(whole[key] - probability) < 1e-4 for key, probability in tail)
