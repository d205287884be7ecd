"""JSON arrays and lines of JSON. Numbers and structs keep their types; strings are looked at for times."""

from __future__ import annotations

from mfgsql.engine.loading.bytes_ import compression
from mfgsql.engine.loading.csv_ import quote_path
from mfgsql.engine.loading.encodings import as_utf8
from mfgsql.engine.loading.infer import infer
from mfgsql.engine.loading.job import Job
from mfgsql.engine.loading.part import Column, Part
from mfgsql.engine.loading.readings import TEMPORAL, readings
from mfgsql.engine.loading.relations import columns_of
from mfgsql.engine.quoting import quote_identifier, quote_literal


def read_json(job: Job, path: str) -> Part:
    """The part of one JSON file; with ``on_bad = 'skip'`` lines that are no JSON are left out."""
    plain = as_utf8(job, path, strip_bom=True)
    relation = _relation(plain, skip=job.options.on_bad == "skip")
    columns = columns_of(job, relation)
    if job.options.on_bad == "skip":
        relation = _without_bad(job, path, relation, columns)
    return Part(path, relation, _timed(job, path, relation, columns))


def _relation(path: str, *, skip: bool) -> str:
    settings = [
        "sample_size = -1, hive_partitioning = false",
        "dateformat = 'x', timestampformat = 'x'",  # DuckDB's own search drops the offset of '...+02:00'
        f"compression = {quote_literal(compression(path) or 'none')}",
        *(["format = 'newline_delimited', ignore_errors = true"] if skip else []),
    ]
    return f"read_json({quote_path(path)}, {', '.join(settings)})"


def _without_bad(job: Job, path: str, relation: str, columns: tuple[Column, ...]) -> str:
    """DuckDB gives a row of NULLs for a line that is no JSON."""
    known = " OR ".join(f"{column.sql} IS NOT NULL" for column in columns)
    bad = job.row(f"SELECT count_if(NOT ({known})) FROM {relation}")[0]
    if not bad:
        return relation
    job.rejected += bad
    job.note(f"{bad} lines left out: they are no JSON, or hold no value", path)
    return f"(SELECT * FROM {relation} WHERE {known})"


def _timed(job: Job, path: str, relation: str, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Strings may be times; a column of numbers and strings (a JSON one) may be numbers with gaps."""
    options = job.options
    strings = [(c.name, c.sql) for c in columns if c.type == "VARCHAR"]
    mixed = [(c.name, f"({quote_identifier(c.name)} ->> '$')") for c in columns if c.type == "JSON"]
    every = readings(decimal=options.decimal, comma=False, date_format=options.date_format)
    times = every[3:] if options.date_format else TEMPORAL
    found = {}
    for cells, known in ((strings, times), (mixed, every)):
        if cells:
            found.update({c.name: c for c in infer(job, path, relation, cells, known)})
    return tuple(found.get(column.name, column) for column in columns)
