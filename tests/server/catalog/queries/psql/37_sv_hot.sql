SELECT 'hot'::pg_catalog.regclass::pg_catalog.oid
