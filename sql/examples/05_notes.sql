-- title: What do the shop's own notes say?

-- A small network learns the shop's words from its notes alone, English, Chinese and both: it tells words that are hidden from the others.
FROM ml_pretrain('notes', 'work_orders', field := 'note', options := {'epochs': 2});

-- From it, a model of the system that a note belongs to; later notes judge it.
FROM ml_finetune('note_system', 'SELECT opened, note, system FROM work_orders', target := 'system', base := 'notes',
  split := 'time', order_by := 'opened', options := {'epochs': 4});

-- Notes that were booked on one system and speak of another: which should somebody look at?
SELECT id, note, system AS booked_on, predicted_system AS speaks_of, round(probability, 2) AS probability
FROM ml_predict('note_system', 'work_orders') WHERE predicted_system <> system ORDER BY probability DESC LIMIT 8;

-- In some notes somebody marked machine, symptom, cause, action and part. The base learns to mark them, too.
FROM ml_finetune('entities', 'SELECT note, spans FROM annotated_notes WHERE hash(id) % 5 > 0', task := 'token_classification',
  target := 'spans', base := 'notes', options := {'epochs': 8});

-- How well, on notes it has not seen? Whole spans by their kind, then words by their tag.
SELECT * REPLACE (round("precision", 3) AS "precision", round(recall, 3) AS recall, round(f1, 3) AS f1)
FROM ml_classification_report('entities', 'SELECT note, spans FROM annotated_notes WHERE hash(id) % 5 = 0');

-- Marked by the model in all notes: what breaks most, and why?
SELECT label, lower(text) AS words, count(DISTINCT id) AS notes
FROM ml_spans('entities', 'work_orders') WHERE label IN ('Part', 'Cause') GROUP BY ALL ORDER BY notes DESC LIMIT 10;

-- Notes about the same thing. The model has learnt which words of both languages go together.
SELECT id, note, round(similarity::DOUBLE, 3) AS similarity
FROM ml_search('note_system', 'work_orders', query := 'grinding noise, bearing worn', k := 6);

-- Work orders that may have been written twice: not letter by letter, but almost.
SELECT id, similar_id, note, similar_note, round(similarity::DOUBLE, 3) AS similarity
FROM ml_similar('notes', 'work_orders', key := 'id', least := 0.9) WHERE lower(note) <> lower(similar_note) AND id < similar_id LIMIT 6;
