-- Types: DuckDB's as PostgreSQL's. The oids are those of PostgreSQL's own types.
CREATE MACRO ml_pg.pg.array_oid(oid) AS CASE oid
  WHEN 16 THEN 1000 WHEN 17 THEN 1001 WHEN 18 THEN 1002 WHEN 19 THEN 1003 WHEN 20 THEN 1016 WHEN 21 THEN 1005
  WHEN 22 THEN 1006 WHEN 23 THEN 1007 WHEN 24 THEN 1008 WHEN 25 THEN 1009 WHEN 26 THEN 1028 WHEN 30 THEN 1013
  WHEN 114 THEN 199 WHEN 700 THEN 1021 WHEN 701 THEN 1022 WHEN 1042 THEN 1014 WHEN 1043 THEN 1015 WHEN 1082 THEN 1182
  WHEN 1083 THEN 1183 WHEN 1114 THEN 1115 WHEN 1184 THEN 1185 WHEN 1186 THEN 1187 WHEN 1266 THEN 1270
  WHEN 1560 THEN 1561 WHEN 1562 THEN 1563 WHEN 1700 THEN 1231 WHEN 2205 THEN 2210 WHEN 2206 THEN 2211
  WHEN 2950 THEN 2951 WHEN 3802 THEN 3807
  ELSE 0 END;

-- DuckDB's types by the first words of their texts; all others are text.
CREATE TABLE ml_pg.pg.duckdb_types AS
  SELECT name, oid::UINTEGER AS oid,
    (CASE WHEN name IN ('STRUCT', 'MAP', 'UNION') THEN 114 ELSE ml_pg.pg.array_oid(oid) END)::UINTEGER AS list_oid
  FROM (VALUES
    ('BOOLEAN', 16), ('TINYINT', 21), ('UTINYINT', 21), ('SMALLINT', 21), ('USMALLINT', 23), ('INTEGER', 23),
    ('UINTEGER', 20), ('BIGINT', 20), ('UBIGINT', 1700), ('HUGEINT', 1700), ('UHUGEINT', 1700), ('DECIMAL', 1700),
    ('FLOAT', 700), ('DOUBLE', 701), ('VARCHAR', 25), ('ENUM', 25), ('BLOB', 17), ('DATE', 1082), ('TIME', 1083),
    ('TIME_NS', 1083), ('TIME WITH TIME ZONE', 1266), ('TIMESTAMP', 1114), ('TIMESTAMP_S', 1114),
    ('TIMESTAMP_MS', 1114), ('TIMESTAMP_NS', 1114), ('TIMESTAMP WITH TIME ZONE', 1184), ('INTERVAL', 1186),
    ('UUID', 2950), ('JSON', 114), ('BIT', 1562), ('STRUCT', 114), ('MAP', 114), ('UNION', 114)
  ) t(name, oid);

-- A list of scalars is an array of them; lists of lists, of structs and maps are json.
CREATE VIEW ml_pg.pg.plant_columns AS
  SELECT table_oid::UINTEGER AS table_oid, schema_name, table_name, column_name AS name,
    column_index::SMALLINT AS num, comment, column_default, is_nullable, data_type, numeric_precision, numeric_scale,
    CASE WHEN NOT ends_with(data_type, ']') THEN coalesce(d.oid, 25::UINTEGER)
         WHEN regexp_matches(data_type, '\]\[\d*\]$') THEN 114::UINTEGER
         ELSE coalesce(d.list_oid, 1009::UINTEGER) END AS type_oid,
    CASE WHEN regexp_full_match(data_type, 'DECIMAL\(\d+,\d+\)(\[\d*\])?')
         THEN (regexp_extract(data_type, '\d+')::INTEGER << 16) + regexp_extract(data_type, ',(\d+)', 1)::INTEGER + 4
         ELSE -1 END AS modifier
  FROM duckdb_columns() LEFT JOIN ml_pg.pg.duckdb_types d ON d.name = regexp_extract(data_type, '^[A-Z_ ]+')
  WHERE database_name = :plant AND schema_name <> 'ml_catalog' AND NOT internal;

