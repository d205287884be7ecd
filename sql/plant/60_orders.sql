-- summary: A year of daily demand for 40 products, what they cost, and what lies in stock.
--
-- Demand is a level times weekday, season, trend, holidays and promotions, with noise that grows as
-- counts do. Every fourth product is a spare part: ordered rarely, and then in lots.

CREATE OR REPLACE TABLE skus AS
WITH families(family, prefix, cost0) AS (
  VALUES ('bracket', 'BR', 4.5), ('cover', 'CV', 7.0), ('housing', 'HS', 18.0), ('pulley', 'PU', 11.0),
    ('manifold', 'MF', 36.0)
),
products AS (
  SELECT format('{}-{}', prefix, 100 + 10 * no) AS sku, family, cost0, no % 4 = 0 AS spare_part
  FROM families, range(1, 9) AS numbers(no)
)
SELECT
  sku,
  family,
  spare_part,
  plant_choice(sku, 'lead time', [3, 5, 7, 10, 14, 21]) AS lead_days,
  round(cost0 * exp(0.35 * plant_normal(sku, 'cost')), 2) AS unit_cost,
  round(unit_cost * (0.16 + 0.10 * plant_uniform(sku, 'holding')), 2) AS holding_cost,
  round(unit_cost * (1.35 + 0.5 * plant_uniform(sku, 'margin')), 2) AS list_price,
  plant_choice(sku, 'lot', [20, 50, 50, 100]) AS lot_size
FROM products
ORDER BY sku;

CREATE OR REPLACE TABLE orders AS
WITH days AS (
  SELECT
    plant_now()::DATE - 365 + no::INTEGER AS day,
    no / 365 AS year_share,
    [1.25, 1.10, 1.00, 1.00, 0.90, 0.30, 0.08][isodow(day)] AS weekday_factor,
    CASE WHEN (month(day) = 12 AND day(day) >= 24) OR (month(day) = 1 AND day(day) = 1) THEN 0.15 ELSE 1 END
      AS holiday_factor
  FROM range(365) AS numbers(no)
),
-- Promotions run for a week. The week after is weaker, for the shelves of the customers are full.
campaigns AS (
  SELECT
    *,
    hash(sku, day) AS key,
    plant_chance(hash(sku, date_trunc('week', day)), 'promotion', 0.06) AND NOT spare_part AS promotion,
    plant_chance(hash(sku, date_trunc('week', day - 7)), 'promotion', 0.06) AND NOT spare_part AS aftermath
  FROM skus, days
),
expected AS (
  SELECT
    *,
    60 * exp(0.8 * plant_normal(sku, 'level'))
      * weekday_factor
      * holiday_factor
      * (1 + 0.5 * (plant_uniform(sku, 'trend') - 0.4) * year_share)
      * (1 + (0.1 + 0.25 * plant_uniform(family, 'swing'))
        * sin(2 * pi() * (dayofyear(day) / 365 + plant_uniform(family, 'season'))))
      * CASE WHEN promotion THEN 1.4 + 0.8 * plant_uniform(sku, 'uplift') WHEN aftermath THEN 0.8 ELSE 1 END
      AS level
  FROM campaigns
)
SELECT
  sku,
  day,
  CASE
    WHEN NOT spare_part THEN round(greatest(
      level * (1 + 0.18 * plant_normal(key, 'market')) + sqrt(level) * plant_normal(key, 'count'), 0
    ))
    WHEN plant_chance(key, 'wanted', 0.10 * weekday_factor * holiday_factor)
      THEN ceil(12 * exp(0.7 * plant_normal(key, 'lot')))
    ELSE 0
  END::INTEGER AS quantity,
  promotion,
  CASE WHEN promotion THEN round(0.85 * list_price, 2) ELSE list_price END AS price
FROM expected
ORDER BY sku, day;

-- Some products are short, some lie idle, and about half have a delivery on its way.
CREATE OR REPLACE TABLE stock AS
WITH usage AS (
  SELECT sku, avg(quantity) AS per_day
  FROM orders
  WHERE day >= plant_now()::DATE - 56
  GROUP BY sku
)
SELECT
  sku,
  plant_now()::DATE AS as_of,
  round(per_day * lead_days * (0.3 + 1.6 * plant_uniform(sku, 'on hand')))::INTEGER AS on_hand,
  CASE WHEN plant_chance(sku, 'ordered', 0.5)
    THEN lot_size * ceil(per_day * lead_days / lot_size)::INTEGER ELSE 0
  END AS on_order,
  CASE WHEN on_order > 0
    THEN as_of + 1 + floor(plant_uniform(sku, 'due') * lead_days)::INTEGER
  END AS due
FROM usage
JOIN skus USING (sku)
ORDER BY sku;

COMMENT ON TABLE skus IS 'The 40 products of the simulated plant';
COMMENT ON COLUMN skus.sku IS 'Key (stock keeping unit)';
COMMENT ON COLUMN skus.spare_part IS 'Demand is intermittent: most days none, then a lot';
COMMENT ON COLUMN skus.lead_days IS 'Days from an order to the works until the goods are there [d]';
COMMENT ON COLUMN skus.unit_cost IS 'Cost of making one [EUR]';
COMMENT ON COLUMN skus.holding_cost IS 'Cost of keeping one in stock for a year [EUR]';
COMMENT ON COLUMN skus.list_price IS 'Price without a promotion [EUR]';
COMMENT ON COLUMN skus.lot_size IS 'Made in multiples of this number';

COMMENT ON TABLE orders IS
  'Daily demand of every product over the last 365 days, days without demand included';
COMMENT ON COLUMN orders.quantity IS 'Pieces ordered on the day';
COMMENT ON COLUMN orders.promotion IS 'A promotion (15 % off for a week) ran on the day';
COMMENT ON COLUMN orders.price IS 'Price on the day [EUR]';

COMMENT ON TABLE stock IS 'Stock of every product at the end of the simulation';
COMMENT ON COLUMN stock.as_of IS 'Morning on which the stock was counted';
COMMENT ON COLUMN stock.on_hand IS 'Pieces in stock';
COMMENT ON COLUMN stock.on_order IS 'Pieces that are under way';
COMMENT ON COLUMN stock.due IS 'Day on which they arrive; NULL when none are under way';
