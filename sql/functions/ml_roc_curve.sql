-- summary: The ROC curve, at most 200 points a class: true and false positive rate by threshold; of more than two classes, each against the rest.
-- model: 'm', 'm@3' or 'm@candidate'
-- source: a table, view, CTE, file or SELECT text that has the target
-- columns: class, threshold (NULL: above all scores), false_positive_rate, true_positive_rate
-- example: FROM ml_roc_curve('press_failure', 'telemetry_test')
CREATE OR REPLACE MACRO ml_roc_curve(model, source) AS TABLE
  FROM query(_ml_plan('roc_curve', {'model': model, 'source': source, 'place': [current_database(), current_schema()]}));
