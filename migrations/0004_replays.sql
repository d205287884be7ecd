-- What ml_adapt keeps of the past, and how who might take over did beside the champion on each batch that came.

CREATE TABLE ml_catalog.replays (
  model VARCHAR NOT NULL,          -- one row each
  root INTEGER NOT NULL,           -- version that the adapted ones go back to: its parts are those of the rows
  version INTEGER NOT NULL,        -- that was made with it
  artifact VARCHAR NOT NULL,       -- a table of chunks in this schema: a Parquet file of the rows
  bytes BIGINT NOT NULL,
  rows BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE ml_catalog.shadows (
  run_id VARCHAR NOT NULL,         -- of the ml_adapt that brought the batch
  model VARCHAR NOT NULL,
  champion INTEGER NOT NULL,       -- as it was when the batch came
  rival INTEGER,                   -- the candidate, or the champion before; NULL where there was neither
  role VARCHAR,                    -- candidate, previous
  rows BIGINT NOT NULL,
  metric VARCHAR NOT NULL,
  champion_value DOUBLE,
  rival_value DOUBLE,
  difference DOUBLE,               -- how much better the rival is
  lower DOUBLE,                    -- its 95 % interval
  upper DOUBLE,
  decision VARCHAR NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE ml_catalog.steps (
  run_id VARCHAR NOT NULL,
  model VARCHAR NOT NULL,
  version INTEGER NOT NULL,
  class VARCHAR NOT NULL,
  since INTEGER NOT NULL,          -- version in which the class was new
  rows BIGINT NOT NULL,            -- held out
  recall DOUBLE,
  before DOUBLE                    -- the champion's that was gone on from
);
