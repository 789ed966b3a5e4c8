"""A network as a description: its layers in order, its loss, its penalty. No arrays live here.

The arrays are a tuple with one dict per layer, ({"w": …, "b": …}, …), handed in beside the description
wherever something is computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import Array, Parameters, namespace
from .errors import InputError, ShapeError, number, one_of, shown
from .layers import KINDS, Layer
from .losses import Loss, loss


def dR_dw(w: Array, l2: Any, l1: Any = 0.0) -> Array:
    """∂R/∂w = 2 l2 w + l1 sign(w); sign(0) = 0. The factors may be numbers of a compiled program."""
    if isinstance(l1, float) and not l1:
        return 2 * l2 * w
    return 2 * l2 * w + l1 * namespace(w).sign(w)


@dataclass(frozen=True)
class Penalty:
    """R = l2 · Σ w² + l1 · Σ |w| over all weights (no ½, no 1/n), biases left out; added to the mean loss C.

    Example:
        >>> Penalty(l2=0.5).dR_dw(np.array([[2.0]]))
        array([[2.]])
    """

    l2: float = 0.0
    l1: float = 0.0

    def __post_init__(self):
        for name in ("l2", "l1"):
            value = getattr(self, name)
            if isinstance(value, np.generic) or not hasattr(value, "dtype"):  # an array is a compiled program's
                plain = float(number(f"penalty {name}", value, "a finite number ≥ 0", 0.0))
                object.__setattr__(self, name, plain)

    def R(self, parameters: Parameters) -> float:
        """The penalty, one number."""
        weights = [arrays["w"] for arrays in parameters if "w" in arrays]
        R = sum(self.l2 * (w**2).sum() for w in weights) if self.l2 else 0.0
        return R + sum(self.l1 * abs(w).sum() for w in weights) if self.l1 else R

    def dR_dw(self, w: Array) -> Array:
        """∂R/∂w = 2 l2 w + l1 sign(w); sign(0) = 0."""
        return dR_dw(w, self.l2, self.l1)

    @property
    def any(self) -> bool:
        """Whether there is a penalty at all."""
        return bool(self.l2) or bool(self.l1)


@dataclass(frozen=True)
class Architecture:
    """Layers 1 … L, the loss and the penalty.

    Raises:
        InputError: no layer, or something that is no layer.
        ShapeError: a layer that does not fit the one below.

    Example:
        >>> from pellucid.layers import Dense
        >>> net = Architecture((Dense(4, 3, "tanh"), Dense(3, 2)), loss("squared_error"))
        >>> net.L, net.n
        (2, (4, 3, 2))
    """

    layers: tuple[Layer, ...]
    loss: Loss
    penalty: Penalty = Penalty()

    def __post_init__(self):
        if not self.layers:
            raise InputError("Network", "expected at least one layer", "none", "Start with Dense(n_in, n_out).")
        for l, layer in enumerate(self.layers, 1):
            if not isinstance(layer, Layer):
                raise InputError(f"layer {l}", f"expected a layer ({one_of(KINDS)})", shown(layer))
        for l in range(2, self.L + 1):
            below, above = self.layers[l - 2], self.layers[l - 1]
            if below.n_out != above.n_in:
                raise ShapeError(
                    self.where(l),
                    f"expected the {above.n_in} nodes that it reads from layer {l - 1}",
                    f"layer {l - 1} with {below.n_out} nodes",
                    f"Give layer {l - 1} {above.n_in} nodes, or build layer {l} with n_in={below.n_out}.",
                )

    @property
    def L(self) -> int:
        """Index of the output layer: the number of layers that have weights."""
        return len(self.layers)

    @property
    def n(self) -> tuple[int, ...]:
        """n_l, the number of nodes of each layer 0 … L."""
        return (self.layers[0].n_in, *(layer.n_out for layer in self.layers))

    def where(self, l: int) -> str:
        """Layer l as an error message names it."""
        return f"layer {l} ({self.layers[l - 1].kind}, {self.layers[l - 1].activation.name})"

    def initial(self, seed: int | np.random.SeedSequence | None = 0) -> Parameters:
        """The first arrays, float64; each layer draws from a stream of its own."""
        if isinstance(seed, np.random.SeedSequence):  # a copy: spawning from the caller's own would change it
            streams = np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)
        else:
            if not (seed is None or (isinstance(seed, int | np.integer) and not isinstance(seed, bool) and seed >= 0)):
                raise InputError("seed", "expected a whole number ≥ 0", shown(seed))
            streams = np.random.SeedSequence(seed)
        return tuple(
            layer.initial(np.random.default_rng(stream))
            for layer, stream in zip(self.layers, streams.spawn(self.L), strict=True)
        )

    def check(self, parameters: Parameters) -> None:
        """Raise a ShapeError unless `parameters` has just the arrays that these layers need."""
        if len(parameters) != self.L:
            raise ShapeError("parameters", f"expected arrays for {self.L} layers", len(parameters))
        for l, (layer, arrays) in enumerate(zip(self.layers, parameters, strict=True), 1):
            shapes = layer.shapes()
            if set(arrays) != set(shapes):
                raise ShapeError(self.where(l), f"expected the arrays {', '.join(shapes)}", ", ".join(arrays) or "none")
            for name, shape in shapes.items():
                if tuple(arrays[name].shape) != shape:
                    raise ShapeError(f"{self.where(l)}: {name}", f"expected {shape}", tuple(arrays[name].shape))

    def to_dict(self) -> dict[str, Any]:
        """The description as JSON values."""
        return {
            "layers": [layer.to_dict() for layer in self.layers],
            "loss": {"name": self.loss.name, **self.loss.parameters},
            "penalty": {"l2": float(self.penalty.l2), "l1": float(self.penalty.l1)},
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Architecture:
        """The description that `to_dict` gave.

        Raises:
            InputError: an unknown kind of layer, activation or loss, or a size that fits nothing.
        """
        layers = []
        for l, layer in enumerate(stored["layers"], 1):
            if layer.get("kind") not in KINDS:
                raise InputError(f"layer {l}", f"expected a kind of layer ({one_of(KINDS)})", shown(layer.get("kind")))
            layers.append(KINDS[layer["kind"]].from_dict(layer))
        return cls(tuple(layers), loss(stored["loss"]), Penalty(**stored["penalty"]))
