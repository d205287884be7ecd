SELECT name    FROM pg_catalog.pg_cursors   WHERE name LIKE 'p%'
LIMIT 1000
