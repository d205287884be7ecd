"""Who ships what where: the cheapest flows over lanes that supply, demand and limits allow, by the solver HiGHS.

A linear program (Hitchcock's transportation problem, 1941), or a mixed-integer one where lanes cost something to be
used at all or goods come in whole pieces. Where no plan meets all limits, a second program tells by how much it can't
be done, and which limits are in the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mfgsql.errors import DataError, MissingExtraError, ResourceError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_POLL = 0.02  # seconds between two looks whether the work shall stop
_SHOWN = 3  # names of a list in an error
SMALL = 1e-7  # of what is asked for: less is rounding
_FEASIBLE = 2  # as HiGHS has it
_LONGEST = 120.0  # seconds; a plan that whole numbers keep from being proved best by then is given as it is


@dataclass(frozen=True)
class Limits:
    """Sums of flows, each between two numbers.

    Attributes:
        name: what limits, in words. label: of a sum by its number, for errors. size: how many sums there are.
        sums, flows, factors: entries; which sum, which flow, times what.
        lower, upper: of each sum; infinite where there is none.
        asked: whether they are what is wanted, and may stay unmet where nothing else helps.
    """

    name: str
    label: Callable[[int], str]
    size: int
    sums: Integers
    flows: Integers
    factors: Floats
    lower: Floats
    upper: Floats
    asked: bool = False


@dataclass(frozen=True)
class Costs:
    """Of flows.

    Attributes:
        each: of a unit, [flows]. most: that a flow may be, [flows]; where there are fixed costs all are finite.
        lanes: number of each flow's lane, [flows]. fixed: of a lane that is used at all, [lanes], or None.
        whole: whether flows are whole numbers.
        unmet: of a unit that is asked for and not got; None: all of it has to be got.
    """

    each: Floats
    most: Floats
    lanes: Integers
    fixed: Floats | None = None
    whole: bool = False
    unmet: float | None = None


@dataclass(frozen=True)
class Allocation:
    """The cheapest flows.

    Attributes:
        flows: [flows]. unmet: of each sum that is asked for, what is lacking. cost: of all. best: whether it is proved.
    """

    flows: Floats
    unmet: Floats
    cost: float
    best: bool


def allocate(costs: Costs, limits: Sequence[Limits], check: Callable[[], None] = lambda: None) -> Allocation:
    """The cheapest flows from 0 on within all limits.

    Args:
        check: called now and then; raises where the work shall stop.

    Raises:
        DataError: no flows are; the message says what is lacking, and what is in the way.
        MissingExtraError: highspy is missing.
    """
    program = _Program(costs, limits)
    found = program.solve(check)
    if found is None:
        raise _why_not(costs, limits, check)
    return found


class _Program:
    """Columns: flows, then what stays unmet, then whether a flow is used."""

    def __init__(self, costs: Costs, limits: Sequence[Limits], *, slack: str = "asked") -> None:
        """
        Args:
            slack: which sums may be missed where ``unmet`` says what that costs: ``asked``, or ``all``.
        """
        self.costs, self.limits = costs, limits
        self.loose = [one for one in limits if slack == "all" or one.asked] if costs.unmet is not None else []
        self.flows = len(costs.each)
        self.lanes = 0 if costs.fixed is None else len(costs.fixed)
        self.switched = self.flows if self.lanes else 0  # flows whose lane has to be used
        self.rows = sum(one.size for one in limits)

    def solve(self, check: Callable[[], None]) -> Allocation | None:
        """The best columns; None where there are none."""
        if not self.flows and not self.loose:  # a solver wants columns
            met = all((one.lower <= 0).all() and (one.upper >= 0).all() for one in self.limits)
            return Allocation(np.empty(0), np.empty(0), 0.0, True) if met else None
        solver = _solver()
        solver.passModel(self._model())
        _run(solver, check)
        status = solver.getModelStatus().name.removeprefix("k")
        if status in ("Infeasible", "UnboundedOrInfeasible"):
            return None
        values = np.asarray(solver.getSolution().col_value, np.float64)
        info = solver.getInfo()
        if status == "TimeLimit" and info.primal_solution_status != _FEASIBLE:
            raise ResourceError(f"No plan was found within {_LONGEST:g} seconds.")
        if status not in ("Optimal", "TimeLimit"):
            raise DataError(f"The solver found no plan: {status}.", remedy="Are costs and limits within 1e15?")
        self.duals = np.asarray(solver.getSolution().row_dual, np.float64)
        unmet = values[self.flows : self.flows + 2 * self._loose_rows].reshape(2, -1)
        flows: Floats = np.where(values[: self.flows] > SMALL, values[: self.flows], 0.0)
        flows = np.rint(flows) if self.costs.whole else flows
        return Allocation(flows, unmet[0] - unmet[1], float(info.objective_function_value), status == "Optimal")

    @property
    def _loose_rows(self) -> int:
        return sum(one.size for one in self.loose)

    def _model(self) -> Any:
        import highspy

        rows, columns, factors = (np.concatenate(parts) for parts in zip(*self._entries(), strict=True))
        order = np.lexsort((rows, columns))
        size = self.flows + 2 * self._loose_rows + self.lanes
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = size, self.rows + self.switched
        model.col_cost_, model.col_lower_, model.col_upper_ = self._costs(), np.zeros(size), self._most()
        lower, upper = (np.concatenate([getattr(one, end) for one in self.limits]) for end in ("lower", "upper"))
        model.row_lower_ = np.append(lower, np.full(self.switched, -np.inf))
        model.row_upper_ = np.append(upper, np.zeros(self.switched))
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_ = np.searchsorted(columns[order], np.arange(size + 1)).astype(np.int32)
        model.a_matrix_.index_ = rows[order].astype(np.int32)
        model.a_matrix_.value_ = factors[order]
        if self.lanes or self.costs.whole:
            whole, any_number = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
            of_flows = [whole if self.costs.whole else any_number] * self.flows
            model.integrality_ = [*of_flows, *[any_number] * (2 * self._loose_rows), *[whole] * self.lanes]
        return model

    def _costs(self) -> Floats:
        fixed = np.empty(0) if self.costs.fixed is None else self.costs.fixed
        return np.concatenate([self.costs.each, np.full(2 * self._loose_rows, self.costs.unmet or 0.0), fixed])

    def _most(self) -> Floats:
        """What lacks of a sum has no bound; what is too much of one that is asked for is none of the two."""
        each = (np.full(one.size, 0.0 if one.asked else np.inf) for one in self.loose)
        more = np.concatenate([np.empty(0), *each])
        return np.concatenate([self.costs.most, np.full(self._loose_rows, np.inf), more, np.ones(self.lanes)])

    def _entries(self) -> Iterator[tuple[Integers, Integers, Floats]]:
        first, lacking = 0, self.flows
        for one in self.limits:
            yield first + one.sums, one.flows, one.factors
            if any(one is loose for loose in self.loose):
                own = np.arange(one.size)
                yield first + own, lacking + own, np.ones(len(own))
                yield first + own, self._loose_rows + lacking + own, -np.ones(len(own))
                lacking += len(own)
            first += one.size
        if self.lanes:  # a flow is at most what it may be, where its lane is used
            own = np.arange(self.flows)
            yield first + own, own, np.ones(self.flows)
            yield first + own, self.flows + 2 * self._loose_rows + self.costs.lanes, -self.costs.most


def _solver() -> Any:
    try:
        import highspy
    except ImportError as error:
        raise MissingExtraError("Allocation needs an extra.", remedy="pip install 'mfgsql[demand]'") from error

    class Silent(highspy.Highs):
        def enableCallbacks(self) -> None:  # noqa: N802  (its name there; the solver is made by this, and says so)
            self.setOptionValue("output_flag", False)
            super().enableCallbacks()  # type: ignore[no-untyped-call]  # it is typed in part

    solver: Any = Silent()  # type: ignore[no-untyped-call]  # as above
    solver.setOptionValue("time_limit", _LONGEST)
    solver.setOptionValue("mip_rel_gap", 0.0)  # what is called optimal is
    solver.setOptionValue("random_seed", 0)
    solver.setOptionValue("threads", 1)  # with more, which of equal plans is found is left to chance
    return solver


def _run(solver: Any, check: Callable[[], None]) -> None:
    solver.HandleUserInterrupt = True
    solver.startSolve()
    try:
        while not solver.wait(_POLL)[0]:
            check()
    except BaseException:
        solver.cancelSolve()
        while not solver.wait(_POLL)[0]:
            pass
        raise


def _why_not(costs: Costs, limits: Sequence[Limits], check: Callable[[], None]) -> DataError:
    """What keeps flows from meeting all limits."""
    free = Costs(np.zeros(len(costs.each)), costs.most, costs.lanes, whole=costs.whole, unmet=1.0)
    for slack, words in (("asked", "is short of"), ("all", "can't be kept, by")):
        program = _Program(free, limits, slack=slack)
        found = program.solve(check)
        if found is not None:
            return _told(program, found, words)
    return DataError("No plan meets all limits, whatever is given up.")


def _told(program: _Program, found: Allocation, words: str) -> DataError:
    missed, at = [], 0
    for one in program.loose:
        lacks = np.abs(found.unmet[at : at + one.size])
        reached = np.bincount(one.sums, minlength=one.size) > 0
        missed += [(lacks[i], _named(one, i) + ("" if reached[i] else ", where no lane leads,"))
                   for i in np.flatnonzero(lacks > SMALL).tolist()]  # fmt: skip
        at += one.size
    missed.sort(key=lambda pair: -pair[0])
    binding, first = [], 0
    for one in program.limits:
        duals = np.abs(program.duals[first : first + one.size])
        if not one.asked:
            binding += [_named(one, i) for i in np.flatnonzero(duals > SMALL).tolist()]
        first += one.size
    lacking = "; ".join(f"{name} {words} {amount:,.6g}" for amount, name in missed[:_SHOWN])
    more = f"; and {len(missed) - _SHOWN:,} more" if len(missed) > _SHOWN else ""
    others = " and others" if len(binding) > _SHOWN else ""
    way = f" In the way: {', '.join(binding[:_SHOWN])}{others}." if binding else ""
    remedy = "To ship what can be, say what a unit that is not delivered costs: options := {'unmet': 100}."
    return DataError(f"No plan meets all: {lacking}{more}.{way}", remedy=remedy if words == "is short of" else None)


def _named(limits: Limits, number: int) -> str:
    return f"{limits.name} {limits.label(number)}".strip()
