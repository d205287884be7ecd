-- title: Which machine fails within 24 hours?

-- What would come of learning from the labelled telemetry?
FROM ml_check('labelled', target := 'failed_within_24h');

-- A base learns from all telemetry without labels.
FROM ml_pretrain('press', 'SELECT * EXCLUDE (failed_within_24h, machine_id, ts) FROM labelled', options := {'epochs': 3});

-- From it, a model of failures; later rows judge it, a day's gap keeps labels from looking into them.
FROM ml_finetune('press_failure', 'labelled', target := 'failed_within_24h', base := 'press',
  split := 'time', order_by := 'ts', entity := 'machine_id', options := {'epochs': 3, 'gap': '1 day'});

-- The machines at risk now: typed columns, input columns kept.
SELECT machine_id, ts, vibration, tool_wear, predicted_failed_within_24h, round(probability, 3) AS probability, ml_status
FROM ml_predict('press_failure', 'telemetry_now') ORDER BY probability DESC LIMIT 8;

-- The same for one row in any expression.
SELECT machine_id, max(ml_predict('press_failure', t).probability) AS risk
FROM telemetry_now t GROUP BY machine_id ORDER BY risk DESC LIMIT 5;

-- How good is it on days it has not seen, and how good is saying the same for each row?
FROM ml_evaluate('press_failure', 'telemetry_test');

-- The same labels without a base: the default is an ensemble. It becomes the champion where it wins on rows that neither saw.
FROM ml_finetune('press_failure', 'labelled', target := 'failed_within_24h', split := 'time', order_by := 'ts',
  entity := 'machine_id', promote := 'auto', options := {'gap': '1 day'});

-- The champion on the same days.
FROM ml_evaluate('press_failure', 'telemetry_test');

-- Precision and recall by class.
FROM ml_classification_report('press_failure', 'telemetry_test');

-- What was predicted as what.
FROM ml_confusion_matrix('press_failure', 'telemetry_test');

-- A view that any BI tool opens: it always asks the champion.
CREATE OR REPLACE VIEW risk AS
SELECT machine_id, ts, probability, ml_status, ml_reason FROM ml_predict('press_failure', 'telemetry_now');

-- A sensor that reads four times what it should: the row is scored, and says why not to trust that.
SELECT machine_id, vibration, round(probability, 3) AS probability, ml_status, ml_reason
FROM ml_predict('press_failure', 'SELECT * REPLACE (vibration * 4 AS vibration) FROM telemetry_now') ORDER BY vibration DESC LIMIT 3;
