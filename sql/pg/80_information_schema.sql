-- The SQL standard's view of the same.
CREATE VIEW ml_pg.info.information_schema_catalog_name AS SELECT :plant AS catalog_name;

CREATE VIEW ml_pg.info.schemata AS
  SELECT :plant AS catalog_name, nspname AS schema_name, 'mfgsql' AS schema_owner,
    NULL::VARCHAR AS default_character_set_catalog, NULL::VARCHAR AS default_character_set_schema,
    NULL::VARCHAR AS default_character_set_name, NULL::VARCHAR AS sql_path
  FROM ml_pg.pg.pg_namespace;

CREATE VIEW ml_pg.info.tables AS
  SELECT :plant AS table_catalog, schema_name AS table_schema, name AS table_name, kind AS table_type,
    NULL::VARCHAR AS self_referencing_column_name, NULL::VARCHAR AS reference_generation,
    NULL::VARCHAR AS user_defined_type_catalog, NULL::VARCHAR AS user_defined_type_schema,
    NULL::VARCHAR AS user_defined_type_name, CASE kind WHEN 'VIEW' THEN 'NO' ELSE 'YES' END AS is_insertable_into,
    'NO' AS is_typed, NULL::VARCHAR AS commit_action
  FROM (SELECT schema_name, name, 'BASE TABLE' AS kind FROM ml_pg.pg.plant_tables UNION ALL SELECT schema_name, name,
    'VIEW' FROM ml_pg.pg.plant_views);

CREATE VIEW ml_pg.info.views AS
  SELECT :plant AS table_catalog, schema_name AS table_schema, name AS table_name,
    ml_pg.pg.view_body(sql) AS view_definition, 'NONE' AS check_option, 'NO' AS is_updatable,
    'NO' AS is_insertable_into, 'NO' AS is_trigger_updatable, 'NO' AS is_trigger_deletable,
    'NO' AS is_trigger_insertable_into
  FROM ml_pg.pg.plant_views;

CREATE VIEW ml_pg.info.columns AS
  SELECT :plant AS table_catalog, c.schema_name AS table_schema, c.table_name, c.name AS column_name,
    c.num::INTEGER AS ordinal_position, c.column_default,
    CASE WHEN c.is_nullable THEN 'YES' ELSE 'NO' END AS is_nullable,
    CASE WHEN t.typcategory = 'A' THEN 'ARRAY' ELSE t.sql_name END AS data_type,
    NULL::INTEGER AS character_maximum_length, CASE WHEN t.oid = 25 THEN 1073741824 END AS character_octet_length,
    CASE t.oid WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64 WHEN 700 THEN 24 WHEN 701 THEN 53
        WHEN 1700 THEN c.numeric_precision END AS numeric_precision,
    CASE WHEN t.oid IN (20, 21, 23, 700, 701) THEN 2 WHEN t.oid = 1700 THEN 10 END AS numeric_precision_radix,
    CASE WHEN t.oid IN (20, 21, 23) THEN 0 WHEN t.oid = 1700 THEN c.numeric_scale END AS numeric_scale,
    CASE WHEN t.oid IN (1083, 1114, 1184, 1186, 1266) THEN 6 WHEN t.oid = 1082 THEN 0 END AS datetime_precision,
    NULL::VARCHAR AS interval_type, NULL::INTEGER AS interval_precision, NULL::VARCHAR AS character_set_catalog,
    NULL::VARCHAR AS character_set_schema, NULL::VARCHAR AS character_set_name, NULL::VARCHAR AS collation_catalog,
    NULL::VARCHAR AS collation_schema, NULL::VARCHAR AS collation_name, NULL::VARCHAR AS domain_catalog,
    NULL::VARCHAR AS domain_schema, NULL::VARCHAR AS domain_name, :plant AS udt_catalog, 'pg_catalog' AS udt_schema,
    t.typname AS udt_name, NULL::VARCHAR AS scope_catalog, NULL::VARCHAR AS scope_schema, NULL::VARCHAR AS scope_name,
    NULL::INTEGER AS maximum_cardinality, c.num::VARCHAR AS dtd_identifier, 'NO' AS is_self_referencing,
    'NO' AS is_identity, NULL::VARCHAR AS identity_generation, NULL::VARCHAR AS identity_start,
    NULL::VARCHAR AS identity_increment, NULL::VARCHAR AS identity_maximum, NULL::VARCHAR AS identity_minimum,
    'NO' AS identity_cycle, 'NEVER' AS is_generated, NULL::VARCHAR AS generation_expression, 'YES' AS is_updatable
  FROM ml_pg.pg.plant_columns c LEFT JOIN ml_pg.pg.types t ON t.oid = c.type_oid;

