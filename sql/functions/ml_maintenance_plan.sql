-- summary: When to intervene at each unit, as it is now: the cheapest moment by the distribution of its remaining life, what a failure costs, and what replacing early throws away.
-- model: a model of remaining life (task 'rul'): 'm', 'm@3' or 'm@candidate'
-- source: a table, view, CTE, file or SELECT text of histories; the last row of each entity counts
-- costs: what a failure costs, all that comes of it included, and a planned replacement, as {'failure': 20000, 'replacement': 3000}
-- level: share of true values that lower and upper hold; default 0.9
-- options: {'lead': 24} is the time that an intervention takes to prepare: sooner means now; 'life' the usual life of a unit (default: lives seen in training); 'unit' that of the target where order_by holds times: second, minute, hour (default) or day
-- columns: the columns of each entity's last row, predicted_<target>, lower, upper, intervene_in (time from now; NULL: run to failure), intervene_at, failure_probability (before then), expected_cost (less what the time in use is worth), cost_to_failure (the same without an intervention), advice, ml_status, ml_reason
-- example: FROM ml_maintenance_plan('life', 'telemetry', costs := {'failure': 20000, 'replacement': 3000})
CREATE OR REPLACE MACRO ml_maintenance_plan(model, source, costs := NULL, level := NULL, options := NULL) AS TABLE
  FROM query(_ml_plan('maintenance_plan', {'model': model, 'source': source, 'costs': costs, 'level': level, 'options': options,
    'place': [current_database(), current_schema()]}));
