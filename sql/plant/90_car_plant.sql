-- summary: The body shop of a car plant: 20 stations in a row, their stops, and how stops spread.
--
-- A station stops by a fault of its own. While it stands, the buffer before it fills and the one after it
-- runs empty, until the station before is blocked and the one after is starved, and so on along the line.
-- Buffers are in minutes of work, so the stop of a station at distance d reaches another one after the d
-- minutes between them. That first-order picture has a closed form, so 14 days in steps of 5 minutes need
-- no simulation in steps.
--
-- Worn electrodes, stiff axes and clogged nozzles announce themselves, in an hour or so. Safety gates and
-- buses that fail do not: these stops can't be foreseen.

CREATE OR REPLACE TABLE plant_stations AS
WITH areas(area, first_position, last_position, process) AS (
  VALUES ('UB', 1, 6, 'spot'), ('SD', 7, 10, 'spot'), ('FR', 11, 14, 'laser'), ('RF', 15, 16, 'glue'),
    ('CL', 17, 20, 'arc')
)
SELECT
  position,
  format('{}-{:02d}', area, position) AS station,
  process,
  -- The buffer that follows holds 8 to 20 jobs (a job is a minute of work), and is normally half full.
  8 + 4 * floor(4 * plant_uniform(position, 'buffer'))::INTEGER AS capacity,
  coalesce(sum(capacity / 2) OVER (
    ORDER BY position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
  ), 0) AS minutes_before
FROM areas, range(first_position, last_position + 1) AS numbers(position)
ORDER BY position;

-- A station works for a while, has a fault, works for a while, and so on. Times are in whole seconds.
CREATE OR REPLACE TABLE plant_faults AS
WITH catalogue(code, text, processes, warning, d_current, d_heat, d_takt) AS (
  VALUES
    ('E101', 'Electrode cap worn, weld quality out of limits', ['spot'], 1.2, 0.16, 0.22, 0.01),
    ('E102', 'Weld gun cooling water flow low', ['spot', 'arc'], 1.1, 0.02, 0.34, 0.02),
    ('R310', 'Robot axis 3 overload', ['spot', 'laser', 'glue', 'arc'], 1.2, 0.26, 0.03, 0.04),
    ('R411', 'Robot stopped after a collision', ['spot', 'laser', 'glue', 'arc'], 0.0, 0.00, 0.00, 0.00),
    ('C120', 'Clamp not closed in time', ['spot', 'laser', 'arc'], 1.0, 0.10, 0.00, 0.07),
    ('M150', 'Part not seated', ['spot', 'laser', 'glue', 'arc'], 1.0, 0.08, 0.02, 0.07),
    ('L220', 'Laser optics dirty, power low', ['laser'], 1.1, 0.04, 0.26, 0.04),
    ('G230', 'Glue nozzle clogged', ['glue'], 1.2, 0.12, 0.18, 0.05),
    ('W240', 'Wire feed slipping', ['arc'], 1.1, 0.18, 0.16, 0.04),
    ('B502', 'Bus node lost', ['spot', 'laser', 'glue', 'arc'], 0.0, 0.00, 0.00, 0.00),
    ('S001', 'Safety gate opened', ['spot', 'laser', 'glue', 'arc'], 0.0, 0.00, 0.00, 0.00)
),
-- Codes that warn are five times as frequent as those that don't.
choices AS (
  SELECT process, list(code ORDER BY code, weight) AS codes
  FROM catalogue, unnest(processes) AS kinds(process), range(5) AS weights(weight)
  WHERE warning > 0 OR weight = 0
  GROUP BY process
),
draws AS (
  SELECT
    position,
    station,
    no,
    hash(station, no, 'fault') AS key,
    plant_choice(key, 'code', codes) AS code,
    (60 * (
      25 + 360 * (1 + 0.2 * plant_normal(station, 'pace')) * pow(-ln(plant_uniform(key, 'gap')), 0.8)
    ))::BIGINT AS gap,
    (60 * plant_clamp(8 * exp(0.9 * plant_normal(key, 'repair')), 1, 90))::BIGINT AS duration
  FROM plant_stations
  JOIN choices USING (process), range(150) AS numbers(no)
),
timed AS (
  SELECT
    *,
    sum(gap + duration) OVER (PARTITION BY station ORDER BY no) AS ended,
    ended - duration AS began
  FROM draws
)
SELECT
  position,
  station,
  plant_now() - INTERVAL 14 DAYS + to_seconds(began::BIGINT) AS begins,
  plant_now() - INTERVAL 14 DAYS + to_seconds(ended::BIGINT) AS ends,
  code,
  text,
  -- How loud this fault is, and in how many minutes it grows.
  warning * exp(0.35 * plant_normal(key, 'loudness')) AS loudness,
  20 + 35 * plant_uniform(key, 'growth') AS growth,
  d_current,
  d_heat,
  d_takt
