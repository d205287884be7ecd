"""The classification report where a row may have several labels, in SQL."""

from __future__ import annotations


def report_of_labels(rows: str) -> str:
    """Precision, recall, F1 and support by label, then the averages as scikit-learn reports them.

    Labels are those that a row has or was given. What is undefined counts 0, as there.

    Args:
        rows: a SELECT of the labels that a row has as ``__truth``, and of the scored struct ``__ml``.
    """
    return f"""
WITH pairs AS MATERIALIZED (
  SELECT list_sort(list_distinct(__truth)) AS t, list_sort(__ml.labels) AS p, count(*) AS n
  FROM ({rows}) WHERE __truth IS NOT NULL AND __ml.labels IS NOT NULL GROUP BY ALL
),
labels AS (SELECT unnest(list_distinct(list_concat(t, p))) AS class, t, p, n FROM pairs),
counts AS (
  SELECT class,
    coalesce(sum(n) FILTER (list_contains(t, class) AND list_contains(p, class)), 0) AS hits,
    coalesce(sum(n) FILTER (list_contains(p, class)), 0) AS said,
    coalesce(sum(n) FILTER (list_contains(t, class)), 0) AS support
  FROM labels GROUP BY class
),
scores AS (
  SELECT class, coalesce(hits / nullif(said, 0), 0) AS precision, coalesce(hits / nullif(support, 0), 0) AS recall,
    coalesce(2 * hits / nullif(said + support, 0), 0) AS f1, support, hits, said
  FROM counts
),
shares AS (
  SELECT n, coalesce(hits / nullif(len(p), 0), 0) AS precision, coalesce(hits / nullif(len(t), 0), 0) AS recall,
    coalesce(2 * hits / nullif(len(p) + len(t), 0), 0) AS f1
  FROM (SELECT *, len(list_intersect(t, p)) AS hits FROM pairs)
),
report AS (
  SELECT 0 AS place, class, precision, recall, f1, support FROM scores
  UNION ALL SELECT 1, 'micro avg', coalesce(sum(hits) / nullif(sum(said), 0), 0),
    coalesce(sum(hits) / nullif(sum(support), 0), 0), coalesce(2 * sum(hits) / nullif(sum(said + support), 0), 0),
    sum(support) FROM scores
  UNION ALL SELECT 2, 'macro avg', avg(precision), avg(recall), avg(f1), sum(support) FROM scores
  UNION ALL SELECT 3, 'weighted avg', sum(precision * support) / sum(support), sum(recall * support) / sum(support),
    sum(f1 * support) / sum(support), sum(support) FROM scores
  UNION ALL SELECT 4, 'samples avg', sum(precision * n) / sum(n), sum(recall * n) / sum(n), sum(f1 * n) / sum(n),
    (SELECT sum(support) FROM scores) FROM shares
)
SELECT class, precision, recall, f1, CAST(support AS BIGINT) AS support FROM report ORDER BY place, class
""".strip()
