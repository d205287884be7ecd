"""Who may do what: roles, what statements and verbs each may use, and which files.

It guards the door of a server. Embedded use has no identity, and is refused nothing.
"""

from mfgsql.engine.access.asking import asked_by, asker, read_job, who_asks, write_job
from mfgsql.engine.access.files import resolve_file
from mfgsql.engine.access.roles import Identity, Role
from mfgsql.engine.access.sources import admit_source
from mfgsql.engine.access.statements import Statement, check_statements
from mfgsql.engine.access.verbs import admit_verb

__all__ = [
    "Identity",
    "Role",
    "Statement",
    "admit_source",
    "admit_verb",
    "asked_by",
    "asker",
    "check_statements",
    "read_job",
    "resolve_file",
    "who_asks",
    "write_job",
]
