-- summary: What would come of learning from a source: rows, target, leaks, NULLs, effort, and the statement to run.
-- source: a table, view, file or SELECT text, committed
-- target: column to predict; left out: for a base
-- task: classification or regression; default by the target's kind
-- options: as in ml_finetune; {'exclude': ['column', ...]} leaves columns out
-- columns: item, verdict (ok, look, stop), finding, advice
-- example: FROM ml_check('labelled', target := 'failed_within_24h')
CREATE OR REPLACE MACRO ml_check(source, target := NULL, task := NULL, options := NULL) AS TABLE
  FROM query(_ml_plan('check', {'source': source, 'target': target, 'task': task, 'options': options,
    'place': [current_database(), current_schema()]}));
