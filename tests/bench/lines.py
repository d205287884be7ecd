"""Serial production lines, drawn at random and simulated, whose bottleneck is known by making each station faster in turn.

A line is a max-plus recursion, so that all its variants and replications run at once as vectors, by the same dice. Stations
take parts in the order in which the first one did; a part stays in its machine while the buffer behind is full.
Failures happen inside operations and lengthen them. The first station never lacks parts, the last one can always let go.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FASTER = 0.075  # of the times of a station's operations, failures included


@dataclass(frozen=True)
class Line:
    """A line of stations.

    Attributes:
        means: of operations, in minutes. spreads: coefficients of variation. machines: of each station.
        buffers: places before each station. fails: probability that an operation is interrupted; repairs: mean minutes.
    """

    means: np.ndarray
    spreads: np.ndarray
    machines: np.ndarray
    buffers: np.ndarray
    fails: np.ndarray
    repairs: np.ndarray

    def times(self, parts: int, runs: int, dice: np.random.Generator) -> np.ndarray:
        """Minutes of operations: [parts, stations, runs]."""
        size = (parts, len(self.means), runs)
        shape = 1 / self.spreads[:, None] ** 2
        worked = dice.gamma(shape, self.means[:, None] / shape, size)
        return worked + (dice.random(size) < self.fails[:, None]) * dice.exponential(self.repairs[:, None], size)


def draw(dice: np.random.Generator) -> Line:
    """Any line."""
    stations = int(dice.integers(4, 13))
    machines = np.where(dice.random(stations) < 0.2, dice.integers(2, 4, stations), 1)
    means = 5.0 * machines * dice.uniform(0.75, 1.0, stations)
    spreads = dice.uniform(0.05, 0.2, stations) if dice.random() < 0.4 else dice.uniform(0.2, 1.0, stations)
    fails = np.where(dice.random(stations) < 0.5, dice.uniform(0.005, 0.04, stations), 0.0)
    # Parts keep their order: where one of several machines is late, the others' parts wait, which is rare in lines like this.
    spreads, fails = np.where(machines > 1, np.minimum(spreads, 0.2), spreads), np.where(machines > 1, 0.0, fails)
    buffers = dice.integers(0, 11, stations)
    return Line(means, spreads, machines, buffers, fails, dice.uniform(2, 8, stations) * means)


def play(line: Line, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """When parts start, finish and leave at each station: three of [parts, stations, runs]."""
    parts, stations, runs = times.shape
    began, done, left = (np.zeros((parts, stations, runs)) for _ in range(3))
    free = [np.zeros((count, runs)) for count in line.machines.tolist()]
    every = np.arange(runs)
    for k in range(parts):
        came = np.zeros(runs)
        for i in range(stations):
            machine = free[i].argmin(axis=0) if len(free[i]) > 1 else 0
            began[k, i] = np.maximum(came, free[i][machine, every])
            came = done[k, i] = began[k, i] + times[k, i]
            if i + 1 < stations:
                places = line.buffers[i + 1]
                if places and k >= places:
                    came = np.maximum(came, began[k - places, i + 1])
                elif not places:
                    came = np.maximum(came, free[i + 1].min(axis=0))
            left[k, i] = free[i][machine, every] = came
    return began, done, left


def gains(line: Line, dice: np.random.Generator, parts: int = 3000, runs: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """By how much more a line makes with each station faster, as shares, and their standard errors."""
    stations = len(line.means)
    times = np.repeat(line.times(parts, runs, dice)[:, :, None], stations + 1, axis=2)
    for i in range(stations):
        times[:, i, i + 1] *= 1 - FASTER
    left = play(line, times.reshape(parts, stations, -1))[2][:, -1]
    made = 1 / (left[-1] - left[parts // 5]).reshape(stations + 1, runs)
    more = made[1:] / made[0] - 1
    return more.mean(1), more.std(1, ddof=1) / np.sqrt(runs)


def clear(line: Line, dice: np.random.Generator) -> tuple[int, np.ndarray] | None:
    """The station that limits the line and all gains, where one gains by far the most; else None."""
    more, error = gains(line, dice)
    first, second = np.argsort(-more)[:2]
    apart = more[first] - more[second] > 3 * np.hypot(error[first], error[second])
    return (int(first), more) if apart and more[second] < 0.7 * more[first] else None
