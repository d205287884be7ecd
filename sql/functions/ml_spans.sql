-- summary: Finds labelled spans in texts: a row for each, beside the columns of its row.
-- model: 'm' (its champion), 'm@3' or 'm@candidate'; trained with task := 'token_classification'
-- source: a table, view, CTE, file or SELECT text
-- columns: input columns, label, text, begin and stop (characters from 0; the text is note[begin + 1:stop]), score, ml_status, ml_reason
-- example: SELECT label, text, count(*) FROM ml_spans('entities', 'work_orders') GROUP BY ALL ORDER BY ALL
CREATE OR REPLACE MACRO ml_spans(model, source) AS TABLE
  FROM query(_ml_plan('spans', {'model': model, 'source': source, 'place': [current_database(), current_schema()]}));
