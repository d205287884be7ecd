"""What a page is made of: panels of notes, lists, tables and figures, each panel a function of the facts.

To add one, write a function in a file of `mfgsql.reporting.panels`, or in a package of your own that names the file
under the entry-point group ``mfgsql.panel``::

    @panel("drift", "Drift since it was trained", order=65)
    def drift(facts: Facts) -> Panel | None:
        ...
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, ClassVar

from mfgsql.errors import MfgsqlError
from mfgsql.registry import Registry
from mfgsql.reporting.facts import Facts, Missing, Stretch

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True)
class Note:
    """A paragraph. tone: empty, ``good``, ``warn`` or ``bad``."""

    text: str
    tone: str = ""
    kind: ClassVar[str] = "note"


@dataclass(frozen=True)
class Heading:
    """Above what belongs together inside a panel."""

    text: str
    kind: ClassVar[str] = "heading"


@dataclass(frozen=True)
class Code:
    """A statement, as it was written."""

    text: str
    label: str
    kind: ClassVar[str] = "code"


@dataclass(frozen=True)
class Terms:
    """Words with what is to say about each."""

    pairs: tuple[tuple[str, str], ...]
    kind: ClassVar[str] = "terms"


@dataclass(frozen=True)
class Bar:
    """A bar in a cell from ``start`` to ``stop``, a whisker from ``low`` to ``high``: shares of the cell's width."""

    start: float
    stop: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes:
        shade: 0 to 1, how strongly it is coloured. bar: drawn instead of the text, which is then read aloud.
        marks: parts of a text that stand before ``text``. picture: a PNG that stands before it, with ``label`` for who
            can't see it.
    """

    text: str
    shade: float | None = None
    bar: Bar | None = None
    marks: tuple[Stretch, ...] = ()
    picture: bytes | None = None
    label: str = ""

    @property
    def data(self) -> str:
        """The picture inside the page."""
        return f"data:image/png;base64,{b64encode(self.picture or b'').decode()}"


@dataclass(frozen=True)
class Table:
    """A table; the first cell of each row is its header.

    Attributes:
        texts: numbers of the columns that hold words; the others are aligned as numbers. long: of those, which need
            room.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell | str, ...], ...]
    texts: tuple[int, ...] = ()
    long: tuple[int, ...] = ()
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Figure:
    """A drawing.

    Attributes:
        svg: as `mfgsql.reporting.drawing` makes it. label: what it shows, for who can't see it.
        legend: (style, words); a style is a class of the page's style sheet: ``s1`` to ``s5``, ``muted``, ``dashed``,
            ``dot``, ``square``. wide: it takes all of the page.
    """

    svg: Markup
    caption: str
    label: str
    legend: tuple[tuple[str, str], ...] = ()
    wide: bool = False


@dataclass(frozen=True)
class Figures:
    """Drawings side by side where there is room."""

    figures: tuple[Figure, ...]
    kind: ClassVar[str] = "figures"


Part = Note | Heading | Code | Terms | Table | Figures


@dataclass(frozen=True)
class Panel:
    """A section of the page."""

    parts: tuple[Part, ...]

    @classmethod
    def of(cls, *parts: Part) -> Panel:
        """A panel of these parts."""
        return cls(parts)

    @classmethod
    def why_not(cls, missing: Missing) -> Panel:
        """A panel that says why there is nothing to see."""
        return cls.of(Note(missing.reason))


@dataclass(frozen=True)
class Maker:
    """A panel's title, its place (smaller is further up), and the function that makes it."""

    name: str
    title: str
    order: int
    make: Callable[[Facts], Panel | None]

    def __call__(self, facts: Facts) -> Panel | None:
        """The panel; None where it makes no sense for this sort of model."""
        try:
            return self.make(facts)
        except MfgsqlError as error:
            return Panel.why_not(Missing(str(error)))


def _load() -> None:
    import_module("mfgsql.reporting.panels")


panels: Registry[Maker] = Registry("panel", _load)


def panel(name: str, title: str, *, order: int) -> Callable[[Callable[[Facts], Panel | None]], Maker]:
    """Decorator that makes a function a panel of every report."""
    return lambda make: panels.register(name)(Maker(name, title, order, make))


def all_panels() -> list[Maker]:
    """Built-in ones and those of other packages, from top to bottom."""
    names = {*panels, *(point.name for point in entry_points(group="mfgsql.panel"))}
    return sorted((panels[n] for n in names), key=lambda maker: (maker.order, maker.name))
