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
