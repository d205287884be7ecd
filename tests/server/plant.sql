-- The database that clients are served in the tests: each type, each constraint, names of every kind, and a model.
CREATE TYPE grade AS ENUM ('good', 'so-so', 'b"ad, {worse}', '报废');

CREATE TABLE everything (
  id INTEGER PRIMARY KEY, c_boolean BOOLEAN, c_tinyint TINYINT, c_smallint SMALLINT, c_integer INTEGER, c_bigint BIGINT,
  c_hugeint HUGEINT, c_utinyint UTINYINT, c_usmallint USMALLINT, c_uinteger UINTEGER, c_ubigint UBIGINT, c_uhugeint UHUGEINT,
  c_float FLOAT, c_double DOUBLE, c_decimal DECIMAL(18, 3), c_wide DECIMAL(38, 10), c_varchar VARCHAR, c_blob BLOB, c_bit BIT,
  c_uuid UUID, c_json JSON, c_enum grade, c_date DATE, c_time TIME, c_timetz TIMETZ, c_timestamp TIMESTAMP,
  c_seconds TIMESTAMP_S, c_millis TIMESTAMP_MS, c_nanos TIMESTAMP_NS, c_timestamptz TIMESTAMPTZ, c_interval INTERVAL,
  c_list INTEGER[], c_texts VARCHAR[], c_array FLOAT[3], c_deep INTEGER[][], c_struct STRUCT(a INTEGER, "b c" VARCHAR),
  c_structs STRUCT(a INTEGER)[], c_map MAP(VARCHAR, DOUBLE), c_union UNION(n INTEGER, t VARCHAR), c_decimals DECIMAL(9, 2)[],
  c_moments TIMESTAMP[], c_uuids UUID[]
);
INSERT INTO everything VALUES
  (1, true, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1.5, 2.25, 123.456, 0.0000000001, 'text', 'ab'::BLOB, '1010',
   'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"k": [1, "x"]}', 'good', '2026-01-02', '03:04:05.678901', '03:04:05+02',
   '2026-01-02 03:04:05.678901', '2026-01-02 03:04:05', '2026-01-02 03:04:05.678', '2026-01-02 03:04:05.678901',
   '2026-01-02 03:04:05+00', INTERVAL '1 year 2 months 3 days 04:05:06.7', [1, 2], ['a', 'b'], [1, 2, 3], [[1], [2, 3]],
   {'a': 1, 'b c': 'x'}, [{'a': 1}, {'a': 2}], MAP {'k': 1.5}, 1, [1.25, -0.01], ['2026-01-02 03:04:05'],
   ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11']),
  (2, false, -128, -32768, -2147483648, -9223372036854775808, -170141183460469231731687303715884105728, 0, 0, 0, 0, 0,
   -3.4028235e38, -1.7976931348623157e308, -999999999999999.999, -9999999999999999999999999999.9999999999, '', ''::BLOB, '0',
   '00000000-0000-0000-0000-000000000000', 'null', '报废', '0001-01-01', '00:00:00', '00:00:00-12', '0001-01-01 00:00:00',
   '1970-01-01', '1969-12-31 23:59:59.999', '1700-01-01', '1900-01-01 00:00:00+00', INTERVAL '-1 day -00:00:00.000001', [], [],
   [-1.5, 0, 1e10], [[]], {'a': NULL, 'b c': NULL}, [], MAP {}, 'x', [], [], []),
  (3, true, 127, 32767, 2147483647, 9223372036854775807, 170141183460469231731687303715884105727, 255, 65535, 4294967295,
   18446744073709551615, 340282366920938463463374607431768211455, 3.4028235e38, 5e-324, 999999999999999.999,
   9999999999999999999999999999.9999999999, E'quote\' "double" back\\slash, {brace}\ttab\nline 设备 🙂', '\x00\xFF\x5C\x27'::BLOB,
   '11111111111111111', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '"设备"', 'b"ad, {worse}', '9999-12-31', '23:59:59.999999',
   '23:59:59.999999+14', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59', '9999-12-31 23:59:59.999',
   '2200-12-31 23:59:59.999999', '9999-12-30 23:59:59.999999+00', INTERVAL '14 days 100 hours', [NULL, 2147483647],
   ['', NULL, 'NULL', 'a,b', 'q"q', 'b\s', '{x}', ' 设备 '], [NULL, 1, 2], [NULL, [NULL]], {'a': 7, 'b c': 'q"'},
   [NULL, {'a': NULL}], MAP {'a "b"': NULL, '设备': 2.0}, NULL, [NULL, 9999999.99], [NULL], [NULL]),
  (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE edges (kind VARCHAR, d DATE, t TIMESTAMP, z TIMESTAMPTZ, f DOUBLE, l DOUBLE[]);  -- what not every client can hold
INSERT INTO edges VALUES
  ('infinite', 'infinity', 'infinity', 'infinity', 'infinity', ['infinity', '-infinity', 'nan']),
  ('endless', '-infinity', '-infinity', '-infinity', '-infinity', NULL),
  ('ancient', '0044-03-15 (BC)', '0044-03-15 (BC) 12:00:00', '0044-03-15 (BC) 12:00:00+00', 'nan', ['-0.0']),
  ('far', '12345-06-07', '12345-06-07 08:09:10', '12345-06-07 08:09:10+00', 1e-300, [1e300]);

CREATE TABLE machines (
  id INTEGER PRIMARY KEY, name VARCHAR NOT NULL UNIQUE, site VARCHAR DEFAULT 'north', rated DECIMAL(8, 2) CHECK (rated > 0),
  since TIMESTAMP DEFAULT TIMESTAMP '2026-01-01', double_rated DECIMAL(9, 2) GENERATED ALWAYS AS (rated * 2)
);
INSERT INTO machines (id, name, site, rated) VALUES (1, 'press', 'north', 12.50), (2, 'lathe', 'south', 7.25), (3, '车床', NULL, NULL);
CREATE TABLE readings (
  machine_id INTEGER REFERENCES machines (id), moment TIMESTAMP, value DOUBLE, note VARCHAR, PRIMARY KEY (machine_id, moment)
);
INSERT INTO readings SELECT 1 + i % 3, TIMESTAMP '2026-01-01' + to_minutes(i), i * 0.5, 'n' || i FROM range(30) r(i);
CREATE INDEX readings_by_note ON readings (note);
COMMENT ON TABLE machines IS 'What stands in the hall; 设备';
COMMENT ON COLUMN machines.rated IS 'Power in kW';

CREATE TABLE "Order Items" ("Order Id" INTEGER PRIMARY KEY, "Item" VARCHAR, "数量" INTEGER, "select" BOOLEAN, "a""b" DOUBLE);
INSERT INTO "Order Items" VALUES (1, 'bolt', 10, true, 0.5), (2, 'nut', NULL, false, NULL);
CREATE TABLE "设备" ("编号" INTEGER, "名称" VARCHAR);
INSERT INTO "设备" VALUES (1, '压力机');
CREATE SCHEMA lab;
CREATE TABLE lab.samples (id INTEGER, v DOUBLE);
INSERT INTO lab.samples VALUES (1, 0.25), (2, 0.75);
CREATE SCHEMA "Lab 2";
CREATE TABLE "Lab 2"."Probe" ("X" INTEGER);

CREATE TABLE many AS
  SELECT i AS id, (i * 0.25)::DOUBLE AS x, 'row ' || i AS label, TIMESTAMP '2026-01-01' + to_seconds(i) AS moment, i % 7 = 0 AS odd FROM range(30000) r(i);
CREATE VIEW by_site AS SELECT site, count(*) AS machines, sum(rated) AS rated FROM machines GROUP BY site;
CREATE SEQUENCE tickets START 7;
