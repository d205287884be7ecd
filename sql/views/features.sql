-- summary: Columns of each version: kind, range, NULLs, quantiles, frequent values; or why one was left out.
SELECT model, version, feature, kind, left_out, type, rows, nulls, "distinct", minimum, maximum, mean, deviation,
  quantiles, top
FROM ml_catalog.features
ORDER BY model, version, kind IS NULL, feature
