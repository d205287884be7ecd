"""``models``: list, show, events, promote, rollback, drop, export, import."""

from __future__ import annotations

import click

from mfgsql.cli.completion import model_argument
from mfgsql.cli.remote.address import is_url
from mfgsql.cli.rows import Output, output
from mfgsql.cli.session import F, call, database, opened

_GLANCE = "model, target, champion, candidate, metric, value, baseline, verdict"
_TOLD = "happened_at, who, model, version, event, previous, reason"
_VERSIONS = """
FROM ml.versions
WHERE model = $1 AND ($2 IS NULL OR version::VARCHAR = $2 OR list_contains(string_split(aliases, ', '), $2))
"""
# One version: what it reads, and its figures on rows held out.
_WHOLE = """
SELECT v.*,
  (SELECT list(printf('%s %.4g', metric, value) || coalesce(printf(' (baseline %.4g)', baseline), '') ORDER BY metric)
    FROM ml.metrics m WHERE m.run_id = v.run_id AND final) AS held_out,
  (SELECT list(feature ORDER BY feature) FROM ml.features f
    WHERE f.model = v.model AND f.version = v.version AND kind IS NOT NULL) AS features,
  (SELECT list(feature || ': ' || left_out ORDER BY feature) FROM ml.features f
    WHERE f.model = v.model AND f.version = v.version AND kind IS NULL) AS left_out
"""


@click.group()
def models() -> None:
    """Models and their versions.

    \b
    Example:
      mfgsql models list --db plant.duckdb
      mfgsql models promote press_failure@2 --db plant.duckdb
    """


@models.command("list")
@database()
@output
def list_(db: str, out: Output) -> None:
    """All models and bases: what they predict, which version is champion, how good it is.

    \b
    Example:
      mfgsql models list --db plant.duckdb
    """
    with opened(db) as session:
        columns = _GLANCE if out.format == "table" else "*"
        out.result(session.execute(f"SELECT {columns} FROM ml.models"))


@models.command()
@model_argument
@database()
@output
def show(model: str, db: str, out: Output) -> None:
    """The versions of a MODEL, or all about one version ('m@3', 'm@champion').

    \b
    Example:
      mfgsql models show press_failure --db plant.duckdb
      mfgsql models show press_failure@2 --db plant.duckdb
    """
    name, at, ref = model.partition("@")
    with opened(db) as session:
        found = session.execute("SELECT count(*) FROM (" + _VERSIONS + ")", [name, ref or None]).fetchone()[0]
        if not found:
            _missing(name, ref, [m for (m,) in session.execute("SELECT model FROM ml.models").fetchall()])
        session.execute(f"{_WHOLE} FROM ({_VERSIONS}) AS v" if at else _VERSIONS, [name, ref or None])
        out.record(session) if at else out.result(session)


def _missing(name: str, ref: str, known: list[str]) -> None:
    from mfgsql.errors import NotFoundError, did_you_mean

    if name in known:
        raise NotFoundError(f"'{name}' has no version '{ref}'.", remedy=f"See them: mfgsql models show {name}")
    raise NotFoundError(f"There is no model '{name}'.{did_you_mean(name, known)}", remedy="See: mfgsql models list")


@models.command()
@click.argument("model", required=False)
@database()
@output
def events(model: str | None, db: str, out: Output) -> None:
    """What happened to the versions of a MODEL, or of all: who made, promoted, refused, dropped one, and why.

    \b
    Example:
      mfgsql models events press_failure --db plant.duckdb
    """
    with opened(db) as session:
        columns = _TOLD if out.format == "table" else "*"
        out.result(session.execute(f"SELECT {columns} FROM ml.events WHERE $1 IS NULL OR model = $1", [model]))


def _reason(command: F) -> F:
    return click.option("--reason", metavar="TEXT", help="Why, in your words; kept in ml.events.")(command)


@models.command()
@model_argument
@click.option("--require", metavar="CONDITION", multiple=True, help="What it has to reach: 'pr_auc >= champion'.")
@click.option("--source", metavar="SOURCE", help="Rows that both are judged by; default: those that each held out.")
@_reason
@database()
@output
def promote(
    model: str, require: tuple[str, ...], source: str | None, reason: str | None, db: str, out: Output
) -> None:
    """Make a version of a MODEL ('m@3', 'm@candidate') the champion.

    \b
    Example:
      mfgsql models promote press_failure@candidate --require 'pr_auc >= champion' --db plant.duckdb
    """
    with opened(db) as session:
        asked = list(require) or None
        out.result(session.execute(call("promote", model, source=source, require=asked, reason=reason)))


@models.command()
@model_argument
@_reason
@database()
@output
def rollback(model: str, reason: str | None, db: str, out: Output) -> None:
    """Make the previous champion of a MODEL the champion again.

    \b
    Example:
      mfgsql models rollback press_failure --db plant.duckdb
    """
    with opened(db) as session:
        out.result(session.execute(call("rollback", model, reason=reason)))


@models.command()
@model_argument
@_reason
@database()
@output
def drop(model: str, reason: str | None, db: str, out: Output) -> None:
    """Delete a MODEL with all its versions, or one version ('m@2').

    \b
    Example:
      mfgsql models drop press_failure@2 --db plant.duckdb
    """
    with opened(db) as session:
        out.result(session.execute(call("drop", model, reason=reason)))


@models.command("export")
@model_argument
@click.argument("file")
@click.option("--overwrite", is_flag=True, help="Replace the file where it exists.")
@database()
@output
def export_(model: str, file: str, overwrite: bool, db: str, out: Output) -> None:
    """Write a version of a MODEL to one safetensors FILE; with --url on the server, below its folder for files.

    \b
    Example:
      mfgsql models export press_failure press_failure.safetensors --db plant.duckdb
    """
    with opened(db) as session:
        out.result(session.execute(call("export", model, file, overwrite=overwrite)))
    if is_url(db):
        click.echo("The file lies on the server, below its folder for files (mfgsql serve --files-root).", err=True)


@models.command("import")
@click.argument("model")
@click.argument("file")
@database()
@output
def import_(model: str, file: str, db: str, out: Output) -> None:
    """Read a FILE that export wrote as a version of MODEL; with --url on the server, below its folder for files.

    \b
    Example:
      mfgsql models import press_failure press_failure.safetensors --db plant.duckdb
    """
    with opened(db) as session:
        out.result(session.execute(call("import", model, file)))
