-- summary: The precision-recall curve, at most 200 points a class; of more than two classes, each against the rest.
-- model: 'm', 'm@3' or 'm@candidate'
-- source: a table, view, CTE, file or SELECT text that has the target
-- columns: class, threshold (NULL: above all scores), precision, recall
-- example: FROM ml_pr_curve('press_failure', 'telemetry_test')
CREATE OR REPLACE MACRO ml_pr_curve(model, source) AS TABLE
  FROM query(_ml_plan('pr_curve', {'model': model, 'source': source, 'place': [current_database(), current_schema()]}));
