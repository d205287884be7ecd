-- title: How long will a machine last, and is it as it was?

-- Telemetry with what came after each hour: how long until the next failure, and whether that is known.
CREATE OR REPLACE TABLE lives AS
SELECT * EXCLUDE (fails_within) FROM ml_labels('telemetry', 'failures', entity := 'machine_id', order_by := 'ts',
  horizon := INTERVAL 24 HOUR, options := {'repairs': 'maintenance'});

-- A model that reads a day and a half of a machine at once. Lives of more than ten days count as ten.
FROM ml_finetune('machine_life', 'lives', task := 'rul', target := 'rul', entity := 'machine_id', order_by := 'ts',
  options := {'window': 36, 'patch': 6, 'cap': 240, 'folds': 2, 'epochs': 1});

-- Each machine as it is now: hours left, how sure that is, and what tells it.
SELECT machine_id, round(predicted_rul) AS hours, round("lower") AS at_least, round("upper") AS at_most, why[1].feature AS because, why[1]."at" AS "at"
FROM ml_predict('machine_life', 'telemetry', latest := true, explain := 1) ORDER BY hours LIMIT 8;

-- When to intervene, where a failure costs 20,000 and a planned replacement 3,000.
SELECT machine_id, round(intervene_in) AS in_hours, round(failure_probability, 2) AS risk, round(expected_cost) AS cost, advice
FROM ml_maintenance_plan('machine_life', 'telemetry', costs := {'failure': 20000, 'replacement': 3000}, options := {'lead': 24})
ORDER BY in_hours NULLS LAST LIMIT 8;

-- Hours after which nothing failed for ten days are normal. What is unlike them, and which sensor says so?
FROM ml_finetune('machine_watch', 'SELECT * EXCLUDE (rul, censored) FROM lives WHERE rul > 240', task := 'anomaly',
  entity := 'machine_id', order_by := 'ts', options := {'window': 24, 'patch': 6, 'epochs': 1});
SELECT machine_id, ts, round(score) AS score, round(threshold) AS threshold, why[1].feature AS sensor
FROM ml_detect_anomalies('machine_watch', 'telemetry', explain := 1) WHERE is_anomaly ORDER BY score DESC LIMIT 8;
