"""x → a record of every z and a.

Before it: a description of layers and their arrays. After it: `backward`, which reads the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import Array, Parameters
from .layers import Layer


@dataclass(frozen=True)
class Forward:
    """Every z^(l) and a^(l), indexed by l, each (n, n_l). a[0] is x; z[0] is None: the input has no z."""

    z: tuple[Any, ...]  # arrays, but for z[0]
    a: tuple[Array, ...]


def forward(layers: Sequence[Layer], parameters: Parameters, x: Array) -> Forward:
    """The forward pass of all samples at once.

    Args:
        layers: layers 1 … L.
        parameters: their arrays.
        x: the inputs, (n, n_0).

    Example:
        >>> from pellucid.layers import Dense
        >>> record = forward([Dense(2, 1)], ({"w": np.array([[2.0, 3.0]]), "b": np.array([1.0])},), np.ones((1, 2)))
        >>> record.z[1], record.a[1]
        (array([[6.]]), array([[6.]]))
    """
    z: list[Array | None] = [None]
    a: list[Array] = [x]
    # An e^(−z) that overflows to infinity gives the right limit; what stays non-finite is found by those who check.
    with np.errstate(all="ignore"):
        for layer, arrays in zip(layers, parameters, strict=True):
            z.append(layer.z(arrays, a[-1]))  # z^(l) = W^(l) a^(l−1) + b^(l)
            a.append(layer.activation.g(z[-1]))  # a^(l) = g(z^(l))
    return Forward(tuple(z), tuple(a))
