"""From facts to the page."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mfgsql.errors import MissingExtraError, OptionError, did_you_mean
from mfgsql.reporting.facts import Facts
from mfgsql.reporting.formats import plural
from mfgsql.reporting.panel import Panel
from mfgsql.version import __version__

Rows = Sequence[Mapping[str, Any]]
_TEMPLATES = Path(__file__).parent / "templates"


def check_installed() -> None:
    """Raise where the packages of the extra are missing.

    Raises:
        MissingExtraError: they are.
    """
    if any(importlib.util.find_spec(name) is None for name in ("jinja2", "matplotlib")):
        raise MissingExtraError("A report needs an extra.", remedy="pip install 'mfgsql[report]'")


def render(facts: Facts) -> str:
    """One HTML page that loads nothing. Equal facts give equal pages.

    Raises:
        MissingExtraError: jinja2 or matplotlib is not installed.
    """
    check_installed()
    from mfgsql.reporting.headline import headline
    from mfgsql.reporting.panel import all_panels

    made = [(maker, maker(facts)) for maker in all_panels()]
    sections = [(maker, panel) for maker, panel in made if panel is not None]
    return _filled(
        title=f"{facts.name}: report",
        kicker="Model report",
        headline=headline(facts),
        sections=sections,
        origin="the database's own records and the rows held out",
    )


def render_rows(rows: Rows, title: str | None = None, x: str | None = None, y: str | None = None) -> str:
    """One HTML page of what a verb suggests, by its rows.

    Args:
        x, y: columns that a Pareto front is drawn by.

    Raises:
        MissingExtraError: jinja2 or matplotlib is not installed.
        OptionError: there are no rows, or none of the columns named.
    """
    check_installed()
    from mfgsql.reporting import choices
    from mfgsql.reporting.headline import Headline

    if not rows:
        raise OptionError("There are no rows to show.", remedy="SELECT ml_page(list(b)) FROM ml_bottlenecks(...) AS b;")
    for name in (x, y):
        if name is not None and name not in rows[0]:
            raise OptionError(f"The rows have no column {name!r}.{did_you_mean(name, rows[0])}")
    made = (
        ("stations", "Which station holds up the line", choices.stations(rows)),
        ("gains", "What changes would bring", choices.gains(rows)),
        ("effects", "What the change would bring", choices.effects(rows)),
        ("front", "What can be had at best", choices.front(rows, x, y)),
        ("suggestions", "What to change", choices.suggestions(rows)),
    )
    sections = [({"name": name, "title": head}, panel) for name, head, panel in made if panel is not None]
    if not sections:
        listed = Panel.of(*choices.table(rows, plural(len(rows), "row") + "."))
        sections = [({"name": "rows", "title": "Rows"}, listed)]
    title = title or sections[0][0]["title"]
    told = "" if "period_start" in rows[0] else next((str(r["finding"]) for r in rows if r.get("finding")), "")
    top = Headline(title, plural(len(rows), "row"), "", told, "", "", ())
    return _filled(title=title, kicker="Suggestions", headline=top, sections=sections, origin="the rows of a statement")


def _filled(**told: Any) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(release=__version__, **told)
