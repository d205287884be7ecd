-- summary: Lets a model's champion go on learning from a batch of new rows, beside rows of the past: a candidate, which takes over where its policy says so.
-- model: name of the model; its champion goes on learning
-- source: the new rows with the truth: a table, view, file or SELECT text, committed; of histories with the columns of entity and time
-- policy: manual (the candidate waits for ml_promote), shadow (the same; ml.shadow tells on each later batch how it would have done), auto (it takes over where it is better beyond chance on new rows, and no worse on what was learnt before; it gives its place back where it falls behind)
-- force: TRUE runs again where the same statement has run before, from rows of the batch that the champion has not learnt
-- options: 'epochs' and 'patience' (7 and 2, of new classes 20 and 6), 'batch_size' and 'learning_rate' (over the champion's); 'replay': rows of the past that are kept; 'fresh': share of the loss that is of new rows; 'distill': what the champion's answers weigh, on replayed rows, or on the new ones where none are kept; 'margin': how much worse it may be on these; 'trust': true takes labels that contradict all that was learnt; 'structure': auto tries a larger or a smaller network where the training asks for it, and keeps the better one; 'seed'
-- columns: as of ml_finetune, and policy, promoted, reverted, new_rows, new, new_champion (the metric on new rows, of the candidate and of the champion), forgetting (the champion's metric less the candidate's on replayed rows), reason
-- example: FROM ml_adapt('press_failure', 'SELECT * FROM labelled WHERE ts > now() - INTERVAL 1 DAY', policy := 'auto')
CREATE OR REPLACE MACRO ml_adapt(model, source, policy := NULL, force := NULL, options := NULL) AS TABLE
  FROM query(_ml_plan('adapt', {'model': model, 'source': source, 'policy': policy, 'force': force, 'options': options,
    'place': [current_database(), current_schema()]}));
