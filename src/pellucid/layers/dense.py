"""The dense layer: every node of layer l reads every node of the layer below."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..activations import Activation, activation
from ..errors import InputError, shown
from ..initialisers import Initialiser, initialiser
from ..operations import Applied, Contraction
from ..spaces import Space
from .base import Defined, Layer, flat, numbered, whole


@dataclass(frozen=True)
class Dense(Layer):
    """z_j = Σ_k w_jk a_k + b_j, a_j = g(z_j).

    Args:
        n: n_l, the number of nodes in this layer; how many the layer below has is inferred.
        activation: g, by name or object.
        bias: whether there are b_j.
        initialiser: of the weights, by name or object; None chooses by the activation. Biases start at 0.
        reads: the layer that it reads, by number; by default the one below.

    Raises:
        InputError: a size that is no positive whole number, an unknown activation or initialiser.

    Example:
        >>> Dense(30, "sigmoid").arrays(Space("j", (784,)))
        {'w': (30, 784), 'b': (30,)}
    """

    n: int
    activation: Activation = field(default="linear")  # type: ignore[assignment]  # a name is turned into its object
    bias: bool = True
    # Two layers that differ only in where their first weights came from compute the same: one compiled program.
    initialiser: Initialiser = field(default=None, compare=False)  # type: ignore[assignment]
    reads: tuple[int, ...] = ()

    kind = "dense"
    penalised = ("w",)

    def __post_init__(self):
        if isinstance(self.activation, int | np.integer) and not isinstance(self.activation, bool):
            raise InputError(
                f"Dense({self.n}, {self.activation})", "expected the number of nodes, then the activation",
                do=f"Sizes below are inferred: write Input({self.n}), Dense({self.activation}).",
            )  # fmt: skip
        object.__setattr__(self, "n", whole("Dense: n", self.n))
        if not isinstance(self.bias, bool | np.bool_):
            raise InputError("Dense: bias", "expected True or False", shown(self.bias))
        object.__setattr__(self, "activation", activation(self.activation))
        object.__setattr__(self, "initialiser", initialiser(self.initialiser, self.activation))
        object.__setattr__(self, "reads", numbered("Dense", self.reads, 1))

    def arrays(self, *below: Space):
        """W is (n_l, n_(l−1)), b is (n_l,)."""
        n_in = flat("Dense", below[0])
        return {"w": (self.n, n_in), "b": (self.n,)} if self.bias else {"w": (self.n, n_in)}

    def letters(self, *below: Space):
        """Destination first."""
        return {"w": "jk", "b": "j"} if self.bias else {"w": "jk"}

    def initial(self, generator: np.random.Generator, *below: Space):
        """First weights drawn by the initialiser, biases 0."""
        w = self.initialiser.draw((self.n, flat("Dense", below[0])), generator)
        return {"w": w, "b": np.zeros(self.n)} if self.bias else {"w": w}

    def quantities(self, *below: Space):
        """z, then a."""
        z = Contraction("jk,k->j", bias=self.bias)
        return Defined("z", z, ("w", 0, "b") if self.bias else ("w", 0)), Defined(
            "a", Applied(self.activation, "j"), ("z",)
        )

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Dense:
        """The layer that `to_dict` described; also as files have it that say how many nodes are below."""
        given = dict(stored)
        given.pop("n_in", None)
        if "n_out" in given:
            given["n"] = given.pop("n_out")
        found = super().from_dict(given)
        assert isinstance(found, Dense)
        return found
