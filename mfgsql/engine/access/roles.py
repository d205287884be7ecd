"""The three roles, each of which may do what the ones before it may."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mfgsql.errors import AccessError


class Role(StrEnum):
    """What somebody may do.

    ``reader``: query and predict. ``analyst``: also change tables, and train. ``admin``: also macros, upkeep, and
    files in the one folder for them.
    """

    READER = "reader"
    ANALYST = "analyst"
    ADMIN = "admin"

    def may(self, least: Role) -> bool:
        """Whether it is that role or one above it."""
        order = list(Role)
        return order.index(self) >= order.index(least)

    @property
    def reads_only(self) -> bool:
        """Whether its statements belong into a READ ONLY transaction, where DuckDB itself refuses every write."""
        return self is Role.READER


@dataclass(frozen=True)
class Identity:
    """Who asks, as the server knows them."""

    name: str
    role: Role


def require(identity: Identity, least: Role, what: str) -> None:
    """Refuse what a role is too low for.

    Raises:
        AccessError: it is.
    """
    if not identity.role.may(least):
        raise AccessError(
            f"{what} is not for the role {identity.role} of '{identity.name}'.",
            remedy=f"It takes the role {least}: ask who looks after this server.",
        )


def refuse(what: str, instead: str | None = None) -> AccessError:
    """The error of what nobody may do through a server."""
    return AccessError(f"{what} is not possible through the server.", remedy=instead)
