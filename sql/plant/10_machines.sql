-- summary: The 24 machines of a plant that casts, mills, hardens and assembles aluminium parts.

CREATE OR REPLACE TABLE machines AS
WITH fleet(prefix, kind, first_no, last_no, line) AS (
  VALUES
    ('PR', 'press', 1, 4, 'casting-1'),
    ('PR', 'press', 5, 8, 'casting-2'),
    ('ML', 'mill', 1, 6, 'machining'),
    ('OV', 'oven', 1, 4, 'heat-treatment'),
    ('RB', 'robot', 1, 6, 'assembly')
),
catalogue(kind, choice, model, supplier) AS (
  VALUES
    ('press', 0, 'NH-800', 'Nordhammer'), ('press', 1, 'HX-650', 'Huaxing'),
    ('mill', 0, 'Vega 5', 'Castello'), ('mill', 1, 'HX-M40', 'Huaxing'),
    ('oven', 0, 'Thermo 3', 'Nordhammer'), ('oven', 1, 'Forno 2', 'Castello'),
    ('robot', 0, 'Arm 60', 'Mirai'), ('robot', 1, 'Arm 120', 'Mirai')
),
places AS (
  SELECT format('{}-{:02d}', prefix, no) AS machine_id, kind, line
  FROM fleet, range(first_no, last_no + 1) AS numbers(no)
)
SELECT
  machine_id,
  kind,
  line,
  DATE '2006-03-01' + floor(plant_uniform(machine_id, 'installed') * 6500)::INTEGER AS installed,
  model,
  supplier
FROM places
JOIN catalogue USING (kind)
WHERE choice = plant_chance(machine_id, 'model', 0.5)::INTEGER
ORDER BY machine_id;

COMMENT ON TABLE machines IS 'The 24 machines of the simulated plant, one row each';
COMMENT ON COLUMN machines.machine_id IS 'Key: PR press, ML mill, OV oven, RB robot, and a number';
COMMENT ON COLUMN machines.kind IS 'press (die casting), mill, oven or robot';
COMMENT ON COLUMN machines.line IS 'The production line that the machine stands in';
COMMENT ON COLUMN machines.installed IS 'Day of installation; older machines wear faster';
COMMENT ON COLUMN machines.supplier IS 'Who built the machine (invented names)';
