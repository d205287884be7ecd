-- Which rows ml_adapt has learnt, 16 bytes each: what is kept of the past is bounded, and a row that fell out of it is not
-- new all the same.

CREATE TABLE ml_catalog.learnt (
  model VARCHAR NOT NULL,
  root INTEGER NOT NULL,           -- version that those which learnt it go back to
  version INTEGER NOT NULL,        -- that was the first to learn it
  hash UBIGINT NOT NULL            -- of what the model reads of the row, and of its truth
);
