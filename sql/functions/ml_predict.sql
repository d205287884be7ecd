-- summary: Scores each row of a source; input columns stay, typed predictions stand beside them.
-- model: 'm' (its champion), 'm@3' or 'm@candidate'
-- source: a table, view, CTE, file or SELECT text
-- level: share of true values that lower and upper hold (numbers; default 0.9), or of the rows of each class that prediction_set, the classes that a row may be of, holds (classes)
-- explain: how many features of each row to explain, those that move its prediction most, in the column why; of texts the words (at = begin-stop, in characters), of pictures the places (at = x,y,width,height, in pixels)
-- latest: TRUE scores the last row of each entity only (models that read histories); of a process as it is at the latest moment of the source
-- since: scores rows after that moment only, reading no more of their past than they need (models that read histories)
-- columns: input columns, predicted_<target>, probability, probabilities, prediction_set | lower, upper | predicted_remaining (days, or units of order_by), lower, upper, predicted_end, late_probability | spans | levels, ml_status, ml_reason, why
-- example: SELECT * FROM ml_predict('press_failure', 'telemetry_now') WHERE probability > 0.3
CREATE OR REPLACE MACRO ml_predict(model, source, level := NULL, explain := NULL, latest := NULL, since := NULL) AS TABLE
  FROM query(_ml_plan('predict', {'model': model, 'source': source, 'level': level, 'explain': explain,
    'latest': latest, 'since': since, 'place': [current_database(), current_schema()]}));
