-- The catalog's own relations are in pg_class, too: clients resolve 'pg_class'::regclass, and join on it.
INSERT INTO ml_pg.pg.system_relations
  SELECT coalesce(k.oid, v.oid)::UINTEGER, v.name, CASE v.schema_name WHEN 'pg' THEN 11 ELSE 13000 END
  FROM (SELECT view_oid AS oid, view_name AS name, schema_name FROM duckdb_views() WHERE database_name = 'ml_pg'
        UNION ALL SELECT table_oid, table_name, schema_name FROM duckdb_tables() WHERE database_name = 'ml_pg') v
  LEFT JOIN (VALUES (1247, 'pg_type'), (1249, 'pg_attribute'), (1255, 'pg_proc'), (1259, 'pg_class'),
    (1260, 'pg_authid'), (1261, 'pg_auth_members'), (1262, 'pg_database'), (2604, 'pg_attrdef'),
    (2606, 'pg_constraint'), (2607, 'pg_conversion'), (2608, 'pg_depend'), (2609, 'pg_description'),
    (2610, 'pg_index'), (2611, 'pg_inherits'), (2612, 'pg_language'), (2615, 'pg_namespace'), (2616, 'pg_opclass'),
    (2617, 'pg_operator'), (2618, 'pg_rewrite'), (2620, 'pg_trigger'), (2753, 'pg_opfamily'), (2601, 'pg_am'),
    (2605, 'pg_cast'), (3079, 'pg_extension'), (3381, 'pg_statistic_ext'), (3501, 'pg_enum'), (3541, 'pg_range'),
    (3602, 'pg_ts_config'), (1213, 'pg_tablespace'), (1417, 'pg_foreign_server'), (2328, 'pg_foreign_data_wrapper'),
    (2224, 'pg_sequence'), (3256, 'pg_policy'), (3456, 'pg_collation'), (3466, 'pg_event_trigger')
  ) k(oid, name) ON k.name = v.name
  WHERE v.schema_name = 'info' OR starts_with(v.name, 'pg_');
