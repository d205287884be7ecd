-- summary: Trains a model many times with other options, keeps the version that does best on rows held out, and all trials in ml.trials.
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
-- costs: what mistakes cost, as {'missed': 2000, 'false_alarm': 50}; they choose the probability from which the positive class is predicted
-- promote: 'auto' lets a later version take over when it wins on rows that neither saw
-- trials: how many trainings; 30 by default, the first by the defaults
-- budget: an interval, after whose end no further trial begins and the running one is cut short; default: none
-- force: TRUE begins anew though an equal run has finished
-- options: those of ml_finetune: a value is fixed, a list is a choice, a struct a range, as in {'lr': {'low': 1e-4, 'high': 1e-2, 'log': true}, 'layers': [2, 4, 6], 'epochs': 20}; what is not told is searched as the backbone asks for: learning rate, width, layers, dropout, weight_decay, members, heads, patch, base_rate, rank
-- columns: model, version, run_id, status, verdict, metric, value, baseline, champion, rows, seconds, device, warnings, trials, pruned, best_trial
-- example: FROM ml_tune('press_failure', 'labelled', target := 'failed_within_24h', trials := 30, budget := INTERVAL 20 MINUTE)
CREATE OR REPLACE MACRO ml_tune(model, source, target := NULL, base := NULL, task := NULL, split := NULL,
    order_by := NULL, entity := NULL, weight := NULL, field := NULL, costs := NULL, promote := NULL, trials := NULL,
    budget := NULL, force := NULL, options := NULL) AS TABLE
  FROM query(_ml_plan('tune', {'model': model, 'source': source, 'target': target, 'base': base, 'task': task, 'split': split,
    'order_by': order_by, 'entity': entity, 'weight': weight, 'field': field, 'costs': costs, 'promote': promote, 'trials': trials,
    'budget': budget, 'force': force, 'options': options,
    'place': [current_database(), current_schema()]}));
