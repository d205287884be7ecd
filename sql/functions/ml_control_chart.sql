-- summary: A control chart: is a process as it was? Each point beside its limits, and which rules it breaks.
-- source: a table, view, CTE, file or SELECT text
-- field: column of the measurement; for hotelling a list of columns
-- entity: column of the machine or unit, each with limits of its own; default: all rows are of one
-- order_by: column of time, or of a number
-- kind: 'i_mr' (single points and their steps), 'xbar_r' (means and ranges of subgroups; a row for each), 'ewma' (small shifts), 'cusum' (lasting shifts), 'hotelling' (T2 of several columns)
-- options: 'baseline' the first points that limits are estimated from (a number; for xbar_r of subgroups), or the time up to which they count; default all; 'center', 'sigma' of a known process; 'rules' (i_mr, xbar_r) of [1, .. 8, 'range'], default all; 'subgroup' (xbar_r) how many consecutive points, 2 to 25, or a column that names the subgroup; 'lambda' (default 0.2) and 'width' (3) of ewma; 'k' (0.5) and 'h' (5) of cusum, in sigmas; 'alpha' (0.0027) and 'limit' ('exact': beta in the baseline, F after it; 'chi2') of hotelling
-- columns: input columns (xbar_r: entity, subgroup, order_by of its last point, points), statistic, center, lower, upper, signal, rules (those that are broken, in words), and of i_mr moving_range, upper_range; of xbar_r range, center_range, lower_range, upper_range; of cusum cusum_up, cusum_down; of hotelling left_out (columns that are constant, or follow from others)
-- example: FROM ml_control_chart('telemetry', field := 'vibration', entity := 'machine_id', order_by := 'ts', kind := 'ewma', options := {'baseline': 200}) WHERE signal
CREATE OR REPLACE MACRO ml_control_chart(source, field := NULL, entity := NULL, order_by := NULL, kind := 'i_mr', options := NULL) AS TABLE
  FROM query(_ml_plan('control_chart', {'source': source, 'field': field, 'entity': entity, 'order_by': order_by,
    'kind': kind, 'options': options, 'place': [current_database(), current_schema()]}));
