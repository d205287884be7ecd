"""What a client may set for its session. Clients set much that means nothing here; it is kept, and shown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from zoneinfo import ZoneInfo

from mfgsql.version import __version__
from mfgsql.wire.errors import WireError

SERVER_VERSION = "15.0"
VERSION = f"PostgreSQL {SERVER_VERSION} (mfgsql {__version__}, DuckDB {version('duckdb')})"
# Those that a client is told at the start, and of each change.
REPORTED = {
    "server_version": "server_version", "server_encoding": "server_encoding", "client_encoding": "client_encoding",
    "application_name": "application_name", "is_superuser": "is_superuser",
    "session_authorization": "session_authorization", "datestyle": "DateStyle", "intervalstyle": "IntervalStyle",
    "timezone": "TimeZone", "integer_datetimes": "integer_datetimes",
    "standard_conforming_strings": "standard_conforming_strings", "in_hot_standby": "in_hot_standby",
    "default_transaction_read_only": "default_transaction_read_only",
}  # fmt: skip
_DEFAULTS = {
    "server_version": SERVER_VERSION, "server_version_num": "150000", "server_encoding": "UTF8",
    "client_encoding": "UTF8", "application_name": "", "is_superuser": "off", "session_authorization": "",
    "datestyle": "ISO, MDY", "intervalstyle": "postgres", "timezone": "UTC", "integer_datetimes": "on",
    "standard_conforming_strings": "on", "in_hot_standby": "off", "default_transaction_read_only": "off",
    "transaction_isolation": "repeatable read", "default_transaction_isolation": "repeatable read",
    "transaction_read_only": "off", "search_path": "main", "statement_timeout": "0", "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0", "extra_float_digits": "1", "bytea_output": "hex",
    "client_min_messages": "notice", "max_identifier_length": "63", "max_index_keys": "32", "lc_collate": "C",
    "lc_ctype": "C", "lc_messages": "C", "lc_monetary": "C", "lc_numeric": "C", "lc_time": "C", "row_security": "on",
    "synchronous_commit": "on", "escape_string_warning": "on", "enable_seqscan": "on", "jit": "off", "geqo": "on",
    "xmloption": "content", "default_text_search_config": "pg_catalog.simple", "check_function_bodies": "on",
    "tcp_keepalives_idle": "0", "session_replication_role": "origin", "role": "none", "quote_all_identifiers": "off",
    "backslash_quote": "safe_encoding", "array_nulls": "on", "work_mem": "4MB", "ssl_renegotiation_limit": "0",
    "default_tablespace": "", "default_table_access_method": "heap", "default_with_oids": "off", "seed": "0",
    "temp_buffers": "8MB", "password_encryption": "scram-sha-256", "wal_level": "replica", "max_connections": "100",
    "server_name": "mfgsql", "plan_cache_mode": "auto", "statement_mem": "4MB", "optimizer": "on",
}  # fmt: skip
_FIXED = {
    "server_version", "server_version_num", "server_encoding", "is_superuser", "integer_datetimes", "in_hot_standby",
    "session_authorization", "max_identifier_length", "max_index_keys", "transaction_isolation", "lc_collate",
    "lc_ctype", "max_connections", "wal_level",
}  # fmt: skip
_HIDDEN = ("ml_catalog", "ml_pg")  # what names of them would reach is nobody's but mfgsql's
_LONGEST, _MOST = 8192, 500  # characters of a value; settings of a session
_UNITS = {"": 1.0, "us": 1e-3, "ms": 1.0, "s": 1e3, "min": 6e4, "h": 3.6e6, "d": 8.64e7}  # milliseconds
_TRUE, _FALSE = ("on", "true", "yes", "1", "t", "y"), ("off", "false", "no", "0", "f", "n")


@dataclass(frozen=True)
class Change:
    """A setting's new value."""

    name: str
    value: str


