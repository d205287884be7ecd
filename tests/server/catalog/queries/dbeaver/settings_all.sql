select * from pg_catalog.pg_settings
