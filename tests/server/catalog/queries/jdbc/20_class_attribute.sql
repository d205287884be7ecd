SELECT a.attname, a.atttypid, atttypmod
FROM pg_catalog.pg_class ct  
JOIN pg_catalog.pg_attribute a ON (ct.oid = a.attrelid)  
JOIN pg_catalog.pg_namespace n ON (ct.relnamespace = n.oid)  
JOIN (SELECT i.indexrelid, i.indrelid, i.indisprimary,              information_schema._pg_expandarray(i.indkey) AS keys        
FROM pg_catalog.pg_index i) i     ON (a.attnum = (i.keys).x AND a.attrelid = i.indrelid)
WHERE true  AND n.nspname = 'main' AND ct.relname = 'machines' AND i.indisprimary 
ORDER BY a.attnum
