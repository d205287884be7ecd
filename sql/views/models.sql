-- summary: Models and bases: what they predict, which version is champion, how good it is, and the licence of what it began with.
SELECT m.model, coalesce(v.manifest->>'$.task', 'base') AS kind, v.manifest->>'$.target.name' AS target, c.version AS champion, n.version AS candidate, v.metric, v.value, v.baseline,
  v.verdict, v.rows, (SELECT count(*) FROM ml_catalog.versions x WHERE x.model = m.model) AS versions, v.base,
  coalesce(v.manifest->>'$.backbone.text.licence', v.manifest->>'$.backbone.image.licence',
    if(coalesce(v.manifest->>'$.backbone.text.sha256', v.manifest->>'$.backbone.image.sha256') IS NULL, NULL, 'not told')) AS base_licence,
  m.created_at
FROM ml_catalog.models m
LEFT JOIN ml_catalog.aliases c ON c.model = m.model AND c.alias = 'champion'
LEFT JOIN ml_catalog.aliases n ON n.model = m.model AND n.alias = 'candidate'
LEFT JOIN ml_catalog.versions v ON v.model = m.model AND v.version = c.version
ORDER BY m.created_at, m.model
