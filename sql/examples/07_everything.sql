-- title: Numbers, words and a picture of one part: what does each tell?

-- The machine's readings alone.
FROM ml_finetune('plate_by_readings', 'SELECT ts, thickness_mm, die_temp_c, spray_s, die_wear_pct, label FROM plates', target := 'label',
  split := 'time', order_by := 'ts', options := {'backbone': 'transformer', 'epochs': 10});

-- The operator's remark alone, where there is one.
FROM ml_finetune('plate_by_note', 'SELECT ts, note, label FROM plates', target := 'label', field := 'note',
  split := 'time', order_by := 'ts', options := {'epochs': 6});

-- The picture alone: the statement of the pictures' example again, which trains nothing twice.
FROM ml_finetune('plate_defect', 'SELECT ts, image, label FROM plates', target := 'label', split := 'time', order_by := 'ts',
  options := {'size': 64, 'channels': 1, 'augment': 'none', 'learning_rate': 0.003, 'epochs': 14, 'patience': 14});

-- All of it in one model.
FROM ml_finetune('plate_by_all', 'SELECT ts, thickness_mm, die_temp_c, spray_s, die_wear_pct, note, image, label FROM plates',
  target := 'label', split := 'time', order_by := 'ts',
  options := {'size': 64, 'channels': 1, 'augment': 'none', 'epochs': 8, 'patience': 8});

-- Each on days that none has seen.
SELECT reads, round(max(value) FILTER (metric = 'accuracy'), 3) AS accuracy, round(max(value) FILTER (metric = 'f1_macro'), 3) AS f1_macro,
  round(max(baseline) FILTER (metric = 'accuracy'), 3) AS always_good
FROM (
  SELECT 'readings' AS reads, * FROM ml_evaluate('plate_by_readings', 'plates_test')
  UNION ALL SELECT 'remark', * FROM ml_evaluate('plate_by_note', 'plates_test')
  UNION ALL SELECT 'picture', * FROM ml_evaluate('plate_defect', 'plates_test')
  UNION ALL SELECT 'everything', * FROM ml_evaluate('plate_by_all', 'plates_test')
)
GROUP BY reads ORDER BY accuracy;

-- A camera that fails is a modality less: the row is judged by what is left, and says so.
SELECT id, predicted_label, round(probability, 2) AS probability, ml_status, ml_reason
FROM ml_predict('plate_by_all', 'SELECT * REPLACE (NULL::BLOB AS image) FROM camera_now') LIMIT 4;
