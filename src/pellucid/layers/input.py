"""Layer 0: the shape of one sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..spaces import Space
from .base import Layer, whole

LETTERS = {1: "j", 2: "tj", 3: "rcj"}  # one index: nodes; two: times; three: rows and columns of an image


@dataclass(frozen=True, init=False)
class Input(Layer):
    """What one sample looks like: n_0 numbers, or a shape.

    Args:
        shape: its sizes.

    Raises:
        InputError: a size that is no positive whole number.

    Example:
        >>> Input(784).space, Input(28, 28, 1).space.letters
        (Space(letters='j', shape=(784,)), 'rcj')
    """

    shape: tuple[int, ...]

    kind = "input"

    def __init__(self, *shape: int):
        object.__setattr__(self, "shape", tuple(whole("Input", n) for n in shape or (0,)))
        object.__setattr__(self, "reads", ())

    @property
    def space(self) -> Space:
        """The letters and sizes of one sample."""
        return Space(LETTERS.get(len(self.shape), "pqrstuvwj"[-len(self.shape) :]), self.shape)

    def initial(self, generator: Any, *below: Space) -> dict[str, Any]:
        """Nothing: the input is given."""
        return {}

    def to_dict(self) -> dict[str, Any]:
        """The description as JSON values."""
        return {"kind": self.kind, "shape": list(self.shape)}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Input:
        """The layer that `to_dict` described."""
        return cls(*stored["shape"])
