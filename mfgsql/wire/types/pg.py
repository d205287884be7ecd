"""Which type of PostgreSQL stands for a type of DuckDB: its oid, size and modifier, as RowDescription tells them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from mfgsql.wire.types.duck import DuckType, read_type


@dataclass(frozen=True)
class PgType:
    """A type of PostgreSQL.

    Attributes:
        name: as in ``pg_type.typname``.
        oid: of ``pg_type``.
        size: bytes of a value, -1 where it varies (``typlen``).
        modifier: precision and scale of a numeric, else -1 (``typmod``).
        element: of an array, else None.
    """

    name: str
    oid: int
    size: int = -1
    modifier: int = -1
    element: PgType | None = None


BOOL, BYTEA, TEXT = PgType("bool", 16, 1), PgType("bytea", 17), PgType("text", 25)
OID, INT2, INT4, INT8 = PgType("oid", 26, 4), PgType("int2", 21, 2), PgType("int4", 23, 4), PgType("int8", 20, 8)
FLOAT4, FLOAT8, NUMERIC = PgType("float4", 700, 4), PgType("float8", 701, 8), PgType("numeric", 1700)
DATE, TIME, TIMETZ = PgType("date", 1082, 4), PgType("time", 1083, 8), PgType("timetz", 1266, 12)
TIMESTAMP, TIMESTAMPTZ = PgType("timestamp", 1114, 8), PgType("timestamptz", 1184, 8)
INTERVAL, UUID = PgType("interval", 1186, 16), PgType("uuid", 2950, 16)
JSON, VARBIT = PgType("json", 114), PgType("varbit", 1562)
CHAR, INT2VECTOR, OIDVECTOR = PgType("char", 18, 1), PgType("int2vector", 22), PgType("oidvector", 30)

_SCALARS = {
    "BOOLEAN": BOOL, "TINYINT": INT2, "UTINYINT": INT2, "SMALLINT": INT2, "USMALLINT": INT4, "INTEGER": INT4,
    "UINTEGER": INT8, "BIGINT": INT8, "UBIGINT": NUMERIC, "HUGEINT": NUMERIC, "UHUGEINT": NUMERIC, "DECIMAL": NUMERIC,
    "FLOAT": FLOAT4, "DOUBLE": FLOAT8, "VARCHAR": TEXT, "ENUM": TEXT, "BLOB": BYTEA, "DATE": DATE, "TIME": TIME,
    "TIME_NS": TIME, "TIME WITH TIME ZONE": TIMETZ, "TIMESTAMP": TIMESTAMP, "TIMESTAMP_S": TIMESTAMP,
    "TIMESTAMP_MS": TIMESTAMP, "TIMESTAMP_NS": TIMESTAMP, "TIMESTAMP WITH TIME ZONE": TIMESTAMPTZ,
    "INTERVAL": INTERVAL, "UUID": UUID, "JSON": JSON, "BIT": VARBIT,
    # none of DuckDB's: what answers about the catalog have
    "OID": OID, "CHAR": CHAR, "INT2VECTOR": INT2VECTOR, "OIDVECTOR": OIDVECTOR,
}  # fmt: skip
ARRAY_OIDS = {
    "bool": 1000, "bytea": 1001, "int2": 1005, "int4": 1007, "text": 1009, "int8": 1016, "float4": 1021, "float8": 1022,
    "numeric": 1231, "date": 1182, "time": 1183, "timetz": 1270, "timestamp": 1115, "timestamptz": 1185,
    "interval": 1187, "uuid": 2951, "json": 199, "varbit": 1563, "oid": 1028,
    "char": 1002,
}  # fmt: skip


@lru_cache(maxsize=1024)
def pg_type(duckdb_type: str) -> PgType:
    """The type on the wire of a column of this DuckDB type.

    A list of scalars is an array; what nests deeper (STRUCT, MAP, UNION, lists of lists) is json; what PostgreSQL
    has nothing for is text.
    """
    return pg_of(read_type(duckdb_type))


def pg_of(duck: DuckType) -> PgType:
    """As ``pg_type``, for a type that was read."""
    if duck.name in ("LIST", "ARRAY") and not duck.children[0].nested:
        element = pg_of(duck.children[0])
        return PgType(f"_{element.name}", ARRAY_OIDS[element.name], modifier=element.modifier, element=element)
    if duck.nested:
        return JSON
    found = _SCALARS.get(duck.name, TEXT)
    if duck.name == "DECIMAL":
        return PgType(found.name, found.oid, modifier=(duck.precision << 16 | duck.scale) + 4)
    return found


def carried_as(duckdb_type: str) -> str | None:
    """What a column must be cast to in SQL for Arrow to carry it; None where Arrow carries the type as it is.

    Arrow drops the offset of a TIME WITH TIME ZONE and refuses a VARIANT. A column cast so is still encoded under
    its own type: the encoder takes its text.
    """
    duck = read_type(duckdb_type)
    depth = ""
    while duck.name in ("LIST", "ARRAY"):
        duck, depth = duck.children[0], depth + "[]"
    return f"VARCHAR{depth}" if duck.name in ("TIME WITH TIME ZONE", "VARIANT") else None


def read_through(duckdb_type: str) -> str | None:
    """What text from a client is cast to before its own type: JSON for what is json on the wire; None else.

    DuckDB casts a text to a MAP or a UNION from its own way of writing only, and JSON to any nested type.
    """
    duck = read_type(duckdb_type)
    return "JSON" if duck.nested and pg_of(duck) is JSON else None
