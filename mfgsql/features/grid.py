"""Time in equal steps, on which a series that is forecast lies: numbers for moments, moments for numbers, calendars.

A step is so many seconds, so many units of a number, or so many months, whose lengths differ. Each series counts from
its own last row on, so that series whose rows come on other days of the week lie on the same grid.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from mfgsql.errors import MissingExtraError, OptionError
from mfgsql.features.temporal import DAY, WEEK, YEAR

Floats = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.int64]

_EPOCH = np.datetime64(0, "s")


@dataclass(frozen=True)
class Grid:
    """How a model that forecasts reads series.

    Attributes:
        entity: column of the series' names; None: all rows are one. order_by: column of time. type: its type in the
            database. timed: whether it holds times; then steps are in seconds, or in months.
        step: seconds or units between two steps; 0 where ``months`` says how many of those.
        season: steps after which a series repeats itself, for the forecast that is beaten (1: it doesn't).
        window: steps that are read. patch: of them that make a token. horizon: steps that are forecast at once.
        known: columns that are known of steps to come. static: columns that are the same in all rows of a series.
        gaps: what a step without a row means: ``missing``, or ``zero``.
        holidays: country whose holidays count, as ``DE`` or ``DE-BY``, or None.
        cycles: what is told of each step's moment: ``day``, ``week``, ``month``, ``year``.
        floor: below which no forecast goes, or None. shortest: known steps without which nothing is said.
        usual: spread of a window in training, for windows that have none. until: the latest moment of its rows.
    """

    entity: str | None
    order_by: str
    type: str
    timed: bool
    step: float
    months: int
    season: int
    window: int
    patch: int
    horizon: int
    known: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    gaps: str = "missing"
    holidays: str | None = None
    cycles: tuple[str, ...] = ()
    floor: float | None = None
    shortest: int = 2
    usual: float = 1.0
    until: float | None = None

    @property
    def channels(self) -> int:
        """Of the calendar."""
        return 2 * len(self.cycles) + (0 if not self.holidays else 3 if self._daily else 1)

    @property
    def usual_step(self) -> float:
        """Seconds or units of a step; months count as the mean one."""
        return self.step or self.months * YEAR / 12

    @property
    def _daily(self) -> bool:
        return not self.months and self.step <= DAY

    def number(self, moments: Floats, since: Floats) -> Integers:
        """Steps from ``since`` to each moment, rounded."""
        if self.months:
            return (_months(moments) - _months(since)) // self.months
        return np.asarray(np.rint((moments - since) / self.step), np.int64)

    def within_month(self, moments: Floats, series: Integers, since: Floats) -> Floats:
        """Seconds from a month's begin to its step, of each series: by the latest day of a month that it has a row on,
        which may be longer than the last month is.
        """
        if not self.months:
            return np.zeros(len(since))
        known = np.isfinite(moments)
        months = _months(moments[known])
        within = np.zeros(len(since))
        np.maximum.at(within, series[known], moments[known] - _start(months))
        # Rows that are all the last of their month, as 28 February alone is, stay so.
        last = np.ones(len(since), bool)
        np.logical_and.at(last, series[known], moments[known] + DAY >= _start(months + 1))
        return np.where(last, 31 * DAY - DAY + np.mod(within, DAY), within)

    def moments(self, since: Floats, number: Integers, within: Floats | None = None) -> Floats:
        """The moments so many steps after ``since``. In a month that is too short its last day stands for others.

        Args:
            within: as `within_month` gives it; None: by the day of ``since``.
        """
        if not self.months:
            return np.asarray(since + number * self.step)
        month = _months(since)
        within = since - _start(month) if within is None else within
        after = month + number * self.months
        longest = _start(after + 1) - _start(after) - DAY + np.mod(within, DAY)
        return np.asarray(_start(after) + np.minimum(within, longest))

    def calendar(self, moments: Floats) -> npt.NDArray[np.float32]:
        """Sine and cosine of the place in each cycle, and holidays, float32 [n, channels]."""
        waves = [wave(2 * np.pi * self._phase(cycle, moments)) for cycle in self.cycles for wave in (np.sin, np.cos)]
        parts = [np.asarray(wave, np.float32) for wave in waves]
        if self.holidays:
            parts += self._holidays(self.holidays, moments)
        return np.stack(parts, axis=1) if parts else np.empty((len(moments), 0), np.float32)

    def _phase(self, cycle: str, moments: Floats) -> Floats:
        if cycle == "month":
            month = _months(moments)
            return np.asarray((moments - _start(month)) / (_start(month + 1) - _start(month)))
        if cycle == "year" and self.months:
            return np.asarray(np.mod(_months(moments), 12) / 12)
        length = {"day": DAY, "week": WEEK, "year": YEAR}[cycle]
        return np.asarray(np.mod(moments, length) / length)

    def _holidays(self, country: str, moments: Floats) -> list[npt.NDArray[np.float32]]:
        """Whether the day is one, the day after it, and the one before; of longer steps how many there are in it."""
        days = np.floor(moments / DAY).astype(np.int64)
        if not len(days):
            return [np.empty(0, np.float32)] * (3 if self._daily else 1)
        reach = 1 if self._daily else max(1, round(self.months * 31 or self.step / DAY))
        free = holidays_of(country, int(days.min()) - reach, int(days.max()) + reach)
        if self._daily:
            return [np.isin(days + ahead, free).astype(np.float32) for ahead in (0, 1, -1)]
        ends = np.floor(self.moments(moments, np.ones(len(moments), np.int64)) / DAY).astype(np.int64)
        return [(np.searchsorted(free, ends) - np.searchsorted(free, days)).astype(np.float32)]

    def above(self, values: Floats) -> Floats:
        """The values, none of them below the floor."""
        return values if self.floor is None else np.maximum(values, self.floor)

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Grid:
        """What `to_dict` saved."""
        return cls(**saved | {name: tuple(saved[name]) for name in ("known", "static", "cycles")})


def holidays_of(country: str, first: int, last: int) -> Integers:
    """Numbers of the days since 1970 that are holidays there, in order.

    Raises:
        OptionError: there is no such country. MissingExtraError: the package ``holidays`` is not there.
    """
    years = range(1970 + int(first / 365.2425) - 1, 1970 + int(last / 365.2425) + 2)
    days = np.array(_free_days(country, years.start, years.stop), np.int64)
    return np.asarray(days[(days >= first) & (days <= last)])


@lru_cache(64)
def _free_days(country: str, start: int, stop: int) -> tuple[int, ...]:
    try:
        import holidays
    except ImportError:
        raise MissingExtraError(
            "Calendars of holidays need the package holidays.", remedy="pip install 'mfgsql[demand]'"
        ) from None
    code, _, part = country.upper().partition("-")
    try:
        found = holidays.country_holidays(code, subdiv=part or None, years=range(start, stop))
    except NotImplementedError:
        raise OptionError(
            f"No calendar of holidays is known for {country!r}: name a country, as 'DE', or a part of one, as 'DE-BY'."
        ) from None
    return tuple(sorted((day - date(1970, 1, 1)).days for day in found))


def _months(moments: Floats) -> Integers:
    """Months since 1970."""
    return np.asarray((_EPOCH + np.floor(moments).astype("timedelta64[s]")).astype("datetime64[M]"), np.int64)


def _start(months: Integers) -> Floats:
    """First second of each month."""
    return np.asarray((months.astype("datetime64[M]").astype("datetime64[s]") - _EPOCH).astype(np.float64))
