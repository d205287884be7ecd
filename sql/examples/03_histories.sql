-- title: How long will a machine last, and is it as it was?

-- Presses, with how long ago they were repaired or serviced.
CREATE OR REPLACE VIEW press_hours AS
FROM ml_events('SELECT * FROM telemetry WHERE machine_id LIKE ''PR-%''', 'maintenance', entity := 'machine_id', order_by := 'ts',
  options := {'field': 'kind', 'kinds': ['corrective', 'preventive']});

-- The same with what came after each hour: how long until the next failure, and whether that is known.
CREATE OR REPLACE TABLE press_lives AS
SELECT * EXCLUDE (fails_within) FROM ml_labels('press_hours', 'failures', entity := 'machine_id', order_by := 'ts',
  horizon := INTERVAL 24 HOUR, options := {'repairs': 'maintenance'});

-- A model that reads a day and a half of a press at once. Lives of more than three days count as three: nothing tells them apart.
FROM ml_finetune('press_life', 'press_lives', task := 'rul', target := 'rul', entity := 'machine_id', order_by := 'ts',
  options := {'window': 36, 'patch': 6, 'cap': 72, 'folds': 2, 'epochs': 3});

-- Each press as it is now: hours left, how sure that is, and what tells it.
SELECT machine_id, round(predicted_rul) AS hours, round("lower") AS at_least, round("upper") AS at_most, why[1].feature AS because,
  why[1]."at" AS "at"
FROM ml_predict('press_life', 'press_hours', latest := true, explain := 1) ORDER BY hours;

-- When to intervene, where a failure costs 20,000 and a planned replacement 3,000.
SELECT machine_id, round(intervene_in) AS in_hours, round(failure_probability, 2) AS risk, round(expected_cost) AS cost, advice
FROM ml_maintenance_plan('press_life', 'press_hours', costs := {'failure': 20000, 'replacement': 3000}, options := {'lead': 8})
ORDER BY in_hours NULLS LAST;

-- Hours after which nothing failed for ten days are normal. What is unlike them, and which sensor says so?
FROM ml_finetune('press_watch', 'SELECT * EXCLUDE (rul, censored) FROM press_lives WHERE rul > 240', task := 'anomaly',
  entity := 'machine_id', order_by := 'ts', options := {'window': 24, 'patch': 6, 'epochs': 3});
SELECT machine_id, ts, round(score) AS score, round(threshold) AS threshold, why[1].feature AS sensor
FROM ml_detect_anomalies('press_watch', 'press_hours', explain := 1) ORDER BY score DESC NULLS LAST LIMIT 8;
