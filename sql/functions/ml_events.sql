-- summary: Joins a log of events to rows of machines, as of each row: how many of each kind there were lately, and how long ago the last one was; columns of the source stay.
-- source: a table, view, CTE, file or SELECT text; one row for each entity and time
-- events: a table, view, CTE, file or SELECT text with the column of the entity, and one of time
-- entity: column of the machine or unit, in both
-- order_by: column of time, or of a number such as cycles; one that events have, too, says when they happened
-- options: 'field' the events' column of kinds; 'kinds' which of them get columns, a list (the same for training and scoring), or how many of the most frequent (default 8; they are looked up when the statement is planned); 'within' the stretch of counts, up to and including the row's moment (default INTERVAL 7 DAY; a number where order_by is one); 'unit' of ages (second, minute, hour, day, week; default hour, for a number its own); 'happened_at' the events' column of time; 'reset' the kind since which age counts, such as a replacement
-- columns: input columns, events_count and events_age (all events), <kind>_count and <kind>_age for each kind (NULL: there was none before), age (time since the first row of the entity, or since the last event of kind reset)
-- example: FROM ml_events('telemetry', 'maintenance', entity := 'machine_id', order_by := 'ts', options := {'field': 'kind', 'within': INTERVAL 30 DAY})
CREATE OR REPLACE MACRO ml_events(source, events, entity := NULL, order_by := NULL, options := NULL) AS TABLE
  FROM query(_ml_plan('events', {'source': source, 'events': events, 'entity': entity, 'order_by': order_by,
    'options': options, 'place': [current_database(), current_schema()]}));
