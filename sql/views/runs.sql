-- summary: Learning statements that ran: status, how long, on what, and why one failed.
SELECT run_id, model, version, verb, status, source, steps, device,
  CASE WHEN status <> 'interrupted' THEN date_diff('millisecond', started_at, coalesce(finished_at, now())) / 1000 END AS seconds, error, snapshot,
  started_at, finished_at
FROM ml_catalog.runs
ORDER BY started_at, run_id
