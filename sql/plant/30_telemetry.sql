-- summary: Hourly sensor readings of all machines: load, weather, wear, noise, drop-outs and false alarms.
--
-- Damage is the hidden wear raised to a power, so sensors stay quiet for most of a life and move at its
-- end. Each failure mode has its own signature (a worn bearing shakes, a leaking cylinder loses
-- pressure), which load amplifies. Lives differ in how loudly they announce their end, and a rough lot of
-- material looks like wear for a day: so no single sensor gives a failure away.

CREATE OR REPLACE TABLE telemetry AS
WITH nominal(kind, vibration0, heat0, pressure0, current0, speed0, cycle0) AS (
  VALUES
    ('press', 2.2, 34.0, 165.0, 140.0, 1450.0, 42.0),
    ('mill', 1.6, 26.0, 6.2, 38.0, 8200.0, 95.0),
    ('oven', 1.1, 190.0, 1.8, 210.0, 960.0, 300.0),
    ('robot', 0.9, 20.0, 6.0, 16.0, 1900.0, 28.0)
),
-- The relative change of each sensor at the end of a life of medium severity.
signature(mode, d_vibration, d_heat, d_pressure, d_current, d_speed, d_cycle) AS (
  VALUES
    ('bearing', 1.30, 0.18, 0.00, 0.10, -0.010, 0.02),
    ('hydraulic', 0.20, 0.12, -0.20, 0.12, 0.000, 0.10),
    ('electrical', 0.05, 0.10, 0.00, 0.28, -0.040, 0.02),
    ('tooling', 0.65, 0.08, -0.03, 0.20, -0.030, 0.13),
    ('cooling', 0.05, 0.50, -0.06, 0.06, 0.000, 0.04)
),
wearing AS (
  SELECT
    hours.*,
    mode,
    load_pct::DOUBLE / 100 AS load,
    (work_before - begins_at)::DOUBLE AS work_done,
    severity * pow(least(work_done / capacity, 1), sharpness) AS damage,
    -- A rough lot: harder material for a day, felt as shaking and as current.
    CASE WHEN plant_chance(day_key, 'rough', 0.07)
      THEN 0.3 + 0.5 * plant_uniform(day_key, 'rougher') ELSE 0
    END AS rough,
    -- A warm machine stays warm: heat follows the load of the last hours.
    avg(load_pct) OVER (
      PARTITION BY hours.machine_id ORDER BY ts ROWS BETWEEN 3 PRECEDING AND CURRENT ROW
    ) / 100 AS recent_load
  FROM plant_hours AS hours
  ASOF JOIN plant_lives AS lives
    ON hours.machine_id = lives.machine_id AND hours.work_before >= lives.begins_at
),
standing AS (
  SELECT
    wearing.*,
    CASE WHEN wearing.ts < restarted THEN 'down' WHEN load_pct = 0 THEN 'idle' ELSE 'running' END AS state,
    state = 'running' AS on_duty
  FROM wearing
  ASOF LEFT JOIN plant_stops AS stops
    ON wearing.machine_id = stops.machine_id AND wearing.ts >= stops.stopped
),
-- The true readings, before a sensor spoils them. Machines of a kind are alike, not equal.
readings AS (
  SELECT
    machine_id,
    ts,
    state,
    key,
    hash(machine_id, epoch(ts)::BIGINT // 18000) AS burst_key,
    CASE WHEN on_duty
      THEN vibration0
        * exp(0.12 * plant_normal(machine_id, 'vibration') + 0.10 * plant_normal(key, 'vibration'))
        * (0.7 + 0.4 * load * load + d_vibration * damage * (0.4 + 0.8 * load) + 0.6 * rough)
      WHEN state = 'idle' THEN 0.12 * vibration0 * exp(0.2 * plant_normal(key, 'vibration'))
      ELSE 0
    END AS vibration,
    ambient + 0.8 * plant_normal(key, 'temperature')
      + CASE WHEN state = 'down' THEN 0.15 * heat0 ELSE
        heat0 * (1 + 0.05 * plant_normal(machine_id, 'heat') + 0.04 * plant_normal(key, 'heat'))
        * (0.25 + 0.75 * recent_load) * (1 + d_heat * damage)
      END AS temperature,
    CASE WHEN state = 'down' THEN 0 ELSE
      pressure0 * (1 + 0.02 * plant_normal(machine_id, 'pressure') + 0.025 * plant_normal(key, 'pressure'))
      * (0.95 + 0.05 * load)
      * (1 + d_pressure * damage * CASE WHEN on_duty THEN 0.4 + 0.8 * load ELSE 0.1 END)
    END AS pressure,
    CASE WHEN on_duty
      THEN current0 * (1 + 0.05 * plant_normal(machine_id, 'current') + 0.04 * plant_normal(key, 'current'))
        * (0.25 + 0.75 * load) * (1 + d_current * damage + 0.10 * rough)
      WHEN state = 'idle' THEN 0.08 * current0 * (1 + 0.05 * plant_normal(key, 'current'))
      ELSE 0
    END AS current,
    CASE WHEN on_duty
      THEN speed0 * (1 + 0.012 * plant_normal(key, 'speed')) * (1 - 0.03 * load + d_speed * damage * load)
      ELSE 0
    END AS speed,
    CASE WHEN on_duty
      THEN cycle0 * (1 + 0.03 * plant_normal(machine_id, 'cycle') + 0.025 * plant_normal(key, 'cycle'))
        * (1.1 - 0.1 * load + d_cycle * damage)
    END AS cycle_s,
    CASE WHEN state = 'down' THEN 0 ELSE load_pct::DOUBLE END AS load_pct,
    -- The tool counter knows the work done, but not how much this life can bear.
    plant_clamp(work_done / 20000 + 0.03 * plant_normal(key, 'tool wear'), 0, 1) AS tool_wear,
    ambient
  FROM standing
  JOIN nominal USING (kind)
  JOIN signature USING (mode)
)
-- Loose cables silence a sensor for hours. The pressure transmitter says -9999 when its link is broken.
SELECT
  machine_id,
  ts,
  state,
  CASE WHEN NOT plant_chance(burst_key, 'vibration lost', 0.02) THEN round(vibration, 2) END AS vibration,
  CASE WHEN NOT plant_chance(burst_key, 'temperature lost', 0.01) THEN round(temperature, 1) END
    AS temperature,
  CASE WHEN plant_chance(key, 'link broken', 0.004) THEN -9999 ELSE round(pressure, 2) END AS pressure,
  CASE WHEN NOT plant_chance(key, 'current lost', 0.005) THEN round(current, 1) END AS current,
  round(speed) AS speed,
  round(cycle_s, 1) AS cycle_s,
  load_pct,
  round(tool_wear, 3) AS tool_wear,
  round(ambient, 1) AS ambient
FROM readings
ORDER BY machine_id, ts;

COMMENT ON TABLE telemetry IS 'Hourly sensor readings of every machine over 120 days';
COMMENT ON COLUMN telemetry.ts IS 'Time of the reading, on the hour';
COMMENT ON COLUMN telemetry.state IS 'running, idle (no work planned) or down (failed or in service)';
COMMENT ON COLUMN telemetry.vibration IS 'Vibration velocity, RMS [mm/s]; NULL while the sensor is silent';
COMMENT ON COLUMN telemetry.temperature IS
  'Temperature of the machine [degC]; NULL while the sensor is silent';
COMMENT ON COLUMN telemetry.pressure IS
  'Pressure of oil, air or gas, as the machine uses [bar]; -9999 means that the link was broken';
COMMENT ON COLUMN telemetry.current IS 'Current of the main drive or heater [A]';
COMMENT ON COLUMN telemetry.speed IS 'Speed of the pump, spindle, fan or axis [1/min]';
COMMENT ON COLUMN telemetry.cycle_s IS 'Mean cycle time in the hour [s]; NULL when nothing was made';
COMMENT ON COLUMN telemetry.load_pct IS 'Load, of what the machine could do [%]';
COMMENT ON COLUMN telemetry.tool_wear IS 'Work since the last repair or service, of the nominal life [0..1]';
COMMENT ON COLUMN telemetry.ambient IS 'Temperature of the hall [degC]';
