-- summary: Deletes a model with all versions, or one version that is not the champion.
-- model: 'm' or 'm@3'
-- reason: why, in your words; kept in ml.events
-- columns: model, version
-- example: FROM ml_drop('press_failure@2')
CREATE OR REPLACE MACRO ml_drop(model, reason := NULL) AS TABLE
  FROM query(_ml_plan('drop', {'model': model, 'reason': reason}));
