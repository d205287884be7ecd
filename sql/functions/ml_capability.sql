-- summary: How well a process keeps within its limits: capability indices, shares outside, and a verdict in words, for each machine.
-- source: a table, view, CTE, file or SELECT text
-- field: column of the measurement
-- entity: column of the machine or unit; a row for each; default: all rows are of one
-- order_by: column of time, or of a number; sigma_within is of neighbours (without: NULL, and cp and cpk with it)
-- options: 'lower', 'upper' the limits, one or both; 'nominal' the value aimed at, for cpm (default the middle); 'subgroup' how many consecutive points (2 to 25), or a column, sigma_within is of instead
-- columns: entity, rows, mean, sigma_within (short term: from moving ranges or subgroups), sigma_overall (long term), cp, cpk (of the first), pp, ppk (of the second), ppk_lower, ppk_upper (95 %), cpm, expected_ppm (outside, of a normal distribution), observed_ppm, verdict
-- example: FROM ml_capability('quality', field := 'diameter_mm', entity := 'machine_id', order_by := 'ts', options := {'lower': 47.9, 'upper': 48.1})
CREATE OR REPLACE MACRO ml_capability(source, field := NULL, entity := NULL, order_by := NULL, options := NULL) AS TABLE
  FROM query(_ml_plan('capability', {'source': source, 'field': field, 'entity': entity, 'order_by': order_by,
    'options': options, 'place': [current_database(), current_schema()]}));
