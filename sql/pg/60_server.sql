-- The server as a whole: databases, roles, settings, access methods. The one role is the caller's: the rewriter puts
-- the name in.
CREATE VIEW ml_pg.pg.pg_database AS
  SELECT database_oid::UINTEGER AS oid, database_name AS datname, 10::UINTEGER AS datdba, 6 AS encoding,
    'c'::ml_pg.pg.pg_char AS datlocprovider, false AS datistemplate, true AS datallowconn, -1 AS datconnlimit,
    0::BIGINT AS datfrozenxid, 1::BIGINT AS datminmxid, 1663::UINTEGER AS dattablespace, 'C' AS datcollate,
    'C' AS datctype, NULL::VARCHAR AS daticulocale, NULL::VARCHAR AS datcollversion, NULL::VARCHAR[] AS datacl
  FROM duckdb_databases() WHERE database_name = :plant;

CREATE VIEW ml_pg.pg.pg_roles AS
  SELECT 'mfgsql' AS rolname, false AS rolsuper, true AS rolinherit, false AS rolcreaterole, false AS rolcreatedb,
    true AS rolcanlogin, false AS rolreplication, -1 AS rolconnlimit, '********' AS rolpassword,
    NULL::TIMESTAMPTZ AS rolvaliduntil, false AS rolbypassrls, NULL::VARCHAR[] AS rolconfig, 10::UINTEGER AS oid;
CREATE VIEW ml_pg.pg.pg_authid AS SELECT * EXCLUDE (rolconfig) FROM ml_pg.pg.pg_roles;
CREATE VIEW ml_pg.pg.pg_user AS
  SELECT rolname AS usename, oid AS usesysid, rolcreatedb AS usecreatedb, rolsuper AS usesuper,
    rolreplication AS userepl, rolbypassrls AS usebypassrls, rolpassword AS passwd, rolvaliduntil AS valuntil,
    rolconfig AS useconfig
  FROM ml_pg.pg.pg_roles;
CREATE VIEW ml_pg.pg.pg_shadow AS FROM ml_pg.pg.pg_user;

