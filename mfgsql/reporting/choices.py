"""What verbs suggest, as figures: which station held up a line and when, what changes bring, what can be had at best.

Rows are those of the verbs, as dicts; a panel is None where the rows aren't of its kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mfgsql.reporting.drawing import INK, MUTED, SERIES, draw
from mfgsql.reporting.formats import NONE, number, percent
from mfgsql.reporting.panel import Figure, Figures, Note, Panel, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Rows = Sequence[Mapping[str, Any]]
_STATIONS, _PERIODS, _GAINS, _SHOWN = 20, 400, 12, 40  # drawn, or listed, at most
_WORDS = ("finding", "suggestion", "why", "ml_reason")
_OURS = ("ml_status", "ml_reason", "pareto_rank", "rank")


def stations(rows: Rows) -> Panel | None:
    """Rows of ``ml_bottlenecks``: stations by periods, the darker the more it held up the line."""
    if not rows or "is_bottleneck" not in rows[0]:
        return None
    share = "critical" if "critical" in rows[0] else "bottleneck"
    words = "on the critical path" if share == "critical" else "as the machine that waited least"
    names = _ordered(rows, share)
    findings = Table(
        "What the rows say of each station." if "period_start" not in rows[0] else "When each station was the first.",
        ("Station", "Share", "Finding"),
        tuple((str(name), percent(mean), text) for name, mean, text in _of_stations(rows, share, names)),
        texts=(2,),
    )
    if "period_start" not in rows[0]:
        return Panel.of(findings)
    times = sorted({row["period_start"] for row in rows if row["period_start"] is not None})[-_PERIODS:]
    place = {time: i for i, time in enumerate(times)}
    cells = [(place[r["period_start"]], names.index(r["station"]), min(max(float(r[share] or 0), 0), 1))
             for r in rows if r["period_start"] in place and r["station"] in names]  # fmt: skip

    def plot(axes: Axes) -> None:
        for column, line, dark in cells:
            if dark >= 0.01:
                axes.barh(line, 1, left=column, height=0.9, color=SERIES[0], alpha=dark, linewidth=0)
        axes.set_yticks(range(len(names)), [str(name) for name in names])
        axes.invert_yaxis()
        ticks = sorted({0, len(times) // 2, len(times) - 1})
        axes.set_xticks([i + 0.5 for i in ticks], [_moment(times[i]) for i in ticks])
        axes.set(xlim=(0, len(times)), ylim=(len(names) - 0.5, -0.5))
        axes.grid(False)

    caption = f"{len(times):,} periods. The darker, the larger the share of the period {words}."
    label = f"Stations by periods; {names[0]} held up the line most."
    figure = Figure(draw("stations", plot, height=80 + 22 * len(names)), caption, label, (("s1", "holds up the line"),))
    return Panel.of(Figures((figure,)), findings)


def gains(rows: Rows) -> Panel | None:
    """Rows of ``ml_whatif`` without a change: what each one brings, with its interval."""
    if not rows or not {"change", "gain", "suggestion"} <= set(rows[0]):
        return None
    shown = [row for row in rows if row["gain"] is not None][:_GAINS]
    if not shown:
        return Panel.of(Note("No change was tried.", "warn"))

    def plot(axes: Axes) -> None:
        for line, row in enumerate(shown):
            low, high = (row["gain"] if row[end] is None else row[end] for end in ("lower", "upper"))
            axes.plot([low, high], [line, line], color=SERIES[0], linewidth=3, alpha=0.4)
            axes.plot(row["gain"], line, "o", color=SERIES[0], markersize=6)
        axes.axvline(0, color=MUTED, linewidth=1)
        axes.set_yticks(range(len(shown)), [str(row["change"]) for row in shown])
        axes.invert_yaxis()
        axes.set(xlabel="cases a day more")

    best = max(shown, key=lambda row: row["gain"])
    label = f"Gains of {len(shown)} changes with intervals; the largest by {best['change']}."
    figure = Figure(draw("gains", plot, height=80 + 24 * len(shown)), "Gain with its interval, the best for its cost "
                    "first.", label, (("s1", "gain"),))  # fmt: skip
    return Panel.of(Figures((figure,)), table(rows, "Suggestions, the best for their cost first."))


def front(rows: Rows, x: str | None, y: str | None) -> Panel | None:
    """Rows with a ``pareto_rank``, of ``ml_recommend`` and ``ml_generate``: two columns against each other."""
    if not rows or "pareto_rank" not in rows[0]:
        return None
    known = [row for row in rows if row["pareto_rank"] is not None]
    numbers = [name for name in (rows[0] if not known else known[0]) if _numeric(rows, name) and name not in _OURS]
    x, y = _axes(numbers, x, y)
    listed = table(rows, "The best first.")
    if x is None or y is None:
        return Panel.of(listed)
    return Panel.of(Figures((_of_points(known, x, y),)), listed)


def _of_points(known: Rows, x: str, y: str) -> Figure:
    points = [row for row in known if row[x] is not None and row[y] is not None]
    best = [r for r in points if r["pareto_rank"] == 1]
    rest = [r for r in points if r["pareto_rank"] != 1]

    def plot(axes: Axes) -> None:
        axes.plot([r[x] for r in rest], [r[y] for r in rest], "o", color=MUTED, markersize=4, alpha=0.5)
        axes.plot([r[x] for r in best], [r[y] for r in best], "o", color=SERIES[0], markersize=6)
        axes.set(xlabel=x, ylabel=y)
        axes.xaxis.label.set_color(INK)

    label = f"Points of {x} and {y}; {len(best)} of {len(points)} are on the front."
    caption = f"{len(best)} of {len(points)}: no other is better in one objective and no worse in the others."
    legend = (("s1", "on the front"), ("muted", "others"))
    return Figure(draw("front", plot), caption, label, legend)


def table(rows: Rows, caption: str) -> Table:
    """Rows as they are, numbers as people read them, without columns that are empty."""
    names = [n for n in rows[0] if any(r[n] is not None for r in rows) and not isinstance(rows[0][n], dict | list)]
    lines = tuple(tuple(_text(row[name]) for name in names) for row in rows[:_SHOWN])
    more = f" {len(rows) - _SHOWN:,} more are not shown." if len(rows) > _SHOWN else ""
    texts = tuple(i for i, name in enumerate(names) if name in _WORDS or not _numeric(rows, name))
    return Table(caption + more, tuple(names), lines, texts=texts)


def _axes(numbers: Sequence[str], x: str | None, y: str | None) -> tuple[str | None, str | None]:
    """As told; else what is predicted over what it costs."""
    y = y or next((n for n in numbers if n.startswith("predicted_")), None)
    usual = [n for n in ("cost", "change_cost", "novelty") if n in numbers]
    x = x or next((n for n in (*usual, *numbers) if n != y), None)
    return x, y or next((n for n in numbers if n != x), None)


def _ordered(rows: Rows, share: str) -> list[Any]:
    """Stations, the one that held up the line most first."""
    totals: dict[Any, float] = {}
    for row in rows:
        totals[row["station"]] = totals.get(row["station"], 0.0) + float(row[share] or 0)
    return sorted(totals, key=lambda name: (-totals[name], str(name)))[:_STATIONS]


def _of_stations(rows: Rows, share: str, names: Sequence[Any]) -> list[tuple[Any, float, str]]:
    found = []
    for name in names:
        own = [row for row in rows if row["station"] == name]
        mean = sum(float(row[share] or 0) for row in own) / len(own)
        first = [row for row in own if row["is_bottleneck"]]
        times = [_moment(row["period_start"]) for row in first if row.get("period_start") is not None]
        told = f"{len(first)} of {len(own)} periods" + (f", last {max(times)}" if times else "")
        found.append((name, mean, told if "period_start" in rows[0] else str(own[0]["finding"])))
    return found


def _numeric(rows: Rows, name: str) -> bool:
    values = [row[name] for row in rows if row[name] is not None]
    return bool(values) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def _moment(value: Any) -> str:
    return str(value)[:16].removesuffix(" 00:00")


def _text(value: Any) -> str:
    if value is None:
        return NONE
    if isinstance(value, float):
        return number(value)
    return str(value)
