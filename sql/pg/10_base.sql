-- What of the plant's database clients may see, by DuckDB's own names. All other files build on these views.
CREATE SCHEMA ml_pg.pg;
CREATE SCHEMA ml_pg.info;

-- PostgreSQL's "char": one letter. An ENUM, so that the wire knows it from text wherever it comes out.
CREATE TYPE ml_pg.pg.pg_char AS ENUM ('', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
  'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W',
  'X', 'Y', 'Z', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't',
  'u', 'v', 'w', 'x', 'y', 'z');

-- A stable oid for what DuckDB gives none: above its own, which count up from 20,000, below 2^31.
CREATE MACRO ml_pg.pg.made_oid(kind, a, b) AS (1073741824 + hash(kind, a, b) % 1073741824)::UINTEGER;

-- An identifier as it is written in SQL: quoted where it must be.
CREATE MACRO ml_pg.pg.quote_ident(name) AS
  CASE WHEN regexp_full_match(name, '[a-z_][a-z0-9_$]*') AND name NOT IN (
    'all', 'and', 'any', 'array', 'as', 'asc', 'between', 'both', 'case', 'cast', 'check', 'collate', 'column',
    'constraint', 'create', 'cross', 'default', 'desc', 'distinct', 'do', 'else', 'end', 'except', 'false', 'fetch',
    'for', 'foreign', 'from', 'full', 'grant', 'group', 'having', 'in', 'inner', 'intersect', 'into', 'is', 'join',
    'lateral', 'leading', 'left', 'like', 'limit', 'natural', 'not', 'null', 'offset', 'on', 'only', 'or', 'order',
    'outer', 'pivot', 'primary', 'qualify', 'references', 'returning', 'right', 'select', 'some', 'table', 'then',
    'to', 'trailing', 'true', 'union', 'unique', 'unpivot', 'user', 'using', 'when', 'where', 'window', 'with'
  ) THEN name ELSE '"' || replace(name, '"', '""') || '"' END;
CREATE MACRO ml_pg.pg.quote_literal(value) AS '''' || replace(value::VARCHAR, '''', '''''') || '''';
CREATE MACRO ml_pg.pg.quote_nullable(value) AS coalesce('''' || replace(value::VARCHAR, '''', '''''') || '''', 'NULL');

CREATE VIEW ml_pg.pg.plant_schemas AS
  SELECT oid::UINTEGER AS oid, schema_name AS name, comment FROM duckdb_schemas()
  WHERE database_name = :plant AND schema_name <> 'ml_catalog';

CREATE VIEW ml_pg.pg.plant_tables AS
  SELECT table_oid::UINTEGER AS oid, table_name AS name, schema_oid::UINTEGER AS schema_oid, schema_name, comment,
    has_primary_key, estimated_size, column_count, index_count, check_constraint_count
  FROM duckdb_tables() WHERE database_name = :plant AND schema_name <> 'ml_catalog' AND NOT internal;

CREATE VIEW ml_pg.pg.plant_views AS
  SELECT view_oid::UINTEGER AS oid, view_name AS name, schema_oid::UINTEGER AS schema_oid, schema_name, comment,
    column_count, sql
  FROM duckdb_views() WHERE database_name = :plant AND schema_name <> 'ml_catalog' AND NOT internal;

CREATE VIEW ml_pg.pg.plant_sequences AS
  SELECT sequence_oid::UINTEGER AS oid, sequence_name AS name, schema_oid::UINTEGER AS schema_oid, schema_name,
    comment, start_value, min_value, max_value, increment_by, cycle, last_value
  FROM duckdb_sequences() WHERE database_name = :plant AND schema_name <> 'ml_catalog';

-- Verbs and macros; what starts with _ is the engine's own.
CREATE VIEW ml_pg.pg.plant_functions AS
  SELECT ml_pg.pg.made_oid(function_type, schema_name || '.' || function_name, parameters) AS oid,
    function_name AS name, schema_name, function_type, parameters, return_type, macro_definition,
    coalesce(comment, description) AS comment
  FROM duckdb_functions() WHERE database_name = :plant AND schema_name <> 'ml_catalog' AND NOT internal
    AND function_name[1] <> '_';

CREATE VIEW ml_pg.pg.plant_indexes AS
  SELECT index_oid::UINTEGER AS oid, index_name AS name, schema_oid::UINTEGER AS schema_oid, schema_name,
    table_oid::UINTEGER AS table_oid, table_name, comment, is_unique, is_primary,
    expressions::VARCHAR[] AS expressions, sql
  FROM duckdb_indexes() WHERE database_name = :plant AND schema_name <> 'ml_catalog';

CREATE VIEW ml_pg.pg.plant_constraints AS
  SELECT table_oid::UINTEGER AS table_oid, schema_oid::UINTEGER AS schema_oid, schema_name, table_name,
    constraint_name AS name, constraint_type AS type, expression, constraint_column_names AS columns,
    list_transform(constraint_column_indexes, i -> (i + 1)::SMALLINT) AS nums, referenced_table,
    referenced_column_names AS referenced_columns
  FROM duckdb_constraints() WHERE database_name = :plant AND schema_name <> 'ml_catalog'
    AND constraint_type <> 'NOT NULL';
