-- summary: Pairs of columns that a version reads as one number too, such as torque * speed: which, and what share of its parts found them.
SELECT v.model, v.version, found->>'$.first' AS first_feature, found->>'$.operation' AS operation,
  found->>'$.second' AS second_feature, CAST(found->>'$.share' AS DOUBLE) AS share
FROM (SELECT model, version, unnest(CAST(manifest->'$.lineage.interactions' AS JSON[])) AS found FROM ml_catalog.versions) v
ORDER BY v.model, v.version, share DESC, first_feature, second_feature
