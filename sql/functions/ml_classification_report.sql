-- summary: Precision, recall and F1 by class, then accuracy and averages as scikit-learn reports them.
-- model: 'm', 'm@3' or 'm@candidate'
-- source: a table, view, CTE, file or SELECT text that has the target
-- columns: class, precision, recall, f1, support
-- example: FROM ml_classification_report('press_failure', 'telemetry_test')
CREATE OR REPLACE MACRO ml_classification_report(model, source) AS TABLE
  FROM query(_ml_plan('classification_report', {'model': model, 'source': source, 'place': [current_database(), current_schema()]}));
