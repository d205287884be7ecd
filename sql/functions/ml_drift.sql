-- summary: Is data still what a model learnt from? Each feature, missing and unseen values, what the model says, vectors of texts, pictures and histories, and how good it is where labels came.
-- model: 'm', 'm@3' or 'm@candidate'
-- source: a table, view, file or SELECT text with the model's features; with its target too, the metric is compared as well
-- reference: a table, view, file or SELECT text to compare with; default: the rows that the version learnt from, and of scores those it was judged on
-- order_by: column that orders the rows: a detector then tells since when scores, or errors, are others
-- options: {'alpha': 0.01 (share of false discoveries), 'psi': 0.1 (from which a change is large), 'features': ['torque'], 'k': 500 (vectors at most), 'detector': 'adwin' or 'page_hinkley', 'seed': 0}
-- columns: kind (summary, feature, missing, unseen, score, embedding, performance, stream), feature, statistic, value, reference, p_value, p_adjusted (Benjamini and Hochberg, over the statement's tests), psi, lower and upper (of a metric, 95 %), drifted, rows, since, ml_reason
-- example: FROM ml_drift('press_failure', 'telemetry_today')
CREATE OR REPLACE MACRO ml_drift(model, source, reference := NULL, order_by := NULL, options := NULL) AS TABLE
  FROM query(_ml_plan('drift', {'model': model, 'source': source, 'reference': reference, 'order_by': order_by, 'options': options,
    'place': [current_database(), current_schema()]}));
