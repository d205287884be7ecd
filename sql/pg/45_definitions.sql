-- Names of oids and oids of names, definitions, comments, sizes.
-- A view's SELECT, without CREATE VIEW, its name and the names of its columns.
CREATE MACRO ml_pg.pg.view_body(sql) AS regexp_replace(sql, '^CREATE\s+(?:TEMP\s+)?VIEW\s+'
  || '(?:"(?:[^"]|"")*"|[^\s(".]+)(?:\.(?:"(?:[^"]|"")*"|[^\s(".]+))*\s*'
  || '(?:\((?:"(?:[^"]|"")*"|[^)"])*\)\s*)?AS\s+', '', 'i');
CREATE MACRO ml_pg.pg.pg_get_viewdef(the_view, pretty := false) AS
  (SELECT any_value(_text) FROM (SELECT oid AS _oid, ml_pg.pg.view_body(sql) AS _text FROM ml_pg.pg.plant_views) _found
    WHERE _oid = the_view);
CREATE MACRO ml_pg.pg.pg_get_expr(expression, the_relation, pretty := false) AS expression::VARCHAR;
CREATE MACRO ml_pg.pg.pg_get_triggerdef(trigger_oid, pretty := false) AS NULL::VARCHAR;
CREATE MACRO ml_pg.pg.pg_get_ruledef(rule_oid, pretty := false) AS NULL::VARCHAR;
CREATE MACRO ml_pg.pg.pg_get_statisticsobjdef_columns(statistics_oid) AS NULL::VARCHAR;
CREATE MACRO ml_pg.pg.pg_get_partkeydef(the_relation) AS NULL::VARCHAR;
CREATE MACRO ml_pg.pg.pg_get_serial_sequence(table_name, column_name) AS NULL::VARCHAR;
CREATE MACRO ml_pg.pg.pg_relation_is_publishable(the_relation) AS false;
CREATE MACRO ml_pg.pg.pg_partition_ancestors(the_relation) AS []::UINTEGER[];

CREATE VIEW ml_pg.pg.names AS
  SELECT r.oid AS _oid, r.name AS _name, n.nspname AS _schema, n.oid = 11 AS _system FROM ml_pg.pg.relations r
    JOIN ml_pg.pg.pg_namespace n ON n.oid = r.schema_oid;
CREATE MACRO ml_pg.pg.pg_table_is_visible(the_relation) AS
  coalesce((SELECT any_value(_system OR _schema = current_schema()) FROM ml_pg.pg.names WHERE _oid = the_relation),
    false);

-- 'lab."My Table"', 'machines', '16386': the relation's oid, NULL where there is none.
CREATE MACRO ml_pg.pg.name_part(part) AS
  CASE WHEN part[1] = '"' THEN replace(part[2:-2], '""', '"') ELSE lower(part) END;
CREATE MACRO ml_pg.pg.name_parts(name) AS
  list_transform(regexp_extract_all(name::VARCHAR, '"(?:[^"]|"")+"|[^".\s]+'), p -> ml_pg.pg.name_part(p));
CREATE MACRO ml_pg.pg.to_regclass(the_name) AS
  CASE WHEN regexp_full_match(the_name::VARCHAR, '\d+') THEN TRY_CAST(the_name AS UINTEGER) ELSE
  (SELECT max_by(_oid, (_schema = current_schema())::INT * 2 + _system::INT) FROM ml_pg.pg.names
   WHERE lower(_name) = lower(ml_pg.pg.name_parts(the_name)[-1]) AND CASE WHEN len(ml_pg.pg.name_parts(the_name)) > 1
     THEN lower(_schema) = lower(ml_pg.pg.name_parts(the_name)[-2]) ELSE _system OR _schema = current_schema() END) END;
CREATE MACRO ml_pg.pg.regclass_name(the_relation) AS
  coalesce((SELECT any_value(CASE WHEN _system THEN _name ELSE ml_pg.pg.qualified(_schema, _name) END)
            FROM ml_pg.pg.names WHERE _oid = the_relation),
           CASE the_relation WHEN 0 THEN '-' ELSE the_relation::VARCHAR END);
