-- summary: Versions of all models with their aliases, figures and lineage.
SELECT v.model, v.version, (SELECT string_agg(alias, ', ' ORDER BY alias) FROM ml_catalog.aliases a
    WHERE a.model = v.model AND a.version = v.version) AS aliases,
  v.metric, v.value, v.baseline, v.verdict, CAST(v.manifest->>'$.calibration.threshold' AS DOUBLE) AS threshold, v.base, v.rows, v.bytes, v.run_id,
  v.manifest->>'$.lineage.snapshot' AS snapshot, v.created_at
FROM ml_catalog.versions v
ORDER BY v.model, v.version
