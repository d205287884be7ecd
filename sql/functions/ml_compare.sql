-- summary: Two versions, or two models of the same target, on the same labelled rows: each metric of both, and the difference with an interval.
-- a: 'm@candidate', 'm@3' or 'm'
-- b: the same, of a version that predicts the same target
-- source: a table, view, CTE, file or SELECT text that has the target, and all columns that both read
-- entity: column of the machine, unit or part whose rows are drawn together; default: the one whose histories the models read
-- level: of the interval; default 0.95
-- options: {'draws': 2000} of the paired bootstrap, fewer of many rows; {'seed': 0}
-- columns: metric, better (higher or lower), a, b, difference (a - b) with lower and upper, share (of the draws in which a is better), rows, ahead ('a' or 'b'; NULL: nothing beyond chance), ml_status (ok, seen: one of them has learnt from some of the rows, too_few), ml_reason
-- example: FROM ml_compare('press_failure@candidate', 'press_failure', 'telemetry_test')
CREATE OR REPLACE MACRO ml_compare(a, b, source, entity := NULL, level := NULL, options := NULL) AS TABLE
  FROM query(_ml_plan('compare', {'a': a, 'b': b, 'source': source, 'entity': entity, 'level': level, 'options': options,
    'place': [current_database(), current_schema()]}));
