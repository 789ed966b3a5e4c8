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

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..activations import Activation
from ..arrays import Array
from .problem import Problem

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

    def holds(self, value: Array) -> Array:
        """Which entries of `value` lie inside; all do where the right value itself overflows."""
        with np.errstate(all="ignore"):
            inside = (abs(value - self.middle) <= self.radius) | (value == self.middle)
        return inside | ~np.isfinite(self.middle) | np.isnan(self.radius)


@dataclass(frozen=True)
class Bounds:
    """The balls of every quantity, by address, and the nodes that sit at a kink.

    Attributes:
        kinks: (l, i, j) of each z at a kink; l = L + 1 stands for a kink of the loss.
    """

    balls: dict[tuple[str, int], Ball]
    kinks: tuple[tuple[int, int, int], ...]


def bounds(problem: Problem, unit: float = UNIT64, kinks: bool = False, cancels: float = 0.0) -> Bounds:
    """The balls that right gradients lie in when computed with unit roundoff `unit`.

    Args:
        kinks: where a z (or a residual) can't be told from a kink, allow every one-sided derivative.
        cancels: unit roundoff of formulas such as exp(z) − 1, which lose what is small against 1; 0 for none.
    """
    with np.errstate(all="ignore"):
        return Following(problem, unit, kinks, cancels).bounds()


