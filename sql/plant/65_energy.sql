-- summary: Hourly consumption of electricity of each line, and its price.
--
-- A machine draws a part of its rated power whenever it is on, and the rest with its load. Consumption is
-- added up in whole watt hours: sums of floating point numbers would depend on the number of threads.

CREATE OR REPLACE TABLE energy AS
WITH rated(kind, kw) AS (
  VALUES ('press', 90), ('mill', 25), ('oven', 160), ('robot', 7)
),
draws AS (
  SELECT
    line,
    ts,
    ambient,
    CASE state
      WHEN 'running' THEN kw * (0.2 + 0.8 * load_pct / 100)
      WHEN 'idle' THEN 0.15 * kw
      ELSE 0.03 * kw
    END AS kwh
  FROM telemetry
  JOIN machines USING (machine_id)
  JOIN rated USING (kind)
),
lines AS (
  SELECT line, ts, max(ambient) AS ambient, sum(round(1000 * kwh)::BIGINT) / 1000 AS machines_kwh
  FROM draws
  GROUP BY line, ts
),
-- The market: dear in the evening, cheap on sunny noons and on Sundays, in May now and then below zero.
market AS (
  SELECT DISTINCT
    ts,
    hour(ts) AS clock,
    0.11
      + 0.035 * exp(-pow((clock - 19) / 2.5, 2))
      + 0.020 * exp(-pow((clock - 8) / 2.0, 2))
      - (0.020 + 0.0005 * date_diff('day', plant_start(), ts)) * exp(-pow((clock - 13) / 2.5, 2))
      - CASE WHEN isodow(ts) = 7 THEN 0.03 ELSE 0 END
      + 0.018 * plant_normal(ts::DATE, 'wind')
      + 0.008 * plant_normal(ts, 'price') AS price
  FROM lines
)
SELECT
  line,
  ts,
  -- Lights and compressed air of the hall, and fans when it is warm.
  round(
    machines_kwh * (1 + 0.03 * plant_normal(hash(line, ts), 'meter'))
      + 6 + 0.8 * greatest(ambient - 16, 0), 2
  ) AS kwh,
  round(price, 4) AS price_eur_kwh,
  ambient
FROM lines
JOIN market USING (ts)
ORDER BY line, ts;

COMMENT ON TABLE energy IS 'Electricity that each line took in each hour of the 120 days';
COMMENT ON COLUMN energy.ts IS 'Beginning of the hour';
COMMENT ON COLUMN energy.kwh IS 'Consumption in the hour [kWh]';
COMMENT ON COLUMN energy.price_eur_kwh IS 'Price on the day-ahead market in the hour [EUR/kWh]';
COMMENT ON COLUMN energy.ambient IS 'Temperature of the hall [degC]';
