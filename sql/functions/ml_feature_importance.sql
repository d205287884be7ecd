-- summary: Which features a model needs: how much worse its deciding metric gets on held-out rows when a feature is shuffled.
-- model: 'm', 'm@3' or 'm@candidate'
-- columns: feature, importance (mean of 5 shuffles), deviation, lower, upper (least and most of them), rank, metric, rows
-- example: FROM ml_feature_importance('press_failure')
CREATE OR REPLACE MACRO ml_feature_importance(model) AS TABLE
  FROM query(_ml_plan('feature_importance', {'model': model}));
