-- summary: Die-cast parts as inspected: how each was made, what was measured, its defect and its strength.
--
-- One part of every running hour of a press is inspected. Its defects come from the process:
--   porosity   gas in the melt: hot metal, fast injection, little pressure, moist air
--   crack      stress: a cold die, brittle (iron-rich) metal, too short a cooling
--   scratch    the part sticks to a worn die, more so when little release agent was sprayed
--   dimension  shrinkage off its target: die temperature and cooling time that do not match, a shaking press
-- Most of it takes two causes at once, and chance has a say: many defects can be predicted, not all.

CREATE OR REPLACE TABLE quality AS
WITH alloys(material, melt0, strength0) AS (
  VALUES ('AlSi9Cu3', 680, 268), ('AlSi10Mg', 695, 282), ('AlSi12', 670, 254)
),
-- A batch is two days of one press: one alloy from one supplier, with the iron that came with it.
parts AS (
  SELECT
    telemetry.machine_id,
    ts + to_minutes(floor(60 * plant_uniform(key, 'taken'))::INTEGER) AS ts,
    hash(key, 'part') AS key,
    date_diff('day', plant_start(), ts) // 2 AS batch_no,
    hash(machine_id, batch_no, 'batch') AS batch_key,
    format('B{}-{:02d}', substr(machine_id, 4), batch_no) AS batch,
    plant_choice(batch_key, 'alloy', ['AlSi9Cu3', 'AlSi9Cu3', 'AlSi10Mg', 'AlSi12']) AS material,
    plant_choice(batch_key, 'supplier', ['Alunord', 'Alunord', 'Lianhe', 'Metallo', 'Metallo']) AS supplier,
    tool_wear,
    coalesce(vibration, 2.2) / 2.2 - 1 AS shaking,
    telemetry.ambient
  FROM telemetry
  JOIN plant_hours USING (machine_id, ts)
  WHERE kind = 'press' AND state = 'running'
),
-- Deviations of the settings from their targets, in standard deviations: in part those of the batch.
deviations AS (
  SELECT
    *,
    0.6 * plant_normal(batch_key, 'melt') + 0.8 * plant_normal(key, 'melt') AS melt,
    0.3 * (ambient - 15) / 6 + 0.5 * plant_normal(batch_key, 'die') + 0.8 * plant_normal(key, 'die') AS die,
    0.4 * plant_normal(machine_id, 'injection') + 0.9 * plant_normal(key, 'injection') AS injection,
    0.5 * plant_normal(batch_key, 'hold') + 0.85 * plant_normal(key, 'hold') AS hold,
    plant_normal(key, 'cooling') AS cooling,
    plant_normal(key, 'spray') AS spray,
    0.9 * plant_normal(ts::DATE, 'humidity') + 0.4 * plant_normal(key, 'humidity') AS moist,
    plant_normal(batch_key, 'iron') + CASE supplier WHEN 'Lianhe' THEN 0.7 ELSE 0 END AS iron
  FROM parts
),
causes AS (
  SELECT
    *,
    0.9 * melt + 1.1 * injection - 1.1 * hold + 0.6 * moist + 0.7 * greatest(melt, 0) * greatest(injection, 0)
      AS gas,
    -1.1 * die + 0.8 * iron - 0.7 * cooling + 0.8 * greatest(-die, 0) * greatest(iron, 0) AS stress,
    3.0 * tool_wear - 0.8 * spray + 1.8 * tool_wear * greatest(-spray, 0) AS sticking,
    0.9 * die - 0.9 * cooling AS shrinkage
  FROM deviations
),
-- The defect is the strongest of its rivals. Gumbel noise makes that a draw from a multinomial logit.
scores AS (
  SELECT
    *,
    ['none', 'porosity', 'crack', 'scratch', 'dimension'] AS classes,
    [
      0,
      2.0 * gas - 9.0,
      2.0 * stress - 9.2,
      2.6 * sticking - 11.3,
      2.2 * (abs(shrinkage) + 0.8 * shaking) - 7.2
    ] AS merits
  FROM causes
),
verdicts AS (
  SELECT
    *,
    list_transform(merits, lambda merit, i: merit - ln(-ln(plant_uniform(key, 'verdict ' || i)))) AS bids,
    classes[list_position(bids, list_max(bids))] AS defect
  FROM scores
)
SELECT
  format('P-{:05d}', row_number() OVER (ORDER BY verdicts.ts, machine_id)) AS part_id,
  machine_id,
  verdicts.ts,
  batch,
  material,
  supplier,
  round(melt0 + 8 * melt, 1) AS melt_temp_c,
  round(215 + 11 * die, 1) AS die_temp_c,
  round(38 + 3.5 * injection, 2) AS injection_mps,
  round(650 + 40 * hold) AS hold_pressure_bar,
  round(14 + 1.5 * cooling, 1) AS cooling_s,
  round(greatest(2.4 + 0.5 * spray, 0.6), 2) AS spray_s,
  round(plant_clamp(45 + 11 * moist, 10, 90), 1) AS humidity_pct,
  round(greatest(0.75 + 0.10 * iron, 0.3), 2) AS iron_pct,
  round(100 * tool_wear, 1) AS die_wear_pct,
  round(
    48 + 0.009 * shrinkage + 0.012 * plant_normal(key, 'diameter')
      + CASE WHEN defect = 'dimension' THEN 0.015 * sign(shrinkage) ELSE 0 END, 3
  ) AS diameter_mm,
  round(
    (1.5 + 0.8 * tool_wear + CASE WHEN defect = 'scratch' THEN 0.35 ELSE 0 END)
      * exp(0.16 * plant_normal(key, 'roughness')), 2
  ) AS roughness_um,
  round(
    412 - 0.9 * gas + 1.8 * plant_normal(key, 'weight') - CASE WHEN defect = 'porosity' THEN 1.5 ELSE 0 END, 1
  ) AS weight_g,
  defect,
  -- Pores and iron weaken, pressure and quick cooling strengthen. Too cold or too hot a die does harm.
  round(
    strength0 - 4.5 * gas - 0.6 * greatest(gas - 1.5, 0) * gas - 6 * iron + 3 * hold - 3 * cooling
      - 2.5 * die * die + 3 * melt * iron + 5 * plant_normal(batch_key, 'strength')
      + 8 * plant_normal(key, 'strength'), 1
  ) AS strength_mpa
