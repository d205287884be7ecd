"""DuckDB's words for a verb that was called wrongly, in ours: they tell what is missing, not what would mend it."""

from __future__ import annotations

import re
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING

import duckdb

from mfgsql.engine.installing import shipped_functions
from mfgsql.engine.profiling import describe
from mfgsql.engine.quoting import quote_identifier
from mfgsql.errors import MfgsqlError, OptionError, SourceError, did_you_mean

if TYPE_CHECKING:
    from mfgsql.engine.engine import Engine
    from mfgsql.engine.sources import Source

ALIAS = "source of "  # what plans call a source, followed by the version
# Version and source of the plan made last: DuckDB's error names the version, not what its source has.
asked: ContextVar[tuple[str, Source] | None] = ContextVar("mfgsql_asked", default=None)
_COLUMN = re.compile(rf'"{ALIAS}(.+?)" does not have a column named "(.+)"')
_SECOND = re.compile(r'"__ml (\w+)" does not have a column named "(.+)"')  # in plans that read no model
_MOMENTS = {"failures": "failed_at", "repairs": "repaired_at", "events": "happened_at"}
_SAID = re.compile(r"^Invalid Input Error: (ml_\w+: .+)")  # an error that a plan itself raises, by a row's type
_KIND = re.compile(r"No function matches .* '(?:epoch|isfinite|make_timestamp)\((.+?)\)'")  # of a log's moments
_BINDINGS = re.compile(r"^Candidate bindings: (.*)$", re.MULTILINE)
_UNKNOWN = re.compile(r'^Catalog Error: (Table|Scalar) Function with name "?(ml_\w+)"? does not exist')
_MISPLACED = re.compile(r'Function "(ml_\w+)" is a table function but it was used as a scalar function')
_MACRO = re.compile(r"Macro (ml_\w+)\(\) does not support the supplied arguments.*?\n\t\1\((.*?)\)\n", re.DOTALL)
_TEXT = re.compile(r"'(?:[^']|'')*'")
_NAMED = re.compile(r"(\w+)\s*(?::=|=>)")


def in_our_words(engine: Engine, error: duckdb.Error, statement: str = "") -> MfgsqlError | None:
    """The error of a statement with its remedy; None where it isn't about a verb."""
    if said := _SAID.search(str(error)):
        return OptionError(said[1])
    if unknown := _UNKNOWN.search(str(error)):
        return _no_such_verb(unknown[2], behind_from=unknown[1] == "Table")
    if misplaced := _MISPLACED.search(str(error)):
        return _misplaced(misplaced[1], "gives rows, which are read behind FROM")
    if not isinstance(error, duckdb.BinderException):
        return None
    with suppress(duckdb.Error, MfgsqlError):  # then DuckDB's own text has to do
        if found := _COLUMN.search(str(error)):
            return _missing_column(engine, found[1], found[2], str(error))
        if found := _SECOND.search(str(error)):
            return _missing_in(found[1], found[2], _bindings(str(error)))
        if found := _KIND.search(str(error)):
            return _no_moment(engine, found[1])
        if found := _MACRO.search(str(error)):
            return _wrong_arguments(found[1], found[2], str(error), statement)
    return None


def _no_such_verb(name: str, *, behind_from: bool) -> OptionError | None:
    """Of a function that isn't there, or gives no rows; None where it only lies in another database than the caller."""
    known = {f.name.split(".")[0] for f in shipped_functions()}
    of_rows = {f.name.split(".")[0] for f in shipped_functions() if "AS TABLE" in f.sql}
    if name not in known:
        near = did_you_mean(name, known)
        return OptionError(f"There is no {name}.{near}", remedy="FROM ml.functions; tells all of them.")
    return _misplaced(name, "gives one value, and no rows") if behind_from and name not in of_rows else None


def _misplaced(name: str, what: str) -> OptionError | None:
    example = next((f.header["example"] for f in shipped_functions() if f.name.split(".")[0] == name), None)
    return None if example is None else OptionError(f"{name} {what}.", remedy=f"As in: {example}")


