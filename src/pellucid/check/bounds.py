"""How far a right gradient may lie from the reference: rounding, followed through both passes, and kinks.

Every array is carried as a middle and a radius. Each operation adds its own rounding (unit u times the sum of
the magnitudes that it adds up, γ_m u for m terms) to what it is handed; where a z lies within its radius of a
kink, g′ becomes the interval of the one-sided derivatives. A value outside is wrong whatever the order of the
sums. γ_m = m + 3 is certain (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1), for long
sums 8 √m + 3 is so but for a chance of 1e-13 (Higham and Mary 2019, A new approach to probabilistic rounding error
analysis).

    tolerance(w_jk) = (1/n) Σ_i [rδ_ij |a_ik| + |δ_ij| ra_ik + rδ_ij ra_ik + γ_n |δ_ij| |a_ik|]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..activations import Activation
from ..arrays import Array
from .problem import Problem

SAFETY = 4.0  # a few units in the last place for each elementary function
CANCEL = {"elu", "selu", "gelu", "softplus"}  # exp(z) − 1, 1 + erf(z), log(1 + exp(z))
UNIT64, UNIT32, UNIT16 = 2.0**-53, 2.0**-24, 2.0**-11
TOLERANCE = (
    "4u · min(m + 3, 8√m + 3) · Σ|terms| for each sum of m terms, followed through both passes entry by entry; "
    "u = 2^-53 (float64), 2^-24 (float32)"
)


@dataclass(frozen=True)
class Ball:
    """All values within `radius` of `middle`, entry by entry."""

    middle: Array
    radius: Array

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
        return Following(problem, SAFETY * unit, kinks, SAFETY * cancels).bounds()


class Following:
    """One walk through both passes with middles and radii."""

    def __init__(self, problem: Problem, u: float, kinks: bool, cancels: float):
        self.problem, self.u, self.kinks, self.cancels = problem, u, kinks, cancels
        # Below this a number is rounded to 0 or loses digits; only what is coarser than float64 comes close.
        self.tiny = 1e-300 if u < 1e-12 else 1e-37 if u < 1e-5 else 1e-7
        self.balls: dict[tuple[str, int], Ball] = {}
        self.at_kinks: list[tuple[int, int, int]] = []

    def gamma(self, terms: int) -> float:
        """γ_m of a sum of m terms."""
        return min(terms + 3, 8 * terms**0.5 + 3) * self.u

    def lost(self, l: int) -> float:
        """What the plain formula of g, or of g′, loses to a 1 that is subtracted again."""
        return self.cancels if self.problem.g(l).name in CANCEL else 0.0

    def bounds(self) -> Bounds:
        """Forward, backward, gradients."""
        p = self.problem
        a = Ball(p.x, np.zeros_like(p.x) if self.u < 1e-12 else self.u * abs(p.x))
        below: list[Ball] = [a]
        slopes: list[Ball | None] = [None]
        for l in range(1, p.L + 1):
            z = self.z(l, below[-1])
            below.append(self.a(l, z))
            slopes.append(self.slope(l, z, below[-1]))
            self.balls["z", l], self.balls["a", l] = z, below[-1]
        self.balls["a", 0] = a
        dC_da = self.loss(below[-1])
        for l in range(p.L, 0, -1):
            self.balls["dC_da", l] = dC_da
            if l == p.L and p.fused:
                d = p.fused.delta(p.a(l), p.y)
                delta = Ball(d, below[l].radius + self.u * abs(d) + self.tiny)
            else:
                delta = self.delta(l, dC_da, below[l], slopes[l])
            self.balls["delta", l] = delta
            self.balls["w", l] = self.weight(l, delta, below[l - 1])
            if p.b(l) is not None:
                self.balls["b", l] = self.bias(l, delta)
            w = abs(p.w(l))
            dC_da = Ball(
                delta.middle @ p.w(l),
                delta.radius @ w + self.gamma(w.shape[0]) * (abs(delta.middle) @ w) + self.tiny,
            )
        return Bounds(self.balls, tuple(self.at_kinks))

    def z(self, l: int, a: Ball) -> Ball:
        """Σ_k w_jk a_k + b_j."""
        p, w = self.problem, abs(self.problem.w(l)).T
        b = p.b(l)
        size = abs(a.middle) @ w + (0 if b is None else abs(b))
        return Ball(p.z(l), a.radius @ w + self.gamma(w.shape[0]) * size + self.tiny)

    def a(self, l: int, z: Ball) -> Ball:
        """g(z), by its values at both ends."""
        g, middle = self.problem.g(l), self.problem.a(l)
        if g.elementwise:
            spread = widest(middle, g.g(z.middle + z.radius), g.g(z.middle - z.radius))
        else:  # softmax: each z moves by r at most, so each a by a factor e^(2r) at most
            spread = middle * np.expm1(2 * np.max(z.radius, axis=-1, keepdims=True))
            spread = np.where(np.isfinite(spread), np.minimum(spread, 1.0), 1.0)
        own = self.u * abs(middle) * (1 if g.elementwise else middle.shape[-1] ** 0.5)
        return Ball(middle, spread + own + self.tiny + self.lost(l))

    def slope(self, l: int, z: Ball, a: Ball) -> Ball | None:
        """g′(z), by its values at both ends and by its formula in a; an interval at a kink."""
        g = self.problem.g(l)
        if not g.elementwise:
            return None
        middle = g.derivative(z.middle)
        low, high = z.middle - z.radius, z.middle + z.radius
        spread = widest(middle, g.derivative(low), g.derivative(high), *from_output(g, a))
        near = np.zeros(middle.shape, bool)
        for kink in g.kinks:
            near |= (low <= kink) & (kink <= high)
        if near.any():
            spread = np.where(near, 0, spread)
            if self.kinks:
                self.at_kinks += [(l, int(i), int(j)) for i, j in np.argwhere(near)]
                sides = np.stack([g.derivative(low - 1e-290), middle, g.derivative(high + 1e-290)])
                least, most = sides.min(axis=0), sides.max(axis=0)
                middle = np.where(near, (least + most) / 2, middle)
                spread = np.where(near, (most - least) / 2, spread)
        return Ball(middle, spread + self.u * abs(middle) + self.tiny + self.lost(l))

    def loss(self, a: Ball) -> Ball:
        """∂C_i/∂a^(L), by its values at both ends."""
        p, loss = self.problem, self.problem.architecture.loss
        middle = loss.term_derivative(p.a(p.L), p.y)
        high, low = a.middle + a.radius, a.middle - a.radius
        if loss.classes:
            low = np.where(a.middle > 0, np.maximum(low, a.middle / 2), low)
            high = np.where(a.middle < 1, np.minimum(high, (1 + a.middle) / 2), high)
        spread = widest(middle, loss.term_derivative(low, p.y), loss.term_derivative(high, p.y))
        near = np.zeros(middle.shape, bool)
        for kink in loss.kinks:
            near |= (low - p.y <= kink) & (kink <= high - p.y)
        if near.any():
            spread = np.where(near, 0, spread)
            if self.kinks:
                self.at_kinks += [(p.L + 1, int(i), int(j)) for i, j in np.argwhere(near)]
                middle, spread = np.where(near, 0, middle), np.where(near, 1, spread)
        return Ball(middle, spread + 2 * self.u * abs(middle) + self.tiny)

    def delta(self, l: int, dC_da: Ball, a: Ball, slope: Ball | None) -> Ball:
        """∂C_i/∂a · g′(z), or softmax's sum."""
        if slope is not None:
            d, g = dC_da, slope
            radius = d.radius * abs(g.middle) + abs(d.middle) * g.radius + d.radius * g.radius
            middle = d.middle * g.middle
            return Ball(middle, zero_for_nan(radius) + self.u * abs(middle) + self.tiny)
        d = dC_da
        size = np.sum(abs(d.middle) * abs(a.middle), axis=-1, keepdims=True)
        spread = np.sum(d.radius * abs(a.middle) + abs(d.middle) * a.radius + d.radius * a.radius, -1, keepdims=True)
        middle = self.problem.g(l).pull_back(self.problem.z(l), a.middle, d.middle)
        inner = abs(d.middle) + size
        radius = (a.radius + abs(a.middle) * self.gamma(middle.shape[-1])) * inner
        radius = radius + (abs(a.middle) + a.radius) * (d.radius + spread)
        return Ball(middle, radius + self.tiny)

    def weight(self, l: int, delta: Ball, a: Ball) -> Ball:
        """(1/n) Σ_i δ_ij a_ik + ∂R/∂w."""
        p = self.problem
        d, rd, v, rv = abs(delta.middle), delta.radius, abs(a.middle), a.radius
        if p.reduction == "per_sample":
            middle = delta.middle[:, :, None] * a.middle[:, None, :]
            radius = (rd[:, :, None] * (v + rv)[:, None, :]) + d[:, :, None] * (rv + 3 * self.u * v)[:, None, :]
            return Ball(middle, radius + self.tiny)
        by = p.n if p.reduction == "mean" else 1
        R = p.dR_dw(l)
        # rδ (|a| + ra) + |δ| (ra + γ_n |a|), two products for the four terms
        radius = (rd.T @ (v + rv) + d.T @ (rv + self.gamma(p.n) * v)) / by
        return Ball(delta.middle.T @ a.middle / by + R, radius + 4 * self.u * abs(R) + self.tiny)

    def bias(self, l: int, delta: Ball) -> Ball:
        """(1/n) Σ_i δ_ij."""
        p = self.problem
        if p.reduction == "per_sample":
            return Ball(delta.middle, delta.radius + self.u * abs(delta.middle))
        by = p.n if p.reduction == "mean" else 1
        radius = (delta.radius.sum(axis=0) + self.gamma(p.n) * abs(delta.middle).sum(axis=0)) / by
        return Ball(delta.middle.sum(axis=0) / by, radius + self.tiny)


def widest(middle: Array, *others: Array) -> Array:
    """The largest distance from `middle`, ignoring what is not a number."""
    distance = np.zeros(middle.shape)
    for other in others:
        distance = np.fmax(distance, abs(other - middle))
    return np.where(np.isnan(distance), 0, distance)


def from_output(g: Activation, a: Ball) -> list[Array]:
    """g′ by its formula in a, at both ends of a; the middle's where a kink lies between."""
    try:
        middle = g.derivative_from_output(a.middle)
        ends = []
        for end in (a.middle + a.radius, a.middle - a.radius):
            crossed = bool(g.kinks) & ((end > 0) != (a.middle > 0))
            ends.append(np.where(crossed, middle, g.derivative_from_output(end)))
        return ends
    except NotImplementedError:
        return []


def zero_for_nan(array: Array) -> Array:
    """∞ · 0 is 0 here: a factor that is exactly 0 stays it."""
    return np.where(np.isnan(array), 0, array)
