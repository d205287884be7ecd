-- summary: How often each actual class was predicted as which.
-- model: 'm', 'm@3' or 'm@candidate'
-- source: a table, view, CTE, file or SELECT text that has the target
-- columns: actual, predicted, rows
-- example: FROM ml_confusion_matrix('press_failure', 'telemetry_test')
CREATE OR REPLACE MACRO ml_confusion_matrix(model, source) AS TABLE
  FROM query(_ml_plan('confusion_matrix', {'model': model, 'source': source, 'place': [current_database(), current_schema()]}));
