"""Evidence from outside the backward pass: the loss itself, evaluated beside the point.

Central differences over a range of steps, the complex step, and the order of the Taylor remainder
|C(θ + hv) − C(θ) − h⟨g, v⟩|: it shrinks like h² where g is the gradient, like h where it is not.

Before it: `verdict` says which entries differ. After it: `report` shows what the loss says about them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Array, Parameters
from .naming import Address
from .problem import Problem

STEPS = 10.0 ** -np.arange(1.0, 9.5, 0.5)
HALVINGS = 2.0 ** -np.arange(2, 22)


@dataclass(frozen=True)
class Difference:
    """A derivative found from values of the function alone.

    Attributes:
        value: the central difference at the best step.
        error: what neighbouring steps say about its error.
        step: that step.
    """

    value: float
    error: float
    step: float


def central(f: Callable[[float], float], size: float = 1.0, steps: Array = STEPS, noise: float = 0.0) -> Difference:
    """The derivative of f at 0 by central differences: of all steps the one where neighbours agree best.

    Args:
        size: the scale of the argument; steps are multiples of it.
        steps: from large to small.
        noise: how far values of f scatter from rounding; small steps magnify it.

    Example:
        >>> found = central(lambda h: np.exp(1 + h))
        >>> abs(found.value - np.e) < 1e-8
        True
    """
    with np.errstate(all="ignore"):
        steps = steps * size
        values = np.array([(f(h) - f(-h)) / (2 * h) for h in steps])
    gaps = np.maximum(abs(values[1:-1] - values[:-2]), abs(values[1:-1] - values[2:])) + noise / steps[1:-1]
    gaps = np.where(np.isfinite(gaps), gaps, np.inf)
    best = int(np.argmin(gaps))
    return Difference(float(values[best + 1]), float(gaps[best]), float(steps[best + 1]))


def moved(parameters: Parameters, at: Address, index: tuple[int, ...], by: complex) -> Parameters:
    """The arrays with one entry moved, possibly into the complex plane."""
    out = [dict(layer) for layer in parameters]
    kind, l = at
    changed = out[l][kind].astype(type(by + 0.0))
    changed[index] += by
    out[l][kind] = changed
    return tuple(out)


@np.errstate(all="ignore")
def difference(problem: Problem, at: Address, index: tuple[int, ...]) -> Difference:
    """∂(C + R)/∂(one entry) by central differences."""
    size = max(1.0, float(abs(problem.parameters[at[1]][at[0]][index])))
    return central(lambda h: float(problem.objective(moved(problem.parameters, at, index, h))), size, STEPS[4:14])


def complex_step(problem: Problem, at: Address, index: tuple[int, ...]) -> float | None:
    """Im f(θ + ih)/h with h = 1e-30, exact to rounding for analytic functions; None where it breaks down.

    Squire and Trapp 1998. Not at kinks: there it gives one side only.
    """
    h = 1e-30
    try:
        with np.errstate(all="ignore"):
            value = float(np.imag(problem.objective(moved(problem.parameters, at, index, 1j * h))) / h)
    except (TypeError, ValueError):
        return None
    return value if np.isfinite(value) else None


def remainder_orders(
    value: Callable[[float], float], slopes: Sequence[float], noise: float = 1e-15, at_least: float = 1e-300
) -> list[float | None]:
    """The order of |f(h) − f(0) − h s| in h for several slopes s: 2 where s = f′(0), else 1; None in the noise.

    Args:
        noise: of f, relative to f(0), and `at_least` as a number.

    Example:
        >>> orders = remainder_orders(lambda h: np.exp(h), [1.0, 1.1])
        >>> [round(order) for order in orders]
        [2, 1]
    """
    with np.errstate(all="ignore"):
        start = value(0.0)
        changes = np.array([value(h) - start for h in HALVINGS])
    orders: list[float | None] = []
    for slope in slopes:
        rest = abs(changes - HALVINGS * slope)
        floor = max(noise * abs(start), at_least)
        usable = [k for k in range(len(rest) - 1) if np.isfinite(rest[k]) and rest[k + 1] > 1e3 * floor]
        if len(usable) < 2:
            orders.append(None)
            continue
        with np.errstate(all="ignore"):
            found = np.log2(rest[usable] / rest[np.array(usable) + 1])
        orders.append(float(np.median(found[-2:])))
    return orders


@np.errstate(all="ignore")
def taylor(problem: Problem, yours: dict[Address, Array], seed: int = 0) -> tuple[float | None, float | None]:
    """The orders of the Taylor remainder along one random direction: with the candidate's gradient, with the right one.

    Of the arrays that the candidate gave those are moved that are off, all where none is: along others, or beside
    others that move further, a wrong one would not show.
    """
    generator = np.random.default_rng(seed)
    pairs = {}
    for (kind, l), array in yours.items():
        right = problem.gradients[l - 1][kind]
        if array.shape == right.shape:
            each = problem.reduction == "per_sample"
            pairs[kind, l] = (array.sum(axis=0), right.sum(axis=0)) if each else (array, right)
    off = {at for at, (array, right) in pairs.items() if np.max(abs(array - right)) > 1e-9 * np.max(abs(right))}
    direction, slope_yours, slope_right = {}, 0.0, 0.0
    largest = max((float(np.std(v)) for layer in problem.parameters for v in layer.values()), default=0.0)
    for (kind, l), (array, right) in pairs.items():
        v = generator.normal(size=right.shape)
        if off and (kind, l) not in off:
            continue
        direction[kind, l] = v = v * max(float(np.std(problem.parameters[l][kind])), 0.1 * largest, 1e-3)
        slope_yours += float(np.vdot(array, v))
        slope_right += float(np.vdot(right, v))

    def value(h: float) -> float:
        parameters = tuple(
            {name: v + h * direction[name, l] if (name, l) in direction else v for name, v in layer.items()}
            for l, layer in enumerate(problem.parameters)
        )
        return float(problem.objective(parameters))

    one, two = remainder_orders(value, [slope_yours, slope_right])
    return one, two
