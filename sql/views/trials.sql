-- summary: Trials of tuned models: what each tried, how far it came, and how good it was; the best has least of criterion.
SELECT model, run_id, trial, state, options, metric, value, criterion, steps,
  date_diff('millisecond', started_at, finished_at) / 1000 AS seconds, error, started_at, finished_at
FROM ml_catalog.trials
ORDER BY started_at, run_id, trial
