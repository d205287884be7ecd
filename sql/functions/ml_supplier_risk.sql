-- summary: How long each supplier takes and how often it is late, from purchase orders, those under way included; the riskiest first.
-- source: a table, view, file or SELECT text of purchase orders
-- supplier: column of the supplier; default supplier
-- ordered: column of when the order was made; default ordered_on
-- promised: column of when it was to arrive; default promised_on
-- received: column of when it did, NULL while it is under way; default received_on; now is the latest time of any order or receipt
-- level: share of suppliers whose true probability the interval should hold; default 0.9
-- columns: supplier, orders, open (under way), overdue (of these, promised before now), late_probability, lower, upper, days_late (mean of those that were), promised_days, lead_days (median; Kaplan-Meier), lead_days_90 (nine of ten arrive by then), lead_times (a hundred quantiles), ml_status, ml_reason
-- example: FROM ml_supplier_risk('purchases')
CREATE OR REPLACE MACRO ml_supplier_risk(source, supplier := NULL, ordered := NULL, promised := NULL, received := NULL, level := NULL) AS TABLE
  FROM query(_ml_plan('supplier_risk', {'source': source, 'supplier': supplier, 'ordered': ordered, 'promised': promised, 'received': received, 'level': level,
    'place': [current_database(), current_schema()]}));