CREATE VIEW ml_pg.info.element_types AS
  SELECT :plant AS object_catalog, c.schema_name AS object_schema, c.table_name AS object_name,
    'TABLE' AS object_type, c.num::VARCHAR AS collection_type_identifier, e.sql_name AS data_type,
    :plant AS udt_catalog, 'pg_catalog' AS udt_schema, e.typname AS udt_name, c.num::VARCHAR AS dtd_identifier
  FROM ml_pg.pg.plant_columns c JOIN ml_pg.pg.types t ON t.oid = c.type_oid JOIN ml_pg.pg.types e ON e.oid = t.typelem;

CREATE VIEW ml_pg.info.table_constraints AS
  SELECT :plant AS constraint_catalog, schema_name AS constraint_schema, name AS constraint_name,
    :plant AS table_catalog, schema_name AS table_schema, table_name, type AS constraint_type, 'NO' AS is_deferrable,
    'NO' AS initially_deferred, 'YES' AS enforced, CASE type WHEN 'UNIQUE' THEN 'YES' END AS nulls_distinct
  FROM ml_pg.pg.plant_constraints;

CREATE VIEW ml_pg.info.key_column_usage AS
  SELECT :plant AS constraint_catalog, schema_name AS constraint_schema, name AS constraint_name,
    :plant AS table_catalog, schema_name AS table_schema, table_name, unnest(columns) AS column_name,
    unnest(range(1, len(columns) + 1))::INTEGER AS ordinal_position,
    CASE type WHEN 'FOREIGN KEY' THEN unnest(range(1, len(columns) + 1))::INTEGER END AS position_in_unique_constraint
  FROM ml_pg.pg.plant_constraints WHERE type <> 'CHECK';

CREATE VIEW ml_pg.info.constraint_column_usage AS
  SELECT :plant AS table_catalog, schema_name AS table_schema,
    CASE type WHEN 'FOREIGN KEY' THEN referenced_table ELSE table_name END AS table_name,
    unnest(CASE type WHEN 'FOREIGN KEY' THEN referenced_columns ELSE columns END) AS column_name,
    :plant AS constraint_catalog, schema_name AS constraint_schema, name AS constraint_name
  FROM ml_pg.pg.plant_constraints;

CREATE VIEW ml_pg.info.constraint_table_usage AS
  SELECT DISTINCT table_catalog, table_schema, table_name, constraint_catalog, constraint_schema, constraint_name
  FROM ml_pg.info.constraint_column_usage;

CREATE VIEW ml_pg.info.referential_constraints AS
  SELECT :plant AS constraint_catalog, f.schema_name AS constraint_schema, f.name AS constraint_name,
    :plant AS unique_constraint_catalog, k.schema_name AS unique_constraint_schema, k.name AS unique_constraint_name,
    'NONE' AS match_option, 'NO ACTION' AS update_rule, 'NO ACTION' AS delete_rule
  FROM ml_pg.pg.plant_constraints f
  LEFT JOIN ml_pg.pg.plant_constraints k ON k.schema_name = f.schema_name AND k.table_name = f.referenced_table
    AND k.columns = f.referenced_columns
    AND k.type IN ('PRIMARY KEY', 'UNIQUE')
  WHERE f.type = 'FOREIGN KEY';

CREATE VIEW ml_pg.info.check_constraints AS
  SELECT :plant AS constraint_catalog, schema_name AS constraint_schema, name AS constraint_name,
    expression AS check_clause
  FROM ml_pg.pg.plant_constraints WHERE type = 'CHECK';

