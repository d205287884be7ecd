-- summary: Trains a model of a target, from a base or from scratch, and keeps it as a version.
-- model: name of the model
-- source: a table, view, file or SELECT text, committed
-- target: column to predict; a detector of anomalies has none, and of a process it is the activity, of which the next is predicted
-- base: a base made by ml_pretrain, whose knowledge of shared columns is taken over; of texts or pictures also a folder, './models/minilm', or 'hf:org/name'
-- task: classification, regression, multilabel or hierarchy (default by the target's kind), rul (remaining useful life), forecast (the steps to come of series), anomaly (from normal rows alone), token_classification or embedding; process (of an event log: what follows each event of a case, and how long the case still takes); rul, forecast, anomaly and process read histories
-- split: rows to judge by: 'time' (needs order_by), 'entity' (needs entity), a column (TRUE judges); default by hash, of histories by entity or time
-- order_by: column of time, by which histories are ordered (of a process: when the step ended); no feature
-- entity: column of the machine, unit or case (an order) whose histories rows belong to; no feature
-- weight: column of row weights; no feature
-- field: the one column that is read, a text or a picture; default: all columns are, those of texts and pictures, too
-- adapter_by: column of the line, machine or supplier, each of whose values gets a small adapter and a head of its own beside one model that all share; no feature
-- costs: what mistakes cost, as {'missed': 2000, 'false_alarm': 50}; they choose the probability from which the positive class is predicted
-- promote: 'auto' lets a later version take over when it wins on rows that neither saw
-- force: TRUE trains again though an equal run has finished
-- options: how to train, as {'epochs': 20}; 'exclude' names columns to leave out, 'positive' the class that probability is of, 'gap' the time left out before the rows to judge by; 'window' makes a model that reads histories (with 'patch', 'memory', 'fill', 'resample', 'shortest'); 'cap' and 'censored' are for rul; for a process 'started' and 'due' name columns of when a step began and of when the case is due, 'censored' one that is TRUE where a case is still open, 'trend': true reads the date itself; 'false_alarms_per_day' and 'span' for anomalies; for forecasts 'horizon' and 'window' are steps, 'known' names columns that are planned, 'holidays' a country, 'gaps': 'zero' takes steps without a row for none, 'season' and 'resample' say what the rows don't, 'refit': 'no' leaves out what judged it
-- columns: model, version, run_id, status, verdict, metric, value, baseline, champion, rows, seconds, device, warnings
-- example: FROM ml_finetune('press_failure', 'labelled', target := 'failed_within_24h', split := 'time', order_by := 'ts')
CREATE OR REPLACE MACRO ml_finetune(model, source, target := NULL, base := NULL, task := NULL, split := NULL,
    order_by := NULL, entity := NULL, weight := NULL, field := NULL, adapter_by := NULL, costs := NULL, promote := NULL, force := NULL, options := NULL) AS TABLE
  FROM query(_ml_plan('finetune', {'model': model, 'source': source, 'target': target, 'base': base, 'task': task, 'split': split,
    'order_by': order_by, 'entity': entity, 'weight': weight, 'field': field, 'adapter_by': adapter_by, 'costs': costs, 'promote': promote, 'force': force, 'options': options,
    'place': [current_database(), current_schema()]}));
