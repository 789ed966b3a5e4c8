"""A network's arrays by name and layer, to read and to write: `net.w[2]`, `net.arrays["gamma"][1]`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..errors import AddressError, ShapeError, one_of, shown
from ..inputs import as_array, check_finite
from .state import State


class Arrays(Mapping[str, "ByLayer"]):
    """net.arrays: the arrays of each name that some layer has, net.arrays["w"][2].

    Example:
        >>> from pellucid.layers import Dense, Input
        >>> from pellucid.network import Network
        >>> net = Network(Input(2), Dense(3), Dense(1, bias=False))
        >>> list(net.arrays), net.arrays["b"][1].shape
        (['w', 'b'], (3,))
    """

    def __init__(self, net: State):
        self._net = net

    def __getitem__(self, name: str) -> ByLayer:
        if name not in (names := list(self)):
            raise AddressError(shown(name), f"expected an array of this network, {one_of(names)}")
        return ByLayer(self._net, name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for layer in self._net.parameters for name in layer))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.values()))


class ByLayer:
    """net.arrays[name], net.w, net.b: the arrays of one name, by layer 1 … L, to read and to write."""

    def __init__(self, net: State, name: str):
        self._net, self._name = net, name

    def __getitem__(self, l: int) -> np.ndarray:
        arrays = self._net.parameters[self._layer(l)]
        if self._name not in arrays:
            raise AddressError(f"{self._name}[{l}]", f"{self._net.architecture.where(l)} has no {self._name}")
        return arrays[self._name]

    def __setitem__(self, l: int, value: Any) -> None:
        array, new = self[l], as_array(value, f"{self._name}[{l}]")
        if new.shape != array.shape:
            raise ShapeError(f"{self._name}[{l}]", f"expected {array.shape}", new.shape)
        check_finite(new, f"{self._name}[{l}]")
        array[...] = new

    def __len__(self) -> int:
        return self._net.L + 1

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[l] for l in range(1, self._net.L + 1))

    def _layer(self, l: int) -> int:
        if not isinstance(l, int | np.integer) or not 1 <= l <= self._net.L:
            raise AddressError(f"{self._name}[{l}]", f"the layers with weights are 1 … {self._net.L}", shown(l))
        return int(l)

    def __repr__(self) -> str:
        present = (arrays.get(self._name) for arrays in self._net.parameters[1:])
        shapes = ("none" if array is None else str(array.shape) for array in present)
        return f"{self._name}[1 … {self._net.L}]: " + ", ".join(shapes)