CREATE TABLE ml_pg.pg.base_types AS
  SELECT oid::UINTEGER AS oid, typname, sql_name, typlen::SMALLINT AS typlen, typcategory, stem, preferred FROM (VALUES
    (16, 'bool', 'boolean', 1, 'B', 'bool', true), (17, 'bytea', 'bytea', -1, 'U', 'bytea', false),
    (18, 'char', '"char"', 1, 'Z', 'char', false), (19, 'name', 'name', 64, 'S', 'name', false),
    (20, 'int8', 'bigint', 8, 'N', 'int8', false), (21, 'int2', 'smallint', 2, 'N', 'int2', false),
    (23, 'int4', 'integer', 4, 'N', 'int4', false), (24, 'regproc', 'regproc', 4, 'N', 'regproc', false),
    (25, 'text', 'text', -1, 'S', 'text', true), (26, 'oid', 'oid', 4, 'N', 'oid', true),
    (114, 'json', 'json', -1, 'U', 'json_', false), (700, 'float4', 'real', 4, 'N', 'float4', false),
    (701, 'float8', 'double precision', 8, 'N', 'float8', true),
    (1042, 'bpchar', 'character', -1, 'S', 'bpchar', false),
    (1043, 'varchar', 'character varying', -1, 'S', 'varchar', false),
    (1082, 'date', 'date', 4, 'D', 'date_', false), (1083, 'time', 'time without time zone', 8, 'D', 'time_', false),
    (1114, 'timestamp', 'timestamp without time zone', 8, 'D', 'timestamp_', false),
    (1184, 'timestamptz', 'timestamp with time zone', 8, 'D', 'timestamptz_', true),
    (1186, 'interval', 'interval', 16, 'T', 'interval_', true),
    (1266, 'timetz', 'time with time zone', 12, 'D', 'timetz_', false), (1560, 'bit', 'bit', -1, 'V', 'bit_', false),
    (1562, 'varbit', 'bit varying', -1, 'V', 'varbit_', true),
    (1700, 'numeric', 'numeric', -1, 'N', 'numeric_', false),
    (2205, 'regclass', 'regclass', 4, 'N', 'regclass', true), (2206, 'regtype', 'regtype', 4, 'N', 'regtype', false),
    (2950, 'uuid', 'uuid', 16, 'U', 'uuid_', false), (3802, 'jsonb', 'jsonb', -1, 'U', 'jsonb_', false)
  ) t(oid, typname, sql_name, typlen, typcategory, stem, preferred);

CREATE TABLE ml_pg.pg.types AS
  SELECT oid, typname, sql_name, typlen, 'b' AS typtype, typcategory, preferred, ml_pg.pg.array_oid(oid) AS typarray,
    0 AS typelem, stem
  FROM ml_pg.pg.base_types
  UNION ALL
  SELECT ml_pg.pg.array_oid(oid), '_' || typname, sql_name || '[]', -1, 'b', 'A', false, 0, oid, 'array_'
  FROM ml_pg.pg.base_types WHERE ml_pg.pg.array_oid(oid) <> 0
  UNION ALL
  SELECT oid, name, name, typlen, typtype, typcategory, false, 0, typelem, stem FROM (VALUES
    (22, 'int2vector', -1, 'b', 'A', 21, 'int2vector'), (30, 'oidvector', -1, 'b', 'A', 26, 'oidvector'),
    (705, 'unknown', -2, 'p', 'X', 0, 'unknown'), (2249, 'record', -1, 'p', 'P', 0, 'record_'),
    (2276, 'any', 4, 'p', 'P', 0, 'any_'), (2277, 'anyarray', -1, 'p', 'P', 0, 'anyarray_'),
    (2278, 'void', 4, 'p', 'P', 0, 'void_'), (2279, 'trigger', 4, 'p', 'P', 0, 'trigger_'),
    (1790, 'refcursor', -1, 'b', 'U', 0, 'text')
  ) t(oid, name, typlen, typtype, typcategory, typelem, stem);

