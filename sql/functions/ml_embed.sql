-- summary: Turns texts or pictures into vectors of length one; input columns stay.
-- model: a model that reads texts or pictures, or a base of such: 'm', 'm@3' or 'm@candidate'
-- source: a table, view, CTE, file or SELECT text
-- field: the column to read; default the column of that name that the model has learnt from
-- columns: input columns, embedding FLOAT[n], ml_status, ml_reason
-- example: CREATE TABLE note_vectors AS SELECT id, embedding FROM ml_embed('notes', 'work_orders')
CREATE OR REPLACE MACRO ml_embed(model, source, field := NULL) AS TABLE
  FROM query(_ml_plan('embed', {'model': model, 'source': source, 'field': field, 'place': [current_database(), current_schema()]}));
