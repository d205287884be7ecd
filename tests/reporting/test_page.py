"""The page: whole, escaped, small, the same each time, and of nothing but itself."""

from __future__ import annotations

import re
import sys
import threading
from base64 import b64decode
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mfgsql import reporting
from mfgsql.errors import MissingExtraError, OptionError
from mfgsql.reporting import Facts, Missing, Panel, panel, render
from mfgsql.reporting.panel import Note, all_panels, panels

VOID = {"meta", "br", "img", "link", "input", "hr"}
EVERYWHERE = ["learning", "data", "limits", "lineage"]
CLASSES = ["figures", "rival", "confusion", "curves", "calibration", "importance", "examples", *EVERYWHERE]
NUMBERS = ["figures", "rival", "residuals", "coverage", "importance", "examples", *EVERYWHERE]
SECTIONS = {
    "costs": [*CLASSES[:4], "decision", *CLASSES[4:]],
    "a number": NUMBERS, "a base": EVERYWHERE, "a failed run": ["failures"], "nasty names": ["failures", *CLASSES],
    "spans": ["figures", "spans", "annotated", *EVERYWHERE],
}  # fmt: skip
Cases = dict[str, Callable[[], Facts]]


class Page(HTMLParser):
    """Reads a page strictly: each element that is opened is closed, in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), (tag, attrs)
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert "svg" in self.open  # only there a tag may close itself
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, (tag, self.open)

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="session")
def page(case: tuple[str, Facts]) -> tuple[str, str, Page]:
    name, facts = case
    text = render(facts)
    return name, text, Page(text)


def test_it_has_the_panels_of_its_sort(page: tuple[str, str, Page]) -> None:
    name, _, read = page
    assert [a["id"] for a in read.all("section")] == SECTIONS.get(name, CLASSES)


def test_it_loads_nothing(page: tuple[str, str, Page]) -> None:
    _, text, read = page
    assert len(text.encode()) < 2 * 2**20
    assert not [tag for tag, _ in read.elements if tag in ("script", "link", "iframe", "object", "base", "form")]
    assert all(picture["src"].startswith("data:image/png;base64,") for picture in read.all("img"))
    for tag, attributes in read.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("srcset", "xlink:href")]
        assert tag == "img" or "src" not in attributes
        assert attributes.get("href", "#").startswith("#")
        assert all(link.startswith("#") for link in re.findall(r"url\(([^)]*)\)", " ".join(attributes.values())))
    style = text[text.index("<style>") : text.index("</style>")]
    assert not re.search(r"url\(|@import|https?:", style)
    (policy,) = (m["content"] for m in read.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_it_can_be_read_by_everyone(page: tuple[str, str, Page]) -> None:
    _, _, read = page
    tags = [tag for tag, _ in read.elements]
    assert read.all("html") == [{"lang": "en"}]
    assert [tags.count(t) for t in ("h1", "main", "header", "nav", "footer", "title")] == [1] * 6
    levels = [int(t[1]) for t in tags if re.fullmatch(r"h[1-6]", t)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
    assert all(a.get("scope") in ("col", "row") for a in read.all("th"))
    assert tags.count("caption") == tags.count("table")
    assert tags.count("figcaption") == tags.count("figure")
    images = [a for a in read.all("div") if a.get("role") == "img"]
    assert len(images) == tags.count("figure")
    assert all(a["aria-label"].strip() for a in images)
    assert all(a["alt"].strip() for a in read.all("img"))


def test_ids_are_unique_and_links_lead_somewhere(page: tuple[str, str, Page]) -> None:
    _, _, read = page
    ids = [a["id"] for _, a in read.elements if "id" in a]
    assert len(set(ids)) == len(ids)
    links = [a["href"][1:] for _, a in read.elements if a.get("href", "").startswith("#")]
    links += [link for _, a in read.elements for link in re.findall(r"url\(#([^)]*)\)", " ".join(a.values()))]
    links += [a["aria-labelledby"] for _, a in read.elements if "aria-labelledby" in a]
    assert set(links) <= set(ids)


def test_colours_follow_the_theme(page: tuple[str, str, Page]) -> None:
    """Every colour of a figure is a variable of the style sheet, which knows it for light and for dark."""
    _, text, read = page
    drawn = " ".join(a.get("style", "") for tag, a in read.elements)
    assert not re.search(r"#[0-9a-f]{3,8}\b|rgb", drawn)
    style = text[text.index("<style>") : text.index("</style>")]
    light, dark = style.split("prefers-color-scheme: dark")
    for name in set(re.findall(r"var\((--[\w-]+)\)", drawn)):
        assert f"{name}: #" in light
        assert f"{name}: #" in dark
    assert "@media print" in style


def contrast(one: str, other: str) -> float:
    """Ratio of two colours' luminances (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lower, higher = sorted((luminance(one), luminance(other)))
    return (higher + 0.05) / (lower + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_and_lines_stand_out(theme: str) -> None:
    light, dark = style_sheet().partition("@media print")[0].split("prefers-color-scheme: dark")
    known = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light if theme == "light" else dark))
    for ground in ("surface", "page"):
        for words in ("ink", "muted", "s1"):
            assert contrast(known[words], known[ground]) >= 4.5, (words, ground)
    for tone in ("good", "warn", "bad"):
        assert contrast(known[tone], known[f"{tone}-back"]) >= 4.5, tone
    for line in ("s1", "s2", "s3", "s4", "s5"):
        assert contrast(known[line], known["surface"]) >= 3, line
    # The strongest shade of a table's cell: 45 % of the first line's colour over the ground.
    pairs = [(int(known["s1"][i : i + 2], 16), int(known["surface"][i : i + 2], 16)) for i in (1, 3, 5)]
    shade = "#" + "".join(f"{round(0.45 * a + 0.55 * b):02x}" for a, b in pairs)
    assert contrast(known["ink"], shade) >= 4.5


