-- title: A car plant: which station stops within half an hour?

-- Five minutes a row: state, speed, buffers, robot current, weld temperature; no labels are needed for the base.
FROM ml_pretrain('stations', 'SELECT * EXCLUDE (stoppage_within_30min, station, ts) FROM car_labelled',
  options := {'epochs': 2});

-- Fault records gave the labels; the last days judge.
FROM ml_finetune('stoppage', 'car_labelled', target := 'stoppage_within_30min', base := 'stations',
  split := 'time', order_by := 'ts', entity := 'station', options := {'epochs': 2, 'gap': '30 minutes'});

-- On the day after, which it has not seen.
FROM ml_evaluate('stoppage', 'car_test');

-- Live rows: the stations to look at first.
SELECT station, ts, state, speed, round(probability, 3) AS probability
FROM ml_predict('stoppage', 'car_live') ORDER BY probability DESC LIMIT 8;

-- Where to begin: the stations that limit the line, by how long each has gone without having to wait.
SELECT rank, station, working, blocked, starved, failed, bottleneck, finding
FROM ml_bottlenecks('car_states', station := 'station', order_by := 'ts', state := 'state')
WHERE rank <= 3 ORDER BY rank;

-- And what to do on the machining line beside it: a tenth, a minute or a machine, the best for its cost first.
SELECT rank, change, gain, lower, upper, suggestion
FROM ml_whatif('line_events', case_id := 'order_no', station := 'station', started := 'start_ts',
  finished := 'end_ts', options := {'replications': 4})
ORDER BY rank LIMIT 5;
