-- title: A line that changes: drift, learning on, and who is champion

-- What the parts of January teach.
CREATE OR REPLACE TABLE parts_before AS SELECT * EXCLUDE (part_id, batch, defect) FROM quality WHERE ts < TIMESTAMP '2026-02-01';
FROM ml_finetune('part_strength', 'SELECT * EXCLUDE (ts) FROM parts_before', target := 'strength_mpa', options := {'epochs': 10});

-- In February the melt runs hotter, and a new supplier's metal is weaker by 12 MPa.
CREATE OR REPLACE TABLE parts_after AS
SELECT * EXCLUDE (part_id, batch, defect) REPLACE (melt_temp_c + 12 AS melt_temp_c, 'Nordmet' AS supplier, strength_mpa - 12 AS strength_mpa)
FROM quality WHERE ts BETWEEN TIMESTAMP '2026-02-01' AND TIMESTAMP '2026-02-15';

-- Is it still what the model has learnt from?
SELECT kind, feature, statistic, round(value, 3) AS value, round(reference, 3) AS reference, p_adjusted, drifted, ml_reason
FROM ml_drift('part_strength', 'parts_after') ORDER BY drifted DESC, p_adjusted LIMIT 8;

-- The champion learns on from a day's parts, beside what is kept of the past. It is not replaced where that would forget too much:
SELECT version, metric, new, new_champion, forgetting, promoted, reason
FROM ml_adapt('part_strength', 'SELECT * EXCLUDE (ts) FROM parts_after WHERE hash(ts) % 3 = 0', policy := 'auto');

-- unless the next parts say so, too.
SELECT version, metric, new, new_champion, forgetting, promoted, reason
FROM ml_adapt('part_strength', 'SELECT * EXCLUDE (ts) FROM parts_after WHERE hash(ts) % 3 = 1', policy := 'auto');

-- The champion beside the first version, on parts that neither has seen.
SELECT metric, round(a, 3) AS champion, round(b, 3) AS first, round("lower", 3) AS low, round("upper", 3) AS high, ahead
FROM ml_compare('part_strength', 'part_strength@1', 'SELECT * EXCLUDE (ts) FROM parts_after WHERE hash(ts) % 3 = 2');

-- What happened, and why.
SELECT event, version, previous, left(reason, 60) AS reason FROM ml.events WHERE model = 'part_strength';

-- Which parts should be tested next?
SELECT round(novelty, 2) AS novelty, why
FROM ml_label_queue('part_strength', 'SELECT * EXCLUDE (ts, strength_mpa) FROM parts_after', k := 5);
