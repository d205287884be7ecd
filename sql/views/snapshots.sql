-- summary: Training rows that are kept beside the database.
SELECT hash, run_id, path, rows, source, created_at FROM ml_catalog.snapshots ORDER BY created_at
