"""A network as a description: its layers in order, its loss, its penalty. No arrays live here.

The arrays are a tuple with one dict per layer 0 … L, ({}, {"w": …, "b": …}, …), handed in beside the description
wherever something is computed. The input has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .activations import ACTIVATIONS
from .arrays import Array, Parameters
from .errors import InputError, ShapeError, one_of, shown
from .layers import KINDS, Dense, Input, Layer
from .losses import Loss, loss
from .penalty import Penalty, penalised
from .program import Program, program


@dataclass(frozen=True)
class Architecture:
    """Layers 0 … L, the loss and the penalty; layer 0 is the Input.

    Raises:
        InputError: no layer, something that is no layer, no Input at the start or one elsewhere.
        ShapeError: a layer that does not fit those that it reads.

    Example:
        >>> from pellucid.layers import Dense, Input
        >>> net = Architecture((Input(4), Dense(3, "tanh"), Dense(2)), loss("squared_error"))
        >>> net.L, net.n
        (2, (4, 3, 2))
    """

    layers: tuple[Layer, ...]
    loss: Loss
    penalty: Penalty = Penalty()

    def __post_init__(self):
        for l, layer in enumerate(self.layers):
            if not isinstance(layer, Layer):
                raise InputError(f"layer {l}", f"expected a layer ({one_of(KINDS)})", shown(layer))
            if isinstance(layer, Input) != (l == 0):
                do = "Start with the shape of one sample, as in Input(784), Dense(30)."
                raise InputError(f"layer {l}", "expected Input as layer 0, and nowhere else", shown(layer), do)
        if len(self.layers) < 2:
            raise InputError("Network", "expected at least one layer", "none", "Write Input(n_0), Dense(n_1), ….")
        _ = self.program  # refuses layers that don't fit each other

    @cached_property
    def program(self) -> Program:
        """The quantities of all layers in order."""
        return program(self.layers)

    @property
    def L(self) -> int:
        """Index of the output layer."""
        return len(self.layers) - 1

    @property
    def n(self) -> tuple[int, ...]:
        """n_l, the number of nodes of each layer 0 … L."""
        return self.program.n

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one input sample: (n_0,), or the sizes of an image or a sequence."""
        return self.program.slots[0].space.shape

    def where(self, l: int) -> str:
        """Layer l as an error message names it."""
        return self.program.where(l)

    def penalised(self, parameters: Parameters) -> Iterator[Array]:
        """The arrays on which the penalty acts, layer by layer."""
        return (parameters[l][name] for l, name in penalised(self.layers, parameters))

    def initial(self, seed: int | np.random.SeedSequence | None = 0) -> Parameters:
        """The first arrays, float64; each layer draws from a stream of its own."""
        if isinstance(seed, np.random.SeedSequence):  # a copy: spawning from the caller's own would change it
            streams = np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)
        else:
            if not (seed is None or (isinstance(seed, int | np.integer) and not isinstance(seed, bool) and seed >= 0)):
                raise InputError("seed", "expected a whole number ≥ 0", shown(seed))
            streams = np.random.SeedSequence(seed)
        return tuple(
            layer.initial(np.random.default_rng(stream), *below)
            for layer, below, stream in zip(
                self.layers, self.program.below, [streams, *streams.spawn(self.L)], strict=True
            )
        )

    def check(self, parameters: Parameters) -> None:
        """Raise a ShapeError unless `parameters` has just the arrays that these layers need."""
        if len(parameters) != self.L + 1:
            raise ShapeError("parameters", f"expected arrays for layers 0 … {self.L}", len(parameters))
        for l, arrays in enumerate(parameters):
            shapes = self.program.shapes(l)
            if set(arrays) != set(shapes):
                expected = f"expected the arrays {', '.join(shapes)}" if shapes else "expected no arrays"
                raise ShapeError(self.where(l), expected, ", ".join(arrays) or "none")
            for name, shape in shapes.items():
                if tuple(arrays[name].shape) != shape:
                    raise ShapeError(f"{self.where(l)}: {name}", f"expected {shape}", tuple(arrays[name].shape))

    def check_ends(self) -> None:
        """Refuse an output layer that the loss can't read: training would go on without learning, or end in NaN.

        Raises:
            InputError: such a pair, with the pairs that fit.

        Example:
            >>> from pellucid.layers import Dense, Input
            >>> Architecture((Input(2), Dense(3, "sigmoid")), loss("cross_entropy")).check_ends()
            Traceback (most recent call last):
            pellucid.errors.InputError: layer 1 (dense, sigmoid): cross_entropy expects outputs of softmax, got \
sigmoid. Give the output layer 'softmax', or take the loss that fits sigmoid: 'binary_cross_entropy'.
        """
        output, where, fits = self.program.activation(self.L), self.where(self.L), self.loss.fits
        if output is None:
            return
        if output.alone and self.n[-1] == 1:
            raise InputError(
                where, f"expected at least two nodes, for a {output.name} over one node is always 1", "one",
                output.alone,
            )  # fmt: skip
        if fits and output.name in ACTIVATIONS and output.name not in fits:
            raise InputError(
                where, f"{self.loss.name} expects outputs of {' or '.join(fits)}", output.name,
                f"Give the output layer {fits[0]!r}, or take the loss that fits {output.name}: "
                f"{output.usual_loss!r}.",
            )  # fmt: skip

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
        given = list(stored["layers"])
        if given and given[0].get("kind") == Dense.kind and "n_in" in given[0]:
            # as files have it in which a layer says how many are below
            given.insert(0, {"kind": Input.kind, "shape": [given[0]["n_in"]]})
        layers = []
        for l, layer in enumerate(given):
            if layer.get("kind") not in KINDS:
                do = "Import the module that defines and registers it first (pellucid.layers.register)."
                raise InputError(
                    f"layer {l}", f"expected a kind of layer ({one_of(KINDS)})", shown(layer.get("kind")), do
                )
            layers.append(KINDS[layer["kind"]].from_dict(layer))
        found = cls(tuple(layers), loss(stored["loss"]), Penalty(**stored["penalty"]))
        for l, layer in enumerate(given[1:], 1):
            if (n_in := layer.get("n_in", found.n[l - 1])) != found.n[l - 1]:
                raise ShapeError(
                    found.where(l), f"expected n_in {found.n[l - 1]}, the nodes of layer {l - 1}", shown(n_in)
                )
        return found
