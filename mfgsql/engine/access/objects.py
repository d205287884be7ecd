"""CREATE, DROP, ALTER and COMMENT: which kinds of objects a role may touch, and which objects nobody."""

from __future__ import annotations

from collections.abc import Sequence

from mfgsql.engine.access.roles import Identity, Role, refuse, require
from mfgsql.engine.lexing import Kind, Token

_LEAST = {
    **dict.fromkeys(("table", "view", "schema", "sequence", "index", "type", "column"), Role.ANALYST),
    **dict.fromkeys(("macro", "function"), Role.ADMIN),
}
_MODIFIERS = ("or", "replace", "temp", "temporary", "local", "unlogged", "recursive", "unique", "persistent", "on")
_OURS = ("ml", "ml_catalog", "ml_pg")  # schemas, and the database of the server's own catalog


def check_object(words: Sequence[Token], identity: Identity) -> None:
    """Judge a statement by what it makes or changes.

    Raises:
        AccessError: its kind is not for this role, or it is the product's own.
    """
    verb, rest = words[0].word.upper(), [*words[1:]]
    while rest and _is(rest[0], *_MODIFIERS):
        rest.pop(0)
    kind = rest.pop(0).word if rest else ""
    if kind not in _LEAST:
        raise refuse(f"{verb} {kind.upper()}".strip())
    require(identity, _LEAST[kind], f"{verb} {kind.upper()}")
    while rest and _is(rest[0], "if", "not", "exists", "table"):
        rest.pop(0)
    path = _path(rest)
    schemas = path if kind == "schema" else path[:-1]
    if any(name in _OURS for name in schemas):
        raise refuse(f"Changing {'.'.join(path)}, a part of mfgsql,", "Choose another schema.")
    if kind in ("macro", "function") and path and path[-1].startswith(("ml_", "_ml_")):
        raise refuse(f"Changing {path[-1]}, a verb of mfgsql,", "Choose another name.")


def check_written(words: Sequence[Token]) -> None:
    """Refuse a statement that writes and names a schema that only mfgsql writes to.

    Raises:
        AccessError: it does.
    """
    for token in words:
        if token.kind in (Kind.NAME, Kind.KEYWORD) and token.word in ("ml_catalog", "ml_pg"):
            raise refuse(f"A change that names {token.word}, a part of mfgsql,", "Read it in a statement of its own.")


def _path(words: Sequence[Token]) -> list[str]:
    """``a."b".c`` as its names."""
    path = []
    for at, token in enumerate(words):
        if at % 2 == 0 and token.kind in (Kind.NAME, Kind.KEYWORD):
            path.append(token.word)
        elif at % 2 == 0 or not token.text.startswith("."):
            break
    return path


def _is(token: Token, *keywords: str) -> bool:
    return token.kind in (Kind.NAME, Kind.KEYWORD) and token.text.lower() in keywords
