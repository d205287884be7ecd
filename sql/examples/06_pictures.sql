-- title: What does the camera see?

-- Photographed plates with what the inspector found, family > type: from the pictures alone, a model that goes level by level.
FROM ml_finetune('plate_defect', 'SELECT ts, image, label FROM plates', target := 'label', split := 'time', order_by := 'ts',
  options := {'size': 64, 'channels': 1, 'augment': 'none', 'learning_rate': 0.003, 'epochs': 14, 'patience': 14});

-- How good is it on days it has not seen: at the type, and at the family?
SELECT metric, round(value, 3) AS value, round(baseline, 3) AS baseline, "rows" FROM ml_evaluate('plate_defect', 'plates_test');

-- Precision and recall by type.
FROM ml_classification_report('plate_defect', 'plates_test');

-- The last shifts: which plates should somebody take out?
SELECT id, machine_id, predicted_label, round(probability, 2) AS probability, ml_status
FROM ml_predict('plate_defect', 'camera_now') WHERE predicted_label <> 'good > clean' ORDER BY probability DESC LIMIT 8;

-- Good plates are many, and tomorrow's defect is not known yet: a detector that has seen good ones only.
FROM ml_finetune('good_plates', 'SELECT image FROM plates WHERE good', task := 'anomaly', options := {'size': 64, 'channels': 1});

-- How many bad plates does it find, and how often is it wrong about a good one?
SELECT good, count(*) AS plates, count(*) FILTER (is_anomaly) AS alarms, round(avg(score), 2) AS score
FROM ml_detect_anomalies('good_plates', 'plates_test') GROUP BY good ORDER BY good;

-- The last shifts again: what is unusual, and where in the picture, in pixels?
SELECT id, machine_id, round(score, 1) AS score, threshold, regions[1].x AS x, regions[1].y AS y, regions[1].width AS width, regions[1].height AS height
FROM ml_detect_anomalies('good_plates', 'camera_now') WHERE is_anomaly ORDER BY score DESC LIMIT 8;

-- A picture that can't be read is told, and ends nothing: one cut off, and one that is none.
SELECT id, predicted_label, ml_status, ml_reason FROM ml_predict('plate_defect', 'SELECT id, CASE WHEN id % 2 = 0 THEN
  from_hex(substr(hex(image), 1, 4000)) ELSE encode(''no picture'') END AS image FROM (SELECT image, row_number() OVER () AS id FROM camera_now LIMIT 4)');
