"""The options of COPY, in today's form (``WITH (FORMAT csv, HEADER)``) and in the old one (``CSV HEADER``)."""

from __future__ import annotations

from mfgsql.server.session.words import Words
from mfgsql.wire.errors import WireError

Options = dict[str, str | bool | tuple[str, ...]]
_LISTS = ("force_quote", "force_not_null", "force_null")
_KNOWN = ("format", "delimiter", "null", "header", "quote", "escape", "encoding", "freeze", "oids", *_LISTS)


def read_options(reader: Words) -> Options:
    """What stands behind ``TO STDOUT`` or ``FROM STDIN``.

    Raises:
        WireError: an option is unknown or its value is (42601).
    """
    reader.accept("with")
    options = _listed(reader) if reader.accept("(") else _old(reader)
    reader.end()
    form = str(options.setdefault("format", "text")).lower()
    if form not in ("text", "csv", "binary"):
        raise WireError("22023", f"COPY format '{form}' is not known.", remedy="text, csv or binary.")
    encoding = str(options.pop("encoding", "utf8")).lower().replace("-", "")
    if encoding not in ("utf8", "unicode", "sqlascii", "sql_ascii"):
        raise WireError("0A000", f"COPY in '{encoding}' is not known.", remedy="UTF8.")
    return options | {"format": form}


def _listed(reader: Words) -> Options:
    options: Options = {}
    while True:
        name = reader.next()
        if name not in _KNOWN:
            raise WireError("42601", f"COPY has no option '{name}'.")
        options[name] = _names(reader) if name in _LISTS else _single(reader, name)
        if reader.accept(")"):
            return options
        reader.expect(",")


def _single(reader: Words, name: str) -> str | bool:
    if name in ("header", "freeze", "oids"):
        if reader.peek() in (",", ")"):
            return True
        return _truth(reader)
    return reader.value()


def _truth(reader: Words) -> bool:
    word = reader.value().lower()
    if word not in ("true", "on", "1", "match", "false", "off", "0"):
        raise reader.wrong()
    return word in ("true", "on", "1", "match")


def _names(reader: Words) -> str | tuple[str, ...]:
    return "*" if reader.accept("*") else reader.names()


def _old(reader: Words) -> Options:
    options: Options = {}
    while reader.peek():
        word = reader.next()
        if word in ("binary", "csv"):
            options["format"] = word
        elif word in ("header", "freeze", "oids"):
            options[word] = True
        elif word in ("delimiter", "null", "quote", "escape", "encoding"):
            reader.accept("as")
            options[word] = reader.value()
        elif word == "force" and reader.accept("quote"):
            options["force_quote"] = _old_names(reader)
        else:
            raise reader.wrong()
    return options


def _old_names(reader: Words) -> str | tuple[str, ...]:
    if reader.accept("*"):
        return "*"
    names = [reader.next()]
    while reader.accept(","):
        names.append(reader.next())
    return tuple(names)
