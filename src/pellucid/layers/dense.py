"""The dense layer: every node of layer l reads every node of layer l−1."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ..activations import Activation, activation
from ..arrays import Array, times_transposed
from ..errors import InputError, shown
from ..factors import Bias, Factors, Outer
from ..initialisers import Initialiser, initialiser


@dataclass(frozen=True)
class Dense:
    """z_j = Σ_k w_jk a_k + b_j, a_j = g(z_j).

    Args:
        n_in: n_(l−1), the number of nodes in the layer below.
        n_out: n_l, the number of nodes in this layer.
        activation: g, by name or object.
        bias: whether there are b_j.
        initialiser: of the weights, by name or object; None chooses by the activation. Biases start at 0.

    Raises:
        InputError: a size that is no positive whole number, an unknown activation or initialiser.

    Example:
        >>> Dense(784, 30, "sigmoid").shapes()
        {'w': (30, 784), 'b': (30,)}
    """

    n_in: int
    n_out: int
    activation: Activation = field(default="linear")  # type: ignore[assignment]  # a name is turned into its object
    bias: bool = True
    # Two layers that differ only in where their first weights came from compute the same: one compiled program.
    initialiser: Initialiser = field(default=None, compare=False)  # type: ignore[assignment]

    kind: ClassVar[str] = "dense"

    def __post_init__(self):
        for name in ("n_in", "n_out"):
            size = getattr(self, name)
            try:
                whole = operator.index(size)
            except TypeError:
                whole = 0
            if not 1 <= whole < 2**31 or isinstance(size, bool):
                raise InputError(
                    f"Dense: {name}", "expected a whole number ≥ 1" + " and below 2**31" * (whole > 1), shown(size)
                )
            object.__setattr__(self, name, whole)
        if not isinstance(self.bias, bool | np.bool_):
            raise InputError("Dense: bias", "expected True or False", shown(self.bias))
        object.__setattr__(self, "activation", activation(self.activation))
        object.__setattr__(self, "initialiser", initialiser(self.initialiser, self.activation))

    def initial(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """First weights drawn by the initialiser, biases 0."""
        w = self.initialiser.draw((self.n_out, self.n_in), generator)
        return {"w": w, "b": np.zeros(self.n_out)} if self.bias else {"w": w}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """W is (n_l, n_(l−1)), b is (n_l,)."""
        return {"w": (self.n_out, self.n_in), "b": (self.n_out,)} if self.bias else {"w": (self.n_out, self.n_in)}

    def z(self, arrays: dict[str, Array], a: Array) -> Array:
        """z_ij = Σ_k w_jk a_ik + b_j, (n, n_l)."""
        z = times_transposed(a, arrays["w"])
        return z + arrays["b"][None, :] if self.bias else z

    def pull_back(self, arrays: dict[str, Array], delta: Array) -> Array:
        """∂C_i/∂a_k^(l−1) = Σ_j δ_ij w_jk, (n, n_(l−1))."""
        if self.n_out == 1:  # one term: no matrix product, which is slow at it
            return delta * arrays["w"]
        return delta @ arrays["w"]

    def factors(self, a: Array, delta: Array) -> dict[str, Factors]:
        """∂C_i/∂w_jk = δ_ij a_ik; ∂C_i/∂b_j = δ_ij."""
        return {"w": Outer(delta, a), "b": Bias(delta)} if self.bias else {"w": Outer(delta, a)}

    def to_dict(self) -> dict[str, Any]:
        """The description as JSON values."""
        g, first = self.activation, self.initialiser
        return {
            "kind": self.kind,
            "n_in": self.n_in,
            "n_out": self.n_out,
            "activation": {"name": g.name, **g.parameters},
            "bias": bool(self.bias),
            "initialiser": {"name": first.name, **first.parameters},
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Dense:
        """The layer that `to_dict` described."""
        return cls(**{name: value for name, value in stored.items() if name != "kind"})
