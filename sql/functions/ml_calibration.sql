-- summary: Whether probabilities and intervals keep their word: observed shares by predicted probability, in bins of equally many rows, or for a number the share of true values inside lower and upper by level; lower and upper are a 95 % interval of the share.
-- model: 'm', 'm@3' or 'm@candidate'
-- source: a table, view, CTE, file or SELECT text that has the target
-- columns: class, bin_lower, bin_upper, rows, mean_probability, observed_share, lower, upper | level, coverage, lower, upper, mean_width, rows
-- example: FROM ml_calibration('press_failure', 'telemetry_test')
CREATE OR REPLACE MACRO ml_calibration(model, source) AS TABLE
  FROM query(_ml_plan('calibration', {'model': model, 'source': source, 'place': [current_database(), current_schema()]}));
