select typname, typtype, oid, typinput, typreceive from pg_catalog.pg_type where typname='int4'
