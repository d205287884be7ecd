-- summary: Mixes of a precast yard: what went into each batch, how strong it became, what it cost.
--
-- Strength follows Abrams' law: it falls with water over binder, where slag counts for less than cement, the
-- less the younger the concrete. Superplasticizer lets a mix flow with less water. Line B mixes longer.

CREATE OR REPLACE TABLE mixes AS
WITH drawn AS (
  SELECT
    no,
    hash(no, 'mix') AS key,
    plant_choice(key, 'line', ['A', 'A', 'B', 'C']) AS line,
    plant_choice(key, 'age', [3, 7, 7, 28, 28, 28, 28, 56, 90])::INTEGER AS age,
    plant_clamp(330 + 75 * plant_normal(key, 'cement'), 160, 540) AS cement,
    CASE WHEN plant_chance(key, 'with slag', 0.6)
      THEN plant_clamp(110 + 55 * plant_normal(key, 'slag'), 20, 260) ELSE 0 END AS slag,
    CASE WHEN plant_chance(key, 'with superplasticizer', 0.7)
      THEN plant_clamp(7 + 3 * plant_normal(key, 'superplasticizer'), 1.5, 16) ELSE 0 END AS superplasticizer,
    plant_clamp(
      196 - 3.4 * superplasticizer + 0.05 * (cement + slag - 400) + 9 * plant_normal(key, 'water'), 130, 230
    ) AS water
  FROM range(1, 601) AS numbers(no)
),
weighed AS (
  SELECT
    * REPLACE (
      round(cement) AS cement, round(slag) AS slag, round(water, 1) AS water,
      round(superplasticizer, 1) AS superplasticizer
    ),
    -- What is left of a cubic metre, but for the air in it.
    round(2.65 * (985 - cement / 3.1 - slag / 2.9 - water - superplasticizer / 1.1)) AS aggregate,
    water / (cement + slag * (0.35 + 0.55 * (1 - exp(-age / 20)))) AS ratio
  FROM drawn
)
SELECT
  format('MX-{:04d}', no) AS batch,
  cement,
  slag,
  water,
  superplasticizer,
  aggregate,
  age,
  line,
  round(plant_clamp(
    135 / pow(9.5, ratio) * exp(0.25 * (1 - sqrt(28 / age))) * CASE line WHEN 'B' THEN 1.06 ELSE 1 END
      + 0.35 * superplasticizer + 2.2 * plant_normal(key, 'strength'), 5, 110
  ), 1) AS strength,
  round(
    0.108 * cement + 0.045 * slag + 0.9 * superplasticizer + 0.0105 * aggregate
      + CASE line WHEN 'B' THEN 1.5 ELSE 0 END + 0.6 * plant_normal(key, 'price'), 2
  ) AS cost
FROM weighed
ORDER BY no;

CREATE OR REPLACE TABLE design_rules AS
FROM (
  VALUES
    ('water / (cement + slag) between 0.3 and 0.65', 'drier mixes do not flow, wetter ones let frost in'),
    ('slag <= 1.2 * cement', 'more slag than that hardens too slowly in winter'),
    ('superplasticizer <= 0.03 * (cement + slag)', 'more of it makes the mix segregate')
) AS rules(expression, reason);

COMMENT ON TABLE mixes IS 'Batches of concrete: what a cubic metre holds, and what came of it';
COMMENT ON COLUMN mixes.cement IS 'Cement [kg/m3]';
COMMENT ON COLUMN mixes.slag IS 'Ground slag, which replaces cement [kg/m3]';
COMMENT ON COLUMN mixes.water IS 'Water [kg/m3]';
COMMENT ON COLUMN mixes.superplasticizer IS 'Superplasticizer [kg/m3]';
COMMENT ON COLUMN mixes.aggregate IS 'Gravel and sand [kg/m3]';
COMMENT ON COLUMN mixes.age IS 'Age at which strength was measured [d]';
COMMENT ON COLUMN mixes.line IS 'Mixer';
COMMENT ON COLUMN mixes.strength IS 'Compressive strength [MPa]';
COMMENT ON COLUMN mixes.cost IS 'Cost of the materials [EUR/m3]';
COMMENT ON TABLE design_rules IS 'What each new mix has to keep to, and why';
