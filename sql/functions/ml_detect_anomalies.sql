-- summary: Scores each row of histories by how unlike the normal rows it is that the detector has learnt from.
-- model: a detector: 'm' (its champion), 'm@3' or 'm@candidate', trained by ml_finetune(.., task := 'anomaly')
-- source: a table, view, CTE, file or SELECT text
-- explain: how many sensors to name for each row, in the column why, with the moment at which each was the most unusual
-- latest: TRUE scores the last row of each entity only
-- since: scores rows after that moment only, reading no more of their past than they need
-- columns: input columns, score, threshold, is_anomaly (score > threshold), changepoint (an anomaly begins), ml_status, ml_reason, why
-- example: SELECT * FROM ml_detect_anomalies('pump', 'pump_live', explain := 3) WHERE is_anomaly
CREATE OR REPLACE MACRO ml_detect_anomalies(model, source, explain := NULL, latest := NULL, since := NULL) AS TABLE
  FROM query(_ml_plan('detect_anomalies', {'model': model, 'source': source, 'explain': explain, 'latest': latest, 'since': since,
    'place': [current_database(), current_schema()]}));