class Settings:
    """The settings of one session: defaults below what the client has set, below what holds for this transaction.

    Args:
        own: defaults of this session, such as its user's name.
    """

    def __init__(self, own: Mapping[str, str]) -> None:
        self._own = {k.lower(): v for k, v in own.items()}
        self._defaults = _DEFAULTS | self._own
        self._set: dict[str, str] = {}
        self._before: dict[str, str | None] | None = None  # of a transaction: what a rollback brings back
        self._local: dict[str, str | None] = {}

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._defaults or name.lower() in self._set

    def __getitem__(self, name: str) -> str:
        """A value.

        Raises:
            WireError: there is no such setting (42704).
        """
        name = name.lower()
        if name not in self:
            raise WireError("42704", f'unrecognized configuration parameter "{name}"')
        return self._set.get(name, self._defaults.get(name, ""))

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._defaults, *self._set}))

    def told(self) -> dict[str, str]:
        """What the session has, but for defaults that all have."""
        return self._own | {name: value for name, value in self._set.items() if name in self._defaults}

    def set(self, name: str, value: str | None, *, local: bool = False) -> Change:
        """Set it, or reset it with None.

        Raises:
            WireError: no such setting (42704), a fixed one (55P02), or a value that it can't have (22023).
        """
        name = name.lower()
        if name not in self._defaults and "." not in name:
            raise WireError("42704", f'unrecognized configuration parameter "{name}"')
        if name in _FIXED and value is not None:
            raise WireError("55P02", f'parameter "{name}" cannot be changed')
        if value is not None and len(value) > _LONGEST:
            raise WireError("22023", f'invalid value for parameter "{name}": it has {len(value):,} characters')
        if name not in self._defaults and name not in self._set and len(self._set) >= _MOST:
            raise WireError("53400", "Too many settings.", remedy="RESET ALL")
        checked = None if value is None else _checked(name, value)
        if local:
            self._local.setdefault(name, self._set.get(name))
        elif self._before is not None:
            self._before.setdefault(name, self._set.get(name))
        return self._put(name, checked)

    def _put(self, name: str, value: str | None) -> Change:
        if value is None:
            self._set.pop(name, None)
        else:
            self._set[name] = value
        return Change(name, self._set.get(name, self._defaults.get(name, "")))

    def reset(self) -> list[Change]:
        """All to their defaults."""
        return [self.set(name, None) for name in list(self._set)]

    def begin(self) -> None:
        """A transaction begins: what is set in it goes when it is rolled back."""
        self._before, self._local = {}, {}

    def end(self, *, committed: bool) -> list[Change]:
        """The transaction ended; what changed by that."""
        back = dict(self._local)
        if not committed:
            back |= self._before or {}
        self._before, self._local = None, {}
        return [self._put(name, value) for name, value in back.items() if self._set.get(name) != value]

    def seconds(self, name: str) -> float | None:
        """A timeout; None: there is none."""
        milliseconds = _duration(self[name])
        return milliseconds / 1e3 if milliseconds else None

    def schemas(self) -> list[str]:
        """The search path's schemas; PostgreSQL's names for the usual one are DuckDB's ``main``."""
        return _schemas(self["search_path"])


def _schemas(path: str) -> list[str]:
    found = []
    for part in path.split(","):
        name = part.strip()
        name = name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
        if name in ("$user", "pg_catalog", ""):
            continue
        if name.lower() in _HIDDEN:
            raise WireError("42501", f"Schema {name} can't be on the search path.", remedy="FROM ml.models")
        found.append("main" if name == "public" else name)
    return list(dict.fromkeys(found))


def _duration(text: str) -> float:
    """Milliseconds of ``500``, ``500ms`` or ``2min``."""
    number = text.strip().rstrip("abcdefghijklmnopqrstuvwxyz ")
    unit = text.strip()[len(number) :].strip()
    try:
        found = float(number or "x") * _UNITS[unit]
        if not 0 <= found < math.inf:
            raise ValueError
        return found
    except (ValueError, KeyError):
        raise WireError(
            "22023", f'invalid value for a duration: "{text}"', remedy="As 30000, '30s' or '5min'."
        ) from None


def _checked(name: str, value: str) -> str:
    if name == "client_encoding":
        if value.strip("'\"").upper().replace("-", "") not in ("UTF8", "UNICODE", "SQL_ASCII"):
            raise WireError("22023", f'invalid value for parameter "client_encoding": "{value}"', remedy="UTF8.")
        return "UTF8"
    if name == "timezone":
        return _zone(value)
    if name == "search_path":
        _schemas(value)
    if name.endswith("timeout"):
        _duration(value)
    if name == "datestyle" and not value.upper().startswith("ISO") and value.upper() not in ("DMY", "MDY", "YMD"):
        raise WireError("0A000", "Dates are written as ISO 8601 has it.", remedy="SET DateStyle = 'ISO'.")
    if name == "datestyle":
        return _DEFAULTS["datestyle"]
    if name == "intervalstyle" and value.lower() != "postgres":
        raise WireError("0A000", "Intervals are written in the style 'postgres'.")
    if name == "bytea_output" and value.lower() != "hex":
        raise WireError("0A000", "Binary values are written in hexadecimal.")
    if name == "standard_conforming_strings" and value.lower() in _FALSE:
        raise WireError("0A000", "A backslash in a text is a backslash here: standard_conforming_strings stays on.")
    if _DEFAULTS.get(name) in ("on", "off"):
        return "on" if value.lower() in _TRUE else "off" if value.lower() in _FALSE else value
    return value


def _zone(value: str) -> str:
    """A name of the IANA, or hours east of Greenwich as a fixed offset."""
    try:
        hours = float(value)
    except ValueError:
        name = {"utc": "UTC", "gmt": "UTC", "z": "UTC", "default": "UTC", "local": "UTC"}.get(value.lower(), value)
        try:
            ZoneInfo(name)
        except (ValueError, OSError, LookupError):
            raise WireError("22023", f'invalid value for parameter "TimeZone": "{value}"') from None
        return name
    if not math.isfinite(hours) or hours != int(hours) or abs(hours) > 14:
        raise WireError(
            "22023", f'invalid value for parameter "TimeZone": "{value}"', remedy="Name it: 'Europe/Berlin'."
        )
    return f"Etc/GMT{-int(hours):+d}" if hours else "UTC"
