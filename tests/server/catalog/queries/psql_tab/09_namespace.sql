SELECT nspname FROM pg_catalog.pg_namespace  WHERE nspname LIKE 'l%'
LIMIT 1000
