select attname, atttypid, attrelid::regclass from pg_attribute limit 2
