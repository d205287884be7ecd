-- A small plant with everything that clients ask about.
CREATE SCHEMA lab;
CREATE TABLE machines(id INTEGER PRIMARY KEY, name VARCHAR NOT NULL DEFAULT 'x', kind VARCHAR CHECK (kind IN ('press', 'mill')), price DECIMAL(12, 3), UNIQUE (name));
CREATE TABLE readings(t TIMESTAMP NOT NULL, machine INTEGER REFERENCES machines(id), v DOUBLE, arr INTEGER[], PRIMARY KEY (t, machine));
CREATE INDEX readings_v ON readings(v);
CREATE UNIQUE INDEX readings_key ON readings(machine, (v + 1));
COMMENT ON TABLE machines IS 'the machines';
COMMENT ON COLUMN machines.price IS 'in euro';
CREATE VIEW hot AS SELECT * FROM readings WHERE v > 1;
COMMENT ON VIEW hot IS 'above one';
CREATE TABLE lab."My Table 表"("Col A" INTEGER PRIMARY KEY, "列" VARCHAR);
CREATE TABLE lab."Samples"("of" INTEGER REFERENCES lab."My Table 表"("Col A"), weight DOUBLE DEFAULT 1.5);
CREATE SEQUENCE seq_a START 7 INCREMENT 2;
CREATE TABLE tickets(no INTEGER DEFAULT nextval('seq_a'));
INSERT INTO machines VALUES (1, 'a', 'press', 1.5), (2, 'b', 'mill', NULL);
CREATE MACRO double_it(x) AS x * 2;
CREATE MACRO _hidden(x) AS x;
CREATE MACRO rows_of(n) AS TABLE SELECT * FROM range(n);
COMMENT ON MACRO double_it IS 'twice';
CREATE SCHEMA ml;
CREATE VIEW ml.runs AS SELECT 1 AS run_id;
COMMENT ON VIEW ml.runs IS 'The runs.';
CREATE SCHEMA ml_catalog;
CREATE TABLE ml_catalog.secrets(a INTEGER);
CREATE TEMP TABLE passing(a INTEGER);
CREATE TABLE every(
  b BOOLEAN, ti TINYINT, uti UTINYINT, si SMALLINT, usi USMALLINT, i INTEGER, ui UINTEGER, bi BIGINT, ubi UBIGINT, hi HUGEINT, uhi UHUGEINT,
  f FLOAT, d DOUBLE, dec DECIMAL(18, 4), s VARCHAR, e ENUM('a', 'b'), bl BLOB, da DATE, tim TIME, ttz TIME WITH TIME ZONE, ts TIMESTAMP,
  tss TIMESTAMP_S, tms TIMESTAMP_MS, tns TIMESTAMP_NS, tz TIMESTAMP WITH TIME ZONE, iv INTERVAL, u UUID, j JSON, bt BIT, li INTEGER[],
  ls VARCHAR[], ld DECIMAL(9, 2)[], fa FLOAT[3], ll INTEGER[][], la FLOAT[2][], st STRUCT(a INTEGER, b VARCHAR), sl STRUCT(a INTEGER)[],
  m MAP(VARCHAR, DOUBLE), un UNION(x INTEGER, y VARCHAR), el ENUM('a]', 'b')[], le ENUM('STRUCT(a', 'b'), jl JSON[]
);
