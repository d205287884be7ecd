-- values: ["main", "machines", "%"]
SELECT attr.attname, attr.attnum, pg_catalog.col_description(cls.oid, attr.attnum), typ.typname
FROM pg_catalog.pg_attribute AS attr
INNER JOIN pg_catalog.pg_class AS cls ON attr.attrelid = cls.oid
INNER JOIN pg_catalog.pg_namespace AS nsp ON nsp.oid = cls.relnamespace
INNER JOIN pg_catalog.pg_type AS typ ON attr.atttypid = typ.oid
WHERE attr.attnum > 0 AND NOT attr.attisdropped AND nsp.nspname LIKE $1 AND cls.relname LIKE $2 AND attr.attname LIKE $3
