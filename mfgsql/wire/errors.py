"""Errors that carry the SQLSTATE which a client sees."""

from __future__ import annotations

from mfgsql.errors import MfgsqlError


class WireError(MfgsqlError):
    """Something that the protocol, or this server of it, does not allow.

    Attributes:
        sqlstate: PostgreSQL's code of five characters (its manual, appendix A).
        fatal: the connection ends with it.
        position: where in the statement, in characters from 1.
        routine: PostgreSQL's function that would tell it, where drivers look for that.
    """

    def __init__(
        self,
        sqlstate: str,
        message: str,
        *,
        remedy: str | None = None,
        fatal: bool = False,
        position: int | None = None,
        routine: str | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.sqlstate, self.fatal, self.position, self.routine = sqlstate, fatal, position, routine
