-- summary: The event log of a machining line of six stations: 600 orders, one after the other, day and night.
--
-- Each station takes the orders in the order in which they come, so that the end of an operation follows
-- Lindley's recursion: it begins when the order is there and the one before is done. Unrolled, that is all
-- work so far plus the longest idle time before it, as in the event log of the foundry. One step of the
-- recursion below is a station, not an order. Milling is the bottleneck, closely followed by hardening,
-- which has two ovens that take turns. Large flanges take longer; what an order is promised for does not ask.

CREATE OR REPLACE TABLE line_events AS
WITH RECURSIVE route(step, station, machines, minutes, spread) AS (
  VALUES
    (1, 'Saw', 1, 18, 0.15), (2, 'Turn', 1, 25, 0.25), (3, 'Mill', 1, 30, 0.20), (4, 'Harden', 2, 56, 0.10),
    (5, 'Grind', 1, 24, 0.30), (6, 'Test', 1, 15, 0.20)
),
orders AS (
  SELECT
    no,
    format('LO-{:04d}', no) AS order_no,
    plant_choice(no, 'product', ['shaft', 'shaft', 'flange', 'large flange']) AS product,
    -- One order in 33 minutes on average.
    sum((-33 * ln(plant_uniform(no, 'line arrival')))::BIGINT) OVER (ORDER BY no)::BIGINT AS ready
  FROM range(1, 601) AS numbers(no)
),
visits AS (
  SELECT 0 AS step, NULL::VARCHAR AS station, no, 0::BIGINT AS minutes, ready AS finish FROM orders
  UNION ALL
  SELECT
    step,
    station,
    no,
    work,
    (sum(work) OVER queue + max(ready - work_before) OVER queue)::BIGINT
  FROM (
    SELECT *, sum(work) OVER (PARTITION BY machine ORDER BY no) - work AS work_before
    FROM (
      SELECT
        route.step,
        route.station,
        no,
        no % machines AS machine,
        visits.finish AS ready,
        greatest(1, route.minutes
          * CASE product WHEN 'shaft' THEN 0.9 WHEN 'flange' THEN 1.0 ELSE 1.2 END
          * exp(spread * plant_normal(hash(no, route.step), 'line work')))::BIGINT AS work
      FROM visits
      JOIN route ON route.step = visits.step + 1
      JOIN orders USING (no)
    )
  )
  WINDOW queue AS (PARTITION BY machine ORDER BY no)
)
SELECT
  order_no,
  product,
  station,
  plant_now() - INTERVAL 14 DAYS + to_minutes(finish - minutes) AS start_ts,
  plant_now() - INTERVAL 14 DAYS + to_minutes(finish) AS end_ts,
  date_trunc('hour', plant_now() - INTERVAL 14 DAYS + to_minutes(ready) + INTERVAL 10 HOURS) AS due
FROM visits
JOIN orders USING (no)
WHERE station IS NOT NULL
ORDER BY order_no, step;

COMMENT ON TABLE line_events IS 'Event log of a machining line: 600 orders pass six stations, a row for each';
COMMENT ON COLUMN line_events.order_no IS 'The order';
COMMENT ON COLUMN line_events.product IS 'What is made: shaft, flange or large flange';
COMMENT ON COLUMN line_events.station IS 'Saw, Turn, Mill, Harden, Grind, Test, in this order';
COMMENT ON COLUMN line_events.start_ts IS 'When work on the order began there; waiting comes before';
COMMENT ON COLUMN line_events.end_ts IS 'When it was finished there';
COMMENT ON COLUMN line_events.due IS 'When the order was promised for';
