-- Trials of tuned models, each committed as it ends: a statement that was stopped goes on after the last of them.

CREATE TABLE ml_catalog.trials (
  key VARCHAR NOT NULL,            -- of the study's content; an equal statement goes on with its trials
  run_id VARCHAR NOT NULL,
  model VARCHAR NOT NULL,
  trial INTEGER NOT NULL,          -- from 0, which has the defaults
  state VARCHAR NOT NULL,          -- finished, pruned, failed
  options VARCHAR NOT NULL,        -- JSON: what was searched, by name
  metric VARCHAR,
  value DOUBLE,
  criterion DOUBLE,                -- of which the best trial has least; NULL unless finished
  curve VARCHAR NOT NULL,          -- JSON: pairs of step and criterion
  steps INTEGER NOT NULL,
  error VARCHAR,
  started_at TIMESTAMPTZ NOT NULL,
  finished_at TIMESTAMPTZ NOT NULL
);
