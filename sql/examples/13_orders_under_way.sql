-- title: Orders under way: what comes next, when each is done, and which will be late

-- The log as it stood on 15 April, with what each order was promised for; some orders are still open.
CREATE OR REPLACE TABLE order_log AS
WITH orders AS (
  SELECT case_id, min(start_ts) + INTERVAL 36 HOURS AS due, max(end_ts) > TIMESTAMP '2026-04-15' AS open
  FROM events GROUP BY case_id
)
SELECT case_id, activity, resource, start_ts, end_ts, due, open
FROM events JOIN orders USING (case_id)
WHERE end_ts <= TIMESTAMP '2026-04-15';

-- One network reads each order's events so far; of open orders it learns that they take that long at least.
FROM ml_finetune('order_flow', 'order_log', task := 'process', target := 'activity', entity := 'case_id',
  order_by := 'end_ts', options := {'started': 'start_ts', 'due': 'due', 'censored': 'open', 'epochs': 5});

-- The orders under way, the one that is most at risk first.
SELECT case_id, activity, predicted_next_activity, round(probability, 2) AS probability,
  round(24 * predicted_remaining, 1) AS hours, predicted_end, due, round(late_probability, 2) AS late
FROM ml_predict('order_flow', 'SELECT * FROM order_log WHERE open', latest := true)
ORDER BY late_probability DESC LIMIT 8;
