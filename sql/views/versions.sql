-- summary: Versions of all models with their aliases, figures and lineage; base_licence and base_sha256 are of weights that came from a folder or a hub.
SELECT v.model, v.version, (SELECT string_agg(alias, ', ' ORDER BY alias) FROM ml_catalog.aliases a
    WHERE a.model = v.model AND a.version = v.version) AS aliases,
  v.metric, v.value, v.baseline, v.verdict, CAST(v.manifest->>'$.calibration.threshold' AS DOUBLE) AS threshold, v.base,
  coalesce(v.manifest->>'$.backbone.text.sha256', v.manifest->>'$.backbone.image.sha256') AS base_sha256,
  coalesce(v.manifest->>'$.backbone.text.licence', v.manifest->>'$.backbone.image.licence', if(base_sha256 IS NULL, NULL, 'not told')) AS base_licence,
  v.rows, v.bytes, v.run_id, v.manifest->>'$.lineage.snapshot' AS snapshot, v.created_at
FROM ml_catalog.versions v
ORDER BY v.model, v.version
