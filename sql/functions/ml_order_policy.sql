-- summary: For each item when to order and how much, from the distribution of its demand over a lead time that may vary.
-- model: a model of task 'forecast', of demand: 'm', 'm@3' or 'm@candidate'
-- source: a table, view, CTE, file or SELECT text of demand up to now
-- lead_time: steps from an order to its arrival: a number, or the column that tells them; where its values differ, they are the distribution
-- costs: of holding a piece for a step, of a piece that is missing, of an order, as {'holding': 0.02, 'shortage': 5, 'order': 30}; numbers, or names of columns
-- service_level: probability that stock lasts until the next order can be there; default: what the costs ask for
-- stock: a table of what is there, with the entity, on_hand and on_order: then the result tells what to order now; an item that it lacks counts as none
-- backtest: plays the policy against the last so many steps, made anew at each, beside the textbook's (normal demand); for a fair test the model has to be trained on the steps before those, else ml_reason says so
-- options: {'policy': 'periodic', 'review': 7}: 'reorder_point' (the default: order up to a level once stock is at the reorder point), 'periodic' (order up to a level at each review) or 'newsvendor' (one order for 'cover' steps); 'review' is how many steps lie between two chances to order (default 1), 'lot' what orders are multiples of
-- columns: the entity, reorder_point, order_up_to, order_quantity (usual size), safety_stock, lead_time, lead_demand (mean demand until the next order can be there), service, fill_rate (share of demand met from stock), cost (of a step), tested_fill_rate, tested_cost, normal_fill_rate, normal_cost | on_hand, on_order, order_now, ml_status, ml_reason
-- example: FROM ml_order_policy('demand', 'sales', lead_time := 'lead_days', costs := {'holding': 0.02, 'shortage': 5, 'order': 30}, service_level := 0.95)
CREATE OR REPLACE MACRO ml_order_policy(model, source, lead_time := NULL, costs := NULL, service_level := NULL, stock := NULL, backtest := NULL, options := NULL) AS TABLE
  FROM query(_ml_plan('order_policy', {'model': model, 'source': source, 'lead_time': lead_time, 'costs': costs, 'service_level': service_level, 'stock': stock, 'backtest': backtest, 'options': options,
    'place': [current_database(), current_schema()]}));