def style_sheet() -> str:
    return (Path(reporting.__file__).parent / "templates" / "report.css").read_text(encoding="utf-8")


def test_equal_facts_give_equal_pages(page: tuple[str, str, Page], cases: Cases) -> None:
    name, text, _ = page
    assert render(cases[name]()) == text


def test_names_are_only_text(cases: Cases, nasty_text: str) -> None:
    text = render(cases["nasty names"]())
    read = Page(text)
    assert not read.all("script")
    assert not read.all("img")
    assert "".join(read.words).count(nasty_text) > 20
    assert "{{ 7 * 7 }}" in text  # no template, either
    assert "<script>alert" not in text


def test_words_and_places_are_shown(cases: Cases, nasty_text: str) -> None:
    text = render(cases["texts and pictures"]())
    read = Page(text)
    marks = read.all("mark")
    assert [(m["class"], m["style"], m["title"]) for m in marks] == [
        ("for", "--shade:0.900", "+12.0 points"), ("against", "--shade:0.400", nasty_text),
    ]  # fmt: skip
    (picture,) = read.all("img")
    assert b64decode(picture["src"].partition(",")[2]) == b"\x89PNG made up"
    assert nasty_text in picture["alt"]
    words = [w.strip() for w in read.words]
    assert words.count("missing") == 2
    assert words.count(nasty_text) == 2  # before and behind the word that speaks for it
    assert {"leaking", "+9.0 points", "−1.0 points", "load = 0.5 (+1.0\N{NO-BREAK SPACE}points)"} <= set(words)
    assert "Words in blue raise the probability of true, words in orange lower it; the stronger, the more." in words
    assert "Pictures are coloured where they move the probability of true most." in words


