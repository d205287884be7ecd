-- summary: Makes the previous champion the champion again.
-- model: name of a model
-- columns: model, champion, previous
-- example: FROM ml_rollback('press_failure')
CREATE OR REPLACE MACRO ml_rollback(model) AS TABLE
  FROM query(_ml_plan('rollback', {'model': model}));
