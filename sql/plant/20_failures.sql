-- summary: The work of the machines, how it wears them out, and the failures and services that follow.
--
-- Wear is driven by work, not by the calendar: each machine lives through a sequence of "lives", each of
-- which lasts for so much work (load x hours) and ends in a failure, or in a service when someone was in
-- time. Because the planned work is known in advance, the end of every life is a sum, and no step-by-step
-- simulation is needed. The helper tables plant_hours, plant_lives and plant_stops hold the hidden truth.
-- The last file drops them.

CREATE OR REPLACE TABLE plant_hours AS
WITH calendar AS (
  SELECT
    no AS hour_no,
    no // 24 AS day_no,
    no % 24 AS clock,
    isodow(plant_start() + to_hours(no)) AS weekday,
    plant_start() + to_hours(no) AS ts
  FROM range(120 * 24) AS hours(no)
),
-- Full steam on weekdays, less at night and on Saturdays, one shift on Sundays. Ovens never cool down.
plan AS (
  SELECT
    *,
    hash(machine_id, hour_no) AS key,
    hash(machine_id, day_no) AS day_key,
    CASE
      WHEN weekday = 7 THEN CASE WHEN clock BETWEEN 6 AND 13 THEN 0.60 WHEN kind = 'oven' THEN 0.35 ELSE 0 END
      WHEN weekday = 6 THEN 0.65
      WHEN clock BETWEEN 6 AND 21 THEN 0.85
      ELSE 0.70
    END AS planned
  FROM machines, calendar
),
-- Products differ from day to day. Now and then a machine waits for material or is being set up.
work AS (
  SELECT
    *,
    CASE
      WHEN planned = 0 OR plant_chance(key, 'waiting', 0.03) THEN 0
      ELSE plant_clamp(
        100 * planned
          * (0.75 + 0.5 * plant_uniform(day_key, 'product'))
          * (1 + 0.06 * plant_normal(key, 'load')),
        12, 100
      )
    END::DECIMAL(4, 1) AS load_pct
  FROM plan
)
SELECT
  machine_id,
  kind,
  ts,
  key,
  day_key,
  -- The hall follows the season (January to May) and the sun, a few hours late.
  8 + 0.09 * day_no + 3.5 * sin(2 * pi() * (clock - 9) / 24) + 2.5 * plant_normal(day_no, 'weather')
    AS ambient,
  load_pct,
  coalesce(sum(load_pct) OVER (
    PARTITION BY machine_id ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
  ), 0)::DECIMAL(12, 1) AS work_before
FROM work
ORDER BY machine_id, ts;

CREATE OR REPLACE TABLE plant_lives AS
WITH modes(kind, modes) AS (
  VALUES
    (
      'press',
      ['hydraulic', 'hydraulic', 'hydraulic', 'tooling', 'tooling', 'bearing', 'cooling', 'electrical']
    ),
    ('mill', ['tooling', 'tooling', 'tooling', 'bearing', 'bearing', 'cooling', 'electrical']),
    ('oven', ['electrical', 'electrical', 'bearing', 'bearing', 'cooling']),
    ('robot', ['bearing', 'bearing', 'electrical', 'electrical', 'tooling'])
),
draws AS (
  SELECT
    machine_id,
    life_no,
    hash(machine_id, life_no, 'life') AS key,
    plant_choice(key, 'mode', modes) AS mode,
    plant_chance(key, 'in time', 0.33) AS serviced,
    -- Work until failure: shorter for old machines and for one model with a known weakness.
    15000
      * exp(-0.02 * (date_diff('year', installed, plant_start()) - 10))
      * CASE WHEN model = 'HX-650' THEN 0.75 ELSE 1 END
      * exp(0.15 * plant_normal(machine_id, 'individual') + 0.35 * plant_normal(key, 'capacity')) AS capacity,
    -- How loudly this life announces its end, and how late.
    1.2 * exp(0.4 * plant_normal(key, 'severity')) AS severity,
    3 + 4 * plant_uniform(key, 'sharpness') AS sharpness
  FROM machines
  JOIN modes USING (kind), range(60) AS lives(life_no)
),
-- A service comes at 55 to 95 % of the capacity. The first life is already under way on day one.
lengths AS (
  SELECT
    *,
    (capacity * CASE WHEN serviced THEN 0.55 + 0.4 * plant_uniform(key, 'service') ELSE 1 END)
      ::DECIMAL(12, 1) AS length,
    (capacity * 0.5 * plant_uniform(machine_id, 'first life'))::DECIMAL(12, 1) AS head_start
  FROM draws
)
SELECT
  machine_id,
  life_no,
  key,
  mode,
  serviced,
  capacity,
  severity,
  sharpness,
  sum(length) OVER so_far - first_value(head_start) OVER so_far AS ends_at,
  ends_at - length AS begins_at
FROM lengths
WINDOW so_far AS (PARTITION BY machine_id ORDER BY life_no)
ORDER BY machine_id, life_no;

-- A stop happens within the hour whose work uses up the life. (Only working hours, or hours would tie.)
CREATE OR REPLACE TABLE plant_stops AS
WITH ends AS (
  SELECT
    lives.*,
    ts + to_seconds(floor(3600 * (ends_at - work_before)::DOUBLE / load_pct::DOUBLE)::BIGINT) AS stopped
  FROM plant_lives AS lives
  ASOF JOIN (FROM plant_hours WHERE load_pct > 0) AS hours
    ON lives.machine_id = hours.machine_id AND lives.ends_at > hours.work_before
  WHERE ends_at <= work_before + load_pct
)
SELECT
  machine_id,
  stopped,
  serviced,
  mode,
  key,
  -- Repairs take 2 hours to a day (waiting for a part), services a few hours.
  round(
    CASE
      WHEN serviced THEN 1.5 + 2.5 * plant_uniform(key, 'duration')
      ELSE plant_clamp(5 * exp(0.55 * plant_normal(key, 'duration')), 2, 24)
    END, 1
  ) AS hours,
  stopped + to_minutes((60 * hours)::BIGINT) AS restarted
FROM ends
ORDER BY machine_id, stopped;

CREATE OR REPLACE TABLE failures AS
SELECT
  machine_id,
  stopped AS ts,
  mode,
  CASE WHEN restarted <= plant_now() THEN hours END AS downtime_h
FROM plant_stops
WHERE NOT serviced
ORDER BY machine_id, ts;

CREATE OR REPLACE TABLE maintenance AS
SELECT
  machine_id,
  restarted AS ts,
  CASE WHEN serviced THEN 'preventive' ELSE 'corrective' END AS kind,
  plant_choice(key, 'part', parts) AS part
FROM plant_stops
JOIN machines USING (machine_id)
JOIN plant_words ON system = mode AND list_contains(kinds, machines.kind)
WHERE restarted <= plant_now()
ORDER BY machine_id, ts;

COMMENT ON TABLE failures IS 'Unplanned stops of the machines of the simulated plant';
COMMENT ON COLUMN failures.ts IS 'When the machine failed';
COMMENT ON COLUMN failures.mode IS 'What gave way: bearing, hydraulic, electrical, tooling or cooling';
COMMENT ON COLUMN failures.downtime_h IS
  'Time until the machine ran again, 2 h at least [h]; NULL while it is down';

COMMENT ON TABLE maintenance IS 'Repairs and services; either one makes the machine as good as new';
COMMENT ON COLUMN maintenance.ts IS 'When the work was finished and the machine ran again';
COMMENT ON COLUMN maintenance.kind IS 'corrective (after a failure) or preventive (in time)';
COMMENT ON COLUMN maintenance.part IS 'The part that was replaced';
