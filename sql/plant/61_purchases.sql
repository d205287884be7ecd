-- summary: A year of orders to the makers of the products: when promised, when delivered, what is under way.
--
-- Every product has a usual maker and a second one. Two makers are often late, one of them very; what the
-- table stock has on order nobody has received yet.

CREATE OR REPLACE TABLE purchases AS
WITH makers(supplier, late_share, days_late, days_early) AS (
  VALUES ('Werk Nord', 0.08, 2, 1), ('Werk Süd', 0.15, 3, 1), ('Kovo Brno', 0.35, 5, 0),
    ('Delta Forge', 0.55, 9, 0), ('Lumo', 0.12, 2, 2)
),
numbered AS (SELECT *, row_number() OVER (ORDER BY supplier) - 1 AS no FROM makers),
products AS (
  SELECT
    skus.sku,
    skus.lead_days,
    skus.lot_size,
    stock.on_order,
    stock.due,
    avg(orders.quantity) AS per_day,
    floor(plant_uniform(skus.sku, 'maker') * 5)::INTEGER AS usual
  FROM skus JOIN stock USING (sku) JOIN orders USING (sku)
  GROUP BY ALL
),
past AS (
  SELECT
    sku,
    no,
    usual,
    lead_days,
    lot_size * greatest(1, ceil(per_day * 18 / lot_size))::INTEGER AS quantity,
    plant_now()::DATE - 365 + no::INTEGER * 18 + floor(plant_uniform(hash(sku, no), 'ordered') * 6)::INTEGER
      AS ordered_on
  FROM products, range(20) AS orders_of(no)
),
placed AS (
  SELECT
    sku, quantity, ordered_on, ordered_on + lead_days AS promised_on, hash(sku, no) AS key, false AS open,
    CASE WHEN plant_chance(key, 'second', 0.2) THEN (usual + 2) % 5 ELSE usual END AS maker
  FROM past
  UNION ALL
  SELECT sku, on_order, due - lead_days, due, hash(sku, 'open'), true, usual
  FROM products
  WHERE on_order > 0
),
delivered AS (
  SELECT
    placed.*,
    supplier,
    CASE
      WHEN plant_chance(key, 'late', late_share)
        THEN promised_on + 1 + floor(-days_late * ln(plant_uniform(key, 'days late')))::INTEGER
      ELSE promised_on - floor(plant_uniform(key, 'days early') * (days_early + 1))::INTEGER
    END AS arrived
  FROM placed JOIN numbered ON numbered.no = maker
)
SELECT
  row_number() OVER (ORDER BY ordered_on, sku) AS purchase,
  sku,
  supplier,
  ordered_on,
  promised_on,
  CASE WHEN NOT open THEN greatest(arrived, ordered_on + 1) END AS received_on,
  quantity
FROM delivered
WHERE open OR greatest(arrived, ordered_on + 1) < plant_now()::DATE
ORDER BY purchase;

COMMENT ON TABLE purchases IS 'Orders to the makers of the products over the last 365 days';
COMMENT ON COLUMN purchases.purchase IS 'Key';
COMMENT ON COLUMN purchases.supplier IS 'The maker: every product has a usual one, and now and then a second';
COMMENT ON COLUMN purchases.promised_on IS 'Day on which the goods were to arrive';
COMMENT ON COLUMN purchases.received_on IS 'Day on which they did; NULL while they are under way';
COMMENT ON COLUMN purchases.quantity IS 'Pieces';
