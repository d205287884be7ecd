-- Schemas, relations and their columns.
CREATE VIEW ml_pg.pg.pg_namespace AS
  SELECT oid, name AS nspname, 10::UINTEGER AS nspowner, NULL::VARCHAR[] AS nspacl FROM ml_pg.pg.plant_schemas
  UNION ALL SELECT 11::UINTEGER, 'pg_catalog', 10::UINTEGER, NULL
  UNION ALL SELECT 13000::UINTEGER, 'information_schema', 10::UINTEGER, NULL;

-- The catalog's own relations, by PostgreSQL's oids where clients know them.
CREATE TABLE ml_pg.pg.system_relations(oid UINTEGER, name VARCHAR, schema_oid UINTEGER);

-- Indexes: those of CREATE INDEX, and those behind keys.
CREATE VIEW ml_pg.pg.indexes AS
  SELECT i.oid, i.name, i.schema_oid, i.schema_name, i.table_oid, i.table_name, i.comment, i.is_unique, i.is_primary,
    list_transform(i.expressions, e -> CASE WHEN starts_with(e, '((') THEN e[2:-2]
        ELSE replace(trim(e, '"'), '""', '"') END) AS expressions,
    list_transform(i.expressions, e -> coalesce(list_position(c.names, replace(trim(e, '"'), '""', '"')), 0)::USMALLINT)
      AS nums,
    i.sql
  FROM ml_pg.pg.plant_indexes i
  JOIN (SELECT table_oid, list(name ORDER BY num) AS names FROM ml_pg.pg.plant_columns GROUP BY table_oid) c
    ON c.table_oid = i.table_oid
  UNION ALL
  SELECT ml_pg.pg.made_oid('index', table_oid, name), name, schema_oid, schema_name, table_oid, table_name, NULL,
    true, type = 'PRIMARY KEY', columns, list_transform(nums, n -> n::USMALLINT), NULL
  FROM ml_pg.pg.plant_constraints WHERE type IN ('PRIMARY KEY', 'UNIQUE');

-- Tables on either end of a foreign key.
CREATE VIEW ml_pg.pg.foreign_keys AS
  SELECT table_oid FROM ml_pg.pg.plant_constraints WHERE type = 'FOREIGN KEY'
  UNION
  SELECT t.oid FROM ml_pg.pg.plant_constraints c
  JOIN ml_pg.pg.plant_tables t ON t.name = c.referenced_table AND t.schema_oid = c.schema_oid;

CREATE VIEW ml_pg.pg.relations AS
  SELECT t.oid, name, schema_oid, 'r' AS kind, column_count, estimated_size, comment, index_count > 0 AS has_index,
    check_constraint_count AS checks, 2 AS am,
    f.table_oid IS NOT NULL AS has_triggers  -- PostgreSQL keeps foreign keys by triggers: psql looks there first
  FROM ml_pg.pg.plant_tables t LEFT JOIN ml_pg.pg.foreign_keys f ON f.table_oid = t.oid
  UNION ALL SELECT oid, name, schema_oid, 'v', column_count, 0, comment, false, 0, 0, false FROM ml_pg.pg.plant_views
  UNION ALL SELECT oid, name, schema_oid, 'S', 3, 1, comment, false, 0, 0, false FROM ml_pg.pg.plant_sequences
  UNION ALL SELECT oid, name, schema_oid, 'i', len(nums), 0, comment, false, 0, 403, false FROM ml_pg.pg.indexes
  UNION ALL SELECT oid, name, schema_oid, CASE schema_oid WHEN 11 THEN 'r' ELSE 'v' END, 0, 0, NULL, false, 0, 0,
    false
  FROM ml_pg.pg.system_relations;

CREATE VIEW ml_pg.pg.pg_class AS
  SELECT oid, name AS relname, schema_oid AS relnamespace, 0::UINTEGER AS reltype, 0::UINTEGER AS reloftype,
    10::UINTEGER AS relowner, am::UINTEGER AS relam, oid AS relfilenode, 0::UINTEGER AS reltablespace,
    CASE kind WHEN 'v' THEN 0 ELSE 1 + estimated_size // 100 END::INTEGER AS relpages,
    estimated_size::FLOAT AS reltuples, 0 AS relallvisible, 0::UINTEGER AS reltoastrelid, has_index AS relhasindex,
    false AS relisshared, 'p'::ml_pg.pg.pg_char AS relpersistence, kind::ml_pg.pg.pg_char AS relkind,
    column_count::SMALLINT AS relnatts, checks::SMALLINT AS relchecks, kind = 'v' AS relhasrules,
    has_triggers AS relhastriggers, false AS relhassubclass, false AS relrowsecurity, false AS relforcerowsecurity,
    true AS relispopulated, (CASE kind WHEN 'r' THEN 'd' ELSE 'n' END)::ml_pg.pg.pg_char AS relreplident,
    false AS relispartition, 0::UINTEGER AS relrewrite, 0::BIGINT AS relfrozenxid, 0::BIGINT AS relminmxid,
    NULL::VARCHAR[] AS relacl, NULL::VARCHAR[] AS reloptions, NULL::VARCHAR AS relpartbound
  FROM ml_pg.pg.relations;

