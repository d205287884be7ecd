-- title: What becomes of a part?

-- Strength is a number: the model gives an interval, too.
FROM ml_finetune('strength', 'SELECT * EXCLUDE (part_id, ts, batch, defect) FROM quality', target := 'strength_mpa');

-- 80 % of new parts are to lie between lower and upper.
SELECT part_id, strength_mpa, round(predicted_strength_mpa, 1) AS predicted, round("lower", 1) AS low, round("upper", 1) AS high
FROM ml_predict('strength', 'quality', level := 0.8) LIMIT 5;

-- What the database remembers of its models.
SELECT model, kind, target, champion, metric, round(value, 3) AS value, round(baseline, 3) AS baseline, verdict FROM ml.models;

-- And of the runs that made them.
SELECT model, version, verb, status, steps, round(seconds, 1) AS seconds FROM ml.runs;
