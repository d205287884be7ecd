-- Which rows ml_adapt has learnt: what is kept of the past is bounded, and a row that fell out of it is not new all the same.

CREATE TABLE ml_catalog.learnt (
  model VARCHAR NOT NULL,
  root INTEGER NOT NULL,           -- version that those which learnt it go back to
  hash UBIGINT NOT NULL            -- of the row's content, as in snapshots
);
