-- summary: The event log of 400 production orders, with queues, rework and a bottleneck to be found.
--
-- Each activity is done by one of a few resources, each of which works first come, first served. The
-- finish of the n-th job in such a queue has a closed form: the work of all jobs so far, plus the longest
-- idle time that had to pass before one of them. So the recursion below takes one step per activity, not
-- one per job. One single oven is released for the heat treatment of these orders: it is the bottleneck.
-- (The log knows no breakdowns: a machine that fails finishes the order that it has.)

CREATE OR REPLACE TABLE events AS
WITH RECURSIVE route(step, activity, resources, minutes, spread, share) AS (
  VALUES
    (1, 'Release order', ['Planner 1', 'Planner 2'], 15, 0.4, 1.00),
    (2, 'Issue material', ['Store A', 'Store B'], 40, 0.3, 1.00),
    (3, 'Cast', ['PR-01', 'PR-02'], 260, 0.3, 1.00),
    (4, 'Heat-treat', ['OV-04'], 330, 0.15, 1.00),
    (5, 'Mill', ['ML-02', 'ML-03'], 210, 0.35, 1.00),
    (6, 'Inspect', ['Inspector 1', 'Inspector 2'], 50, 0.3, 1.00),
    (7, 'Rework', ['Bench 1'], 150, 0.5, 0.14),
    (8, 'Inspect again', ['Inspector 3'], 35, 0.3, 0.14),
    (9, 'Pack', ['Packing 1', 'Packing 2'], 45, 0.3, 1.00),
    (10, 'Ship', ['Dock'], 20, 0.3, 1.00)
),
-- Orders arrive at random, one in six and a half hours on average.
arrivals AS (
  SELECT
    format('PO-{:04d}', no) AS case_id,
    sum((-390 * ln(plant_uniform(no, 'arrival')))::BIGINT) OVER (ORDER BY no)::BIGINT AS ready
  FROM range(1, 401) AS numbers(no)
),
-- A case that skips a step passes it in no time, in a queue that has no resource.
visits AS (
  SELECT
    0 AS step,
    NULL::VARCHAR AS activity,
    NULL::VARCHAR AS resource,
    case_id,
    0::BIGINT AS minutes,
    ready AS finish
  FROM arrivals
  UNION ALL
  SELECT
    step,
    activity,
    who,
    case_id,
    work,
    (sum(work) OVER queue + max(ready - work_before) OVER queue)::BIGINT
  FROM (
    SELECT *, sum(work) OVER (PARTITION BY who ORDER BY ready, case_id) - work AS work_before
    FROM (
      SELECT
        route.step,
        route.activity,
        visits.case_id,
        visits.finish AS ready,
        hash(visits.case_id, route.step) AS key,
        -- Rework and the inspection after it share one draw, so a case has both or neither.
        CASE WHEN plant_chance(visits.case_id, 'rework', share) THEN plant_choice(key, 'who', resources) END
          AS who,
        CASE WHEN who IS NULL THEN 0 ELSE route.minutes * exp(spread * plant_normal(key, 'work')) END::BIGINT
          AS work
      FROM visits
      JOIN route ON route.step = visits.step + 1
    )
  )
  WINDOW queue AS (PARTITION BY who ORDER BY ready, case_id)
)
SELECT
  case_id,
  activity,
  resource,
  plant_start() + to_minutes(finish - minutes) AS start_ts,
  plant_start() + to_minutes(finish) AS end_ts
FROM visits
WHERE resource IS NOT NULL
ORDER BY case_id, step;

COMMENT ON TABLE events IS 'Event log of 400 production orders, one row per activity, for process mining';
COMMENT ON COLUMN events.case_id IS 'The production order';
COMMENT ON COLUMN events.activity IS 'What was done';
COMMENT ON COLUMN events.resource IS 'The machine, desk or person that did it, one order at a time';
COMMENT ON COLUMN events.start_ts IS 'When work on the activity began; waiting comes before';
COMMENT ON COLUMN events.end_ts IS 'When the activity was finished';
