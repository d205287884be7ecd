-- Small functions about the session, privileges, and arrays. What a role may do is decided elsewhere: who sees an
-- object may read it.
CREATE MACRO ml_pg.pg.version() AS 'PostgreSQL 15.0 (mfgsql ' || :version || ', DuckDB '
  || (SELECT ltrim(library_version, 'v') FROM pragma_version()) || ')';
CREATE MACRO ml_pg.pg.current_schemas(implicit) AS
  CASE WHEN implicit THEN list_prepend('pg_catalog', [system.main.current_schema()])
    ELSE [system.main.current_schema()] END;
CREATE MACRO ml_pg.pg.pg_encoding_to_char(encoding) AS CASE encoding WHEN 6 THEN 'UTF8' ELSE '' END;
CREATE MACRO ml_pg.pg.pg_char_to_encoding(name) AS CASE upper(name) WHEN 'UTF8' THEN 6 ELSE -1 END;
CREATE MACRO ml_pg.pg.getdatabaseencoding() AS 'UTF8';
CREATE MACRO ml_pg.pg.pg_client_encoding() AS 'UTF8';
CREATE MACRO ml_pg.pg.pg_backend_pid() AS 1;
CREATE MACRO ml_pg.pg.pg_is_in_recovery() AS false;
CREATE MACRO ml_pg.pg.pg_advisory_unlock_all() AS NULL::VARCHAR;  -- pools say it of each connection that comes back
CREATE MACRO ml_pg.pg.pg_is_in_backup() AS false;
CREATE MACRO ml_pg.pg.pg_is_other_temp_schema(oid) AS false;
CREATE MACRO ml_pg.pg.pg_my_temp_schema() AS 0::UINTEGER;
CREATE MACRO ml_pg.pg.txid_current() AS system.main.txid_current();
CREATE MACRO ml_pg.pg.pg_postmaster_start_time() AS :started::TIMESTAMPTZ;
CREATE MACRO ml_pg.pg.pg_conf_load_time() AS :started::TIMESTAMPTZ;
CREATE MACRO ml_pg.pg.inet_server_addr() AS NULL::VARCHAR;
CREATE MACRO ml_pg.pg.inet_server_port() AS NULL::INTEGER;
CREATE MACRO ml_pg.pg.inet_client_addr() AS NULL::VARCHAR;
CREATE MACRO ml_pg.pg.inet_client_port() AS NULL::INTEGER;

CREATE MACRO ml_pg.pg.has_any_column_privilege(a, b, c := NULL) AS true;
CREATE MACRO ml_pg.pg.has_column_privilege(a, b, c, d := NULL) AS true;
CREATE MACRO ml_pg.pg.has_database_privilege(a, b, c := NULL) AS true;
CREATE MACRO ml_pg.pg.has_foreign_data_wrapper_privilege(a, b, c := NULL) AS true;
CREATE MACRO ml_pg.pg.has_function_privilege(a, b, c := NULL) AS true;
CREATE MACRO ml_pg.pg.has_language_privilege(a, b, c := NULL) AS true;
CREATE MACRO ml_pg.pg.has_schema_privilege(a, b, c := NULL) AS true;
CREATE MACRO ml_pg.pg.has_sequence_privilege(a, b, c := NULL) AS true;
CREATE MACRO ml_pg.pg.has_server_privilege(a, b, c := NULL) AS true;
CREATE MACRO ml_pg.pg.has_table_privilege(a, b, c := NULL) AS true;
CREATE MACRO ml_pg.pg.has_tablespace_privilege(a, b, c := NULL) AS true;
CREATE MACRO ml_pg.pg.has_type_privilege(a, b, c := NULL) AS true;
CREATE MACRO ml_pg.pg.pg_has_role(a, b, c := NULL) AS true;
CREATE MACRO ml_pg.pg.pg_collation_is_visible(oid) AS true;
CREATE MACRO ml_pg.pg.pg_conversion_is_visible(oid) AS true;
CREATE MACRO ml_pg.pg.pg_opclass_is_visible(oid) AS true;
CREATE MACRO ml_pg.pg.pg_operator_is_visible(oid) AS true;
CREATE MACRO ml_pg.pg.pg_opfamily_is_visible(oid) AS true;
CREATE MACRO ml_pg.pg.pg_statistics_obj_is_visible(oid) AS true;
CREATE MACRO ml_pg.pg.pg_ts_config_is_visible(oid) AS true;
CREATE MACRO ml_pg.pg.pg_ts_dict_is_visible(oid) AS true;
CREATE MACRO ml_pg.pg.pg_ts_parser_is_visible(oid) AS true;
CREATE MACRO ml_pg.pg.pg_ts_template_is_visible(oid) AS true;

CREATE MACRO ml_pg.pg.array_upper(a, dimension) AS nullif(len(a), 0)::INTEGER;
CREATE MACRO ml_pg.pg.array_lower(a, dimension) AS CASE WHEN len(a) > 0 THEN 1 END;
CREATE MACRO ml_pg.pg.array_remove(a, x) AS list_filter(a, e -> e IS DISTINCT FROM x);
CREATE MACRO ml_pg.pg.cardinality(a) AS len(a)::INTEGER;
CREATE MACRO ml_pg.pg._pg_expandarray(a) AS list_transform(a, (e, i) -> {'x': e, 'n': i::INTEGER});
CREATE MACRO ml_pg.pg._pg_char_max_length(oid, modifier) AS NULL::INTEGER;
CREATE MACRO ml_pg.pg.age(xid) AS 0;
CREATE MACRO ml_pg.pg.pg_stat_get_numscans(oid) AS 0::BIGINT;
CREATE MACRO ml_pg.pg.pg_stat_get_live_tuples(oid) AS 0::BIGINT;
CREATE MACRO ml_pg.pg.pg_column_is_updatable(oid, num, cascading) AS false;
CREATE MACRO ml_pg.pg.pg_relation_is_updatable(oid, cascading) AS 0;
CREATE MACRO ml_pg.pg.parse_ident(name, strict := true) AS ml_pg.pg.name_parts(name);
