-- summary: The telemetry as a learning task: will this machine fail within the next 24 hours?
--
-- The label looks at later failures only, and never at the sensors. Hours in which a machine is down are
-- left out, for nobody asks then whether it will fail. Day 99 belongs to no table: the labels of day 98
-- look into it, and a test that began there would not be a fair one.

CREATE OR REPLACE MACRO plant_labelled(first_day, end_day) AS TABLE
SELECT
  readings.*,
  EXISTS (
    FROM failures
    WHERE failures.machine_id = readings.machine_id
      AND failures.ts > readings.ts
      AND failures.ts <= readings.ts + INTERVAL 24 HOURS
  ) AS failed_within_24h
FROM telemetry AS readings
WHERE state <> 'down'
  AND readings.ts >= plant_start() + to_days(first_day)
  AND readings.ts < plant_start() + to_days(end_day)
ORDER BY readings.machine_id, readings.ts;

CREATE OR REPLACE TABLE labelled AS FROM plant_labelled(0, 99);
CREATE OR REPLACE TABLE telemetry_test AS FROM plant_labelled(100, 115);
CREATE OR REPLACE TABLE telemetry_now AS SELECT * EXCLUDE (failed_within_24h) FROM plant_labelled(115, 120);

COMMENT ON TABLE labelled IS
  'Telemetry of days 0 to 98 with the answer, to learn from (columns as in telemetry)';
COMMENT ON TABLE telemetry_test IS
  'Telemetry of days 100 to 114 with the answer, to test on (columns as in telemetry)';
COMMENT ON TABLE telemetry_now IS
  'Telemetry of the last five days without the answer, to be scored (columns as in telemetry)';
COMMENT ON COLUMN labelled.failed_within_24h IS 'A failure of this machine follows within 24 hours';
COMMENT ON COLUMN telemetry_test.failed_within_24h IS 'A failure of this machine follows within 24 hours';
