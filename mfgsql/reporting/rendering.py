"""From facts to the page."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from mfgsql.errors import MissingExtraError
from mfgsql.reporting.facts import Facts
from mfgsql.version import __version__

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
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from mfgsql.reporting.headline import headline
    from mfgsql.reporting.panel import all_panels

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made = [(maker, maker(facts)) for maker in all_panels()]
    sections = [(maker, panel) for maker, panel in made if panel is not None]
    return environment.get_template("report.html").render(
        facts=facts, headline=headline(facts), sections=sections, release=__version__
    )
