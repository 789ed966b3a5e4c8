"""Check the derivative that any function comes with: its gradient, its Jacobian or its pull-back.

Nothing of a network is needed. What is compared: central differences, with steps and tolerance by the precision in
which the function answers, the order of the Taylor remainder, and for a pull-back ⟨D f u, v⟩ = ⟨u, (D f)* v⟩.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..arrays import Array
from .evidence import STEPS, central, remainder_orders
from .patterns import constant, factor_text, pattern
from .subject import Subject, subject
from .verdict import KINK, RIGHT, WRONG

MOST = 2000  # entries that are differentiated one by one; of more, the same number drawn at random
UNKNOWN = "can't tell"
SHOWN = 5


@dataclass(frozen=True)
class CheckedDerivative:
    """One derivative: of which argument and entry, as the function gives it and as differences find it.

    Attributes:
        address: "argument 1 [2,3]"; of a function with several outputs also the output that is wrong.
        error: the uncertainty of the difference, the function's own rounding included.
        sides: the one-sided derivatives, where they differ.
    """

    address: str
    yours: float
    found: float
    error: float
    sides: tuple[float, float] | None = None
    place: tuple[int, int] = (0, 0)  # which argument, which entry of it

    @property
    def excess(self) -> float:
        """|yours − found| in units of the uncertainty."""
        return abs(self.yours - self.found) / self.error if self.error else float("inf")


@dataclass(frozen=True)
class GradientReport:
    """The result of `gradcheck`.

    Attributes:
        verdict: "right", "wrong", "kink, within the interval" or "can't tell".
        because: why it can't be told, or what a wrong gradient looks like; "" for neither.
        entries: the derivatives that differ, worst first.
        worst: the largest difference relative to the largest derivative, over all entries looked at.
        order: of the Taylor remainder; 2 when right, 1 when wrong, None where rounding hides it.
        adjoint: |⟨D f u, v⟩ − ⟨u, (D f)* v⟩| relative to its terms, for a pull-back; else None.
        notes: what was sampled, in which precision the function answers, what it does to its arguments.
    """

    verdict: str
    entries: tuple[CheckedDerivative, ...]
    worst: float
    order: float | None
    adjoint: float | None
    notes: tuple[str, ...] = ()
    tolerance: str = ""
    because: str = ""

    @property
    def ok(self) -> bool:
        """Whether the derivative is right, as far as can be told at all."""
        return self.verdict in (RIGHT, KINK)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        entries = [
            {"address": e.address, "yours": e.yours, "found": e.found, "error": e.error, "sides": e.sides}
            for e in self.entries
        ]
        return {
            "ok": self.ok,
            "verdict": self.verdict,
            "because": self.because,
            "worst": self.worst,
            "order": self.order,
            "adjoint": self.adjoint,
            "entries": entries,
            "notes": list(self.notes),
            "tolerance": self.tolerance,
        }

    def __str__(self) -> str:
        if self.verdict == UNKNOWN:
            return "\n".join([f"Can't tell, because {self.because}", *self.notes])
        lines = [self.verdict[0].upper() + self.verdict[1:] + "."]
        lines += [self.because] if self.because else []
        for e in self.entries[:SHOWN]:
            sides = f", one-sided {e.sides[0]:.6g} and {e.sides[1]:.6g}" if e.sides else ""
            lines.append(f"{e.address}: yours {e.yours:.10g}, differences {e.found:.10g} ± {e.error:.1g}{sides}")
        if self.order is not None:
            lines.append(f"Taylor remainder: order {self.order:.2f} (2 is right)")
        if self.adjoint is not None:
            lines.append(f"⟨D f u, v⟩ and ⟨u, (D f)* v⟩ differ by {self.adjoint:.1g} of their size")
        return "\n".join([*lines, *self.notes, f"Tolerance: {self.tolerance}."])


def gradcheck(f: Any, args: Any, *, seed: int = 0) -> GradientReport:
    """Check a function's own derivative at a point.

    The function is called with copies of the point, twice to begin with. Steps and tolerance follow the precision in
    which it answers (float16, float32, float64, or what its values scatter by).

    Args:
        f: one of: a function that returns (value, gradient) with one number as its value; a pair (f, df) of
            functions, df giving the gradient (or the derivative, entry by entry); an object with `pull_back(*args,
            v)` or `vjp(*args, v)` beside a call or `forward`; a JAX custom_vjp; a torch.autograd.Function or its
            `apply`, a PyTorch module (by its arguments and its parameters), and, where the arguments are tensors, any
            function of tensors. Several outputs may come as a tuple; v is then a tuple too.
        args: the point: one array or number, or a tuple of them. Whole numbers are taken as they are, tensors of
            whole numbers as labels, by which nothing is differentiated.
        seed: of the directions, and of the entries where there are more than 2000.

    Raises:
        InputError: something without a derivative.
        ShapeError: a gradient that does not have its argument's shape.

    Example:
        >>> gradcheck((np.sin, np.cos), np.array([0.3, 1.2])).ok
        True
        >>> report = gradcheck(lambda x: (float(x @ x), x), np.array([1.0, 2.0]))
        >>> report.verdict, report.because, round(report.order)
        ('wrong', 'Every derivative is exactly half of what it should be: a factor 2 is missing.', 1)
    """
    of = subject(f, args)
    with np.errstate(all="ignore"):
        return Checking(of, np.random.default_rng(seed)).report()


class Checking:
    """One check under way.

    Attributes:
        type: the coarsest type in which the function answers; positions are rounded to it.
        v: the weight of each output in the one number that is differentiated.
        noise: how far that number scatters from rounding.
    """

    def __init__(self, of: Subject, generator: np.random.Generator):
        self.of, self.generator, self.notes = of, generator, []
        first = of.value(of.point)
        self.first, self.unit, self.type = first, first.unit, first.type
        self.point = [self.rounded(a) for a in of.point]
        self.u = [np.round(generator.normal(size=a.shape), 3) * extent(a) for a in self.point]
        self.start = of.value(self.point)
        nearby = np.array([self.vector(1e-6 * k) for k in range(-12, 13)]).reshape(25, -1)
        if self.unit <= 2**-53 and as_float32(nearby):
            self.unit, self.type = 2.0**-24, np.dtype(np.float32)  # computed in float32, handed over as float64
            self.point = [self.rounded(a) for a in self.point]
            self.start = of.value(self.point)
        spread = np.max(abs(np.array([self.vector(h) for h in (-0.05, 0.05)]) - self.start.vector), axis=0)
        usable = np.isfinite(spread) & (spread > 1e-9 * np.max(spread, initial=0.0))
        weights = np.round(generator.normal(size=spread.shape), 3)
        self.v = np.where(usable, weights / np.where(usable, spread, 1.0), weights) if of.several(first) else np.ones(1)
        self.noise = max(scatter(nearby @ self.v), 2 * self.unit * float(abs(self.v) @ abs(self.start.vector)))
        self.noise += np.finfo(np.float64).tiny

    def rounded(self, a: Array) -> Array:
        """The nearest numbers that the function's own type has."""
        return a if self.unit <= 2**-53 else a.astype(self.type).astype(np.float64)

    def vector(self, h: float) -> Array:
        """All outputs, h·u away from the point."""
        return self.of.value([a + h * d for a, d in zip(self.point, self.u, strict=True)]).vector

    def along(self, point: list[Array]) -> float:
        """The weighted outputs as one number."""
        return float(self.v @ self.of.value(point).vector)

    def report(self) -> GradientReport:
        """The verdict, and what it rests on."""
        yours = self.of.pull_back(self.point, self.v)
        why = self.unanswerable(yours)
        if why:
            return GradientReport(UNKNOWN, (), 0.0, None, None, self.said(), because=why)
        numbers = self.entries(yours)
        again = self.of.value(self.point).vector
        if not same(again, self.start.vector, self.unit):
            return GradientReport(UNKNOWN, (), 0.0, None, None, self.said(), because=RANDOM)
        verdict, differing, allowed = self.judged(numbers)
        largest = max((abs(e.found) for e in numbers if np.isfinite(e.found)), default=0.0)
        worst = max((abs(e.yours - e.found) for e in numbers), default=0.0) / (largest or 1.0)
        because = ""
        if verdict == UNKNOWN:
            because = (f"what the function rounds away (its value scatters by {self.noise:.1g}) hides every "
                       "derivative: differences find nothing that is surer than 1 in 100.")  # fmt: skip
        elif verdict == WRONG:
            because = self.looks(numbers, yours, allowed)
            differing = [self.located(e) for e in differing[:SHOWN]] + differing[SHOWN:]
            because = because or common_factor(differing[:SHOWN], self.own())
        order, adjoint = self.remainder(yours, differing if verdict == WRONG else [])
        tolerance = f"10 × the differences' own uncertainty + {self.own():.1g} of the largest derivative"
        return GradientReport(verdict, tuple(differing), worst, order, adjoint, self.said(), tolerance, because)

    def own(self) -> float:
        """What the function's own derivative may lose, relative to the largest one."""
        return max(1e-9, 64 * self.unit)

    def said(self) -> tuple[str, ...]:
        """The notes."""
        notes = list(self.notes)
        if self.unit > 2**-53:
            notes.append(f"The function answers in {self.type.name}: steps and tolerance are that type's.")
        return (*notes, *self.of.notes)

    def unanswerable(self, yours: list[Array]) -> str:
        """Why no verdict is possible; "" where one is."""
        if not np.isfinite(self.start.vector).all():
            return "the function is infinite or not a number at this point."
        if not same(self.of.value(self.point).vector, self.start.vector, self.unit):
            return RANDOM
        again = self.of.pull_back(self.point, self.v)
        if not all(same(a, b, self.unit) for a, b in zip(yours, again, strict=True)):
            return "it gives another gradient when it is called again with the same arguments: it keeps something " \
                   "between calls, or draws random numbers."  # fmt: skip
        return ""

    def entries(self, yours: list[Array]) -> list[CheckedDerivative]:
        """Central differences of every entry, or of MOST of them."""
        places = [(n, k) for n, a in enumerate(self.point) for k in range(a.size)]
        if len(places) > MOST:
            self.notes.append(f"{MOST} of {len(places)} entries were drawn at random and looked at.")
            places = [places[k] for k in np.sort(self.generator.choice(len(places), MOST, replace=False))]
        return [self.entry(n, k, float(yours[n].flat[k]), self.v, self.noise) for n, k in places]

    def entry(self, n: int, k: int, yours: float, v: Array, noise: float) -> CheckedDerivative:
        """One derivative of v · f by central differences: of all steps the one where neighbours agree best."""
        x = float(self.point[n].flat[k])
        size = max(1.0, abs(x))

        def at(h: float) -> tuple[float, float]:
            moved = [a.copy() for a in self.point]
            moved[n].flat[k] = self.rounded(np.array(x + h))
            return float(v @ self.of.value(moved).vector), float(moved[n].flat[k]) - x

        ups, downs = (np.array([at(sign * h * size) for h in STEPS]) for sign in (1, -1))
        gaps = ups[:, 1] - downs[:, 1]
        values = (ups[:, 0] - downs[:, 0]) / gaps  # no step at all, in a coarse type, is not a number
        errors = np.maximum(abs(values[1:-1] - values[:-2]), abs(values[1:-1] - values[2:])) + noise / gaps[1:-1]
        errors = np.where(np.isfinite(errors), errors, np.inf)
        best = int(np.argmin(errors))
        middle, step = float(v @ self.start.vector), best + 1
        finer = min(step + 2, len(STEPS) - 1)
        bend = abs(sided(ups[step], middle) - sided(downs[step], middle))
        closer = abs(sided(ups[finer], middle) - sided(downs[finer], middle))
        up, down = sided(ups[step], middle), sided(downs[step], middle)
        # Across a kink the one-sided slopes stay apart however small the step; over a smooth bend they meet.
        visible = 1e-4 * max(abs(up), abs(down)) + 10 * noise / ups[step, 1]
        kink = bend > visible and closer - 10 * noise / ups[finer, 1] > 0.5 * bend
        index = ",".join(map(str, np.unravel_index(k, self.point[n].shape)))
        name = self.of.names[n] + (f" [{index}]" if self.point[n].ndim else "")
        sides = (min(up, down), max(up, down)) if kink else None
        return CheckedDerivative(name.strip() or "x", yours, float(values[step]), float(errors[best]), sides, (n, k))

    def judged(self, numbers: list[CheckedDerivative]) -> tuple[str, list[CheckedDerivative], float]:
        """The verdict on all entries, those that differ, and the widest tolerance."""
        largest = max((abs(e.found) for e in numbers if np.isfinite(e.found)), default=0.0)
        wrong, kinks, unseen, widest = [], [], 0, 0.0
        value = float(abs(self.v) @ abs(self.start.vector))
        for e in numbers:
            allowed = 10 * e.error + self.own() * largest
            widest = max(widest, allowed)
            if not np.isfinite(e.found) and np.isfinite(e.yours):
                unseen += 1  # the function breaks down beside the point
            elif e.sides is None and abs(e.yours - e.found) <= allowed:
                nothing = e.yours == 0 and allowed <= 1e-4 * value  # a slope of 0 is seen against the value itself
                unseen += allowed > 1e-2 * max(abs(e.found), abs(e.yours)) and not nothing
            elif e.sides and e.sides[0] - allowed <= e.yours <= e.sides[1] + allowed:
                kinks.append(e)
            else:
                wrong.append(e)
        if wrong:
            return WRONG, sorted(wrong, key=lambda e: -e.excess), widest
        if kinks:
            return KINK, sorted(kinks, key=lambda e: -e.excess), widest
        return UNKNOWN if numbers and unseen == len(numbers) else RIGHT, [], widest

    def looks(self, numbers: list[CheckedDerivative], yours: list[Array], allowed: float) -> str:
        """What a wrong gradient looks like: half of it, the sign, one row, …; "" where nothing simple."""
        by_argument = []
        for n in range(len(self.point)):
            own = [e for e in numbers if e.place[0] == n]
            by_argument.append((np.array([e.yours for e in own]), np.array([e.found for e in own])))
        largest = max((float(np.max(abs(found), initial=0.0)) for _, found in by_argument), default=0.0)
        if not largest:
            return "The function gives the same value at every step: it does not depend on its argument here."
        close = max(1e-6, allowed / largest)
        sizes = {f"axis {axis} of {self.of.names[n] or 'the argument'}": size
                 for n, a in enumerate(self.point) for axis, size in enumerate(a.shape)}  # fmt: skip
        sizes |= {f"the entries of {self.of.names[n] or 'the argument'}": a.size for n, a in enumerate(self.point)}
        mine, found = (np.concatenate([sides[k] for sides in by_argument]) for k in (0, 1))
        all_ = constant(mine, found, close)
        if all_ is not None:
            return f"Every derivative is {factor_text(all_, close, sizes)}"
        said = []
        for n, (mine, found) in enumerate(by_argument):
            name = self.of.names[n] or "the gradient"
            if not len(mine) or np.max(abs(mine - found)) <= close * largest:
                continue
            c = constant(mine, found, close)
            if c is not None and mine.size > 1:
                said.append(f"In {name} every derivative is {factor_text(c, close, sizes)}")
            elif len(mine) == self.point[n].size:
                a, b = mine.reshape(self.point[n].shape), found.reshape(self.point[n].shape)
                if a.ndim == 2 and a.shape[0] == a.shape[1] and np.max(abs(a.T - b)) <= close * np.max(abs(b)):
                    said.append(f"{name}: transposed.")
                else:
                    looks = pattern(None, "", 0, a, b, name, close)
                    said += [looks.text] if looks.kind not in ("random", "one entry") else []
        return " ".join(said)

    def located(self, e: CheckedDerivative) -> CheckedDerivative:
        """The one output whose derivative is off, of several that were looked at together: by halving."""
        if not self.of.several(self.start) or e.sides:
            return e
        n, k = e.place
        places = np.arange(len(self.v))
        while len(places) > 1:
            half = places[: len(places) // 2]
            v = np.zeros_like(self.v)
            v[half] = self.v[half]
            noise = 2 * self.unit * float(abs(v) @ abs(self.start.vector)) + self.noise * len(half) / len(self.v)
            here = self.entry(n, k, float(self.of.pull_back(self.point, v)[n].flat[k]), v, noise)
            inside = abs(here.yours - here.found) > max(10 * here.error, 0.25 * abs(e.yours - e.found))
            places = half if inside else places[len(places) // 2 :]
        one = np.zeros_like(self.v)
        one[places] = 1.0
        noise = max(
            2 * self.unit * abs(float(self.start.vector[places[0]])), self.noise / abs(float(self.v[places[0]]))
        )
        found = self.entry(n, k, float(self.of.pull_back(self.point, one)[n].flat[k]), one, noise)
        if not found.excess > 10:
            return e
        return replace(found, address=f"{self.start.name(int(places[0]))} by {found.address}")

    def remainder(self, yours: list[Array], wrong: list[CheckedDerivative]) -> tuple[float | None, float | None]:
        """The order of the Taylor remainder, along what is wrong where something is; and the adjoint's defect."""
        u = self.u
        if wrong:
            u = [np.zeros_like(a) for a in self.u]
            for e in wrong:
                u[e.place[0]].flat[e.place[1]] = self.u[e.place[0]].flat[e.place[1]] or 1.0
        slope = float(sum(np.vdot(g, d) for g, d in zip(yours, u, strict=True)))

        def line(h: float) -> float:
            return self.along([a + h * d for a, d in zip(self.point, u, strict=True)])

        order = remainder_orders(line, [slope], at_least=self.noise)[0]
        if not self.of.several(self.start):
            return order, None
        scale = float(sum(np.sum(abs(g * d)) for g, d in zip(yours, u, strict=True))) or 1.0
        return order, abs(central(line, noise=self.noise).value - slope) / scale


RANDOM = (
    "it gives another value when it is called again with the same arguments: it draws random numbers, or keeps "
    "something between calls. Fix the seed inside, and check again."
)


def common_factor(wrong: list[CheckedDerivative], close: float) -> str:
    """What the wrong derivatives of single outputs have in common."""
    yours, found = (np.array([getattr(e, side) for e in wrong]) for side in ("yours", "found"))
    c = constant(yours, found, max(close, 1e-6)) if len(wrong) > 1 else None
    return f"Where it is wrong, it is {factor_text(c, max(close, 1e-6), {})}" if c is not None else ""


def same(one: Array, two: Array, unit: float) -> bool:
    """Equal but for the order of a few sums."""
    return bool(
        np.all(abs(one - two) <= 64 * unit * np.max(abs(one), initial=0.0)) or np.array_equal(one, two, equal_nan=True)
    )


def extent(a: Array) -> Array:
    """How far each entry may be moved: as far as it is large, and zeros a little of the largest."""
    largest = float(np.max(abs(a), initial=0.0)) or 1.0
    return np.where(a == 0, 1e-3 * largest, abs(a))


def as_float32(values: Array) -> bool:
    """Whether all are numbers of float32, and not so few or so round that any would be."""
    return bool((values.astype(np.float32) == values).all()) and len(np.unique(values)) > 4


def sided(moved: Array, middle: float) -> float:
    """The slope from the middle to (value, step)."""
    return (moved[0] - middle) / moved[1] if moved[1] else float("nan")


def scatter(values: Array) -> float:
    """How far values on a fine grid scatter about a smooth curve: the median of their fourth differences.

    Moré and Wild, Estimating computational noise, 2011: of independent errors σ the k-th difference has the variance
    σ² (2k)!/(k!)², 70 σ² for k = 4. The median lets one kink on the way pass.
    """
    fourth = np.diff(values, 4)
    return float(np.median(abs(fourth[np.isfinite(fourth)]))) / 0.6745 / 70**0.5 if np.isfinite(fourth).any() else 0.0


__all__ = ["CheckedDerivative", "GradientReport", "gradcheck"]
