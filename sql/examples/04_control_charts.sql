-- title: Is a machine as it was?

-- What each hour knows of the past: repairs and services of the last 30 days, and the time since the last one.
CREATE OR REPLACE VIEW telemetry_with_past AS
FROM ml_events('telemetry', 'maintenance', entity := 'machine_id', order_by := 'ts',
  options := {'field': 'kind', 'kinds': ['corrective', 'preventive'], 'within': INTERVAL 30 DAY});

-- The same hours with what came after them; hours in which a machine was down are left out.
CREATE OR REPLACE VIEW telemetry_with_labels AS
FROM ml_labels('telemetry_with_past', 'failures', entity := 'machine_id', order_by := 'ts', horizon := INTERVAL 24 HOUR,
  options := {'repairs': 'maintenance'});

-- How often a failure follows within a day, by the days since the last repair or service.
SELECT least(events_age // 24, 10)::INT AS days, count(*) AS hours, round(avg(fails_within::INT), 3) AS share_failing
FROM telemetry_with_labels WHERE events_age IS NOT NULL GROUP BY days ORDER BY days;

-- What nobody can know yet is NULL, and marked.
SELECT fails_within, censored, count(*) AS hours, round(avg(rul)) AS mean_hours_left FROM telemetry_with_labels GROUP BY ALL ORDER BY ALL;

-- Vibration while running, against the first 100 hours of each machine: how many of the hours above the limit, and of the
-- others, are followed by a failure within a day?
SELECT signal, count(*) AS hours, round(avg(fails_within::INT), 3) AS share_failing
FROM ml_control_chart('SELECT * FROM telemetry_with_labels WHERE state = ''running'' AND vibration IS NOT NULL',
  field := 'vibration', entity := 'machine_id', order_by := 'ts', options := {'baseline': 100, 'rules': [1]})
GROUP BY signal ORDER BY signal;

-- Diameters in subgroups of five, by press; which rules are broken how often?
SELECT rule, count(*) AS subgroups FROM (SELECT unnest(rules) AS rule FROM ml_control_chart('quality', field := 'diameter_mm',
  entity := 'machine_id', order_by := 'ts', kind := 'xbar_r', options := {'subgroup': 5})) GROUP BY rule ORDER BY subgroups DESC;

-- Settings that are each within their limits, and don't go together.
SELECT part_id, melt_temp_c, die_temp_c, hold_pressure_bar, round(statistic, 1) AS t2, round("upper", 1) AS most, signal
FROM ml_control_chart('quality', field := ['melt_temp_c', 'die_temp_c', 'hold_pressure_bar'], order_by := 'ts', kind := 'hotelling')
ORDER BY statistic DESC LIMIT 5;

-- Do the presses keep the diameter within 48.00 plus or minus 0.05 mm?
SELECT machine_id, "rows", round(cp, 2) AS cp, round(cpk, 2) AS cpk, round(ppk, 2) AS ppk, round(ppk_lower, 2) AS ppk_at_least,
  round(expected_ppm) AS expected_ppm, round(observed_ppm) AS observed_ppm, verdict
FROM ml_capability('quality', field := 'diameter_mm', entity := 'machine_id', order_by := 'ts',
  options := {'lower': 47.95, 'upper': 48.05}) ORDER BY ppk;
