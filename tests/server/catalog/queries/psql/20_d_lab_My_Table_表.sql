SELECT c.oid,
  n.nspname,
  c.relname
FROM pg_catalog.pg_class c
     LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname OPERATOR(pg_catalog.~) '^(My Table 表)$' COLLATE pg_catalog.default
  AND n.nspname OPERATOR(pg_catalog.~) '^(lab)$' COLLATE pg_catalog.default
ORDER BY 2, 3;
