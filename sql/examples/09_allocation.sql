-- title: Four warehouses, six regions: who ships what where?

-- All that is needed, at the least cost. Places and products are told by the names that columns share.
SELECT warehouse, region, count(*) AS products, sum(quantity)::INTEGER AS pieces, round(sum(total_cost)) AS eur
FROM ml_allocate(supply := 'warehouse_stock', demand := 'region_needs', cost := 'lanes', subject_to := ['lane_capacity <= most_pieces'])
GROUP BY ALL ORDER BY pieces DESC;

-- A strike closes Brno: what can still be delivered, where a piece that is not delivered costs 20 EUR?
SELECT status, sum(quantity)::INTEGER AS pieces, round(sum(total_cost)) AS eur
FROM ml_allocate(supply := 'SELECT * FROM warehouse_stock WHERE warehouse <> ''Brno''', demand := 'region_needs', cost := 'lanes',
  subject_to := ['lane_capacity <= most_pieces'], options := {'unmet': 20})
GROUP BY ALL ORDER BY status;
