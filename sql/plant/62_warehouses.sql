-- summary: Four warehouses, six regions and the lanes between them: who is to ship what next week?
--
-- Two warehouses lie near the works and hold most; the far ones are dear to reach. Some lanes are narrow.

CREATE OR REPLACE TABLE warehouse_stock AS
WITH warehouses(warehouse, share) AS (
  VALUES ('Aalen', 0.40), ('Brno', 0.30), ('Lille', 0.20), ('Porto', 0.10)
)
SELECT
  warehouse,
  sku,
  round(7 * per_day * share * (1.0 + 0.5 * plant_uniform(hash(warehouse, sku), 'stored')))::INTEGER AS pieces
FROM warehouses, (
  SELECT sku, avg(quantity) AS per_day FROM orders WHERE day >= plant_now()::DATE - 56 GROUP BY sku
)
ORDER BY warehouse, sku;

CREATE OR REPLACE TABLE region_needs AS
WITH regions(region, share) AS (
  VALUES ('Alps', 0.26), ('Baltic', 0.20), ('Benelux', 0.18), ('Iberia', 0.14),
    ('Po valley', 0.13), ('Tatra', 0.09)
)
SELECT
  region,
  sku,
  round(7 * per_day * share * (0.7 + 0.4 * plant_uniform(hash(region, sku), 'needed')))::INTEGER AS pieces
FROM regions, (
  SELECT sku, avg(quantity) AS per_day FROM orders WHERE day >= plant_now()::DATE - 56 GROUP BY sku
)
ORDER BY region, sku;

CREATE OR REPLACE TABLE lanes AS
WITH places(place, x, y) AS (
  VALUES ('Aalen', 10.1, 48.8), ('Brno', 16.6, 49.2), ('Lille', 3.1, 50.6), ('Porto', -8.6, 41.2),
    ('Alps', 11.4, 47.3), ('Baltic', 21.0, 55.5), ('Benelux', 4.9, 51.5), ('Iberia', -3.7, 40.4),
    ('Po valley', 9.8, 45.1), ('Tatra', 20.1, 49.2)
)
SELECT
  warehouse,
  region,
  round(sqrt(power(71 * (here.x - there.x), 2) + power(111 * (here.y - there.y), 2)))::INTEGER AS km,
  round(0.15 + 0.0011 * km, 2) AS cost,
  CASE WHEN warehouse IN ('Aalen', 'Brno') THEN 1500 ELSE 700 END AS most_pieces
FROM (SELECT DISTINCT warehouse FROM warehouse_stock)
JOIN places AS here ON here.place = warehouse
CROSS JOIN (SELECT DISTINCT region FROM region_needs)
JOIN places AS there ON there.place = region
ORDER BY warehouse, region;

COMMENT ON TABLE warehouse_stock IS 'What lies in each warehouse, to be shipped next week';
COMMENT ON COLUMN warehouse_stock.pieces IS 'Pieces that can be shipped';
COMMENT ON TABLE region_needs IS 'What each region needs next week';
COMMENT ON COLUMN region_needs.pieces IS 'Pieces needed';
COMMENT ON TABLE lanes IS 'Ways from each warehouse to each region';
COMMENT ON COLUMN lanes.km IS 'Length of the way [km]';
COMMENT ON COLUMN lanes.cost IS 'Cost of shipping a piece [EUR]';
COMMENT ON COLUMN lanes.most_pieces IS 'Pieces of all products that the lane carries in a week';
