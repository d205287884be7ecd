-- summary: What happened to versions, who did it and why: created, promoted, rolled back, refused, dropped, imported, exported.
SELECT happened_at, who, model, version, event, previous, reason, detail, run_id
FROM ml_catalog.events
ORDER BY happened_at, rowid
