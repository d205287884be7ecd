SELECT pg_catalog.pg_get_viewdef(:oid(hot), true)
