-- summary: Trains a base on rows without labels; models of any target can be fine-tuned from it.
-- model: name of the base
-- source: a table, view, file or SELECT text, committed
-- objective: masked (tell hidden columns, or words of a text, from the others), autoencoder (of pictures: tell hidden patches from the others), or autoregressive; forecast learns series (needs order_by) and forecasts any table with its columns
-- base: an earlier base to go on from; of texts or pictures also a folder, './models/minilm', or 'hf:org/name'
-- split: rows to judge by: 'time' (needs order_by), 'entity' (needs entity), a column (TRUE judges); default by hash
-- order_by: column of time; no feature
-- entity: column of the machine or unit; no feature
-- field: a column of texts or pictures, which the base then reads alone; of the objective forecast the number that is forecast (default: the only one)
-- promote: 'auto' does nothing for bases, which are not compared: a later version takes over by ml_promote
-- force: TRUE trains again though an equal run has finished
-- options: how to train, as {'epochs': 20, 'width': 96}; 'exclude' names columns to leave out; 'window' makes a base that reads histories (with 'patch', 'memory', 'fill', 'resample', 'shortest')
-- columns: model, version, run_id, status, verdict, metric, value, baseline (NULL: a base's verdict compares its loss with that of the weights it started from), champion, rows, seconds, device, warnings
-- example: FROM ml_pretrain('press', 'SELECT * EXCLUDE (failed_within_24h) FROM labelled')
CREATE OR REPLACE MACRO ml_pretrain(model, source, objective := NULL, base := NULL, split := NULL, order_by := NULL,
    entity := NULL, field := NULL, promote := NULL, force := NULL, options := NULL) AS TABLE
  FROM query(_ml_plan('pretrain', {'model': model, 'source': source, 'objective': objective, 'base': base, 'split': split,
    'order_by': order_by, 'entity': entity, 'field': field, 'promote': promote, 'force': force, 'options': options,
    'place': [current_database(), current_schema()]}));
