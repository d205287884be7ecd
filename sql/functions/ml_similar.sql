-- summary: Finds for each row those most like it, such as work orders written twice; each pair of rows is compared.
-- model: a model that reads texts or pictures, or a base of such: 'm', 'm@3' or 'm@candidate'
-- source: a table, view, CTE, file or SELECT text
-- key: column that names a row
-- field: the column to read; default the column of that name that the model has learnt from
-- k: how many rows for each (default 1)
-- least: similarity from which rows are told (default: any)
-- columns: key, its text, similar_<key>, its text, similarity (cosine), most similar first
-- example: SELECT id, similar_id, note, similar_note, similarity FROM ml_similar('notes', 'work_orders', key := 'id', least := 0.95) LIMIT 10
CREATE OR REPLACE MACRO ml_similar(model, source, key := NULL, field := NULL, k := NULL, least := NULL) AS TABLE
  FROM query(_ml_plan('similar', {'model': model, 'source': source, 'key': key, 'field': field, 'k': k, 'least': least,
    'place': [current_database(), current_schema()]}));
