-- summary: Which rows a person should label next: those of which the model is unsure, and which are unlike what it has learnt from; near-duplicates come last.
-- model: 'm', 'm@3' or 'm@candidate'
-- source: a table, view, CTE, file or SELECT text with all columns that the model reads; rows whose target is known are left out
-- k: rows; default 20
-- options: {'novelty': 0.5} is its weight beside uncertainty; {'uncertainty': 'entropy'} instead of 'margin', of more than two classes
-- columns: the source's, rank, score (the weighted mean of the shares of rows that are less uncertain, and less new), uncertainty (0 to 1), novelty (from 1 on stranger than nine in ten of the rows learnt from; NULL where those are gone), why
-- example: FROM ml_label_queue('press_failure', 'telemetry_now', k := 50)
CREATE OR REPLACE MACRO ml_label_queue(model, source, k := NULL, options := NULL) AS TABLE
  FROM query(_ml_plan('label_queue', {'model': model, 'source': source, 'k': k, 'options': options,
    'place': [current_database(), current_schema()]}));
