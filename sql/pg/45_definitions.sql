-- Names of oids and oids of names, definitions, comments, sizes.
CREATE MACRO ml_pg.pg.view_body(sql) AS regexp_replace(sql, '^CREATE\s+(?:TEMP\s+)?VIEW\s+(?:"(?:[^"]|"")*"|[^\s(".]+)(?:\.(?:"(?:[^"]|"")*"|[^\s(".]+))*\s*(?:\([^)]*\)\s*)?AS\s+', '', 'i');
CREATE MACRO ml_pg.pg.pg_get_viewdef(the_view, pretty := false) AS
  (SELECT any_value(ml_pg.pg.view_body(v.sql)) FROM ml_pg.pg.plant_views v WHERE v.oid = the_view);
CREATE MACRO ml_pg.pg.pg_get_expr(expression, the_relation, pretty := false) AS expression::VARCHAR;
CREATE MACRO ml_pg.pg.pg_get_triggerdef(trigger_oid, pretty := false) AS NULL::VARCHAR;
CREATE MACRO ml_pg.pg.pg_get_ruledef(rule_oid, pretty := false) AS NULL::VARCHAR;
CREATE MACRO ml_pg.pg.pg_get_statisticsobjdef_columns(statistics_oid) AS NULL::VARCHAR;
CREATE MACRO ml_pg.pg.pg_get_partkeydef(the_relation) AS NULL::VARCHAR;
CREATE MACRO ml_pg.pg.pg_get_serial_sequence(table_name, column_name) AS NULL::VARCHAR;
CREATE MACRO ml_pg.pg.pg_relation_is_publishable(the_relation) AS false;
CREATE MACRO ml_pg.pg.pg_partition_ancestors(the_relation) AS []::UINTEGER[];

CREATE MACRO ml_pg.pg.pg_table_is_visible(the_relation) AS
  coalesce((SELECT any_value(n.nspname = current_schema() OR n.oid = 11) FROM ml_pg.pg.relations r
            JOIN ml_pg.pg.pg_namespace n ON n.oid = r.schema_oid WHERE r.oid = the_relation), false);

-- 'lab."My Table"', 'machines', '16386' -> the the_relation's oid, NULL where there is none.
CREATE MACRO ml_pg.pg.name_part(part) AS CASE WHEN part[1] = '"' THEN replace(part[2:-2], '""', '"') ELSE lower(part) END;
CREATE MACRO ml_pg.pg.name_parts(name) AS
  list_transform(regexp_extract_all(name::VARCHAR, '"(?:[^"]|"")+"|[^".\s]+'), p -> ml_pg.pg.name_part(p));
CREATE MACRO ml_pg.pg.to_regclass(the_name) AS
  CASE WHEN regexp_full_match(the_name::VARCHAR, '\d+') THEN TRY_CAST(the_name AS UINTEGER) ELSE
  (SELECT max_by(r.oid, (n.nspname = current_schema())::INT * 2 + (n.oid = 11)::INT) FROM ml_pg.pg.relations r JOIN ml_pg.pg.pg_namespace n ON n.oid = r.schema_oid
   WHERE lower(r.name) = lower(ml_pg.pg.name_parts(the_name)[-1]) AND CASE WHEN len(ml_pg.pg.name_parts(the_name)) > 1
     THEN lower(n.nspname) = lower(ml_pg.pg.name_parts(the_name)[-2]) ELSE n.nspname = current_schema() OR n.oid = 11 END) END;
CREATE MACRO ml_pg.pg.regclass_name(the_relation) AS
  coalesce((SELECT any_value(CASE WHEN n.oid = 11 OR n.nspname = current_schema() THEN '' ELSE ml_pg.pg.quote_ident(n.nspname) || '.' END || ml_pg.pg.quote_ident(r.name))
   FROM ml_pg.pg.relations r JOIN ml_pg.pg.pg_namespace n ON n.oid = r.schema_oid WHERE r.oid = the_relation), CASE the_relation WHEN 0 THEN '-' ELSE the_relation::VARCHAR END);
CREATE MACRO ml_pg.pg.to_regnamespace(the_name) AS (SELECT any_value(n.oid) FROM ml_pg.pg.pg_namespace n WHERE n.nspname = ml_pg.pg.name_parts(the_name)[1]);
CREATE MACRO ml_pg.pg.regnamespace_name(the_schema) AS (SELECT any_value(ml_pg.pg.quote_ident(n.nspname)) FROM ml_pg.pg.pg_namespace n WHERE n.oid = the_schema);

CREATE MACRO ml_pg.pg.obj_description(the_object, the_catalog := NULL) AS
  (SELECT any_value(d.description) FROM ml_pg.pg.pg_description d WHERE d.objoid = the_object AND d.objsubid = 0
   AND (the_catalog IS NULL OR d.classoid = (SELECT any_value(s.oid) FROM ml_pg.pg.system_relations s WHERE s.name = the_catalog)));
CREATE MACRO ml_pg.pg.col_description(the_relation, the_num) AS
  (SELECT any_value(d.description) FROM ml_pg.pg.pg_description d WHERE d.objoid = the_relation AND d.objsubid = the_num AND the_num > 0);
CREATE MACRO ml_pg.pg.shobj_description(the_object, the_catalog) AS NULL::VARCHAR;

-- Bytes as DuckDB estimates them: rows times columns times eight.
CREATE MACRO ml_pg.pg.pg_relation_size(the_relation, fork := 'main') AS
  coalesce((SELECT any_value(t.estimated_size * t.column_count * 8) FROM ml_pg.pg.plant_tables t WHERE t.oid = the_relation), 0::BIGINT);
CREATE MACRO ml_pg.pg.pg_table_size(the_relation) AS
  coalesce((SELECT any_value(t.estimated_size * t.column_count * 8) FROM ml_pg.pg.plant_tables t WHERE t.oid = the_relation), 0::BIGINT);
CREATE MACRO ml_pg.pg.pg_total_relation_size(the_relation) AS
  coalesce((SELECT any_value(t.estimated_size * t.column_count * 8) FROM ml_pg.pg.plant_tables t WHERE t.oid = the_relation), 0::BIGINT);
CREATE MACRO ml_pg.pg.pg_indexes_size(the_relation) AS 0::BIGINT;
CREATE MACRO ml_pg.pg.pg_database_size(name) AS
  (SELECT any_value(block_size * used_blocks) FROM pragma_database_size() WHERE database_name = :plant)::BIGINT;
CREATE MACRO ml_pg.pg.pg_tablespace_size(name) AS
  (SELECT any_value(block_size * used_blocks) FROM pragma_database_size() WHERE database_name = :plant)::BIGINT;
CREATE MACRO ml_pg.pg.pg_size_pretty(bytes) AS CASE
  WHEN abs(bytes) < 10240 THEN bytes || ' bytes' WHEN abs(bytes) < 10485760 THEN round(bytes / 1024)::BIGINT || ' kB'
  WHEN abs(bytes) < 10737418240 THEN round(bytes / 1048576)::BIGINT || ' MB' WHEN abs(bytes) < 10995116277760 THEN round(bytes / 1073741824)::BIGINT || ' GB'
  ELSE round(bytes / 1099511627776)::BIGINT || ' TB' END;
CREATE MACRO ml_pg.pg.pg_tablespace_location(tablespace) AS '';
CREATE MACRO ml_pg.pg.pg_relation_filenode(the_relation) AS the_relation;
