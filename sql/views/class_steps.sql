-- summary: What became of each class as versions went on learning: its recall on rows held out, and what was forgotten of it.
SELECT model, version, class, since, rows, recall, before, before - recall AS forgetting, run_id
FROM ml_catalog.steps
ORDER BY model, version, since, class
