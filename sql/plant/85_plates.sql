-- summary: Cover plates as a camera behind the presses sees them: picture, readings, remark and defect.
--
-- Defects come from the process: cracks from a cold die, scratches from a worn one, stains from too much
-- release agent, dents where a thin plate sticks. Readings make a defect likely. The operator's remark names
-- it now and then, more often hints, and may err. Most pictures show it well, some only faintly. So each
-- tells something, and all together most.

-- What was cast, and what became of it: a draw from a multinomial logit, as of the inspected parts.
CREATE OR REPLACE TABLE plant_plates AS
WITH hours AS (
  SELECT
    telemetry.machine_id,
    line,
    telemetry.ts + to_seconds(floor(3600 * plant_uniform(key, 'photo'))::INTEGER) AS ts,
    hash(key, 'plate') AS key
  FROM telemetry
  JOIN plant_hours USING (machine_id, ts)
  JOIN machines USING (machine_id)
  WHERE plant_hours.kind = 'press' AND state = 'running'
),
-- Deviations of the settings from their targets, in standard deviations.
settings AS (
  SELECT
    *,
    plant_normal(key, 'die') AS die,
    plant_normal(key, 'wear') AS wear,
    plant_normal(key, 'spray') AS spray,
    plant_normal(key, 'thickness') AS thickness
  FROM hours
),
verdicts AS (
  SELECT
    *,
    ['clean', 'scratch', 'stain', 'dent', 'crack'] AS types,
    list_transform(
      [0, 2.8 * wear - 4.8, 2.8 * spray - 4.8, -2.8 * thickness - 4.8, -2.8 * die - 4.8],
      lambda merit, i: merit - ln(-ln(plant_uniform(key, 'verdict ' || i)))
    ) AS bids,
    types[list_position(bids, list_max(bids))] AS type,
    ts >= plant_now() - INTERVAL 12 HOURS AS today
  FROM settings
),
-- Of the days before, 120 plates of each defect were kept, and 320 good ones.
kept AS (
  FROM verdicts
  QUALIFY today OR row_number() OVER (PARTITION BY type, today ORDER BY plant_uniform(key, 'kept'))
    <= CASE type WHEN 'clean' THEN 320 ELSE 120 END
)
SELECT
  * EXCLUDE (types, bids),
  row_number() OVER (ORDER BY ts, machine_id) AS no,
  -- Where the defect is, its direction, its size in pixels, how it bends, and how well it shows.
  14 + 36 * plant_uniform(key, 'place x') AS x0,
  14 + 36 * plant_uniform(key, 'place y') AS y0,
  pi() * plant_uniform(key, 'direction') AS direction,
  7 + 7 * plant_uniform(key, 'size') AS size,
  2 * plant_uniform(key, 'bent') - 1 AS bent,
  CASE WHEN plant_chance(key, 'faint', 0.28)
    THEN 4 + 8 * plant_uniform(key, 'strength') ELSE 28 + 36 * plant_uniform(key, 'strength')
  END AS strength
FROM kept;

-- What an operator says of a plate who sees the defect, and who only sees that something is there.
CREATE OR REPLACE TABLE plant_remarks (type VARCHAR, named VARCHAR[], hinted VARCHAR[]);

INSERT INTO plant_remarks VALUES
  ('clean', ['ok', 'no findings', 'all good', '良好', '无异常'],
    ['line near the edge?', '有一条线', 'spot on the face?', '有个印子']),
  ('scratch', ['scratched', 'scratch from the ejector', 'long scratch', '划伤', '表面有划痕'],
    ['line near the edge?', 'fine line, please check', '有一条线']),
  ('crack', ['crack', 'hairline crack', 'cracked at the rib', '裂纹', '有细裂缝'],
    ['line near the edge?', 'fine line, please check', '有一条线']),
  ('stain', ['stain', 'oil stain', 'stained by release agent', '油污', '脱模剂痕迹'],
    ['spot on the face?', 'mark, please check', '有个印子']),
  ('dent', ['dent', 'dented when it fell', 'small dent', '凹坑', '磕碰凹痕'],
    ['spot on the face?', 'mark, please check', '有个印子']);

CREATE OR REPLACE TABLE plant_pictures AS
-- Brushed metal: a row of pixels has a brightness of its own and two slow waves, and the light has a slope.
WITH lines AS (
  SELECT
    *,
    hash(key, y) AS line_key,
    140 + 16 * plant_normal(key, 'light') + 0.5 * plant_normal(key, 'slope y') * (y - 32)
      + 5 * plant_normal(line_key, 'brushed') AS level,
    0.5 * plant_normal(key, 'slope x') AS slope,
    0.1 + 0.3 * plant_uniform(line_key, 'wave') AS wave,
    6 * plant_uniform(line_key, 'phase') AS phase,
    y - y0 AS dy,
    cos(direction) AS c,
    sin(direction) AS s
  FROM plant_plates, range(64) AS lines(y)
),
marked AS (
  SELECT
    *,
    list_transform(
      range(64),
      lambda x: plant_defect(type, x - x0, dy, (x - x0) * c + dy * s, dy * c - (x - x0) * s, size, bent)
    ) AS defect,
    list_transform(defect, lambda brighter, x: if(abs(brighter) > 0.3, x - 1, NULL)) AS hit
  FROM lines
),
drawn AS (
  SELECT
    no,
    y,
    list_min(hit) AS first_x,
    list_max(hit) AS last_x,
    array_to_string(list_transform(defect, lambda brighter, x: format('{:02x}', plant_clamp(round(
      level + slope * (x - 32) + 3 * sin(wave * x + phase) + 2.4 * sin(0.6 * wave * x - 2 * phase)
        + 14 * ((hash(line_key, x) >> 40)::DOUBLE / 16777216 - 0.5) + strength * brighter
    ), 0, 255)::INTEGER)), '') AS pixels
  FROM marked
)
SELECT
  no,
  plant_bitmap(string_agg(pixels, '' ORDER BY y DESC)) AS image,
  min(first_x) AS x,
  min(y) FILTER (first_x >= 0) AS y,
  max(last_x) - min(first_x) + 1 AS width,
  max(y) FILTER (first_x >= 0) - min(y) FILTER (first_x >= 0) + 1 AS height
