"""The penalty R on a network's weights: its formula, its derivative, and which arrays it acts on. Nowhere else.

The factors may be numbers of a compiled program, so that they can change while it runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .arrays import Array, Parameters, namespace
from .errors import number
from .layers import Layer


def dR_dw(w: Array, l2: Any, l1: Any = 0.0) -> Array:
    """∂R/∂w = 2 l2 w + l1 sign(w); sign(0) = 0."""
    if isinstance(l1, float) and not l1:
        return 2 * l2 * w
    return 2 * l2 * w + l1 * namespace(w).sign(w)


def sum_R(weights: Iterable[Array], l2: Any) -> Any:
    """l2 Σ w² of some arrays."""
    return sum(l2 * (w**2).sum() for w in weights)


def penalised(layers: Sequence[Layer], parameters: Parameters) -> Iterator[tuple[int, str]]:
    """(l, name) of the arrays on which the penalty acts, layer by layer."""
    for l, (layer, arrays) in enumerate(zip(layers, parameters, strict=True)):
        yield from ((l, name) for name in layer.penalised if name in arrays)


def with_penalty(
    layers: Sequence[Layer], gradient: Parameters, parameters: Parameters, l2: Any, l1: Any = 0.0
) -> Parameters:
    """∂(C + R)/∂w of all arrays from ∂C/∂w."""
    total = tuple(dict(layer) for layer in gradient)
    for l, name in penalised(layers, parameters):
        total[l][name] = total[l][name] + dR_dw(parameters[l][name], l2, l1)
    return total


@dataclass(frozen=True)
class Penalty:
    """R = l2 · Σ w² + l1 · Σ |w| over all weights (no ½, no 1/n), biases left out; added to the mean loss C.

    Which arrays of a layer count as weights its kind says (`Layer.penalised`).

    Example:
        >>> import numpy as np
        >>> Penalty(l2=0.5).dR_dw(np.array([[2.0]]))
        array([[2.]])
    """

    l2: float = 0.0
    l1: float = 0.0

    def __post_init__(self):
        for name in ("l2", "l1"):
            plain = number(f"penalty {name}", getattr(self, name), "a finite number ≥ 0", 0.0)
            object.__setattr__(self, name, float(plain))

    def R(self, weights: Iterable[Array]) -> float:
        """The penalty of some arrays, one number."""
        weights = list(weights)
        R = sum_R(weights, self.l2) if self.l2 else 0.0
        return R + self.l1 * sum(abs(w).sum() for w in weights) if self.l1 else R

    def dR_dw(self, w: Array) -> Array:
        """∂R/∂w = 2 l2 w + l1 sign(w); sign(0) = 0."""
        return dR_dw(w, self.l2, self.l1)

    @property
    def any(self) -> bool:
        """Whether there is a penalty at all."""
        return bool(self.l2) or bool(self.l1)
