-- summary: What a verb suggests as one self-contained HTML page: bottlenecks over time, gains of changes, the Pareto front of recommendations and designs.
-- rows: list(b) over the rows of ml_bottlenecks, ml_whatif, ml_recommend or ml_generate; others are shown as a table
-- title: of the page
-- x: a column of numbers, which the Pareto front is drawn by from left to right
-- y: another, from below
-- columns: VARCHAR
-- example: SELECT ml_page(list(b)) FROM ml_bottlenecks('operations', case_id := 'order_no', station := 'station', started := 'start_ts', finished := 'end_ts', each := INTERVAL 1 DAY) AS b
CREATE OR REPLACE MACRO ml_page(rows, title := NULL, x := NULL, y := NULL) AS _ml_page(rows, title, x, y);