-- As a list, so that current_setting needs no subquery: functions in FROM can't have one.
CREATE MACRO ml_pg.pg.settings() AS [
  {'name': 'server_version', 'setting': '15.0',
    'about': 'The version of PostgreSQL whose protocol and catalog clients meet.'},
  {'name': 'server_version_num', 'setting': '150000', 'about': 'The same as a number.'},
  {'name': 'server_encoding', 'setting': 'UTF8', 'about': 'Text is UTF-8.'},
  {'name': 'client_encoding', 'setting': 'UTF8', 'about': 'Text is UTF-8.'},
  {'name': 'standard_conforming_strings', 'setting': 'on', 'about': 'A backslash in a text is a backslash.'},
  {'name': 'integer_datetimes', 'setting': 'on', 'about': 'Times are whole microseconds.'},
  {'name': 'DateStyle', 'setting': 'ISO, MDY', 'about': 'How dates are written.'},
  {'name': 'IntervalStyle', 'setting': 'postgres', 'about': 'How intervals are written.'},
  {'name': 'TimeZone', 'setting': system.main.current_setting('TimeZone'),
    'about': 'The zone that timestamps with time zone are shown in.'},
  {'name': 'search_path', 'setting': array_to_string(list_distinct(system.main.current_schemas(false)), ', '),
    'about': 'Where names without a schema are looked for.'},
  {'name': 'max_index_keys', 'setting': '32', 'about': 'Columns of an index at most.'},
  {'name': 'max_identifier_length', 'setting': '63', 'about': 'Length of names that drivers should expect.'},
  {'name': 'block_size', 'setting': '262144', 'about': 'Bytes of a block.'},
  {'name': 'transaction_isolation', 'setting': 'repeatable read', 'about': 'DuckDB''s transactions see a snapshot.'},
  {'name': 'default_transaction_isolation', 'setting': 'repeatable read',
    'about': 'DuckDB''s transactions see a snapshot.'},
  {'name': 'transaction_read_only', 'setting': 'off', 'about': 'Roles decide what may be written.'},
  {'name': 'default_transaction_read_only', 'setting': 'off', 'about': 'Roles decide what may be written.'},
  {'name': 'is_superuser', 'setting': 'off', 'about': 'Roles decide what may be done.'},
  {'name': 'bytea_output', 'setting': 'hex', 'about': 'How bytes are written.'},
  {'name': 'extra_float_digits', 'setting': '1', 'about': 'Floats are written so that they read back as the same.'},
  {'name': 'statement_timeout', 'setting': '0', 'about': 'Milliseconds; 0 is none.'},
  {'name': 'lock_timeout', 'setting': '0', 'about': 'Milliseconds; 0 is none.'},
  {'name': 'jit', 'setting': 'off', 'about': 'DuckDB compiles nothing.'},
  {'name': 'application_name', 'setting': '', 'about': 'What the client calls itself.'},
  {'name': 'lc_collate', 'setting': 'C', 'about': 'Texts sort by code point.'},
  {'name': 'lc_ctype', 'setting': 'C', 'about': 'Letters are Unicode''s.'},
  {'name': 'backslash_quote', 'setting': 'safe_encoding', 'about': 'PostgreSQL''s default.'},
  {'name': 'max_connections', 'setting': '100', 'about': 'Sessions at a time.'},
  {'name': 'default_table_access_method', 'setting': 'heap', 'about': 'Tables are DuckDB''s.'},
  {'name': 'default_tablespace', 'setting': '', 'about': 'There is one place: the database file.'},
  {'name': 'default_text_search_config', 'setting': 'pg_catalog.simple', 'about': 'There is no text search.'},
  {'name': 'client_min_messages', 'setting': 'notice', 'about': 'Which messages are sent.'},
  {'name': 'row_security', 'setting': 'on', 'about': 'Roles decide what may be read.'},
  {'name': 'synchronous_commit', 'setting': 'on', 'about': 'A commit is on disk.'},
  {'name': 'check_function_bodies', 'setting': 'on', 'about': 'Macros are parsed when they are made.'},
  {'name': 'in_hot_standby', 'setting': 'off', 'about': 'This server is no copy.'},
  {'name': 'wal_level', 'setting': 'replica', 'about': 'PostgreSQL''s default.'},
  {'name': 'array_nulls', 'setting': 'on', 'about': 'NULL in an array is a NULL.'},
  {'name': 'escape_string_warning', 'setting': 'on', 'about': 'PostgreSQL''s default.'},
  {'name': 'quote_all_identifiers', 'setting': 'off', 'about': 'Names are quoted where they must be.'},
  {'name': 'idle_in_transaction_session_timeout', 'setting': '0', 'about': 'Milliseconds; 0 is none.'},
  {'name': 'password_encryption', 'setting': 'scram-sha-256', 'about': 'How passwords are kept.'},
  {'name': 'lc_messages', 'setting': 'C', 'about': 'Messages are in English.'},
  {'name': 'lc_monetary', 'setting': 'C', 'about': 'PostgreSQL''s default.'},
  {'name': 'lc_numeric', 'setting': 'C', 'about': 'Numbers have a point.'},
  {'name': 'lc_time', 'setting': 'C', 'about': 'PostgreSQL''s default.'},
  {'name': 'xmloption', 'setting': 'content', 'about': 'PostgreSQL''s default.'},
  {'name': 'ssl', 'setting': 'on', 'about': 'Connections may be encrypted.'}
];
CREATE VIEW ml_pg.pg.pg_settings AS
  SELECT s.name, s.setting, NULL::VARCHAR AS unit, 'mfgsql' AS category, s.about AS short_desc,
    NULL::VARCHAR AS extra_desc, 'internal' AS context, 'string' AS vartype, 'default' AS source,
    NULL::VARCHAR AS min_val, NULL::VARCHAR AS max_val, NULL::VARCHAR[] AS enumvals, s.setting AS boot_val,
    s.setting AS reset_val, NULL::VARCHAR AS sourcefile, NULL::INTEGER AS sourceline, false AS pending_restart
  FROM (SELECT unnest(ml_pg.pg.settings()) AS s);
CREATE MACRO ml_pg.pg.current_setting(setting_name, missing_ok := false) AS
  list_transform(ml_pg.pg.settings(), s -> s.setting)[
    list_position(list_transform(ml_pg.pg.settings(), s -> lower(s.name)), lower(setting_name))];
CREATE MACRO ml_pg.pg.set_config(setting_name, value, is_local) AS value::VARCHAR;

CREATE VIEW ml_pg.pg.pg_am AS
  SELECT oid::UINTEGER AS oid, amname, amhandler, amtype::ml_pg.pg.pg_char AS amtype
  FROM (VALUES (2, 'heap', 'heap_tableam_handler', 't'), (403, 'btree', 'bthandler', 'i'))
    a(oid, amname, amhandler, amtype);