FROM verdicts
JOIN alloys USING (material)
ORDER BY part_id;

COMMENT ON TABLE quality IS 'Inspected die-cast parts: settings, measurements, defect and strength';
COMMENT ON COLUMN quality.ts IS 'When the part was cast';
COMMENT ON COLUMN quality.batch IS 'Two days of one press, cast from one delivery of metal';
COMMENT ON COLUMN quality.material IS 'Aluminium alloy';
COMMENT ON COLUMN quality.supplier IS 'Who delivered the metal (invented names)';
COMMENT ON COLUMN quality.melt_temp_c IS 'Temperature of the melt [degC]';
COMMENT ON COLUMN quality.die_temp_c IS 'Temperature of the die [degC]';
COMMENT ON COLUMN quality.injection_mps IS 'Speed of the metal at the gate [m/s]';
COMMENT ON COLUMN quality.hold_pressure_bar IS 'Pressure while the metal sets [bar]';
COMMENT ON COLUMN quality.cooling_s IS 'Time in the closed die [s]';
COMMENT ON COLUMN quality.spray_s IS 'Time of spraying release agent [s]';
COMMENT ON COLUMN quality.humidity_pct IS 'Relative humidity of the air [%]';
COMMENT ON COLUMN quality.iron_pct IS 'Iron in the alloy, of the mass [%]';
COMMENT ON COLUMN quality.die_wear_pct IS 'Work of the die since the last service, of its nominal life [%]';
COMMENT ON COLUMN quality.diameter_mm IS 'Diameter of the bore, 48.000 is the target [mm]';
COMMENT ON COLUMN quality.roughness_um IS 'Roughness Ra of the surface [um]';
COMMENT ON COLUMN quality.weight_g IS 'Weight of the part [g]';
COMMENT ON COLUMN quality.defect IS 'What the inspector found: none, scratch, crack, porosity or dimension';
COMMENT ON COLUMN quality.strength_mpa IS 'Tensile strength of a bar that is cast with the part [MPa]';