def _missing_column(engine: Engine, version: str, column: str, text: str) -> SourceError:
    from mfgsql.catalog import resolve
    from mfgsql.engine.cases import Events
    from mfgsql.manifest import Manifest

    with engine.cursor() as cursor:
        manifest = Manifest.from_json(resolve(cursor, version).manifest)
    made = Events.of(manifest).made() if manifest.cases is not None else []
    reads = [name for name in manifest.features.names if name not in made]
    known = _columns(engine, version, text)
    hint = did_you_mean(column, [n for n in known if n not in reads] if column in reads else known)
    if column not in reads and (manifest.target is None or column != manifest.target.name):
        return SourceError(f"The source has no column '{column}'.{hint}")
    if column not in reads:
        return SourceError(
            f"The source has no column '{column}', the target of {version}, and predictions are judged by it.{hint}"
        )
    return SourceError(
        f"The source has no column '{column}', which {version} needs.{hint}",
        remedy=f"It reads {', '.join(reads)}: rename or add columns in a SELECT.",
    )


def _no_moment(engine: Engine, kind: str) -> SourceError | None:
    """Of a log whose moments are of another kind than those that the model learnt from."""
    from mfgsql.catalog import resolve
    from mfgsql.manifest import Manifest

    last = asked.get()
    if last is None:
        return None
    with engine.cursor() as cursor:
        manifest = Manifest.from_json(resolve(cursor, last[0]).manifest)
    if manifest.cases is None or manifest.history is None:
        return None
    names = [n for n in (manifest.history.order_by, manifest.cases.started, manifest.cases.due) if n]
    return SourceError(
        f"{last[0]} reads times from {', '.join(map(repr, names))}, and the source has a {kind} there.",
        remedy=f"Cast it in the source: SELECT * REPLACE ({quote_identifier(names[0])}::TIMESTAMP AS "
        f"{quote_identifier(names[0])}) FROM ...",
    )


def _missing_in(what: str, column: str, known: list[str]) -> SourceError:
    """Of a source that is read by no model."""
    remedy = None
    if what in _MOMENTS:
        remedy = f"Where it was to say when something happened, name another: options := {{'{_MOMENTS[what]}': '...'}}."
    return SourceError(f"The columns of the {what} lack '{column}'.{did_you_mean(column, known)}", remedy=remedy)


def _columns(engine: Engine, version: str, text: str) -> list[str]:
    """Of the source, where the engine can see it; else those that DuckDB names."""
    last = asked.get()
    if last is not None and last[0] == version:
        with suppress(duckdb.Error), engine.cursor() as cursor:
            return list(describe(cursor, last[1].select))
    return _bindings(text)


def _bindings(text: str) -> list[str]:
    """The columns that DuckDB names."""
    found = _BINDINGS.search(text)
    return re.findall(r'"([^"]+)"', found[1]) if found else []


def _wrong_arguments(verb: str, signature: str, text: str, statement: str) -> OptionError | None:
    """By the excerpt of the statement that DuckDB shows; of a long one that may lack what was misspelt."""
    arguments = [a.partition(":=")[0].strip() for a in signature.split(",") if a.strip()]
    example = _example(verb, arguments)
    if example is None:
        return None
    shown = (text.partition("\nLINE ")[2].rpartition(f"{verb}(")[2], *statement.split(f"{verb}(")[1:])
    named = [name for part in shown for name in _NAMED.findall(_call(part))]
    unknown = next((n for n in named if n.lower() not in arguments), None)
    takes = f"it takes {', '.join(arguments)}" if arguments else "it takes none"
    remedy = f"As in: {example}"
    if unknown is None:
        return OptionError(f"These are not the arguments of {verb}: {takes}.", remedy=remedy)
    return OptionError(f"{verb} has no argument '{unknown}': {takes}.{did_you_mean(unknown, arguments)}", remedy=remedy)


def _call(text: str) -> str:
    """What is between the parentheses of a call, the first of which is left out; texts are empty."""
    plain, depth = _TEXT.sub("''", text), 1
    for place, sign in enumerate(plain):
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0:
            return plain[:place]
    return plain


def _example(verb: str, arguments: list[str]) -> str | None:
    """Of the macro with these arguments, of which a header tells each; None where it isn't one of ours."""
    ours = [f for f in shipped_functions() if f.name.split(".")[0] == verb]
    told = (f.header["example"] for f in ours if [k for k in f.header if k in arguments] == arguments)
    return next(told, None)
