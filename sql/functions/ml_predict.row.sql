-- summary: The prediction for one row, in any expression: a struct of label, probability, value, lower, upper, ml_status, ml_reason.
-- model: 'm', 'm@3' or 'm@candidate'
-- input: a row (the table's alias) or a struct with the model's columns
-- columns: STRUCT(label, probability, value, lower, upper, ml_status, ml_reason)
-- example: SELECT machine_id, ml_predict('press_failure', t).probability FROM telemetry_now t
CREATE OR REPLACE MACRO ml_predict(model, input) AS _ml_score_row(_ml_pin(model), input);