class Following:
    """One walk through both passes with middles, radii and deviations."""

    def __init__(self, problem: Problem, u: float, kinks: bool, cancels: float):
        self.problem, self.u, self.kinks, self.cancels = problem, u, kinks, cancels
        # Below this a number is rounded to 0 or loses digits; only what is coarser than float64 comes close.
        self.tiny = 1e-300 if u <= UNIT64 else 1e-37 if u <= UNIT32 else 1e-7
        self.balls: dict[tuple[str, int], Ball] = {}
        self.at_kinks: list[tuple[int, int, int]] = []

    def sum_of(self, terms: int, size: Array) -> tuple[Array, Array]:
        """What a sum of m terms adds of its own, given Σ|terms|: worst case, deviation."""
        return SAFETY * (terms + 3) * self.u * size + self.tiny, (terms**0.5 + 3) * self.u * size + self.tiny

    def rounded(self, value: Array, units: float = 1.0) -> tuple[Array, Array]:
        """What one elementary operation adds of its own."""
        size = units * self.u * abs(value)
        return SAFETY * size + self.tiny, 2 * size + self.tiny

    def lost(self, l: int) -> tuple[float, float]:
        """What the plain formula of g, or of g′, loses to a 1 that is subtracted again."""
        lost = self.cancels if self.problem.g(l).cancels else 0.0
        return SAFETY * lost, lost

    def bounds(self) -> Bounds:
        """Forward, backward, gradients."""
        p = self.problem
        exact = 0.0 if self.u <= UNIT64 else self.u
        below = [Ball.of(p.x, exact * abs(p.x), exact * abs(p.x))]
        slopes: list[Ball | None] = [None]
        for l in range(1, p.L + 1):
            z = self.z(l, below[-1])
            below.append(self.a(l, z))
            slopes.append(self.slope(l, z, below[-1]))
            self.balls["z", l], self.balls["a", l] = z, below[-1]
        self.balls["a", 0] = below[0]
        dC_da = self.loss(below[-1])
        for l in range(p.L, 0, -1):
            self.balls["dC_da", l] = dC_da
            if l == p.L and p.fused:
                d = p.fused.delta(p.a(l), p.y)
                own, usual = self.rounded(d)
                delta = Ball.of(d, below[l].radius + own, below[l].deviation + usual)
            else:
                delta = self.delta(l, dC_da, below[l], slopes[l])
            self.balls["delta", l] = delta
            self.balls["w", l] = self.weight(l, delta, below[l - 1])
            if p.b(l) is not None:
                self.balls["b", l] = self.bias(l, delta)
            dC_da = self.through(delta, p.w(l), None)
        return Bounds(self.balls, tuple(self.at_kinks))

    def through(self, a: Ball, w: Array, b: Array | None) -> Ball:
        """a W + b: worst cases add up, deviations add their squares."""
        size = abs(a.middle) @ abs(w) + (0.0 if b is None else abs(b))
        own, usual = self.sum_of(w.shape[0], size)
        middle = a.middle @ w + (0.0 if b is None else b)
        return Ball.of(middle, a.radius @ abs(w) + own, np.sqrt(a.deviation**2 @ w**2 + usual**2))

    def z(self, l: int, a: Ball) -> Ball:
        """Σ_k w_jk a_k + b_j."""
        ball = self.through(a, self.problem.w(l).T, self.problem.b(l))
        return Ball(self.problem.z(l), ball.radius, ball.deviation)

    def a(self, l: int, z: Ball) -> Ball:
        """g(z), by its values at both ends."""
        g, middle = self.problem.g(l), self.problem.a(l)
        own, usual = self.rounded(middle, 1 if g.elementwise else middle.shape[-1] ** 0.5)
        lost, often = self.lost(l)
        if g.elementwise:
            radius, deviation = (widest(middle, g.g(z.middle + r), g.g(z.middle - r)) for r in (z.radius, z.deviation))
        else:  # softmax: each z moves by r at most, so each a by a factor e^(2r) at most
            radius = middle * np.expm1(2 * np.max(z.radius, axis=-1, keepdims=True))
            radius = np.where(np.isfinite(radius), np.minimum(radius, 1.0), 1.0)
            spread = np.sum((middle * z.deviation) ** 2, axis=-1, keepdims=True)
            deviation = middle * np.sqrt(z.deviation**2 + spread)
        return Ball.of(middle, radius + own + lost, deviation + usual + often)

    def slope(self, l: int, z: Ball, a: Ball) -> Ball | None:
        """g′(z), by its values at both ends and by its formula in a; an interval at a kink."""
        g = self.problem.g(l)
        if not g.elementwise:
            return None
        middle = g.derivative(z.middle)
        spread = [
            widest(middle, g.derivative(z.middle + r), g.derivative(z.middle - r), *from_output(g, a.middle, s))
            for r, s in ((z.radius, a.radius), (z.deviation, a.deviation))
        ]
        low, high = z.middle - z.radius, z.middle + z.radius
        sides = lambda: [g.derivative(low - 1e-290), middle, g.derivative(high + 1e-290)]  # noqa: E731
        middle, radius, deviation = self.at_kink(l, g.kinks, low, high, middle, spread, sides)
        own, usual = self.rounded(middle)
        lost, often = self.lost(l)
        return Ball.of(middle, radius + own + lost, deviation + usual + often)

    def loss(self, a: Ball) -> Ball:
        """∂C_i/∂a^(L), by its values at both ends."""
        p, loss = self.problem, self.problem.architecture.loss
        middle = loss.term_derivative(p.a(p.L), p.y)
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
            self.at_kinks += [(l, int(i), int(j)) for i, j in np.argwhere(near)]
            both = np.stack(sides())
            least, most = both.min(axis=0), both.max(axis=0)
            middle, half = np.where(near, (least + most) / 2, middle), (most - least) / 2
        return middle, np.where(near, half, radius), np.where(near, half, deviation)

    def delta(self, l: int, d: Ball, a: Ball, g: Ball | None) -> Ball:
        """∂C_i/∂a · g′(z), or softmax's sum."""
        if g is not None:
            middle = d.middle * g.middle
            own, usual = self.rounded(middle)
            radius, deviation = (
                zero_for_nan(rd * abs(g.middle) + abs(d.middle) * rg + rd * rg)
                for rd, rg in ((d.radius, g.radius), (d.deviation, g.deviation))
            )
            return Ball.of(middle, radius + own, deviation + usual)
        middle = self.problem.g(l).pull_back(self.problem.z(l), a.middle, d.middle)
        inner = abs(d.middle) + np.sum(abs(d.middle * a.middle), axis=-1, keepdims=True)
        own, usual = self.sum_of(middle.shape[-1], abs(a.middle) * inner)
        spread = np.sum(d.radius * abs(a.middle) + abs(d.middle) * a.radius + d.radius * a.radius, -1, keepdims=True)
        radius = a.radius * inner + (abs(a.middle) + a.radius) * (d.radius + spread)
        squares = (d.deviation * a.middle) ** 2 + (d.middle * a.deviation) ** 2
        spread = np.sqrt(d.deviation**2 + np.sum(squares, axis=-1, keepdims=True))
        return Ball.of(middle, radius + own, a.deviation * inner + abs(a.middle) * spread + usual)

    def weight(self, l: int, delta: Ball, a: Ball) -> Ball:
        """(1/n) Σ_i δ_ij a_ik + ∂R/∂w."""
        p, d, v = self.problem, abs(delta.middle), abs(a.middle)
        each = ((delta.radius, a.radius), (delta.deviation, a.deviation))
        if p.reduction == "per_sample":
            middle = delta.middle[:, :, None] * a.middle[:, None, :]
            own, usual = self.rounded(middle)
            radius, deviation = (
                rd[:, :, None] * (v + ra)[:, None, :] + d[:, :, None] * ra[:, None, :] for rd, ra in each
            )
            return Ball.of(middle, radius + own, deviation + usual)
        by, R = p.n if p.reduction == "mean" else 1, p.dR_dw(l)
        own, usual = self.sum_of(p.n, d.T @ v)
        more, often = self.rounded(R)
        radius, deviation = (rd.T @ (v + ra) + d.T @ ra for rd, ra in each)  # rδ (|a| + ra) + |δ| ra
        return Ball.of(delta.middle.T @ a.middle / by + R, (radius + own) / by + more, (deviation + usual) / by + often)

    def bias(self, l: int, delta: Ball) -> Ball:
        """(1/n) Σ_i δ_ij."""
        p = self.problem
        if p.reduction == "per_sample":
            return delta
        by = p.n if p.reduction == "mean" else 1
        own, usual = self.sum_of(p.n, abs(delta.middle).sum(axis=0))
        radius, deviation = (delta.radius.sum(axis=0) + own) / by, (delta.deviation.sum(axis=0) + usual) / by
        return Ball.of(delta.middle.sum(axis=0) / by, radius, deviation)


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
