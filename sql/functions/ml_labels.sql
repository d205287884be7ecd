-- summary: Labels telemetry by failures, as of each row and without leaks: whether one follows within a horizon, and how long until the next; columns of the source stay.
-- source: a table, view, CTE, file or SELECT text; one row for each entity and time
-- failures: a table, view, CTE, file or SELECT text with the column of the entity, and one of time
-- entity: column of the machine or unit, in both
-- order_by: column of time, or of a number such as cycles; one that failures have, too, says when they happened
-- horizon: how far ahead fails_within looks, from after the row to the horizon inclusive: an interval, or a number in order_by's own unit
-- options: 'failed_at' the failures' column of time; 'unit' of rul (second, minute, hour, day, week; default hour, for a number its own); 'repairs' a table of when entities ran again (same column of the entity; 'repaired_at' its column of time): rows from a failure (inclusive) until the first repair after it are left out; 'blackout' the interval after a failure whose rows are left out; 'run_to_failure' true: without failures, the last row of each entity is its failure (fails_within and rul = 0 count it)
-- columns: input columns, fails_within (NULL: nobody knows yet, since the entity was not seen for a whole horizon), rul (time until the next failure; censored: until the last row, which is at least), censored (no failure is known after the row)
-- example: FROM ml_labels('telemetry', 'failures', entity := 'machine_id', order_by := 'ts', horizon := INTERVAL 24 HOUR)
CREATE OR REPLACE MACRO ml_labels(source, failures := NULL, entity := NULL, order_by := NULL, horizon := INTERVAL 24 HOUR, options := NULL) AS TABLE
  FROM query(_ml_plan('labels', {'source': source, 'failures': failures, 'entity': entity, 'order_by': order_by,
    'horizon': horizon, 'options': options, 'place': [current_database(), current_schema()]}));