FROM drawn
GROUP BY no;

CREATE OR REPLACE TABLE plant_photos AS
SELECT * EXCLUDE (remarked, shot) FROM (
WITH remarks AS (
  SELECT
    plates.*,
    plant_uniform(key, 'remark') AS remark,
    CASE WHEN plant_chance(key, 'mistaken', 0.08)
      THEN plant_choice(key, 'mistaken for', ['clean', 'scratch', 'stain', 'dent', 'crack']) ELSE plates.type
    END AS seen
  FROM plant_plates AS plates
)
SELECT
  format('PL-{:04d}', no) AS id,
  ts,
  machine_id,
  line,
  round(2.5 + 0.06 * thickness, 2) AS thickness_mm,
  round(215 + 11 * die, 1) AS die_temp_c,
  round(greatest(2.4 + 0.5 * spray, 0.6), 2) AS spray_s,
  round(plant_clamp(50 + 16 * wear, 0, 100), 1) AS die_wear_pct,
  CASE
    WHEN remark < 0.30 THEN plant_choice(key, 'named', named)
    WHEN remark < 0.52 THEN plant_choice(key, 'hinted', hinted)
    WHEN remark < 0.68 THEN plant_choice(
      key, 'idle', ['see photo', 'second shift', 'first one after the change', '请看照片', '换模后第一件']
    )
  END AS remarked,
  1 + floor(1800 * plant_uniform(key, 'shot'))::INTEGER AS shot,
  CASE
    WHEN regexp_matches(remarked, '\p{Han}')
      THEN format(
        plant_choice(key, 'told', ['{}，第{}模', '第{1}模：{0}', '{}（{}模）', '{}']), remarked, shot
      )
    ELSE format(
      plant_choice(key, 'told', ['{}, shot {}', 'shot {1}: {0}', 'op. says {} (shot {})', '{}']),
      remarked, shot
    )
  END AS note,
  image,
  CASE remarks.type
    WHEN 'clean' THEN 'good > clean'
    WHEN 'scratch' THEN 'surface > scratch'
    WHEN 'stain' THEN 'surface > stain'
    WHEN 'dent' THEN 'shape > dent'
    ELSE 'shape > crack'
  END AS label,
  remarks.type = 'clean' AS good,
  CASE WHEN NOT good THEN {'x': x, 'y': y, 'width': width, 'height': height} END AS defect_box
FROM remarks
JOIN plant_pictures USING (no)
JOIN plant_remarks ON seen = plant_remarks.type
)
ORDER BY id;

-- The answers of the last shifts are not known yet.
CREATE OR REPLACE TABLE plates AS
FROM plant_photos WHERE ts < plant_now() - INTERVAL 25 DAYS ORDER BY id;

CREATE OR REPLACE TABLE plates_test AS
FROM plant_photos
WHERE ts >= plant_now() - INTERVAL 25 DAYS AND ts < plant_now() - INTERVAL 12 HOURS
ORDER BY id;

CREATE OR REPLACE TABLE camera_now AS
SELECT * EXCLUDE (label, good, defect_box)
FROM plant_photos
WHERE ts >= plant_now() - INTERVAL 12 HOURS
ORDER BY id;

COMMENT ON TABLE plates IS 'Photographed plates until 25 days ago with the answer, to learn from';
COMMENT ON COLUMN plates.ts IS 'When the plate was cast and photographed';
COMMENT ON COLUMN plates.thickness_mm IS 'Thickness of the plate [mm]';
COMMENT ON COLUMN plates.die_temp_c IS 'Temperature of the die [degC]';
COMMENT ON COLUMN plates.spray_s IS 'Time of spraying release agent [s]';
COMMENT ON COLUMN plates.die_wear_pct IS 'Work of the die since it was polished, of its nominal life [%]';
COMMENT ON COLUMN plates.note IS 'Remark of the operator who took the plate off; often none';
COMMENT ON COLUMN plates.image IS 'Picture of the face of the plate: a bitmap of 64 x 64 greys';
COMMENT ON COLUMN plates.label IS
  'What the inspector found, family > type: good > clean, surface > scratch or stain, shape > dent or crack';
COMMENT ON COLUMN plates.good IS 'No defect was found';
COMMENT ON COLUMN plates.defect_box IS
  'Where the defect is, in pixels from the upper left; NULL for good ones';
COMMENT ON TABLE plates_test IS
  'Photographed plates of the last 25 days with the answer, to test on (columns as in plates)';
COMMENT ON TABLE camera_now IS
  'All plates of the last twelve hours without the answer, to be judged (columns as in plates)';
