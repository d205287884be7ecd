-- summary: Which columns drive a defect class or a number, each taken alone and without a model: effect sizes, tests, and findings in words, the strongest first.
-- source: a table, view, file or SELECT text, committed; of more than 200,000 rows a sample
-- target: column of the defect, or of a number
-- options: {'exclude': ['column', ...]}; 'positive' names the class of two that findings speak of
-- columns: feature, kind, effect (the measure), value (its size), lower, upper (95 %), p_value, q_value (false discovery rate over all columns), significant (q_value < 0.05), finding, rows
-- example: FROM ml_drivers('quality', target := 'defect')
CREATE OR REPLACE MACRO ml_drivers(source, target := NULL, options := NULL) AS TABLE
  FROM query(_ml_plan('drivers', {'source': source, 'target': target, 'options': options,
    'place': [current_database(), current_schema()]}));
