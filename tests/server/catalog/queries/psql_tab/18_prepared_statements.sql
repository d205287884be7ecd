SELECT name    FROM pg_catalog.pg_prepared_statements   WHERE name LIKE 'p%'
LIMIT 1000