CREATE VIEW ml_pg.pg.pg_type AS
  SELECT oid::UINTEGER AS oid, typname, 11::UINTEGER AS typnamespace, 10::UINTEGER AS typowner, typlen,
    typlen IN (1, 2, 4, 8) AS typbyval, typtype::ml_pg.pg.pg_char AS typtype,
    typcategory::ml_pg.pg.pg_char AS typcategory, preferred AS typispreferred, true AS typisdefined,
    ','::VARCHAR AS typdelim, 0::UINTEGER AS typrelid,
    CASE WHEN stem = 'array_' THEN 'array_subscript_handler' ELSE '-' END AS typsubscript,
    typelem::UINTEGER AS typelem, typarray::UINTEGER AS typarray, stem || 'in' AS typinput,
    stem || 'out' AS typoutput, stem || 'recv' AS typreceive, stem || 'send' AS typsend,
    CASE oid WHEN 1700 THEN 'numerictypmodin' ELSE '-' END AS typmodin,
    CASE oid WHEN 1700 THEN 'numerictypmodout' ELSE '-' END AS typmodout, '-' AS typanalyze,
    'i'::ml_pg.pg.pg_char AS typalign, (CASE typlen WHEN -1 THEN 'x' ELSE 'p' END)::ml_pg.pg.pg_char AS typstorage,
    false AS typnotnull, 0::UINTEGER AS typbasetype, -1 AS typtypmod, 0 AS typndims,
    (CASE WHEN oid IN (25, 1042, 1043) THEN 100 ELSE 0 END)::UINTEGER AS typcollation, NULL::VARCHAR AS typdefaultbin,
    NULL::VARCHAR AS typdefault, NULL::VARCHAR[] AS typacl
  FROM ml_pg.pg.types;

-- In a macro the caller's expressions stand where the parameters do, and names around them would be caught: what a
-- macro reads has names with an underscore before, which no client has.
CREATE VIEW ml_pg.pg.type_names AS
  SELECT oid::UINTEGER AS _oid, sql_name AS _name, [typname, sql_name, '"' || typname || '"', oid::VARCHAR,
    CASE WHEN starts_with(typname, '_') THEN typname[2:] || '[]' END,
    CASE oid WHEN 23 THEN 'int' WHEN 1700 THEN 'decimal' END] AS _names
  FROM ml_pg.pg.types;
CREATE MACRO ml_pg.pg.format_type(the_type, modifier) AS CASE
  WHEN the_type = 1700 AND modifier > 3
    THEN 'numeric(' || ((modifier - 4) >> 16) || ',' || ((modifier - 4) & 65535) || ')'
  WHEN the_type = 1043 AND modifier > 3 THEN 'character varying(' || (modifier - 4) || ')'
  WHEN the_type = 1042 AND modifier > 3 THEN 'character(' || (modifier - 4) || ')'
  WHEN the_type IS NOT NULL
    THEN coalesce((SELECT any_value(_name) FROM ml_pg.pg.type_names WHERE _oid = the_type),
                  CASE the_type WHEN 0 THEN '-' ELSE '???' END) END;

-- A type by its name ('int4', 'integer', 'pg_catalog.text', 'text[]'), or its number.
CREATE MACRO ml_pg.pg.to_regtype(the_name) AS
  (SELECT any_value(_oid) FROM ml_pg.pg.type_names
   WHERE list_contains(_names, regexp_replace(lower(trim(the_name::VARCHAR)), '^"?pg_catalog"?\.', '')));
CREATE MACRO ml_pg.pg.pg_type_is_visible(the_type) AS the_type IS NOT NULL;
