"""What verbs suggest, as figures: which station held up a line and when, what changes bring, what can be had at best.

Rows are those of the verbs, as dicts; a panel is None where the rows aren't of its kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from mfgsql.reporting.drawing import INK, MUTED, SERIES, WIDE, draw
from mfgsql.reporting.formats import NONE, number, percent
from mfgsql.reporting.panel import Figure, Figures, Note, Panel, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Rows = Sequence[Mapping[str, Any]]
_STATIONS, _PERIODS, _GAINS, _SHOWN = 20, 400, 12, 40  # drawn, or listed, at most
_LONG = 40  # characters of a text that needs a broad column
_FIRST = ("design", "rank", "suggestion", "change", "measure", "why", "finding", "now", "changed", "difference", "gain")
_WORDS = ("finding", "suggestion", "why", "ml_reason")
_OURS = ("ml_status", "ml_reason", "pareto_rank", "rank", "design", "suggestion")


def stations(rows: Rows) -> Panel | None:
    """Rows of ``ml_bottlenecks``: stations by periods, the darker the more it held up the line."""
    if not rows or "is_bottleneck" not in rows[0]:
        return None
    of_log = any(row.get("critical") is not None for row in rows)  # states don't tell the critical path
    share = "critical" if of_log else "bottleneck"
    words = "on the critical path" if of_log else "as the machine that waited least"
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
    drawn = draw("stations", plot, height=80 + 22 * len(names), width=WIDE)
    figure = Figure(drawn, caption, label, (("s1 square", "holds up the line"),), wide=True)
    return Panel.of(Figures((figure,)), findings)


def effects(rows: Rows) -> Panel | None:
    """Rows of ``ml_whatif`` of a change: by how much each measure differs, with its interval."""
    if not rows or not {"measure", "now", "changed", "difference"} <= set(rows[0]):
        return None
    shown = [row for row in rows if row["now"] and row["difference"] is not None]

    def plot(axes: Axes) -> None:
        for line, row in enumerate(shown):
            told = (row["difference"] if row[end] is None else row[end] for end in ("lower", "upper", "difference"))
            low, high, middle = (100 * value / row["now"] for value in told)
            axes.plot([low, high], [line, line], color=SERIES[0], linewidth=3, alpha=0.4)
            axes.plot(middle, line, "o", color=SERIES[0], markersize=6)
        axes.axvline(0, color=MUTED, linewidth=1)
        axes.set_yticks(range(len(shown)), [str(row["measure"]) for row in shown])
        axes.set(xlabel="% of what it is now", ylim=(len(shown) - 0.5, -0.5))

    listed = table(rows, "What is measured, now and changed.")
    if not shown:
        return Panel.of(*listed)
    caption = "Difference that the change makes, with its interval."
    label = f"Differences of {len(shown)} measures in per cent; {shown[0]['finding'] or shown[0]['measure']}."
    drawn = draw("effects", plot, height=80 + 24 * len(shown), width=WIDE)
    return Panel.of(Figures((Figure(drawn, caption, label, (("s1 dot", "difference"),), wide=True),)), *listed)


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
    drawn = draw("gains", plot, height=80 + 24 * len(shown), width=WIDE)
    caption = "Gain with its interval, the best for its cost first."
    figure = Figure(drawn, caption, label, (("s1 dot", "gain"),), wide=True)
    return Panel.of(Figures((figure,)), *table(rows, "Suggestions, the best for their cost first."))


def front(rows: Rows, x: str | None, y: str | None) -> Panel | None:
    """Rows with a ``pareto_rank``, of ``ml_recommend`` and ``ml_generate``: two columns against each other."""
    if not rows or "pareto_rank" not in rows[0]:
        return None
    known = [row for row in rows if row["pareto_rank"] is not None]
    numbers = [name for name in (rows[0] if not known else known[0]) if _numeric(rows, name) and name not in _OURS]
    told = y is not None
    asked = (x, y)
    x, y = _axes(numbers, x, y)
    best = sum(row["pareto_rank"] == 1 for row in known)
    listed = table(rows, "The best first.", tuple(name for name in (x, y) if name is not None))
    if best == 1 and not told:
        return Panel.of(Note("One of them is the best in all that counts: there is no trade-off to draw."), *listed)
    if x is None or y is None or (asked == (None, None) and any(_ranks_by(known, name) for name in numbers)):
        return Panel.of(*listed)
    return Panel.of(Figures((_of_points(known, x, *ranked_by(known, numbers, x, y, told)),)), *listed)


def recommended(rows: Rows) -> Panel | None:
    """Rows of ``ml_recommend`` of one objective: which row each is for, what to change, what it brings."""
    if not rows or not {"suggestion", "changes"} <= set(rows[0]):
        return None
    return Panel.of(*table(rows, "For each row of the source its suggestions, the best first."))


def _ranks_by(known: Rows, name: str) -> bool:
    """Whether ranks are the order by one column alone, so that there is no front to draw."""
    pairs = {(row[name], row["pareto_rank"]) for row in known if row[name] is not None}
    ranks = [rank for _, rank in sorted(pairs)]
    alone = len(pairs) == len({value for value, _ in pairs}) == len(set(ranks)) > 1
    return alone and ranks in (sorted(ranks), sorted(ranks, reverse=True))


def ranked_by(known: Rows, numbers: Sequence[str], x: str, y: str, told: bool = False) -> tuple[str, bool]:
    """The column that ranks go by beside ``x``, and whether they do: of a prediction that may be its cautious end.

    Args:
        told: the reader chose ``y``, so that it stays.
    """
    target = y.removeprefix("predicted_")
    ends = [n for n in (f"{target}_lower", f"{target}_upper", f"lower_{target}", f"upper_{target}", "lower", "upper")
            if n in numbers and y != target and not told]  # fmt: skip
    found = next((name for name in (*ends, y) if _is_front(known, x, name)), None)
    return found or y, found is not None


def _is_front(known: Rows, x: str, y: str) -> bool:
    """Whether one may take the rows of rank 1, and no others, for the best by two columns, whichever way is better."""
    points = [(r[x], r[y], r["pareto_rank"] == 1) for r in known if r[x] is not None and r[y] is not None]
    for right, up in product((1, -1), repeat=2):
        ways = [(right * a, up * b, first) for a, b, first in points]
        if all(first == (not any(_beats(one, (a, b)) for one in ways)) for a, b, first in ways):
            return True
    return False


def _beats(one: tuple[float, float, bool], other: tuple[float, float]) -> bool:
    return one[0] >= other[0] and one[1] >= other[1] and one[:2] != other


def _of_points(known: Rows, x: str, y: str, ranked: bool) -> Figure:
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
    if "lower" in y or "upper" in y:
        caption += f" Predictions count by their cautious end, {y}."
    if not ranked:
        caption += f" More than {x} and {y} counts there, such as cautious ends of intervals."
    legend = (("s1 dot", "on the front"),) + (("muted dot", "others"),) * bool(rest)
    return Figure(draw("front", plot, height=300, width=WIDE), caption, label, legend, wide=True)


def table(rows: Rows, caption: str, counts: Sequence[str] = ()) -> tuple[Table | Note, ...]:
    """Rows as they are, numbers as people read them: what tells most first, without columns that are empty.

    A reason that is the same for all is said once.

    Args:
        counts: columns that rows were chosen by.
    """
    names = [n for n in rows[0] if any(r[n] is not None for r in rows)
             and not any(isinstance(r[n], dict | list) for r in rows)]  # fmt: skip
    whose = _whose(rows, names)
    names.sort(key=lambda name: -1 if name == whose else _place(name, counts))
    notes: tuple[Note, ...] = ()
    if len(rows) > 1 and "ml_reason" in names and len({row["ml_reason"] for row in rows}) == 1:
        names.remove("ml_reason")
        tone = "" if all(row.get("ml_status") == "ok" for row in rows) else "warn"
        notes = (Note(f"{rows[0].get('ml_status') or ''}: {rows[0]['ml_reason']}".removeprefix("ok: "), tone),)
    lines = tuple(tuple(_text(row[name]) for name in names) for row in rows[:_SHOWN])
    more = f" {len(rows) - _SHOWN:,} more are not shown." if len(rows) > _SHOWN else ""
    texts = tuple(i for i, name in enumerate(names) if name in _WORDS or not _numeric(rows, name))
    long = tuple(i for i in texts if max(len(line[i]) for line in lines) > _LONG)
    return Table(caption + more, tuple(names), lines, texts=texts, long=long), *notes


def _place(name: str, counts: Sequence[str]) -> int:
    """Of a column: what a row is, then what it says and brings, what it is made of, and at last how sure it is."""
    if name in _FIRST:
        return _FIRST.index(name)
    ends = name.startswith(("predicted_", "lower", "upper")) or name.endswith(("_lower", "_upper"))
    predicted = ends or name in counts
    return len(_FIRST) + (0 if predicted else 2 if name in ("ml_status", "ml_reason") else 1)


def _whose(rows: Rows, names: Sequence[str]) -> str | None:
    """The column of the source that tells which row of it a suggestion of ``ml_recommend`` is for."""
    if "changes" not in rows[0]:
        return None
    changed = {change["feature"] for row in rows for change in row["changes"] or ()}
    told = (n for n in names if n not in changed and not any(isinstance(row[n], float) for row in rows))
    found = next(told, None)
    return None if found in (*_FIRST, *_OURS) else found


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
