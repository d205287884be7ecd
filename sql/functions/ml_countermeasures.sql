-- summary: For each item what can be done before its stock runs out, what comes of it and what it costs, the cheapest first: wait, order, raise_stock, second_source, expedite.
-- model: a model of task 'forecast', of demand: 'm', 'm@3' or 'm@candidate'
-- source: a table, view, file or SELECT text of demand up to now
-- stock: a table of what is there, with the entity and on_hand
-- purchases: a table of purchase orders, with the entity: those under way, and those from which lead times are told; now is a step after the latest demand
-- costs: of holding a piece for a step, of a piece that is missing, of an order, of one that is expedited, and of each piece more from a second source, as {'holding': 0.02, 'shortage': 5, 'order': 30, 'expedite': 80, 'second_source': 0.5}
-- horizon: how many steps are looked at; default: as many as the model forecasts at once
-- supplier: column of the purchases; default supplier
-- ordered: column of when an order was made; default ordered_on
-- promised: column of when it was to arrive; default promised_on
-- received: column of when it did, NULL while it is under way; default received_on
-- quantity: column of its pieces; default quantity
-- options: {'expedited_days': 2}: how long an expedited order takes; default: the fastest of twenty orders
-- columns: the entity, measure, supplier, quantity (to order now), arrives_in (mean steps), stock_out_probability (within the horizon), missing (expected pieces), cost (expected, all of it), saving (over waiting), advice, ml_status, ml_reason
-- example: FROM ml_countermeasures('demand', 'sales', stock := 'stock', purchases := 'purchases', costs := {'holding': 0.02, 'shortage': 5, 'order': 30, 'expedite': 80})
CREATE OR REPLACE MACRO ml_countermeasures(model, source, stock := NULL, purchases := NULL, costs := NULL, horizon := NULL, supplier := NULL, ordered := NULL, promised := NULL, received := NULL, quantity := NULL, options := NULL) AS TABLE
  FROM query(_ml_plan('countermeasures', {'model': model, 'source': source, 'stock': stock, 'purchases': purchases, 'costs': costs, 'horizon': horizon, 'supplier': supplier, 'ordered': ordered, 'promised': promised, 'received': received, 'quantity': quantity, 'options': options,
    'place': [current_database(), current_schema()]}));
