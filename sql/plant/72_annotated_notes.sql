-- summary: 500 of the work orders in which somebody marked the machine, symptom, cause, action and part.
--
-- What was abbreviated or misspelt is marked as it stands there. Notes that say nothing have no spans.

CREATE OR REPLACE TABLE annotated_notes AS
SELECT format('WO-{:05d}', no) AS id, note, spans
FROM (
  FROM plant_notes
  ORDER BY plant_uniform(key, 'annotated')
  LIMIT 500
)
ORDER BY id;

COMMENT ON TABLE annotated_notes IS
  'Work orders in which somebody marked spans, to learn from: note[begin + 1:stop] are the words';
COMMENT ON COLUMN annotated_notes.id IS 'The work order';
COMMENT ON COLUMN annotated_notes.note IS 'As in work_orders';
COMMENT ON COLUMN annotated_notes.spans IS
  'label (Machine, Symptom, Cause, Action or Part), begin and stop in characters from 0, stop not included';
