select t.oid, t.typname, t.typreceive, t.typtype from pg_type t where t.oid=23
