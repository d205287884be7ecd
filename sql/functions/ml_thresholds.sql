-- summary: What a threshold on the probability would raise, catch, miss and cost: an alarm is raised from the threshold on; best is the cheapest, or without costs that of the best F1.
-- model: 'm', 'm@3' or 'm@candidate'
-- source: a table, view, CTE, file or SELECT text that has the target
-- costs: what mistakes cost, as {'missed': 2000, 'false_alarm': 50}; default: those that the model was trained with
-- order_by: column of time; gives alarms_per_day
-- columns: threshold, alarms, alarms_per_day, caught (recall), precision, f1, missed, false_alarms, cost, cost_per_row, best
-- example: FROM ml_thresholds('press_failure', 'telemetry_test', costs := {'missed': 2000, 'false_alarm': 50})
CREATE OR REPLACE MACRO ml_thresholds(model, source, costs := NULL, order_by := NULL) AS TABLE
  FROM query(_ml_plan('thresholds', {'model': model, 'source': source, 'costs': costs, 'order_by': order_by,
    'place': [current_database(), current_schema()]}));