CREATE VIEW ml_pg.pg.schema_names AS SELECT oid AS _oid, nspname AS _name FROM ml_pg.pg.pg_namespace;
CREATE MACRO ml_pg.pg.to_regnamespace(the_name) AS
  (SELECT any_value(_oid) FROM ml_pg.pg.schema_names WHERE _name = ml_pg.pg.name_parts(the_name)[1]);
CREATE MACRO ml_pg.pg.regnamespace_name(the_schema) AS
  (SELECT any_value(ml_pg.pg.quote_ident(_name)) FROM ml_pg.pg.schema_names WHERE _oid = the_schema);

CREATE VIEW ml_pg.pg.descriptions AS
  SELECT d.objoid AS _oid, d.objsubid AS _num, d.description AS _text, s.name AS _catalog
  FROM ml_pg.pg.pg_description d JOIN ml_pg.pg.system_relations s ON s.oid = d.classoid;
CREATE MACRO ml_pg.pg.obj_description(the_object, the_catalog := NULL) AS
  (SELECT any_value(_text) FROM ml_pg.pg.descriptions
   WHERE _oid = the_object AND _num = 0 AND (the_catalog IS NULL OR _catalog = the_catalog));
CREATE MACRO ml_pg.pg.col_description(the_relation, the_num) AS
  (SELECT any_value(_text) FROM ml_pg.pg.descriptions WHERE _oid = the_relation AND _num = the_num AND the_num > 0);
CREATE MACRO ml_pg.pg.shobj_description(the_object, the_catalog) AS NULL::VARCHAR;

-- Bytes as DuckDB estimates them: rows times columns times eight.
CREATE VIEW ml_pg.pg.sizes AS
  SELECT oid AS _oid, estimated_size * column_count * 8 AS _bytes FROM ml_pg.pg.plant_tables;
CREATE MACRO ml_pg.pg.pg_relation_size(the_relation, fork := 'main') AS
  coalesce((SELECT any_value(_bytes) FROM ml_pg.pg.sizes WHERE _oid = the_relation), 0::BIGINT);
CREATE MACRO ml_pg.pg.pg_table_size(the_relation) AS
  coalesce((SELECT any_value(_bytes) FROM ml_pg.pg.sizes WHERE _oid = the_relation), 0::BIGINT);
CREATE MACRO ml_pg.pg.pg_total_relation_size(the_relation) AS
  coalesce((SELECT any_value(_bytes) FROM ml_pg.pg.sizes WHERE _oid = the_relation), 0::BIGINT);
CREATE MACRO ml_pg.pg.pg_indexes_size(the_relation) AS 0::BIGINT;
CREATE MACRO ml_pg.pg.pg_database_size(name) AS
  (SELECT any_value(block_size * used_blocks) FROM pragma_database_size() WHERE database_name = :plant)::BIGINT;
CREATE MACRO ml_pg.pg.pg_tablespace_size(name) AS
  (SELECT any_value(block_size * used_blocks) FROM pragma_database_size() WHERE database_name = :plant)::BIGINT;
CREATE MACRO ml_pg.pg.pg_size_pretty(bytes) AS CASE
  WHEN abs(bytes) < 10240 THEN bytes || ' bytes'
  WHEN abs(bytes) < 10485760 THEN round(bytes / 1024)::BIGINT || ' kB'
  WHEN abs(bytes) < 10737418240 THEN round(bytes / 1048576)::BIGINT || ' MB'
  WHEN abs(bytes) < 10995116277760 THEN round(bytes / 1073741824)::BIGINT || ' GB'
  ELSE round(bytes / 1099511627776)::BIGINT || ' TB' END;
CREATE MACRO ml_pg.pg.pg_tablespace_location(tablespace) AS '';
CREATE MACRO ml_pg.pg.pg_relation_filenode(the_relation) AS the_relation;
