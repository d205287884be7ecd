"""Column names: kept as the file has them; only what SQL can't hold is repaired."""

from __future__ import annotations

from collections.abc import Iterable

from mfgsql.engine.loading.part import fold


def repair(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Names that a table can hold, and a note for each change."""
    taken: set[str] = set()
    kept: list[str] = []
    notes: list[str] = []
    given = list(names)
    reserved = {fold(name) for name in given}
    for position, name in enumerate(given, start=1):
        usable = _usable(name, position, taken, reserved)
        if usable != name:
            notes.append(f"column {position} {_why(name)}: it is called '{usable}'")
        taken.add(fold(usable))
        kept.append(usable)
    return kept, notes


def _usable(name: str, position: int, taken: set[str], reserved: set[str]) -> str:
    clean = name.replace("\0", "")
    if not clean.strip():
        clean = f"column_{position}"
    elif fold(clean) not in taken:
        return clean
    usable, number = clean, 2
    while fold(usable) in taken | reserved:
        usable, number = f"{clean}_{number}", number + 1
    return usable


def _why(name: str) -> str:
    if not name.strip("\0 \t\r\n"):
        return "has no name"
    return "has a NUL in its name" if "\0" in name else f"repeats the name '{name}'"
