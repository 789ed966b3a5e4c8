"""How far a right gradient may lie from the reference: rounding, followed through both passes, and kinks.

Every array is carried as a middle, a radius and a deviation. Each operation adds its own rounding to what it is
handed. The radius adds up the worst case: γ_m Σ|terms| for a sum of m terms, with γ_m = m + 3 (Higham, Accuracy
and Stability of Numerical Algorithms, 2002, section 3.1). Over many layers that grows far beyond what happens, so
the deviation follows the same errors as random ones, squares added over the nodes (Higham and Mary 2019, A new
approach to probabilistic rounding error analysis), and the radius is never taken larger than 16 deviations.
Errors of different samples may go together, as those of a rounded weight do: over the samples they are added.

Where a z lies within its radius of a kink, g′ becomes the interval of the one-sided derivatives.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..activations import Activation
from ..arrays import Array
from ..operations import Applied, Contraction, Operation
from ..operations.contraction import summed as summed_over
from ..program import Slot
from .problem import Problem

FORMULA = 4.0  # elementary functions in a formula, as a rule
SAFETY = 4.0  # a few units in the last place for each elementary function, in the worst case
DEVIATIONS = 16.0
UNIT64, UNIT32, UNIT16 = 2.0**-53, 2.0**-24, 2.0**-11
TOLERANCE = (
    "for each entry what rounding may do, followed through both passes: 4u (m + 3) Σ|terms| for a sum of m terms, "
    "but at most 16 standard deviations of u (√m + 3) Σ|terms|; u = 2^-53 (float64), 2^-24 (float32)"
)


@dataclass(frozen=True)
class Ball:
    """All values within `radius` of `middle`, entry by entry; `deviation` is how far they lie apart as a rule."""

    middle: Array
    radius: Array
    deviation: Array

    @classmethod
    def of(cls, middle: Array, radius: Array, deviation: Array) -> Ball:
        """A ball whose radius is cut to DEVIATIONS deviations."""
        return cls(middle, np.fmin(radius, DEVIATIONS * deviation), deviation)

    @property
    def widths(self) -> tuple[Array, Array]:
        """Radius and deviation."""
        return self.radius, self.deviation

    def holds(self, value: Array) -> Array:
        """Which entries of `value` lie inside; all do where the right value itself overflows."""
        with np.errstate(all="ignore"):
            inside = (abs(value - self.middle) <= self.radius) | (value == self.middle)
        return inside | ~np.isfinite(self.middle) | np.isnan(self.radius)


@dataclass(frozen=True)
class Bounds:
    """The balls of every quantity, by address, and the nodes that sit at a kink.

    Attributes:
        balls: by (name, l): values by their names; derivatives as "delta" (by z), "dC_da" (by what a layer hands
            on) and "d" with the name; gradients by the name of the array.
        kinks: (l, i, j …) of each z at a kink; l = L + 1 stands for a kink of the loss.
    """

    balls: dict[tuple[str, int], Ball]
    kinks: tuple[tuple[int, ...], ...]


def bounds(problem: Problem, unit: float = UNIT64, kinks: bool = False, cancels: float = 0.0) -> Bounds:
    """The balls that right gradients lie in when computed with unit roundoff `unit`.

    Args:
        kinks: where a z (or a residual) can't be told from a kink, allow every one-sided derivative.
        cancels: unit roundoff of formulas such as exp(z) − 1, which lose what is small against 1; 0 for none.
    """
    with np.errstate(all="ignore"):
        return Following(problem, unit, kinks, cancels).bounds()


class Following:
    """One walk through both passes with middles, radii and deviations, operation by operation."""

    def __init__(self, problem: Problem, u: float, kinks: bool, cancels: float):
        self.problem, self.u, self.kinks, self.cancels = problem, u, kinks, cancels
        self.program = problem.architecture.program
        # Below this a number is rounded to 0 or loses digits; only what is coarser than float64 comes close.
        self.tiny = 1e-300 if u <= UNIT64 else 1e-37 if u <= UNIT32 else 1e-7
        self.values: list[Ball] = []
        self.slopes: dict[int, Ball] = {}
        self.at_kinks: list[tuple[int, ...]] = []

    def sum_of(self, terms: float, size: Array) -> tuple[Array, Array]:
        """What a sum of m terms adds of its own, given Σ|terms|: worst case, deviation."""
        return SAFETY * (terms + 3) * self.u * size + self.tiny, (terms**0.5 + 3) * self.u * size + self.tiny

    def rounded(self, value: Array, units: float = 1.0) -> tuple[Array, Array]:
        """What one elementary operation adds of its own."""
        size = units * self.u * abs(value)
        return SAFETY * size + self.tiny, 2 * size + self.tiny

    def lost(self, g: Activation) -> tuple[float, float]:
        """What the plain formula of g, or of g′, loses to a 1 that is subtracted again."""
        lost = self.cancels if g.cancels else 0.0
        return SAFETY * lost, lost

    def bounds(self) -> Bounds:
        """Forward, backward, gradients."""
        p, program = self.problem, self.program
        exact = 0.0 if self.u <= UNIT64 else self.u
        for slot, value in zip(program.slots, p.record.values, strict=True):
            if slot.reads:
                self.values.append(self.ahead(slot, value))
            else:
                radius = exact * abs(value) if slot.number == 0 else np.zeros(np.shape(value))
                self.values.append(Ball.of(value, radius, radius))
        d: dict[int, Ball] = {program.last.number: self.loss(self.values[program.last.number])}
        gradients: dict[int, list[Ball]] = {}
        for slot in reversed(program.steps):
            if slot.number in gradients:  # made of weights alone
                whole = gradients[slot.number][0]
                for other in gradients[slot.number][1:]:
                    whole = plus(whole, other)
                for m, read, _, _ in slot.inputs:
                    gradients.setdefault(read, []).append(self.of_weights(slot, m, whole))
            if slot.number not in d:
                continue
            for m, read, weighs, _ in slot.inputs:
                if weighs:
                    gradients.setdefault(read, []).append(self.weight(slot, m, d[slot.number]))
                else:
                    back = self.back(slot, m, d[slot.number])
                    d[read] = plus(d[read], back) if read in d else back
        balls = {
            (slot.name, slot.l): ball for slot, ball in zip(program.slots, self.values, strict=True) if slot.per_sample
        }
        for number, ball in d.items():
            balls[self.named(program.slots[number]), program.slots[number].l] = ball
        for number, found in gradients.items():
            slot, total = program.slots[number], found[0]
            for other in found[1:]:
                total = plus(total, other)
            balls[slot.name, slot.l] = self.penalised(slot, total)
        return Bounds(balls, tuple(self.at_kinks))

    def named(self, slot: Slot) -> str:
        """How the derivative by a slot is called."""
        last = slot.number == self.program.outputs[slot.l]
        return "delta" if slot.name == "z" else "dC_da" if last else f"d{slot.name}"

    def inputs(self, slot: Slot) -> list[Ball]:
        """The balls of what a step reads."""
        return [self.values[r] for r in slot.reads]

    # ── forwards ──────────────────────────────────────────────────────────────────────────────────

    def ahead(self, slot: Slot, middle: Array) -> Ball:
        """The ball of what an operation computes."""
        operation, x = slot.operation, self.inputs(slot)
        if isinstance(operation, Applied):
            return self.applied(slot, x[0], middle)
        if operation.sums:
            return self.summed(slot, x, middle)
        radius, deviation = np.zeros(middle.shape), np.zeros(middle.shape)
        for m, ball in enumerate(x):
            for r, total in ((ball.radius, radius), (ball.deviation, deviation)):
                ends = [[b.middle + sign * (r if k == m else 0) for k, b in enumerate(x)] for sign in (1, -1)]
                total += widest(middle, *(operation.value(*end) for end in ends))
        own, usual = self.rounded(middle, FORMULA)
        return Ball.of(middle, radius + own, deviation + usual)

    def summed(self, slot: Slot, x: list[Ball], middle: Array) -> Ball:
        """Σ left · right + bias: worst cases add up, deviations add their squares."""
        operation = slot.operation
        size = operation.value(*(abs(ball.middle) for ball in x))
        own, usual = self.sum_of(self.fan_in(slot), size)
        if not isinstance(operation, Contraction):
            if len(x) > 1 or not operation.linear:  # a table's rows, the largest of a window: chosen, not added
                return Ball.of(middle, chosen(operation, x, "radius") + own, chosen(operation, x, "deviation") + usual)
            deviation = operation.value(x[0].deviation)
            return Ball.of(middle, operation.value(x[0].radius) + own, deviation + usual)
        product = replace(operation, bias=False).value
        (left, right), bias = x[:2], x[2:]
        radius = product(abs(left.middle), right.radius) + own
        squares = product(left.middle**2, right.deviation**2) + usual**2
        if self.program.slots[slot.reads[0]].reads:  # left is computed too
            radius = radius + product(left.radius, abs(right.middle)) + product(left.radius, right.radius)
            squares = squares + product(left.deviation**2, right.middle**2)
        del bias  # biases are exact
        return Ball(middle, *Ball.of(middle, radius, np.sqrt(squares)).widths)

    def fan_in(self, slot: Slot) -> float:
        """How many terms an entry of a sum has."""
        if not isinstance(slot.operation, Contraction):
            return max(1.0, self.program.slots[slot.reads[0]].space.size / max(1, slot.space.size))
        size = slot.operation.shaped(tuple(self.values[r].middle for r in slot.reads))
        return float(math.prod(n for c, n in size.items() if c not in slot.operation.sides[2]))

    def applied(self, slot: Slot, z: Ball, middle: Array) -> Ball:
        """g(z), by its values at both ends; and g′, by its values at both ends and by its formula in a."""
        g = slot.operation.g  # type: ignore[attr-defined]
        own, usual = self.rounded(middle, 1 if g.elementwise else middle.shape[-1] ** 0.5)
        lost, often = self.lost(g)
        if g.elementwise:
            radius, deviation = (widest(middle, g.g(z.middle + r), g.g(z.middle - r)) for r in (z.radius, z.deviation))
        elif g.shifts:  # softmax: each z moves by r at most, so each a by a factor e^(2r) at most
            radius = middle * np.expm1(2 * np.max(z.radius, axis=-1, keepdims=True))
            radius = np.where(np.isfinite(radius), np.minimum(radius, 1.0), 1.0)
            spread = np.sum((middle * z.deviation) ** 2, axis=-1, keepdims=True)
            deviation = middle * np.sqrt(z.deviation**2 + spread)
        else:  # mixed in a way that is not known: every slope at once
            n = middle.shape[-1]
            columns = [
                abs(g.jacobian_column(z.middle[i][None], middle[i][None], j)[0])
                for i in range(len(middle))
                for j in range(n)
            ]
            slopes = np.array(columns).reshape(len(middle), n, n)
            radius, deviation = (2 * (r[:, None, :] @ slopes)[:, 0, :] for r in (z.radius, z.deviation))
        a = Ball.of(middle, radius + own + lost, deviation + usual + often)
        if g.elementwise:
            self.slopes[slot.number] = self.slope(slot, g, z, a)
        return a

    def slope(self, slot: Slot, g: Activation, z: Ball, a: Ball) -> Ball:
        """g′(z), by its values at both ends and by its formula in a; an interval at a kink."""
        middle = g.derivative(z.middle)
        spread = [
            widest(middle, g.derivative(z.middle + r), g.derivative(z.middle - r), *from_output(g, a.middle, s))
            for r, s in ((z.radius, a.radius), (z.deviation, a.deviation))
        ]
        low, high = z.middle - z.radius, z.middle + z.radius
        sides = lambda: [g.derivative(low - 1e-290), middle, g.derivative(high + 1e-290)]  # noqa: E731
        middle, radius, deviation = self.at_kink(slot.l, g.kinks, low, high, middle, spread, sides)
        own, usual = self.rounded(middle)
        lost, often = self.lost(g)
        return Ball.of(middle, radius + own + lost, deviation + usual + often)

    def loss(self, a: Ball) -> Ball:
        """∂C_i/∂a^(L), by its values at both ends."""
        p, loss = self.problem, self.problem.architecture.loss
        middle = loss.term_derivative(a.middle, p.y)
        spread = []
        for r in (a.radius, a.deviation):
            high, low = a.middle + r, a.middle - r
            if loss.classes:  # stay between 0 and 1
                low = np.where(a.middle > 0, np.maximum(low, a.middle / 2), low)
                high = np.where(a.middle < 1, np.minimum(high, (1 + a.middle) / 2), high)
            elif loss.counts:  # stay above 0
                low = np.where(a.middle > 0, np.maximum(low, a.middle / 2), low)
            spread.append(widest(middle, loss.term_derivative(low, p.y), loss.term_derivative(high, p.y)))
        low, high = a.middle - a.radius - p.y, a.middle + a.radius - p.y
        sides = lambda: [np.full(middle.shape, -1.0), np.full(middle.shape, 1.0)]  # noqa: E731
        middle, radius, deviation = self.at_kink(p.L + 1, loss.kinks, low, high, middle, spread, sides)
        own, usual = self.rounded(middle, 2)
        return Ball.of(middle, radius + own, deviation + usual)

    def at_kink(
        self, l: int, kinks: tuple, low: Array, high: Array, middle: Array, spread: list[Array], sides: Callable
    ) -> tuple[Array, Array, Array]:
        """Where a kink lies between low and high: no spread, or the interval of the one-sided derivatives."""
        near = np.zeros(middle.shape, bool)
        for kink in kinks:
            near |= (low <= kink) & (kink <= high)
        radius, deviation = spread
        if not near.any():
            return middle, radius, deviation
        half = np.zeros(middle.shape)
        if self.kinks:
            self.at_kinks += [(l, *map(int, at)) for at in np.argwhere(near)]
            both = np.stack(sides())
            least, most = both.min(axis=0), both.max(axis=0)
            middle, half = np.where(near, (least + most) / 2, middle), (most - least) / 2
        return middle, np.where(near, half, radius), np.where(near, half, deviation)

    # ── backwards ─────────────────────────────────────────────────────────────────────────────────

    def back(self, slot: Slot, m: int, d: Ball) -> Ball:
        """The ball of what an operation hands down to one of its inputs."""
        operation, x = slot.operation, self.inputs(slot)
        if slot.number == self.program.last.number and self.problem.fused:
            middle = self.problem.fused.delta(self.values[slot.number].middle, self.problem.y)
            own, usual = self.rounded(middle)
            a = self.values[slot.number]
            return Ball.of(middle, a.radius + own, a.deviation + usual)
        middles = tuple(ball.middle for ball in x)
        out = self.values[slot.number]
        if isinstance(operation, Applied) and operation.entrywise:
            return self.times(d, self.slopes[slot.number])
        if operation.entrywise:
            return self.through_formula(slot, m, d, middles, out)
        if operation.sums:
            return self.through_sum(slot, m, d, x, middles, out)
        return self.through_layer(slot, d, middles, out)

    def times(self, d: Ball, g: Ball) -> Ball:
        """∂T/∂a · g′(z)."""
        middle = d.middle * g.middle
        own, usual = self.rounded(middle)
        radius, deviation = (
            zero_for_nan(rd * abs(g.middle) + abs(d.middle) * rg + rd * rg)
            for rd, rg in ((d.radius, g.radius), (d.deviation, g.deviation))
        )
        return Ball.of(middle, radius + own, deviation + usual)

    def through_sum(self, slot: Slot, m: int, d: Ball, x: list[Ball], middles: tuple[Array, ...], out: Ball) -> Ball:
        """Σ over the readers of δ · w: worst cases add up, deviations add their squares."""
        operation = slot.operation
        middle = operation.pull_back(m, middles, out.middle, d.middle)
        terms = max(1.0, self.fan_in(slot) * slot.space.size / max(1, self.program.slots[slot.reads[m]].space.size))

        def pulled(values: list[Array], by: Array) -> Array:
            return operation.pull_back(m, tuple(values), out.middle, by)

        sizes = [abs(v) for v in middles] if isinstance(operation, Contraction) else list(middles)
        own, usual = self.sum_of(terms, pulled(sizes, abs(d.middle)))
        radius = pulled(sizes, d.radius) + own
        squares = (
            pulled([v**2 for v in sizes] if isinstance(operation, Contraction) else sizes, d.deviation**2) + usual**2
        )
        if isinstance(operation, Contraction) and not (m == 1 and not self.program.slots[slot.reads[0]].reads):
            radius = radius + pulled([ball.radius for ball in x], abs(d.middle) + d.radius)
            squares = squares + pulled([ball.deviation**2 for ball in x], d.middle**2)
        return Ball.of(middle, radius, np.sqrt(squares))

    def through_formula(self, slot: Slot, m: int, d: Ball, middles: tuple[Array, ...], out: Ball) -> Ball:
        """A formula of one entry of each input: ∂T/∂out · slope, and what the slope may be off."""
        operation, x = slot.operation, self.inputs(slot)
        middle = operation.pull_back(m, middles, out.middle, d.middle)
        radius, deviation = np.zeros(middle.shape), np.zeros(middle.shape)
        slope = operation.slope(m, middles, out.middle)  # type: ignore[attr-defined]
        off = [np.zeros(slope.shape), np.zeros(slope.shape)]
        for k, ball in enumerate(x):
            for which, r in enumerate((ball.radius, ball.deviation)):
                ends = [[v + sign * (r if q == k else 0) for q, v in enumerate(middles)] for sign in (1, -1)]
                off[which] += widest(slope, *(operation.slope(m, tuple(end), operation.value(*end)) for end in ends))  # type: ignore[attr-defined]
        one = np.ones(d.middle.shape)
        for total, r, moved in ((radius, d.radius, off[0]), (deviation, d.deviation, off[1])):
            per_entry = zero_for_nan(r * (abs(slope) + moved) + abs(d.middle) * moved)
            total += summed_over(per_entry * one, operation.sides[1], operation.sides[0][m])  # type: ignore[attr-defined]
        own, usual = self.rounded(middle, FORMULA)
        return Ball.of(middle, radius + own, deviation + usual)

    def through_layer(self, slot: Slot, d: Ball, middles: tuple[Array, ...], a: Ball) -> Ball:
        """Softmax's sum over its layer, and that of other activations that mix."""
        middle = slot.operation.pull_back(0, middles, a.middle, d.middle)
        inner = abs(d.middle) + np.sum(abs(d.middle * a.middle), axis=-1, keepdims=True)
        own, usual = self.sum_of(middle.shape[-1], abs(a.middle) * inner)
        spread = np.sum(d.radius * abs(a.middle) + abs(d.middle) * a.radius + d.radius * a.radius, -1, keepdims=True)
        radius = a.radius * inner + (abs(a.middle) + a.radius) * (d.radius + spread)
        squares = (d.deviation * a.middle) ** 2 + (d.middle * a.deviation) ** 2
        spread = np.sqrt(d.deviation**2 + np.sum(squares, axis=-1, keepdims=True))
        deviation = a.deviation * inner + abs(a.middle) * spread + usual
        if not getattr(
            getattr(slot.operation, "g", None), "shifts", True
        ):  # not softmax: its slopes may be as large as 1
            radius, deviation = (
                radius + 2 * np.sum(d.radius, -1, keepdims=True),
                deviation + np.sum(d.deviation, -1, keepdims=True),
            )
        return Ball.of(middle, radius + own, deviation)

    def weight(self, slot: Slot, m: int, d: Ball) -> Ball:
        """(1/n) Σ_i Σ_t δ a, its errors by the same sums of the sizes."""
        p, operation, x = self.problem, slot.operation, self.inputs(slot)
        out = self.values[slot.number].middle
        middles, sizes = tuple(b.middle for b in x), tuple(abs(b.middle) for b in x)
        wide = tuple(
            abs(b.middle) + r if k != m else abs(b.middle) for k, (b, r) in enumerate((b, b.radius) for b in x)
        )
        often = tuple(
            abs(b.middle) + r if k != m else abs(b.middle) for k, (b, r) in enumerate((b, b.deviation) for b in x)
        )
        radii, deviations = tuple(b.radius for b in x), tuple(b.deviation for b in x)

        def added(values: tuple[Array, ...], by: Array) -> Array:
            factors = operation.factors(m, values, out, by)
            return factors.per_sample() if p.reduction == "per_sample" else factors.mean() * p.n

        middle = added(middles, d.middle)
        if not isinstance(operation, Contraction):
            sizes = wide = often = middles  # slopes of formulas are not those of absolute values
            radii = deviations = tuple(np.zeros(np.shape(v)) for v in middles)
        plain = m == 2 or not isinstance(operation, Contraction)  # nothing is multiplied: a bias
        radius = abs(added(wide, d.radius)) + (0.0 if plain else added(radii, abs(d.middle)))
        deviation = abs(added(often, d.deviation)) + (0.0 if plain else added(deviations, abs(d.middle)))
        uses = (
            d.middle[0].size
            / max(1, out[0].size)
            * max(1, slot.space.size // max(1, self.program.slots[slot.reads[m]].space.shape[0]))
        )
        if p.reduction == "per_sample":
            if plain and uses <= 1 and isinstance(operation, Contraction):
                return d
            own, usual = self.rounded(middle) if uses <= 1 else self.sum_of(uses, abs(added(sizes, abs(d.middle))))
            return Ball.of(middle, radius + own, deviation + usual)
        by = p.n if p.reduction == "mean" else 1
        own, usual = self.sum_of(p.n * max(1, uses), abs(added(sizes, abs(d.middle))))
        return Ball.of(middle / by, (radius + own) / by, (deviation + usual) / by)

    def of_weights(self, slot: Slot, m: int, d: Ball) -> Ball:
        """Through an operation on weights alone, which are exact."""
        x = tuple(ball.middle[None] for ball in self.inputs(slot))
        out, each = self.values[slot.number].middle[None], self.problem.reduction == "per_sample"

        def pulled(by: Array) -> Array:
            found = slot.operation.pull_back(m, x, out, by if each else by[None])
            return found if each else found[0]

        middle = pulled(d.middle)
        own, usual = self.rounded(middle, FORMULA)
        return Ball.of(middle, abs(pulled(d.radius)) + own, abs(pulled(d.deviation)) + usual)

    def penalised(self, slot: Slot, ball: Ball) -> Ball:
        """With the penalty's derivative."""
        p = self.problem
        if slot.name not in self.program.layers[slot.l].penalised or p.reduction == "per_sample":
            return ball
        R = p.dR(slot.l, slot.name)
        more, often = self.rounded(R)
        return Ball.of(ball.middle + R, ball.radius + more, ball.deviation + often)


def plus(one: Ball, other: Ball) -> Ball:
    """The sum of two: what several readers send back."""
    middle = one.middle + other.middle
    return Ball.of(middle, one.radius + other.radius, np.sqrt(one.deviation**2 + other.deviation**2))


def chosen(operation: Operation, x: list[Ball], which: str) -> Array:
    """The radii of entries that are chosen, not added up: as far as any of them may be off."""
    widths = [np.max(getattr(ball, which), initial=0.0) for ball in x]
    return np.full(np.shape(operation.value(*(ball.middle for ball in x))), max(widths))


def widest(middle: Array, *others: Array) -> Array:
    """The largest distance from `middle`, ignoring what is not a number."""
    distance = np.zeros(middle.shape)
    for other in others:
        distance = np.fmax(distance, abs(other - middle))
    return distance


def from_output(g: Activation, a: Array, radius: Array) -> list[Array]:
    """g′ by its formula in a, at both ends of a; the middle's where a kink lies between."""
    try:
        middle = g.derivative_from_output(a)
        ends = []
        for end in (a + radius, a - radius):
            crossed = bool(g.kinks) & ((end > 0) != (a > 0))
            ends.append(np.where(crossed, middle, g.derivative_from_output(end)))
        return ends
    except NotImplementedError:
        return []


def zero_for_nan(array: Array) -> Array:
    """∞ · 0 is 0 here: a factor that is exactly 0 stays it."""
    return np.where(np.isnan(array), 0, array)
