-- summary: On each batch that ml_adapt was given, before anything was learnt from it: the champion beside the candidate (or beside the champion before).
SELECT s.model, s.created_at AS "at", s.rows, s.metric, s.champion, s.champion_value, s.role, s.rival AS version, s.rival_value AS value,
  s.difference, s.lower, s.upper, s.decision, s.run_id
FROM ml_catalog.shadows s
ORDER BY s.created_at, s.run_id, s.role