def test_spans_are_marked(cases: Cases, nasty_text: str) -> None:
    read = Page(render(cases["spans"]()))
    assert [m["class"] for m in read.all("mark")] == ["span"]
    words = [w.strip() for w in read.words]
    assert {"the", "pump", f"leaks {nasty_text}", "the pump leaks", "Span F1"} <= set(words)
    assert "Finds what stands in “note”: spans of 1 label." in words
    assert "None among the texts held out." in words
    assert words.count(nasty_text) == 1  # the label beside its span; tables shorten it


def test_500_classes_are_summed_up(cases: Cases) -> None:
    read = Page(render(cases["500 classes"]()))
    words = "".join(read.words)
    assert "the other 490" in words
    assert "The other 490 classes have" in words
    assert "490 other classes" in words
    assert len(read.all("td")) < 2000


def test_what_cannot_be_shown_is_told(cases: Cases) -> None:
    words = "".join(Page(render(cases["imported"]())).words)
    assert words.count("was imported, and the rows it was judged on stayed behind.") == 7
    assert "Not judged" in words or "not judged here" in words
    words = "".join(Page(render(cases["one class judged"]())).words)
    assert "All rows of the source are of the class" in words or "a curve needs another one" in words


def test_a_failed_run_says_what_to_do(cases: Cases) -> None:
    words = "".join(Page(render(cases["a failed run"]())).words)
    assert "TRUE in every row: nothing to learn. Look at the source." in words
    assert "What to do: Mend what the error names" in words


def test_verdict_and_figures_stand_on_top(cases: Cases) -> None:
    words = " ".join(w.strip() for w in Page(render(cases["two classes"]())).words if w.strip())
    top = words[: words.index("How good it is")]
    for expected in (
        "press_failure",
        "version 2 · champion",
        "“failed”",
        "useful",
        "PR-AUC",
        "0.812",
        "0.100",
        "10,000",
        "25 Nov 2026",
    ):
        assert expected in top, expected


def test_the_rival_is_beaten_or_not(cases: Cases) -> None:
    assert "press_failure@2 is better by PR-AUC, beyond chance." in render(cases["two classes"]())


def test_a_panel_of_ones_own(cases: Cases) -> None:
    @panel("own_first", "Mine", order=1)
    def mine(facts: Facts) -> Panel | None:
        return Panel.of(Note(f"Hello {facts.model} & all"))

    @panel("own_absent", "Absent", order=2)
    def absent(facts: Facts) -> Panel | None:
        return None

    @panel("own_unable", "Unable", order=3)
    def unable(facts: Facts) -> Panel | None:
        raise OptionError("It rains.")

    try:
        assert [m.name for m in all_panels()][:3] == ["own_first", "own_absent", "own_unable"]
        read = Page(render(cases["two classes"]()))
    finally:
        for name in ("own_first", "own_absent", "own_unable"):
            del panels._known[name]
    assert [a["id"] for a in read.all("section")][:3] == ["own_first", "own_unable", "figures"]
    assert {"Hello press_failure & all", "It rains."} <= {w.strip() for w in read.words}
    assert Panel.why_not(Missing("No.")).parts == (Note("No."),)


def test_pages_may_be_made_by_several_threads(cases: Cases) -> None:
    wanted = {name: render(cases[name]()) for name in ("a number", "three classes")}
    found: list[tuple[str, str]] = []
    threads = [threading.Thread(target=lambda n=n: found.append((n, render(cases[n]())))) for n in [*wanted, *wanted]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(wanted[name] == text for name, text in found)


def test_nobody_elses_settings_of_matplotlib_matter_or_change(cases: Cases) -> None:
    import matplotlib

    wanted = render(cases["a number"]())
    with matplotlib.rc_context({"font.size": 40, "axes.grid": False, "svg.fonttype": "path"}):
        assert render(cases["a number"]()) == wanted
        assert matplotlib.rcParams["font.size"] == 40


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, package: str, cases: Cases) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mfgsql\[report\]'"):
        render(cases["a failed run"]())
