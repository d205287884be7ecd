-- title: What will be ordered, what to hold, whom to order from, and what to do before stock runs out

-- Forty products in one model. Promotions and prices are planned: they are known of days to come.
FROM ml_finetune('demand', 'SELECT orders.*, family, spare_part FROM orders JOIN skus USING (sku)', task := 'forecast',
  target := 'quantity', entity := 'sku', order_by := 'day', options := {'known': ['promotion', 'price'], 'epochs': 4});

-- The next four weeks. Rows behind the last known day tell what is planned; the target is NULL there.
CREATE OR REPLACE VIEW orders_and_plans AS
SELECT orders.*, family, spare_part FROM orders JOIN skus USING (sku)
UNION ALL BY NAME
SELECT sku, family, spare_part, day::DATE AS day, false AS promotion, list_price AS price
FROM skus, range(DATE '2026-05-05', DATE '2026-06-02', INTERVAL 1 DAY) AS days(day);

SELECT sku, day, predicted_quantity, lower, upper, ml_status
FROM ml_forecast('demand', 'orders_and_plans', horizon := 28, level := 0.9) ORDER BY sku, day LIMIT 10;

-- Sums over families agree with the products they are made of.
SELECT family, day, predicted_quantity, lower, upper
FROM ml_forecast('demand', 'orders_and_plans', group_by := ['family']) ORDER BY family, day LIMIT 10;

-- How good was that? Beside each metric stands what one gets by saying what was a week before.
FROM ml_backtest('demand', 'SELECT orders.*, family, spare_part FROM orders JOIN skus USING (sku)', folds := 1);

-- When to order what, so that stock lasts until the next order with 95 %; and what to order this morning.
SELECT sku, reorder_point, order_up_to, safety_stock, fill_rate, cost, on_hand, on_order, order_now
FROM ml_order_policy('demand',
  'SELECT orders_and_plans.*, lead_days, holding_cost / 365 AS holding, lot_size FROM orders_and_plans JOIN skus USING (sku)',
  lead_time := 'lead_days', costs := {'holding': 'holding', 'shortage': 5, 'order': 30}, service_level := 0.95,
  stock := 'stock', options := {'lot': 'lot_size'})
ORDER BY order_now DESC;

-- Who is late, and how often?
SELECT supplier, orders, open, late_probability, lower, upper, days_late, promised_days, lead_days, lead_days_90
FROM ml_supplier_risk('purchases');

-- What to do where stock may run out, the cheapest first.
SELECT sku, measure, supplier, quantity, arrives_in, stock_out_probability, cost, saving
FROM ml_countermeasures('demand', 'orders_and_plans', stock := 'stock', purchases := 'purchases',
  costs := {'holding': 0.02, 'shortage': 5, 'order': 30, 'expedite': 80, 'second_source': 0.5})
WHERE advice = 'do this' ORDER BY saving DESC;
