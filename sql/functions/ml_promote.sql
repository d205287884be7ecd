-- summary: Makes a version the champion, which 'm' means from then on; queries under way finish with the old one.
-- model: 'm@3' or 'm@candidate'
-- source: rows with the target by which the version and the champion are judged; default: what each reached on rows it held out
-- require: what it has to reach, as 'pr_auc >= champion' or 'pr_auc >= 0.8 AND log_loss <= champion + 0.01', or a list of such; else nothing changes
-- reason: why, in your words; kept in ml.events
-- columns: model, champion, previous
-- example: FROM ml_promote('press_failure@candidate', require := 'pr_auc >= champion', reason := 'new alloy')
CREATE OR REPLACE MACRO ml_promote(model, source := NULL, require := NULL, reason := NULL) AS TABLE
  FROM query(_ml_plan('promote', {'model': model, 'source': source, 'require': require, 'reason': reason,
    'place': [current_database(), current_schema()]}));
