-- title: Which station limits the line, and what would make it faster

-- A machining line: an operation a row. Shares of time, waiting, OEE, and who is on the critical path.
SELECT station, working, starved, wait_minutes, oee, critical, bottleneck, finding
FROM ml_bottlenecks('line_events', case_id := 'order_no', station := 'station', started := 'start_ts',
  finished := 'end_ts')
ORDER BY rank;

-- The same day by day: the bottleneck shifts.
SELECT period_start, station, critical, finding
FROM ml_bottlenecks('line_events', case_id := 'order_no', station := 'station', started := 'start_ts',
  finished := 'end_ts', each := INTERVAL 1 DAY)
WHERE is_bottleneck ORDER BY period_start;

-- What would a tenth off the time of milling bring? Played by simulation, with and without.
SELECT measure, now, changed, difference, lower, upper, logged, finding
FROM ml_whatif('line_events', case_id := 'order_no', station := 'station', started := 'start_ts',
  finished := 'end_ts', change := 'Mill: -10 %', options := {'replications': 8});

-- What pays best, where a minute less costs 400, a percent 100 and a machine 60,000?
SELECT rank, change, gain, lower, upper, cost, gain_per_cost, suggestion
FROM ml_whatif('line_events', case_id := 'order_no', station := 'station', started := 'start_ts',
  finished := 'end_ts', costs := {'minute': 400, 'percent': 100, 'machine': 60000}, options := {'replications': 4})
ORDER BY rank;

-- The body shop logs states instead: running, blocked, starved, stopped.
SELECT station, working, starved, blocked, failed, sole, shifting, finding
FROM ml_bottlenecks('car_states', station := 'station', order_by := 'ts', state := 'state') ORDER BY rank LIMIT 5;
