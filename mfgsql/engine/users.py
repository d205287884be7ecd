"""Who may log in to a served database: names, roles and verifiers of passwords, in a file beside the database.

The file is out of SQL's reach by design: DuckDB can be made to hand out its own file. A verifier proves a password and
is none: SCRAM-SHA-256, written as PostgreSQL writes it. Each change is made under a lock and takes the file's place as
a whole, so that it works while a server reads the file, and whatever happens in the middle of it.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mfgsql.engine.access import Role
from mfgsql.errors import CatalogError, MissingExtraError, NotFoundError, OptionError, did_you_mean, one_of

_FORMAT = 1
_ITERATIONS = 4096  # PostgreSQL's; a login costs a client as many hashes
_LONGEST_NAME = 63  # bytes, as in PostgreSQL
_SHORTEST_PASSWORD, _LONGEST_PASSWORD = 8, 1024  # characters
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True)
class User:
    """A user.

    Attributes:
        verifier: ``SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>``.
    """

    name: str
    role: Role
    verifier: str


class Users:
    """The users of a database.

    Args:
        path: of the database file; they lie in ``<path>.ml/users.json``.

    Every method may raise a `CatalogError` where the file can't be read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.folder = Path(f"{Path(path).resolve()}.ml")
        self.file = self.folder / "users.json"

    def list(self) -> list[User]:
        """All, by name."""
        return sorted(self._read().values(), key=lambda user: user.name)

    def stamp(self) -> int:
        """It differs after a change."""
        try:
            return self.file.stat().st_mtime_ns
        except OSError:
            return 0

    def get(self, name: str) -> User | None:
        """The user of a name, or None."""
        return self._read().get(name)

    def add(self, name: str, role: Role | str, password: str) -> None:
        """Make a user.

        Raises:
            OptionError: the name, the role or the password can't be one, or the name is taken.
        """
        user = User(_checked(name), _role(role), make_verifier(password))
        with self._changing() as users:
            if name in users:
                raise OptionError(f"There is a user '{name}' already.", remedy=f"mfgsql users passwd {name}")
            users[name] = user

    def passwd(self, name: str, password: str) -> None:
        """Give a user another password.

        Raises:
            NotFoundError: there is no such user. OptionError: the password can't be one.
        """
        verifier = make_verifier(password)
        with self._changing() as users:
            users[name] = replace(_known(users, name), verifier=verifier)

    def set_role(self, name: str, role: Role | str, *, force: bool = False) -> None:
        """Give a user another role.

        Raises:
            NotFoundError: there is no such user. OptionError: no role is called so, or no admin would be left.
        """
        given = _role(role)
        with self._changing() as users:
            users[name] = replace(_known(users, name), role=given)
            _check_admin_left(users, name, force)

    def remove(self, name: str, *, force: bool = False) -> None:
        """Delete a user.

        Raises:
            NotFoundError: there is no such user. OptionError: no admin would be left, and ``force`` isn't said.
        """
        with self._changing() as users:
            removed = _known(users, name)
            del users[name]
            if removed.role is Role.ADMIN:
                _check_admin_left(users, name, force)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, User]]:
        """The users to change; they are written at the end, unless it raises. One process at a time."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self.folder / "users.lock", "w", opener=_private, encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            users = self._read()
            yield users
            self._write(users)

    def _read(self) -> dict[str, User]:
        try:
            text = self.file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise self._damaged(str(error)) from None
        try:
            read = json.loads(text)
            if read["format"] != _FORMAT:
                raise self._damaged(f"its format is {read['format']!r}, and this release knows {_FORMAT}")
            users = [User(str(u["name"]), Role(u["role"]), str(u["verifier"])) for u in read["users"]]
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged(f"{type(error).__name__}: {error}") from None
        return {user.name: user for user in users}

    def _write(self, users: dict[str, User]) -> None:
        """Another file takes the place of this one when it is whole and on the disk."""
        written: dict[str, Any] = {"format": _FORMAT, "users": [asdict(user) for user in users.values()]}
        partial = self.folder / "users.json.new"  # one left by a killed process is written over: the lock is held
        with open(partial, "w", opener=_private, encoding="utf-8") as file:
            json.dump(written, file, indent=1, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, self.file)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _damaged(self, why: str) -> CatalogError:
        return CatalogError(
            f"The file of users '{self.file}' can't be read: {why}.",
            remedy="Nothing was changed. Mend it, or move it away and add the users again: mfgsql users add NAME",
        )


def make_verifier(password: str) -> str:
    """What a server keeps of a password.

    Raises:
        OptionError: it is too short, too long, or holds characters that can't be typed.
        MissingExtraError: the extra isn't installed.
    """
    _check_password(password)
    try:
        import scramp
    except ImportError:
        raise MissingExtraError("Users need an extra.", remedy="pip install 'mfgsql[serve]'") from None
    mechanism = scramp.ScramMechanism("SCRAM-SHA-256")
    try:
        salt, stored, server, iterations = mechanism.make_auth_info(password, iteration_count=_ITERATIONS)
    except scramp.ScramException as error:
        raise OptionError(f"The password can't be one: {error}") from None
    salt64, stored64, server64 = (b64encode(part).decode("ascii") for part in (salt, stored, server))
    return f"SCRAM-SHA-256${iterations}:{salt64}${stored64}:{server64}"


def _check_password(password: str) -> None:
    if not _SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD:
        raise OptionError(f"A password has {_SHORTEST_PASSWORD} to {_LONGEST_PASSWORD} characters.")
    if _CONTROL.search(password):
        raise OptionError("A password has no control characters.")


def _checked(name: str) -> str:
    if not name or _CONTROL.search(name) or len(name.encode()) > _LONGEST_NAME:
        raise OptionError(
            f"{name!r} can't be a user's name: it has 1 to {_LONGEST_NAME} bytes, and no control characters."
        )
    return name


def _role(role: Role | str) -> Role:
    try:
        return Role(role)
    except ValueError:
        raise OptionError(f"No role is called {role!r}; there is {one_of(Role)}.") from None


def _known(users: dict[str, User], name: str) -> User:
    if name not in users:
        raise NotFoundError(f"There is no user '{name}'.{did_you_mean(name, users)}", remedy="See: mfgsql users list")
    return users[name]


def _check_admin_left(users: dict[str, User], name: str, force: bool) -> None:
    if not force and not any(user.role is Role.ADMIN for user in users.values()):
        raise OptionError(f"'{name}' is the last admin.", remedy="Make another one first, or say --force.")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
