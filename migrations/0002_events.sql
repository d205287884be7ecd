-- What happened to versions, who did it, and why. It outlives the models: an audit tells of what is gone, too.

CREATE TABLE ml_catalog.events (
  happened_at TIMESTAMPTZ NOT NULL,
  who VARCHAR NOT NULL,            -- a user of the server, or of the operating system
  model VARCHAR NOT NULL,
  version INTEGER,
  event VARCHAR NOT NULL,          -- created, imported, exported, promoted, rolled_back, refused, dropped, adapted, reverted
  previous INTEGER,                -- the champion before
  reason VARCHAR,                  -- in somebody's words
  detail VARCHAR,                  -- JSON
  run_id VARCHAR
);