CREATE VIEW ml_pg.info.sequences AS
  SELECT :plant AS sequence_catalog, schema_name AS sequence_schema, name AS sequence_name, 'bigint' AS data_type,
    64 AS numeric_precision, 2 AS numeric_precision_radix, 0 AS numeric_scale, start_value::VARCHAR AS start_value,
    min_value::VARCHAR AS minimum_value, max_value::VARCHAR AS maximum_value, increment_by::VARCHAR AS increment,
    CASE WHEN cycle THEN 'YES' ELSE 'NO' END AS cycle_option
  FROM ml_pg.pg.plant_sequences;

CREATE VIEW ml_pg.info.routines AS
  SELECT :plant AS specific_catalog, schema_name AS specific_schema, name || '_' || oid AS specific_name,
    :plant AS routine_catalog, schema_name AS routine_schema, name AS routine_name, 'FUNCTION' AS routine_type,
    CASE function_type WHEN 'table_macro' THEN 'record' ELSE 'any' END AS data_type, 'SQL' AS routine_body,
    macro_definition AS routine_definition, 'SQL' AS external_language
  FROM ml_pg.pg.plant_functions;

CREATE VIEW ml_pg.info.parameters AS
  SELECT :plant AS specific_catalog, schema_name AS specific_schema, name || '_' || oid AS specific_name,
    unnest(range(1, len(parameters) + 1))::INTEGER AS ordinal_position, 'IN' AS parameter_mode,
    unnest(parameters) AS parameter_name, 'any' AS data_type
  FROM ml_pg.pg.plant_functions;

CREATE VIEW ml_pg.info.table_privileges AS
  SELECT 'mfgsql' AS grantor, 'mfgsql' AS grantee, table_catalog, table_schema, table_name,
    'SELECT' AS privilege_type, 'NO' AS is_grantable, 'YES' AS with_hierarchy
  FROM ml_pg.info.tables;
CREATE VIEW ml_pg.info.role_table_grants AS FROM ml_pg.info.table_privileges;
CREATE VIEW ml_pg.info.column_privileges AS
  SELECT 'mfgsql' AS grantor, 'mfgsql' AS grantee, table_catalog, table_schema, table_name, column_name,
    'SELECT' AS privilege_type, 'NO' AS is_grantable
  FROM ml_pg.info.columns;
CREATE VIEW ml_pg.info.role_column_grants AS FROM ml_pg.info.column_privileges;
CREATE VIEW ml_pg.info.enabled_roles AS SELECT 'mfgsql' AS role_name;
CREATE VIEW ml_pg.info.applicable_roles AS SELECT 'mfgsql' AS grantee, 'mfgsql' AS role_name,
  'NO' AS is_grantable WHERE false;
CREATE VIEW ml_pg.info.character_sets AS
  SELECT NULL::VARCHAR AS character_set_catalog, NULL::VARCHAR AS character_set_schema, 'UTF8' AS character_set_name,
    'UCS' AS character_repertoire,
    'UTF8' AS form_of_use, :plant AS default_collate_catalog, 'pg_catalog' AS default_collate_schema,
      'C' AS default_collate_name;
CREATE TABLE ml_pg.info.domains(domain_catalog VARCHAR, domain_schema VARCHAR, domain_name VARCHAR, data_type VARCHAR,
  domain_default VARCHAR, udt_name VARCHAR);
CREATE TABLE ml_pg.info.triggers(trigger_catalog VARCHAR, trigger_schema VARCHAR, trigger_name VARCHAR,
  event_manipulation VARCHAR, event_object_catalog VARCHAR, event_object_schema VARCHAR, event_object_table VARCHAR,
  action_order INTEGER, action_condition VARCHAR, action_statement VARCHAR, action_orientation VARCHAR,
  action_timing VARCHAR);
CREATE TABLE ml_pg.info.user_defined_types(user_defined_type_catalog VARCHAR, user_defined_type_schema VARCHAR,
  user_defined_type_name VARCHAR);
CREATE TABLE ml_pg.info.view_table_usage(view_catalog VARCHAR, view_schema VARCHAR, view_name VARCHAR,
  table_catalog VARCHAR, table_schema VARCHAR, table_name VARCHAR);