CREATE VIEW ml_pg.pg.pg_tablespace AS
  SELECT 1663::UINTEGER AS oid, 'pg_default' AS spcname, 10::UINTEGER AS spcowner, NULL::VARCHAR[] AS spcacl,
    NULL::VARCHAR[] AS spcoptions;
CREATE VIEW ml_pg.pg.pg_language AS
  SELECT 14::UINTEGER AS oid, 'sql' AS lanname, 10::UINTEGER AS lanowner, false AS lanispl, true AS lanpltrusted,
    0::UINTEGER AS lanplcallfoid, 0::UINTEGER AS laninline, 0::UINTEGER AS lanvalidator, NULL::VARCHAR[] AS lanacl;
CREATE VIEW ml_pg.pg.pg_collation AS
  SELECT oid::UINTEGER AS oid, collname, 11::UINTEGER AS collnamespace, 10::UINTEGER AS collowner,
    provider::ml_pg.pg.pg_char AS collprovider, true AS collisdeterministic, -1 AS collencoding, rule AS collcollate,
    rule AS collctype, NULL::VARCHAR AS colliculocale, NULL::VARCHAR AS collversion
  FROM (VALUES (100, 'default', 'd', NULL), (950, 'C', 'c', 'C'), (951, 'POSIX', 'c', 'POSIX'))
    c(oid, collname, provider, rule);
CREATE VIEW ml_pg.pg.pg_get_keywords AS
  SELECT keyword_name AS word,
    (CASE keyword_category WHEN 'reserved' THEN 'R' WHEN 'unreserved' THEN 'U' WHEN 'column_name' THEN 'C'
     ELSE 'T' END)::ml_pg.pg.pg_char AS catcode, true AS barelabel, keyword_category AS catdesc,
    'can be bare label' AS baredesc
  FROM duckdb_keywords();
CREATE VIEW ml_pg.pg.pg_timezone_names AS SELECT name, abbrev, utc_offset, is_dst FROM pg_timezone_names();

CREATE VIEW ml_pg.pg.pg_tables AS
  SELECT schema_name AS schemaname, name AS tablename, 'mfgsql' AS tableowner, NULL::VARCHAR AS tablespace,
    index_count > 0 AS hasindexes, false AS hasrules, false AS hastriggers, false AS rowsecurity
  FROM ml_pg.pg.plant_tables;
CREATE VIEW ml_pg.pg.pg_views AS
  SELECT schema_name AS schemaname, name AS viewname, 'mfgsql' AS viewowner, ml_pg.pg.view_body(sql) AS definition
  FROM ml_pg.pg.plant_views;
CREATE VIEW ml_pg.pg.pg_indexes AS
  SELECT schema_name AS schemaname, table_name AS tablename, name AS indexname, NULL::VARCHAR AS tablespace,
    ml_pg.pg.pg_get_indexdef(oid) AS indexdef
  FROM ml_pg.pg.indexes;
CREATE VIEW ml_pg.pg.pg_sequences AS
  SELECT schema_name AS schemaname, name AS sequencename, 'mfgsql' AS sequenceowner, 'bigint' AS data_type,
    start_value, min_value, max_value, increment_by, cycle, 1::BIGINT AS cache_size, last_value
  FROM ml_pg.pg.plant_sequences;
CREATE VIEW ml_pg.pg.pg_stat_user_tables AS
  SELECT oid AS relid, schema_name AS schemaname, name AS relname, 0::BIGINT AS seq_scan, 0::BIGINT AS seq_tup_read,
    0::BIGINT AS idx_scan, 0::BIGINT AS idx_tup_fetch, 0::BIGINT AS n_tup_ins, 0::BIGINT AS n_tup_upd,
    0::BIGINT AS n_tup_del, estimated_size AS n_live_tup, 0::BIGINT AS n_dead_tup, NULL::TIMESTAMPTZ AS last_vacuum,
    NULL::TIMESTAMPTZ AS last_autovacuum, NULL::TIMESTAMPTZ AS last_analyze, NULL::TIMESTAMPTZ AS last_autoanalyze
  FROM ml_pg.pg.plant_tables;
CREATE VIEW ml_pg.pg.pg_stat_all_tables AS FROM ml_pg.pg.pg_stat_user_tables;
