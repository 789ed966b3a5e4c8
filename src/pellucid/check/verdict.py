"""Right, wrong, or in between: each array of a candidate against the balls of right values.

Before it: `candidate`, `bounds`. After it: `report`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..addresses import Derivative, Quantity
from ..arrays import Array
from .bounds import UNIT16, UNIT32, UNIT64, Bounds, bounds
from .candidate import Seen
from .naming import Address
from .problem import Problem

RIGHT = "right"
IMPRECISE = "right but less precise"
KINK = "kink, within the interval"
BELOW = "below what this test can see"
WRONG = "wrong"
SEVERITY = (BELOW, RIGHT, IMPRECISE, KINK, WRONG)
VISIBLE = 1e-2  # a ball wider than this, against the array's largest entry, hides too much to call it right

SAID = {
    RIGHT: "Right: every number lies where rounding allows it.",
    IMPRECISE: "Right, but less precise than float64 could be.",
    KINK: "Right: some values sit at a kink, and yours lie within the interval of one-sided derivatives.",
    BELOW: "No difference that this test can see: rounding hides what is smaller.",
    WRONG: "Wrong.",
}

VALUES = ("delta", "z", "a")  # kinds that belong to samples and are no gradient of an array


def address(kind: str, l: int, index: tuple[int, ...] = (), per_sample: bool = False) -> str:
    """The address of an array or of one of its entries, as NOTATION writes it.

    Example:
        >>> address("w", 2, (1, 0)), address("delta", 1, (4, 2)), address("b", 3)
        ('dC/dw[2][1,0]', 'delta[1][2]@4', 'dC/db[3]')
    """
    index = tuple(int(k) for k in index)
    if kind in VALUES:
        return str(Quantity(kind, l, index[1:], index[0] if index else 0))
    if kind == "dC_da":
        i = index[0] if index else None
        return str(Derivative(Quantity("C", sample=i), Quantity("a", l, index[1:], i)))
    i = index[0] if per_sample and index else None
    return str(Derivative(Quantity("C", sample=i), Quantity(kind, l, index[i is not None :], shared=True)))


@dataclass(frozen=True)
class DifferingEntry:
    """One number that differs.

    Attributes:
        tolerance: how far a right value may lie from `right`.
        interval: the one-sided derivatives between which a right value lies, at a kink.
        kind, l, index: where it is.
    """

    address: str
    yours: float
    right: float
    tolerance: float
    interval: tuple[float, float] | None = None
    kind: str = ""
    l: int = 0
    index: tuple[int, ...] = ()

    @property
    def error(self) -> float:
        """|yours − right|."""
        return abs(self.yours - self.right)

    @property
    def excess(self) -> float:
        """The error in units of the tolerance; what the entries are ranked by."""
        return self.error / self.tolerance if self.tolerance else float("inf")


@dataclass(frozen=True)
class JudgedArray:
    """One array of the candidate, judged.

    Attributes:
        wrong: how many of its `size` entries lie outside.
        error: largest difference relative to the array's largest entry.
        tolerance: largest tolerance of an entry.
        inherited: whether it is only wrong because a quantity before it is (known where a mistake was named).
        problem: a sentence where the array could not be compared at all, such as its shape.
    """

    address: str
    kind: str
    l: int
    verdict: str
    size: int
    wrong: int
    error: float
    tolerance: float
    inherited: bool = False
    problem: str = ""


@dataclass(frozen=True)
class Judgement:
    """All quantities in backward order, and the entries that differ, worst first."""

    quantities: tuple[JudgedArray, ...]
    entries: tuple[DifferingEntry, ...]
    verdict: str
    kinks: tuple[tuple[int, ...], ...]
    right: Bounds


SHOWN = 50  # entries that are kept, of each array and in all


def backward_order(at: Address, L: int) -> tuple[int, int]:
    """Sort key: the forward pass first, then ∂C/∂a, δ, ∂C/∂w, ∂C/∂b of layer L, L − 1, … ."""
    kind, l = at
    if kind in ("z", "a"):
        return -1, 2 * l + (kind == "a")
    return L - l, {"dC_da": 0, "delta": 1, "w": 2, "b": 3}.get(kind, 4)


@np.errstate(all="ignore")
def judge(problem: Problem, seen: Seen) -> Judgement:
    """Judge every array that the candidate gave."""
    fine = bounds(problem)
    order = sorted({*seen.arrays, *seen.missing}, key=lambda at: backward_order(at, problem.L))
    levels = Levels(problem, seen.eps, fine)
    quantities, entries = [], []
    scale = carried(problem, seen, fine)
    for kind, l in order:
        quantity, differing = judged(problem, seen, levels, kind, l, scale if kind in ("delta", "dC_da") else 1.0)
        quantities.append(quantity)
        entries += differing
    entries.sort(key=lambda e: -e.excess if e.excess == e.excess else -np.inf)
    verdict = overall([q.verdict for q in quantities])
    kinks = levels.kinked.kinks if verdict == KINK and levels.kinked else ()
    return Judgement(tuple(quantities), tuple(entries[:SHOWN]), verdict, kinks, fine)


def overall(verdicts: list[str]) -> str:
    """The verdict on all quantities: the most severe; "below" only where nothing at all could be seen."""
    return max(verdicts, key=SEVERITY.index)


class Levels:
    """The balls from narrow to wide, each computed when it is first needed."""

    def __init__(self, problem: Problem, eps: float, fine: Bounds):
        self.problem, self.eps, self.fine, self.kinked = problem, eps, fine, None
        self.coarse_unit = UNIT16 * 8 if eps > UNIT16 else UNIT16 if eps > UNIT32 else UNIT32
        self.coarse: Bounds | None = None
        self._smooth: Bounds | None = None

    def interval(self, at: Address, index: tuple[int, ...]) -> tuple[float, float] | None:
        """The one-sided derivatives at a kink; None where there is none."""
        if self.kinked is None or not self.kinked.kinks:
            return None
        ball, fine = self.kinked.balls[at], self.fine.balls[at]
        middle, radius = float(ball.middle[index]), float(ball.radius[index])
        return (middle - radius, middle + radius) if radius > 2 * float(fine.radius[index]) else None

    def smooth(self) -> Bounds:
        """The balls of the coarser type without kinks."""
        if self._smooth is None:
            self._smooth = bounds(self.problem, self.coarse_unit, cancels=self.eps)
        return self._smooth

    def verdict(self, at: Address, value: Array) -> tuple[str, Array]:
        """The narrowest ball that holds all of `value`, and which entries lie outside of the widest."""
        if self.fine.balls[at].holds(value).all():
            return RIGHT, np.zeros(value.shape, bool)
        if self.kinked is None:
            self.kinked = bounds(self.problem, UNIT64, kinks=True)
        if self.kinked.kinks and self.kinked.balls[at].holds(value).all():
            return KINK, np.zeros(value.shape, bool)
        if self.coarse is None:
            self.coarse = bounds(self.problem, self.coarse_unit, kinks=True, cancels=self.eps)
        inside = self.coarse.balls[at].holds(value)
        largest = np.finfo(np.float32).max if self.coarse_unit == UNIT32 else 65504.0
        inside |= np.isinf(value) & (abs(self.fine.balls[at].middle) > largest)  # overflow of the coarser type
        return (IMPRECISE, ~inside) if inside.all() else (WRONG, ~inside)


def carried(problem: Problem, seen: Seen, right: Bounds) -> float:
    """1/n where the candidate's δ and ∂C/∂a have the mean over the samples in them already, else 1."""
    for kind in ("delta", "dC_da"):
        for l in range(problem.L, 0, -1):
            if (kind, l) in seen.arrays and (kind, l) not in seen.odd:
                value = seen.arrays[kind, l]
                divided = Levels(problem, seen.eps, right).verdict
                if divided((kind, l), value)[0] != WRONG:
                    return 1.0
                return 1 / problem.n if divided((kind, l), value * problem.n)[0] != WRONG else 1.0
    return 1.0


