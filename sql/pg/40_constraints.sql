-- Keys, checks and indexes.
CREATE MACRO ml_pg.pg.column_list(names) AS
  '(' || array_to_string(list_transform(names, n -> ml_pg.pg.quote_ident(n)), ', ') || ')';
CREATE MACRO ml_pg.pg.qualified(schema_name, name) AS
  CASE WHEN schema_name = current_schema() THEN '' ELSE ml_pg.pg.quote_ident(schema_name) || '.' END
    || ml_pg.pg.quote_ident(name);

-- The index of a foreign key is that of the key that it refers to.
CREATE VIEW ml_pg.pg.constraints AS
  SELECT ml_pg.pg.made_oid('constraint', c.table_oid, c.type || c.name) AS oid, c.name, c.schema_oid, c.table_oid,
    CASE c.type WHEN 'PRIMARY KEY' THEN 'p' WHEN 'UNIQUE' THEN 'u' WHEN 'FOREIGN KEY' THEN 'f' ELSE 'c' END AS kind,
    c.nums, t.oid AS referenced_oid,
    list_transform(c.referenced_columns, n -> (list_position(k.names, n))::SMALLINT) AS referenced_nums, c.expression,
    CASE c.type WHEN 'FOREIGN KEY' THEN 'FOREIGN KEY ' || ml_pg.pg.column_list(c.columns) || ' REFERENCES '
                  || ml_pg.pg.qualified(c.schema_name, c.referenced_table)
                  || ml_pg.pg.column_list(c.referenced_columns)
                WHEN 'CHECK' THEN 'CHECK (' || c.expression || ')'
                ELSE c.type || ' ' || ml_pg.pg.column_list(c.columns) END AS definition,
    CASE WHEN c.type IN ('PRIMARY KEY', 'UNIQUE') THEN ml_pg.pg.made_oid('index', c.table_oid, c.name)
         WHEN r.name IS NOT NULL THEN ml_pg.pg.made_oid('index', t.oid, r.name) END AS index_oid
  FROM ml_pg.pg.plant_constraints c
  LEFT JOIN ml_pg.pg.plant_tables t ON t.name = c.referenced_table AND t.schema_oid = c.schema_oid
  LEFT JOIN (SELECT table_oid, list(name ORDER BY num) AS names FROM ml_pg.pg.plant_columns GROUP BY table_oid) k
    ON k.table_oid = t.oid
  LEFT JOIN (SELECT table_oid, columns, min(name) AS name FROM ml_pg.pg.plant_constraints
             WHERE type IN ('PRIMARY KEY', 'UNIQUE') GROUP BY table_oid, columns) r
    ON r.table_oid = t.oid AND r.columns = c.referenced_columns;

CREATE VIEW ml_pg.pg.pg_constraint AS
  SELECT oid, name AS conname, schema_oid AS connamespace, kind::ml_pg.pg.pg_char AS contype, false AS condeferrable,
    false AS condeferred, true AS convalidated, table_oid AS conrelid, 0::UINTEGER AS contypid,
    coalesce(index_oid, 0::UINTEGER) AS conindid, 0::UINTEGER AS conparentid,
    coalesce(referenced_oid, 0::UINTEGER) AS confrelid,
    (CASE kind WHEN 'f' THEN 'a' ELSE '' END)::ml_pg.pg.pg_char AS confupdtype,
    (CASE kind WHEN 'f' THEN 'a' ELSE '' END)::ml_pg.pg.pg_char AS confdeltype,
    (CASE kind WHEN 'f' THEN 's' ELSE '' END)::ml_pg.pg.pg_char AS confmatchtype, true AS conislocal,
    0 AS coninhcount, true AS connoinherit, nums AS conkey, CASE kind WHEN 'f' THEN referenced_nums END AS confkey,
    NULL::UINTEGER[] AS conpfeqop, NULL::UINTEGER[] AS conppeqop, NULL::UINTEGER[] AS conffeqop,
    NULL::SMALLINT[] AS confdelsetcols, NULL::UINTEGER[] AS conexclop, expression AS conbin
  FROM ml_pg.pg.constraints;

-- USMALLINT[] is the wire's int2vector, UBIGINT[] its oidvector: both count from 0 in PostgreSQL.
CREATE VIEW ml_pg.pg.pg_index AS
  SELECT oid AS indexrelid, table_oid AS indrelid, len(nums)::SMALLINT AS indnatts,
    len(nums)::SMALLINT AS indnkeyatts, is_unique AS indisunique, false AS indnullsnotdistinct,
    is_primary AS indisprimary, false AS indisexclusion, true AS indimmediate, false AS indisclustered,
    true AS indisvalid, false AS indcheckxmin, true AS indisready, true AS indislive, false AS indisreplident,
    nums AS indkey, list_transform(nums, n -> 0::UBIGINT) AS indcollation,
    list_transform(nums, n -> 0::UBIGINT) AS indclass, list_transform(nums, n -> 0::USMALLINT) AS indoption,
    CASE WHEN list_contains(nums, 0)
         THEN array_to_string(list_filter(expressions, (e, i) -> nums[i] = 0), ', ') END AS indexprs,
    NULL::VARCHAR AS indpred
  FROM ml_pg.pg.indexes;

CREATE VIEW ml_pg.pg.index_definitions AS
  SELECT oid AS _oid, _parts,
    'CREATE ' || CASE WHEN is_unique THEN 'UNIQUE ' ELSE '' END || 'INDEX ' || ml_pg.pg.quote_ident(name) || ' ON '
      || ml_pg.pg.qualified(schema_name, table_name) || ' USING btree (' || array_to_string(_parts, ', ') || ')'
      AS _whole
  FROM (SELECT *, list_transform(expressions, (e, k) -> CASE nums[k] WHEN 0 THEN e ELSE ml_pg.pg.quote_ident(e) END)
          AS _parts
        FROM ml_pg.pg.indexes);
CREATE MACRO ml_pg.pg.pg_get_indexdef(the_index, the_part := 0, pretty := false) AS
  (SELECT any_value(CASE the_part WHEN 0 THEN _whole ELSE _parts[the_part] END)
   FROM ml_pg.pg.index_definitions WHERE _oid = the_index);
CREATE VIEW ml_pg.pg.constraint_definitions AS SELECT oid AS _oid, definition AS _text FROM ml_pg.pg.constraints;
CREATE MACRO ml_pg.pg.pg_get_constraintdef(the_constraint, pretty := false) AS
  (SELECT any_value(_text) FROM ml_pg.pg.constraint_definitions WHERE _oid = the_constraint);

-- That a foreign key hangs on the other table's key: older drivers find it so.
CREATE VIEW ml_pg.pg.pg_depend AS
  SELECT 2606::UINTEGER AS classid, oid AS objid, 0 AS objsubid, 1259::UINTEGER AS refclassid, index_oid AS refobjid,
    0 AS refobjsubid, 'n'::ml_pg.pg.pg_char AS deptype
  FROM ml_pg.pg.constraints WHERE kind = 'f' AND index_oid IS NOT NULL;
