"""What a layer must offer: z from a, the pull-back, the factors. Layers are descriptions and hold no state.

To add a kind of layer: one file here, one entry in KINDS, one test.
"""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from ..activations import Activation
from ..arrays import Array
from ..factors import Factors


@runtime_checkable
class Layer(Protocol):
    """A frozen, hashable description of layer l. Its arrays are handed in by name: {"w": …, "b": …}."""

    kind: ClassVar[str]

    @property
    def n_in(self) -> int:
        """n_(l−1), the number of nodes of the layer below."""
        ...

    @property
    def n_out(self) -> int:
        """n_l, the number of nodes."""
        ...

    @property
    def activation(self) -> Activation:
        """g^(l)."""
        ...

    def initial(self, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """The first arrays, float64."""
        ...

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each array by name."""
        ...

    def z(self, arrays: dict[str, Array], a: Array) -> Array:
        """z^(l) (n, n_l) from a^(l−1) (n, n_(l−1))."""
        ...

    def pull_back(self, arrays: dict[str, Array], delta: Array) -> Array:
        """∂C_i/∂a^(l−1) (n, n_(l−1)) from δ^(l) (n, n_l): the adjoint of z in its inputs."""
        ...

    def factors(self, a: Array, delta: Array) -> dict[str, Factors]:
        """For each array the factors of ∂C_i/∂(array), from a^(l−1) and δ^(l)."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """The description as JSON values, `kind` among them."""
        ...
