-- values: [23]
select typname from pg_type where oid=$1
