-- summary: Small models learn a large one's answers, on rows with or without labels; the smallest that is good enough becomes a version that scores fast.
-- model: name of the model that gets the version; where it has a champion, the student stays candidate
-- source: rows of the kind that the teacher reads, with the target or without: a table, view, file or SELECT text, committed
-- teacher: the model whose answers are learnt, as 'm', 'm@3' or 'm@candidate'; default: the champion of the model itself
-- loss: how much worse than the teacher the student may be: so much of a metric where more is better (0.01 by default), such a share of an error
-- force: TRUE trains again though an equal run has finished
-- options: 'sizes' of students, of ['tiny', 'small', 'medium']; 'temperature': softens the teacher's probabilities; 'distill': what its answers weigh beside the truth; 'epochs', 'batch_size', 'learning_rate', 'weight_decay', 'dropout', 'patience', 'seed'
-- columns: student (teacher, or its size), parameters, bytes, metric, value (on rows held out; without labels it is the agreement), agreement (share of rows with the teacher's class; of numbers R2 to what it says), rows_per_second (encoded and scored in this process), chosen, model, version, champion, run_id, status, rows, seconds, warnings
-- example: FROM ml_distill('press_fast', 'labelled', teacher := 'press_failure', loss := 0.01)
CREATE OR REPLACE MACRO ml_distill(model, source, teacher := NULL, loss := NULL, force := NULL, options := NULL) AS TABLE
  FROM query(_ml_plan('distill', {'model': model, 'source': source, 'teacher': teacher, 'loss': loss, 'force': force,
    'options': options, 'place': [current_database(), current_schema()]}));
