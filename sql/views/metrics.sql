-- summary: Figures of each run by step; final marks those of the version that was kept.
SELECT r.model, r.version, m.run_id, m.step, m.split, m.metric, m.value, m.baseline, m.final
FROM ml_catalog.metrics m JOIN ml_catalog.runs r USING (run_id)
ORDER BY r.started_at, m.run_id, m.final, m.step, m.split, m.metric
