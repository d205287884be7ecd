-- summary: Scores each row of histories, or each picture, by how unlike the normal ones it is that the detector has learnt from.
-- model: a detector: 'm' (its champion), 'm@3' or 'm@candidate', trained by ml_finetune(.., task := 'anomaly')
-- source: a table, view, CTE, file or SELECT text
-- explain: how many sensors to name for each row, in the column why, with the moment at which each was the most unusual
-- latest: TRUE scores the last row of each entity only
-- since: scores rows after that moment only, reading no more of their past than they need
-- heat_map: TRUE adds the column heat_map, a PNG of the picture with what is unusual in colour (pictures only)
-- columns: input columns, score, threshold, is_anomaly (score > threshold), changepoint (an anomaly begins; of histories) or regions (boxes in pixels with the score of each; of pictures), heat_map, ml_status, ml_reason, why
-- example: SELECT * FROM ml_detect_anomalies('pump', 'pump_live', explain := 3) WHERE is_anomaly
CREATE OR REPLACE MACRO ml_detect_anomalies(model, source, explain := NULL, latest := NULL, since := NULL, heat_map := NULL) AS TABLE
  FROM query(_ml_plan('detect_anomalies', {'model': model, 'source': source, 'explain': explain, 'latest': latest, 'since': since,
    'heat_map': heat_map, 'place': [current_database(), current_schema()]}));
