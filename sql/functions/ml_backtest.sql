-- summary: How good forecasts would have been: made from moments of the past by a model that had seen nothing after each, beside what came.
-- model: a model of task 'forecast': 'm', 'm@3' or 'm@candidate'; for moments before the end of its training rows it is trained anew by its own recipe (without a base), and the new one is not kept
-- source: a table, view, file or SELECT text of series; what is committed
-- horizon: how many steps each forecast goes; default: as many as the model forecasts at once
-- folds: from how many moments, each a horizon before the next; default 4
-- level: share of true values that lower and upper should hold; default 0.9
-- details: TRUE gives the forecasts themselves beside what came
-- columns: fold (1 is the latest; NULL: all), origin (the last moment that is known), metric (mase, rmsse and pinball in errors of the forecast of a season before; wape and bias over the sum of what came; coverage of the interval), value, baseline (the same of what was a season before), series, rows | with details fold, the entity, order_by, step, the target, predicted_<target>, lower, upper, seasonal
-- example: FROM ml_backtest('demand', 'sales', horizon := 28, folds := 4)
CREATE OR REPLACE MACRO ml_backtest(model, source, horizon := NULL, folds := NULL, level := NULL, details := NULL) AS TABLE
  FROM query(_ml_plan('backtest', {'model': model, 'source': source, 'horizon': horizon, 'folds': folds, 'level': level, 'details': details,
    'place': [current_database(), current_schema()]}));
