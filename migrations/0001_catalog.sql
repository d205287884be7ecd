-- What mfgsql remembers. Plain tables: any DuckDB can read them without mfgsql.
-- Uniqueness is held by the one commit lock of the process, not by indexes, which would slow every commit.

CREATE TABLE ml_catalog.models (
  model VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,           -- 'base' or a task
  target VARCHAR,
  created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE ml_catalog.versions (
  model VARCHAR NOT NULL,
  version INTEGER NOT NULL,
  run_id VARCHAR,                  -- NULL for an imported version
  artifact VARCHAR NOT NULL,       -- its own table of chunks in this schema
  bytes BIGINT NOT NULL,
  manifest VARCHAR NOT NULL,       -- JSON
  base VARCHAR,                    -- 'model@version' it was fine-tuned from
  rows BIGINT,
  metric VARCHAR,
  value DOUBLE,
  baseline DOUBLE,
  verdict VARCHAR,
  created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE ml_catalog.aliases (
  model VARCHAR NOT NULL,
  alias VARCHAR NOT NULL,          -- champion, candidate, previous
  version INTEGER NOT NULL
);

CREATE TABLE ml_catalog.runs (
  run_id VARCHAR NOT NULL,
  model VARCHAR NOT NULL,
  verb VARCHAR NOT NULL,
  status VARCHAR NOT NULL,         -- queued, running, finished, failed, cancelled, interrupted
  key VARCHAR,                     -- of its content; a finished key is not run again
  source VARCHAR,                  -- SQL text
  spec VARCHAR,                    -- JSON
  snapshot VARCHAR,
  version INTEGER,
  steps INTEGER,
  device VARCHAR,
  error VARCHAR,
  result VARCHAR,                  -- JSON: the row that the statement returned
  started_at TIMESTAMPTZ NOT NULL,
  finished_at TIMESTAMPTZ
);

CREATE TABLE ml_catalog.metrics (
  run_id VARCHAR NOT NULL,
  step INTEGER NOT NULL,
  split VARCHAR NOT NULL,          -- train, validation
  metric VARCHAR NOT NULL,
  value DOUBLE,
  baseline DOUBLE,                 -- with the final values only
  final BOOLEAN NOT NULL
);

CREATE TABLE ml_catalog.features (
  model VARCHAR NOT NULL,
  version INTEGER NOT NULL,
  feature VARCHAR NOT NULL,
  kind VARCHAR,                    -- NULL where left out
  left_out VARCHAR,                -- why, where left out
  type VARCHAR,
  rows BIGINT,
  nulls BIGINT,
  "distinct" BIGINT,
  minimum DOUBLE,
  maximum DOUBLE,
  mean DOUBLE,
  deviation DOUBLE,
  quantiles DOUBLE[],              -- at equal steps of probability, ends included
  top VARCHAR                      -- JSON: most frequent values and their counts
);

CREATE TABLE ml_catalog.snapshots (
  hash VARCHAR NOT NULL,
  run_id VARCHAR NOT NULL,
  path VARCHAR NOT NULL,           -- beside the database
  rows BIGINT NOT NULL,
  source VARCHAR NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);
