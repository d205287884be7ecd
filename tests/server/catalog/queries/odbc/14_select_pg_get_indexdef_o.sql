select pg_get_indexdef(:oid(readings_key), 2, true)
