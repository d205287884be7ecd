-- summary: Makes the previous champion the champion again.
-- model: name of a model
-- reason: why, in your words; kept in ml.events
-- columns: model, champion, previous
-- example: FROM ml_rollback('press_failure', reason := 'false alarms on line 3')
CREATE OR REPLACE MACRO ml_rollback(model, reason := NULL) AS TABLE
  FROM query(_ml_plan('rollback', {'model': model, 'reason': reason}));
