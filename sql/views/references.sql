-- summary: What each version said of the rows that it was judged on: scores, errors, the metric, vectors; ml_drift compares later rows with it.
SELECT model, version, kind, feature, rows, value, deviation, quantiles, counts, bytes
FROM ml_catalog.references
ORDER BY model, version, kind, feature