CREATE VIEW ml_pg.pg.attributes AS
  SELECT table_oid AS oid, name, num, type_oid, modifier, NOT is_nullable AS not_null, column_default, comment,
    data_type
  FROM ml_pg.pg.plant_columns
  UNION ALL
  SELECT x.oid, CASE x.col WHEN 0 THEN 'expr' ELSE x.column_name END, x.num, coalesce(c.type_oid, 25::UINTEGER),
    coalesce(c.modifier, -1), false, NULL, NULL, c.data_type
  FROM (SELECT oid, table_oid, unnest(expressions) AS column_name, unnest(nums) AS col,
          unnest(range(1, len(nums) + 1))::SMALLINT AS num
        FROM ml_pg.pg.indexes) x
  LEFT JOIN ml_pg.pg.plant_columns c ON c.table_oid = x.table_oid AND c.num = x.col
  UNION ALL
  SELECT s.oid, c.name, c.num::SMALLINT, c.type_oid::UINTEGER, -1, true, NULL, NULL, NULL
  FROM ml_pg.pg.plant_sequences s,
    (VALUES ('last_value', 1, 20), ('log_cnt', 2, 20), ('is_called', 3, 16)) c(name, num, type_oid);

CREATE VIEW ml_pg.pg.pg_attribute AS
  SELECT a.oid AS attrelid, a.name AS attname, a.type_oid AS atttypid, -1 AS attstattarget, t.typlen AS attlen,
    a.num AS attnum, (CASE WHEN ends_with(a.data_type, ']') THEN 1 ELSE 0 END) AS attndims, -1 AS attcacheoff,
    a.modifier AS atttypmod, t.typlen IN (1, 2, 4, 8) AS attbyval, 'i'::ml_pg.pg.pg_char AS attalign,
    (CASE WHEN a.type_oid = 1700 THEN 'm' WHEN t.typlen = -1 THEN 'x' ELSE 'p' END)::ml_pg.pg.pg_char AS attstorage,
    ''::ml_pg.pg.pg_char AS attcompression, a.not_null AS attnotnull, a.column_default IS NOT NULL AS atthasdef,
    false AS atthasmissing, ''::ml_pg.pg.pg_char AS attidentity, ''::ml_pg.pg.pg_char AS attgenerated,
    false AS attisdropped, true AS attislocal, 0 AS attinhcount,
    (CASE WHEN a.type_oid IN (25, 1043) THEN 100 ELSE 0 END)::UINTEGER AS attcollation, NULL::VARCHAR[] AS attacl,
    NULL::VARCHAR[] AS attoptions, NULL::VARCHAR[] AS attfdwoptions, NULL::VARCHAR[] AS attmissingval
  FROM ml_pg.pg.attributes a LEFT JOIN ml_pg.pg.types t ON t.oid = a.type_oid
  ORDER BY attrelid, attnum;  -- clients that ask for no order get the columns' own from PostgreSQL, and rely on it

CREATE VIEW ml_pg.pg.pg_attrdef AS
  SELECT ml_pg.pg.made_oid('default', table_oid, num) AS oid, table_oid AS adrelid, num AS adnum,
    column_default AS adbin
  FROM ml_pg.pg.plant_columns WHERE column_default IS NOT NULL;

-- Those of functions are as they were at the start: DuckDB takes 30 ms to list its functions, and every \d+ asks for
-- descriptions.
CREATE TABLE ml_pg.pg.function_comments AS SELECT oid, comment FROM ml_pg.pg.plant_functions WHERE comment IS NOT NULL;

CREATE VIEW ml_pg.pg.pg_description AS
  SELECT oid AS objoid, 1259::UINTEGER AS classoid, 0 AS objsubid, comment AS description FROM ml_pg.pg.relations
    WHERE comment IS NOT NULL
  UNION ALL SELECT table_oid, 1259::UINTEGER, num, comment FROM ml_pg.pg.plant_columns WHERE comment IS NOT NULL
  UNION ALL SELECT oid, 2615::UINTEGER, 0, comment FROM ml_pg.pg.plant_schemas WHERE comment IS NOT NULL
  UNION ALL SELECT oid, 1255::UINTEGER, 0, comment FROM ml_pg.pg.function_comments;

CREATE VIEW ml_pg.pg.pg_sequence AS
  SELECT oid AS seqrelid, 20::UINTEGER AS seqtypid, start_value AS seqstart, increment_by AS seqincrement,
    max_value AS seqmax, min_value AS seqmin, 1::BIGINT AS seqcache, cycle AS seqcycle
  FROM ml_pg.pg.plant_sequences;
