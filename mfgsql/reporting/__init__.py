"""A version's report: facts in, one HTML page out that needs nothing else. It knows no database.

A panel of the page is one function ``(Facts) -> Panel | None``; see `mfgsql.reporting.panel`.
"""

from mfgsql.reporting.facts import Facts, Missing
from mfgsql.reporting.panel import Panel, panel
from mfgsql.reporting.rendering import check_installed, render, render_rows

__all__ = ["Facts", "Missing", "Panel", "check_installed", "panel", "render", "render_rows"]
