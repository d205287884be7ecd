-- Functions: the plant's verbs and macros, and the input and output functions of types, which drivers look for.
CREATE VIEW ml_pg.pg.function_names AS SELECT oid AS _oid, name AS _name FROM ml_pg.pg.plant_functions;
CREATE MACRO ml_pg.pg.regproc_oid(the_name) AS
  coalesce((SELECT any_value(_oid) FROM ml_pg.pg.function_names
            WHERE _name = regexp_replace(the_name, '^pg_catalog\.', '')),
           ml_pg.pg.made_oid('function', regexp_replace(the_name, '^pg_catalog\.', ''), ''));
CREATE MACRO ml_pg.pg.regproc_name(the_name) AS regexp_replace(the_name::VARCHAR, '^pg_catalog\.', '');

CREATE VIEW ml_pg.pg.procedures AS
  SELECT f.oid, f.name, s.oid AS schema_oid, f.function_type = 'table_macro' AS returns_set,
    coalesce(f.parameters, []) AS parameters, f.macro_definition AS source, f.return_type
  FROM ml_pg.pg.plant_functions f JOIN ml_pg.pg.plant_schemas s ON s.name = f.schema_name
  UNION ALL
  SELECT ml_pg.pg.made_oid('function', name, ''), name, 11::UINTEGER, false, []::VARCHAR[], name, NULL
  FROM (SELECT DISTINCT stem || unnest(['in', 'out', 'recv', 'send']) AS name FROM ml_pg.pg.types);

CREATE VIEW ml_pg.pg.pg_proc AS
  SELECT oid, name AS proname, schema_oid AS pronamespace, 10::UINTEGER AS proowner, 14::UINTEGER AS prolang,
    100::FLOAT AS procost, (CASE WHEN returns_set THEN 1000 ELSE 0 END)::FLOAT AS prorows, 0::UINTEGER AS provariadic,
    '-' AS prosupport, 'f'::ml_pg.pg.pg_char AS prokind, false AS prosecdef, false AS proleakproof,
    false AS proisstrict, returns_set AS proretset, 'v'::ml_pg.pg.pg_char AS provolatile,
    'u'::ml_pg.pg.pg_char AS proparallel, len(parameters)::SMALLINT AS pronargs, 0::SMALLINT AS pronargdefaults,
    (CASE WHEN returns_set THEN 2249 ELSE 2276 END)::UINTEGER AS prorettype,
    list_transform(parameters, p -> 2276::UBIGINT) AS proargtypes, NULL::UINTEGER[] AS proallargtypes,
    NULL::VARCHAR[] AS proargmodes, parameters AS proargnames, NULL::VARCHAR AS proargdefaults,
    NULL::UINTEGER[] AS protrftypes, source AS prosrc, NULL::VARCHAR AS probin, NULL::VARCHAR AS prosqlbody,
    NULL::VARCHAR[] AS proconfig, NULL::VARCHAR[] AS proacl
  FROM ml_pg.pg.procedures;

CREATE VIEW ml_pg.pg.function_texts AS
  SELECT p.oid AS _oid, array_to_string(p.parameters, ', ') AS _arguments,
    CASE WHEN p.returns_set THEN 'TABLE' ELSE coalesce(p.return_type, 'any') END AS _result,
    'CREATE MACRO ' || ml_pg.pg.quote_ident(p.name) || '(' || array_to_string(p.parameters, ', ') || ') AS '
        || CASE WHEN p.returns_set THEN 'TABLE ' ELSE '' END || p.source AS _definition,
    n.oid = 11 OR n.nspname = current_schema() AS _visible
  FROM ml_pg.pg.procedures p JOIN ml_pg.pg.pg_namespace n ON n.oid = p.schema_oid;
CREATE MACRO ml_pg.pg.pg_get_function_arguments(the_function) AS
  (SELECT any_value(_arguments) FROM ml_pg.pg.function_texts WHERE _oid = the_function);
CREATE MACRO ml_pg.pg.pg_get_function_identity_arguments(the_function) AS
  (SELECT any_value(_arguments) FROM ml_pg.pg.function_texts WHERE _oid = the_function);
CREATE MACRO ml_pg.pg.pg_get_function_result(the_function) AS
  (SELECT any_value(_result) FROM ml_pg.pg.function_texts WHERE _oid = the_function);
CREATE MACRO ml_pg.pg.pg_get_functiondef(the_function) AS
  (SELECT any_value(_definition) FROM ml_pg.pg.function_texts WHERE _oid = the_function);
CREATE MACRO ml_pg.pg.pg_function_is_visible(the_function) AS
  coalesce((SELECT any_value(_visible) FROM ml_pg.pg.function_texts WHERE _oid = the_function), false);
CREATE MACRO ml_pg.pg.pg_get_function_sqlbody(the_function) AS NULL::VARCHAR;
