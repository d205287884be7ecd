-- summary: Makes a version the champion, which 'm' means from then on; queries under way finish with the old one.
-- model: 'm@3' or 'm@candidate'
-- columns: model, champion, previous
-- example: FROM ml_promote('press_failure@1')
CREATE OR REPLACE MACRO ml_promote(model) AS TABLE
  FROM query(_ml_plan('promote', {'model': model}));
