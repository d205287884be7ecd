-- summary: Metrics of a model on rows whose target is known (a class that the model knows), beside a naive baseline, with a 95 % interval.
-- model: 'm', 'm@3' or 'm@candidate'
-- source: a table, view, CTE, file or SELECT text that has the target
-- columns: metric, value, baseline, lower, upper, rows
-- example: FROM ml_evaluate('press_failure', 'telemetry_test')
CREATE OR REPLACE MACRO ml_evaluate(model, source) AS TABLE
  FROM query(_ml_plan('evaluate', {'model': model, 'source': source, 'place': [current_database(), current_schema()]}));
