-- summary: The steps to come of each series, as a mean, an interval and quantiles; of sums of series too.
-- model: a model of task 'forecast': 'm', 'm@3' or 'm@candidate'
-- source: a table, view, CTE, file or SELECT text of series up to now; rows behind a series' last known value are steps to come, and tell what is planned
-- horizon: how many steps; default: as many as the model forecasts at once
-- level: share of true values that lower and upper hold; default 0.9
-- group_by: columns by which series are summed up, as ['region']; [] for the sum of all
-- columns: the entity (or the columns of group_by), order_by, step (from 1), predicted_<target> (the mean), lower, upper, quantiles (of each share the value that stays above it), ml_status, ml_reason
-- example: FROM ml_forecast('demand', 'sales', horizon := 28)
CREATE OR REPLACE MACRO ml_forecast(model, source, horizon := NULL, level := NULL, group_by := NULL) AS TABLE
  FROM query(_ml_plan('forecast', {'model': model, 'source': source, 'horizon': horizon, 'level': level, 'group_by': group_by,
    'place': [current_database(), current_schema()]}));
