-- summary: Finds the rows whose texts are most like a query by their meaning, best first.
-- model: a model that reads texts, or a base of such: 'm', 'm@3' or 'm@candidate'
-- source: a table, view, CTE, file or SELECT text
-- field: the column to read; default the column of that name that the model has learnt from
-- query: what is looked for, in words
-- k: how many rows, at most (default 10)
-- columns: input columns, similarity (cosine: 1 for the same meaning, about 0 for nothing in common)
-- example: SELECT id, note, similarity FROM ml_search('notes', 'work_orders', query := 'bearing noise after oil change', k := 10)
CREATE OR REPLACE MACRO ml_search(model, source, field := NULL, query := NULL, k := NULL) AS TABLE
  FROM query(_ml_plan('search', {'model': model, 'source': source, 'field': field, 'query': query, 'k': k,
    'place': [current_database(), current_schema()]}));
