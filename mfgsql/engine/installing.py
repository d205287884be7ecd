"""What mfgsql puts into a database: macros of ``sql/functions`` and views of ``sql/views``, when they differ."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import duckdb

from mfgsql.engine.quoting import quote_identifier, quote_literal
from mfgsql.resources import resource

_HEADER = re.compile(r"^--\s?(?:(\w+): )?(.*)$")


@dataclass(frozen=True)
class SqlFile:
    """A file of ``sql/``: its statement, and its header (``-- summary: ...``, ``-- argument: ...``)."""

    name: str
    sql: str
    header: dict[str, str] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """One sentence."""
        return self.header.get("summary", "")


def read_sql_file(path: Path) -> SqlFile:
    """Header and statement; a header line without a key continues the one above."""
    header: dict[str, str] = {}
    lines = path.read_text(encoding="utf-8").splitlines()
    key, start = "", 0
    for start, line in enumerate(lines):  # noqa: B007
        match = _HEADER.match(line)
        if not match:
            break
        key = match[1] or key
        header[key] = f"{header[key]} {match[2].strip()}" if key in header else match[2].strip()
    return SqlFile(path.stem, "\n".join(lines[start:]).strip().rstrip(";"), header)


@cache
def shipped_functions() -> tuple[SqlFile, ...]:
    """The public macros, by name."""
    return tuple(read_sql_file(f) for f in sorted(resource("sql/functions").glob("*.sql")))


@cache
def shipped_views() -> tuple[SqlFile, ...]:
    """The public views of schema ``ml``, by name."""
    return tuple(read_sql_file(f) for f in sorted(resource("sql/views").glob("*.sql")))


def checksum() -> str:
    """Of all that would be installed."""
    texts = [f"{f.name}\n{f.sql}\n{f.header}" for f in (*shipped_functions(), *shipped_views())]
    texts.append(_documentation())
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def installed(con: duckdb.DuckDBPyConnection) -> str | None:
    """Checksum of what is installed."""
    try:
        row = con.execute("SELECT checksum FROM ml_catalog.installed_sql").fetchone()
    except duckdb.CatalogException:
        return None
    return row[0] if row else None


def install_sql(con: duckdb.DuckDBPyConnection) -> bool:
    """Install macros and views where they differ from this package's, in one transaction; whether they did."""
    if installed(con) == checksum():
        return False
    con.execute("BEGIN")
    try:
        con.execute("CREATE SCHEMA IF NOT EXISTS ml")
        for function in shipped_functions():
            con.execute(function.sql)
            kind = "MACRO TABLE" if re.search(r"\bAS\s+TABLE\b", function.sql, re.IGNORECASE) else "MACRO"
            con.execute(f"COMMENT ON {kind} {function.name.split('.')[0]} IS {quote_literal(function.summary)}")
        con.execute(_documentation())
        for view in shipped_views():
            con.execute(_wrapped(con, view))
            con.execute(f"COMMENT ON VIEW ml.{quote_identifier(view.name)} IS {quote_literal(view.summary)}")
        con.execute(
            f"CREATE OR REPLACE VIEW ml_catalog.installed_sql AS SELECT {quote_literal(checksum())} AS checksum"
        )
        con.execute("COMMIT")
    except BaseException:
        con.execute("ROLLBACK")
        raise
    return True


# The field's words as they are used here; `ml.functions` shows them below the verbs.
WORDS = {
    "adapter": "Small matrices beside the layers of a base, which learn while the base stays as it is (LoRA).",
    "alias": "A name that points at a version: champion, candidate, previous.",
    "artifact": "The weights of a version, kept inside the database.",
    "backbone": "The network that turns a row into numbers; shared by a base and its models.",
    "base": "A model pre-trained on rows without labels, from which others are fine-tuned.",
    "censored": "Not known to its end: no failure was seen yet, so that a time until it is a lower bound.",
    "champion": "The version that the model's bare name means.",
    "embedding": "A text or a picture as a vector of length one; of what is alike the cosine is near 1.",
    "entity": "The machine, unit or part whose history rows belong to.",
    "feature": "A column that a model reads.",
    "field": "The one column of texts or pictures that a base or a model reads.",
    "head": "The small network on top of a backbone that predicts the target.",
    "horizon": "How far ahead a prediction looks.",
    "region": "A box in a picture, in pixels, that is unlike good pictures.",
    "run": "One learning statement that had to do something.",
    "span": "A stretch of a text that has a label, in characters from 0, stop not included.",
    "subgroup": "Points made under the same conditions, whose spread is that of chance alone.",
    "task": "What is learnt: classification, multilabel, hierarchy, regression, rul (remaining useful life), anomaly, "
    "token_classification (spans), embedding.",
    "version": "One state of a model, numbered from 1; it never changes.",
    "window": "The stretch of history that a model reads at once.",
}


def _documentation() -> str:
    """A view of every verb, made from the files' headers, and of the words."""
    rows = []
    for file in shipped_functions():
        known = {"summary", "columns", "example"}
        arguments = "; ".join(f"{k}: {v}" for k, v in file.header.items() if k not in known)
        name = file.name.split(".")[0]
        rows.append(
            ("verb", name, arguments, file.summary, file.header.get("columns", ""), file.header.get("example", ""))
        )
    rows += [("word", word, "", words, "", "") for word, words in WORDS.items()]
    values = ", ".join(f"({', '.join(quote_literal(v) for v in row)})" for row in rows)
    names = "kind, name, arguments, summary, columns, example"
    return f"CREATE OR REPLACE VIEW ml_catalog.functions AS SELECT * FROM (VALUES {values}) AS f({names})"


def _wrapped(con: duckdb.DuckDBPyConnection, view: SqlFile) -> str:
    """The view's statement behind the engine's own cursor; its columns and types stay."""
    types = {r[0]: r[1] for r in con.execute(f"DESCRIBE {view.sql}").fetchall()}
    job = json.dumps({"action": "view", "args": {"view": view.name}})
    call = f"from_json(_ml_run({quote_literal(job)}), {quote_literal(json.dumps([types]))})"
    columns = ", ".join(f"__ml.{quote_identifier(c)} AS {quote_identifier(c)}" for c in types)
    return (
        f"CREATE OR REPLACE VIEW ml.{quote_identifier(view.name)} AS "
        f"SELECT {columns} FROM (SELECT unnest(__rows) AS __ml FROM (SELECT {call} AS __rows))"
    )