FROM timed
JOIN catalogue USING (code)
ORDER BY position, begins;

CREATE OR REPLACE TABLE car_faults AS
SELECT station, begins AS ts, code, text, round(date_diff('second', begins, ends) / 60, 1) AS minutes
FROM plant_faults
WHERE begins < plant_now()
ORDER BY station, ts;

CREATE OR REPLACE TABLE car_states AS
WITH slots AS (
  SELECT slot, plant_now() - INTERVAL 14 DAYS + to_minutes(5 * slot) AS ts
  FROM range(14 * 24 * 12) AS numbers(slot)
),
-- How far a fault pulls the level of the buffer behind a station from its half: in minutes, up for a
-- fault downstream, down for one upstream. It begins when the buffers between have run out. After the
-- repair the level is made up for at a third of the speed.
pulls AS (
  SELECT
    buffers.position,
    CASE WHEN faults.position > buffers.position THEN 1 ELSE -1 END AS direction,
    buffers.capacity / 2 AS half,
    begins + to_minutes(
      CASE WHEN faults.position > buffers.position
        THEN own.minutes_before - buffers.minutes_before - half
        ELSE buffers.minutes_before - own.minutes_before
      END::INTEGER
    ) AS reached,
    ends,
    least(date_diff('second', reached, ends) / 60, half) AS pull
  FROM plant_faults AS faults
  JOIN plant_stations AS own USING (position), plant_stations AS buffers
  WHERE reached < ends
),
levels AS (
  SELECT
    slots.ts,
    position,
    sum(direction * (60 * CASE
      WHEN slots.ts < ends THEN least(date_diff('second', reached, slots.ts) / 60, half)
      ELSE greatest(pull - date_diff('second', ends, slots.ts) / 180, 0)
    END)::INTEGER)::INTEGER / 60 AS shift
  FROM pulls
  JOIN slots ON slots.ts >= reached AND slots.ts < ends + to_seconds((180 * pull)::BIGINT)
  GROUP BY ALL
),
-- The buffers of a busy line are never still: levels wander by a job or two. The last station has none.
buffers AS (
  SELECT
    position,
    ts,
    capacity,
    plant_clamp(round(capacity / 2 + coalesce(shift, 0)), 0, capacity) AS calm,
    CASE WHEN calm IN (0, capacity) THEN calm
      ELSE plant_clamp(calm + round(1.2 * plant_normal(hash(position, slot // 2), 'level')), 1, capacity - 1)
    END::INTEGER AS level
  FROM plant_stations
  CROSS JOIN slots
  LEFT JOIN levels USING (position, ts)
  WHERE position < 20
),
-- Each station with its next fault, the fault it may be in, and the buffers on both sides.
scene AS (
  SELECT
    stations.station,
    process,
    slots.ts,
    slot,
    hash(stations.station, slot) AS key,
    hash(stations.station, slot // 8) AS spell_key,
    past.ends IS NOT NULL AND slots.ts < past.ends AS stopped,
    coming.loudness * exp(-date_diff('second', slots.ts, coming.begins) / 60 / coming.growth) AS warning,
    coming.d_current,
    coming.d_heat,
    coming.d_takt,
    before.level AS buffer_before,
    after.level AS buffer_after,
    after.capacity
  FROM plant_stations AS stations
  CROSS JOIN slots
  ASOF LEFT JOIN plant_faults AS past ON past.station = stations.station AND slots.ts >= past.begins
  ASOF LEFT JOIN plant_faults AS coming ON coming.station = stations.station AND slots.ts < coming.begins
  LEFT JOIN buffers AS before ON before.position = stations.position - 1 AND before.ts = slots.ts
  LEFT JOIN buffers AS after ON after.position = stations.position AND after.ts = slots.ts
),
-- Some spells of 40 minutes look like trouble and are none: a stiff seal, thick sheets, cold glue.
running AS (
  SELECT
    *,
    CASE
      WHEN stopped THEN 'stopped'
      WHEN buffer_after = capacity THEN 'blocked'
      WHEN buffer_before = 0 THEN 'starved'
      ELSE 'running'
    END AS state,
    state = 'running' AS on_duty,
    CASE WHEN plant_chance(spell_key, 'spell', 0.05)
      THEN 0.4 + 0.7 * plant_uniform(spell_key, 'bad') ELSE 0
    END AS spell,
    ['night', 'early', 'late'][1 + (hour(ts) + 2) % 24 // 8] AS shift,
    plant_clamp(
      0.4 + 0.25 * plant_uniform(ts::DATE, 'mix') + 0.2 * plant_normal(slot // 12, 'mix'), 0, 1
    ) AS model_mix
  FROM scene
)
SELECT
  station,
  ts,
  state,
  CASE WHEN on_duty THEN round(3600 / takt, 1) ELSE 0 END AS speed,
  CASE WHEN on_duty THEN round(takt, 1) END AS takt_s,
  buffer_before,
  buffer_after,
  round(
    CASE process WHEN 'spot' THEN 18 WHEN 'laser' THEN 11 WHEN 'glue' THEN 8 ELSE 13 END
      * (1 + 0.03 * plant_normal(station, 'current') + 0.03 * plant_normal(key, 'current'))
      * CASE WHEN on_duty THEN 1 + 0.12 * model_mix + d_current * warning + 0.10 * spell ELSE 0.15 END, 2
  ) AS robot_current,
  round(
    24 + CASE process WHEN 'spot' THEN 62 WHEN 'laser' THEN 48 WHEN 'glue' THEN 36 ELSE 85 END
      * (1 + 0.03 * plant_normal(station, 'heat') + 0.03 * plant_normal(key, 'heat'))
      * CASE WHEN on_duty THEN 1 + 0.06 * model_mix + d_heat * warning + 0.09 * spell ELSE 0.55 END, 1
  ) AS weld_temp,
  shift,
  round(model_mix, 2) AS model_mix
FROM (
  SELECT
    *,
    57 * (1 + 0.008 * plant_normal(station, 'takt') + 0.014 * plant_normal(key, 'takt'))
      * (1 + 0.05 * model_mix + d_takt * warning + 0.03 * spell) AS takt
  FROM running
)
ORDER BY station, ts;

-- The learning task: will this station stop by a fault of its own within half an hour? Times in which it
-- stands are left out, and so is the half hour before the test day, whose labels look into it.
CREATE OR REPLACE MACRO plant_car_labelled(begins, ends) AS TABLE
SELECT
  states.*,
  EXISTS (
    FROM car_faults
    WHERE car_faults.station = states.station
      AND car_faults.ts > states.ts
      AND car_faults.ts <= states.ts + INTERVAL 30 MINUTES
  ) AS stoppage_within_30min
FROM car_states AS states
WHERE state <> 'stopped' AND states.ts >= begins AND states.ts < ends
ORDER BY states.station, states.ts;

CREATE OR REPLACE TABLE car_labelled AS
FROM plant_car_labelled(plant_now() - INTERVAL 14 DAYS, plant_now() - INTERVAL 2 DAYS - INTERVAL 30 MINUTES);

CREATE OR REPLACE TABLE car_test AS
FROM plant_car_labelled(plant_now() - INTERVAL 2 DAYS, plant_now() - INTERVAL 1 DAY);

CREATE OR REPLACE TABLE car_live AS
SELECT * EXCLUDE (stoppage_within_30min)
FROM plant_car_labelled(plant_now() - INTERVAL 1 DAY, plant_now());

COMMENT ON TABLE car_states IS 'State of each of the 20 stations of a body shop, every 5 minutes for 14 days';
COMMENT ON COLUMN car_states.station IS 'Area and position in the line: UB, SD, FR, RF, CL; 01 is the first';
COMMENT ON COLUMN car_states.state IS
  'running, blocked (buffer after it is full), starved (buffer before it is empty) or stopped (own fault)';
COMMENT ON COLUMN car_states.speed IS 'Speed [jobs/h], 0 when not running';
COMMENT ON COLUMN car_states.takt_s IS 'Time of a job [s]; NULL when not running';
COMMENT ON COLUMN car_states.buffer_before IS 'Jobs that wait before the station; NULL for the first';
COMMENT ON COLUMN car_states.buffer_after IS 'Jobs that wait after the station; NULL for the last';
COMMENT ON COLUMN car_states.robot_current IS 'Mean current of the robot [A]';
COMMENT ON COLUMN car_states.weld_temp IS 'Temperature of the tool: gun, optics, nozzle or torch [degC]';
COMMENT ON COLUMN car_states.shift IS 'early (6 to 14), late (14 to 22) or night';
COMMENT ON COLUMN car_states.model_mix IS 'Share of the large model, which takes longer [0..1]';

COMMENT ON TABLE car_faults IS 'Stops of the stations by faults of their own';
COMMENT ON COLUMN car_faults.ts IS 'When the station stopped';
COMMENT ON COLUMN car_faults.code IS 'Code of the fault; R411, B502 and S001 come without a warning';
COMMENT ON COLUMN car_faults.text IS 'What the code means';
COMMENT ON COLUMN car_faults.minutes IS 'Minutes until the station could run again [min]';

COMMENT ON TABLE car_labelled IS
  'States of the first 12 days with the answer, to learn from (columns as in car_states)';
COMMENT ON TABLE car_test IS
  'States of the last day but one with the answer, to test on (columns as in car_states)';
COMMENT ON TABLE car_live IS
  'States of the last day without the answer, to be scored (columns as in car_states)';
COMMENT ON COLUMN car_labelled.stoppage_within_30min IS 'A fault of this station follows within 30 minutes';
COMMENT ON COLUMN car_test.stoppage_within_30min IS 'A fault of this station follows within 30 minutes';