def judged(
    problem: Problem, seen: Seen, levels: Levels, kind: str, l: int, scale: float
) -> tuple[JudgedArray, list[DifferingEntry]]:
    """One array."""
    at, name = (kind, l), address(kind, l)
    ball = levels.fine.balls[at]
    if at in seen.missing:
        zero = not ball.middle.any()
        verdict, said = (RIGHT if zero else WRONG), "" if zero else "it is missing"
        return JudgedArray(name, kind, l, verdict, ball.middle.size, ball.middle.size, 1.0, 0.0, problem=said), []
    value = seen.arrays[at] / scale
    if at in seen.odd:
        said = f"its shape is {value.shape}, expected {ball.middle.shape}"
        return JudgedArray(name, kind, l, WRONG, value.size, value.size, 1.0, 0.0, problem=said), []
    verdict, outside = levels.verdict(at, value)
    if verdict == WRONG and at in seen.grain:
        outside &= abs(value - ball.middle) > ball.radius + seen.grain[at] * (1 + 1e-6) / scale
        verdict = WRONG if outside.any() else IMPRECISE
    with np.errstate(all="ignore"):
        difference = abs(value - ball.middle)
        largest = np.max(abs(ball.middle), initial=0.0)
        worst = np.max(np.where(np.isnan(difference), np.inf, difference), initial=0.0)
        error = float(worst / largest) if largest else float(worst > 0)
        radius = float(np.max(ball.radius, initial=0.0))
    if verdict != WRONG and not visible(levels, at, seen):
        verdict = BELOW
    entries = []
    if verdict != RIGHT:
        tolerance = ball.radius
        differing = outside if verdict == WRONG else ~ball.holds(value)
        flat = np.flatnonzero(differing)
        with np.errstate(all="ignore"):
            excess = difference.ravel()[flat] / np.maximum(tolerance.ravel()[flat], 1e-300)
        excess = np.where(np.isnan(excess), np.inf, excess)
        for k in flat[np.argsort(-excess, kind="stable")[:SHOWN]]:
            index = tuple(int(v) for v in np.unravel_index(k, value.shape))
            where = address(kind, l, index, seen.reduction == "per_sample")
            numbers = float(value[index]), float(ball.middle[index]), float(tolerance[index])
            entries.append(DifferingEntry(where, *numbers, levels.interval(at, index), kind, l, index))
    count = int(outside.sum())
    return JudgedArray(name, kind, l, verdict, value.size, count, error, radius), entries


def visible(levels: Levels, at: Address, seen: Seen) -> bool:
    """Whether a difference of 1 % of the array's largest entry would lie outside of the balls that were used."""
    ball = levels.smooth().balls[at] if seen.eps > UNIT64 else levels.fine.balls[at]
    sizes = abs(levels.fine.balls[at].middle).ravel()
    if not np.isfinite(sizes).all():
        return False
    top = int(np.argmax(sizes))
    return sizes[top] == 0 or bool(ball.radius.ravel()[top] <= VISIBLE * sizes[top])
