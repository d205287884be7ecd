"""Figures as SVG whose texts stay texts and whose colours follow the page: light, dark and print.

matplotlib draws in colours that stand for names; they are replaced by variables of the page's style sheet.
"""

from __future__ import annotations

import io
import re
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

INK, MUTED, GRID, SURFACE = "#a10001", "#a10002", "#a10003", "#a10004"
SERIES = ("#b10001", "#b10002", "#b10003", "#b10004", "#b10005")
_VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", SURFACE: "surface"} | {
    colour: f"s{number}" for number, colour in enumerate(SERIES, 1)
}
WIDE = 860  # of a figure that takes all of the page
_WIDTH = 400  # as wide as a figure is on the page at most, and readable on a phone
_STYLE = {
    "svg.fonttype": "none",
    "font.size": 12,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "text.color": INK,
    "lines.linewidth": 2,
}
_NOTHING = dict.fromkeys(("Date", "Creator", "Format", "Type"))
_FAMILY = re.compile(r"font-family:[^;]*;?\s*")
_drawing = threading.Lock()  # matplotlib's settings are of the whole process


def draw(name: str, plot: Callable[[Axes], None], *, height: int = 250, width: int = _WIDTH) -> Markup:
    """What ``plot`` puts on the axes.

    Args:
        name: of the figure, unique on the page. height, width: in points; figures side by side are 400 wide.
    """
    import matplotlib.style
    from cycler import cycler
    from matplotlib.figure import Figure

    style = _STYLE | {"svg.hashsalt": name, "axes.prop_cycle": cycler(color=SERIES)}
    buffer = io.BytesIO()
    with _drawing, matplotlib.style.context(style, after_reset=True):
        figure = Figure(figsize=(width / 72, height / 72), layout="constrained", facecolor="none")
        axes = figure.add_subplot(facecolor="none")
        plot(axes)
        figure.savefig(buffer, format="svg", metadata=_NOTHING)
    return _themed(buffer.getvalue())


def _themed(data: bytes) -> Markup:
    """The drawing as it stands inside a page: no namespaces, no ids but those referred to, no fonts, no colours."""
    from markupsafe import Markup

    root = ET.fromstring(data)  # noqa: S314  (ours)
    used = set(re.findall(r"#(\w{11})\b", data.decode()))
    for parent in root.iter():
        parent.tag = parent.tag.partition("}")[2]
        for child in list(parent):
            if child.tag.endswith(("}metadata", "}style")):
                parent.remove(child)
        if parent.get("id") not in used:
            parent.attrib.pop("id", None)
        _plain(parent.attrib)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib |= {"aria-hidden": "true", "focusable": "false"}  # the figure's label tells what it shows
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704  (written by the serialiser, which escapes)


def _plain(attributes: dict[str, str]) -> None:
    for key in list(attributes):
        if key.startswith("{"):
            attributes[key.partition("}")[2]] = attributes.pop(key)
    if "d" in attributes:
        attributes["d"] = " ".join(attributes["d"].split())
    if style := attributes.get("style"):
        style = _FAMILY.sub("", style)
        attributes["style"] = re.sub(r"#[ab]1000\d", lambda found: f"var(--{_VARIABLES[found[0]]})", style)
