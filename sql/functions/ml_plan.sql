-- summary: The SQL that another verb stands for.
-- verb: name of the verb without ml_
-- model: of the verb
-- source: of the verb
-- arguments: other arguments of the verb, as {'level': 0.8}
-- columns: plan
-- example: FROM ml_plan('predict', 'press_failure', 'telemetry_now')
CREATE OR REPLACE MACRO ml_plan(verb, model, source, arguments := NULL) AS TABLE
  FROM query(_ml_plan('plan', {'verb': verb, 'model': model, 'source': source, 'arguments': arguments,
    'place': [current_database(), current_schema()]}));
