-- title: The classic BERT recipe, step by step, in SQL

-- 1. Preprocess: spaces tidied, machine numbers hidden, empty notes left out, a label each. Later notes validate, the last ones test.
CREATE OR REPLACE TABLE device_notes AS
SELECT id, trim(regexp_replace(regexp_replace(note, '(?i)\b[a-z]{2}-\d\d\b', 'machine', 'g'), '\s+', ' ', 'g')) AS note,
  system AS label, opened >= TIMESTAMP '2026-03-20' AS validates, opened >= TIMESTAMP '2026-04-12' AS tests
FROM work_orders WHERE trim(note) <> '';

-- 2. Look at the data: how many of each label, and how long are the notes?
SELECT label, count(*) FILTER (NOT validates) AS train, count(*) FILTER (validates AND NOT tests) AS validation,
  count(*) FILTER (tests) AS test, round(avg(length(note))) AS characters
FROM device_notes GROUP BY label ORDER BY label;

-- What would come of learning from them?
FROM ml_check('SELECT note, label FROM device_notes', target := 'label');

-- 3. Load a base. BERT itself is base := 'hf:google-bert/bert-base-chinese', or a folder './bert'; here it is one of the shop's own words.
FROM ml_pretrain('notes', 'work_orders', field := 'note', options := {'epochs': 2});

-- 4. Train: a head on top, all of it tuned, in batches, epoch by epoch; the best epoch on the validation notes is kept.
FROM ml_finetune('device_bert', 'SELECT * EXCLUDE (tests) FROM device_notes WHERE NOT tests', target := 'label', field := 'note', base := 'notes',
  split := 'validates', options := {'batch_size': 16, 'learning_rate': 0.001, 'warmup': 0.1, 'tokens': 128, 'epochs': 4});

-- 5. Watch it: loss and F1 of each epoch.
SELECT step, round(max(value) FILTER (split = 'train' AND metric = 'loss'), 3) AS train_loss,
  round(max(value) FILTER (split = 'validation' AND metric = 'loss'), 3) AS validation_loss,
  round(max(value) FILTER (split = 'validation' AND metric = 'f1_macro'), 3) AS validation_f1
FROM ml.metrics WHERE model = 'device_bert' AND NOT final GROUP BY step ORDER BY step;

-- 6. Evaluate on the test notes, whose labels no step has seen.
FROM ml_evaluate('device_bert', 'SELECT note, label FROM device_notes WHERE tests');

-- The final report, and what was taken for what.
FROM ml_classification_report('device_bert', 'SELECT note, label FROM device_notes WHERE tests');
FROM ml_confusion_matrix('device_bert', 'SELECT note, label FROM device_notes WHERE tests') WHERE actual <> predicted ORDER BY "rows" DESC LIMIT 5;

-- 7. New notes.
SELECT note, predicted_label, round(probability, 2) AS probability, ml_status
FROM ml_predict('device_bert', 'SELECT unnest([''oil leak under the machine, hose chafed'', ''变频器跳闸，更换主熔断器'', ''Sensor gives no signal'']) AS note');
