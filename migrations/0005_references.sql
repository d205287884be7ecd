-- What a version said of the rows that it was judged on: what later rows are compared with. Columns are in ml_catalog.features.

CREATE TABLE ml_catalog.references (
  model VARCHAR NOT NULL,
  version INTEGER NOT NULL,
  kind VARCHAR NOT NULL,           -- score, error, performance, embedding
  feature VARCHAR NOT NULL,        -- output, metric or column that it is of
  rows BIGINT NOT NULL,            -- that it was taken from
  value DOUBLE,                    -- of a metric
  deviation DOUBLE,                -- of that, over resampled rows
  quantiles DOUBLE[],              -- of numbers, at equal steps of probability, ends included
  counts VARCHAR,                  -- of classes, JSON
  artifact VARCHAR,                -- of vectors: their own table of chunks in this schema
  bytes BIGINT
);
