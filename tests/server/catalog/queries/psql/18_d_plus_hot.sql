SELECT pg_catalog.pg_get_viewdef(':oid(hot)'::pg_catalog.oid, true);
