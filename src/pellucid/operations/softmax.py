"""e^z over Σ e^z along one axis; where a mask is 0, 0: attention's shares, class probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..arrays import namespace
from ..factors import Each
from ..spaces import Space
from .base import Operation, Products, Readers
from .contraction import spread


@dataclass(frozen=True)
class Softmax(Operation):
    """out = mask · e^z / Σ mask · e^z, the sum over the letter `over`.

    Args:
        letters: of z, and of the mask where there is one: "hts" or "hts,ts".
        over: the letter of the axis along which the shares add up to 1.

    Example:
        >>> Softmax("j", "j").value(np.zeros((1, 2)))
        array([[0.5, 0.5]])
    """

    letters: str
    over: str

    @cached_property
    def sides(self) -> tuple[tuple[str, ...], str]:
        """The letters of each input, and of out."""
        inputs = tuple(self.letters.split(","))
        return inputs, inputs[0]

    def axis(self) -> int:
        """The axis along which the shares add up to 1, counted from the last."""
        return self.sides[1].index(self.over) - len(self.sides[1])

    def space(self, *inputs):
        return Space(self.sides[1], inputs[0].shape)

    def value(self, *x):
        xp, axis, z = namespace(x[0]), self.axis(), x[0]
        if len(x) == 1:
            powers = xp.exp(z - z.real.max(axis=axis, keepdims=True))
            return powers / powers.sum(axis=axis, keepdims=True)
        mask = spread(x[1], self.sides[0][1], self.sides[1])
        mask = mask[(None,) * (z.ndim - mask.ndim)]
        top = xp.where(mask > 0, z.real, -xp.inf).max(axis=axis, keepdims=True)
        powers = xp.exp(xp.where(mask > 0, z - xp.where(xp.isfinite(top), top, 0), 0)) * mask
        total = powers.sum(axis=axis, keepdims=True)
        return powers / xp.where(total.real > 0, total, 1)

    def pull_back(self, m, x, out, d):
        if m == 1:  # the mask is given, not varied
            return namespace(d).zeros_like(x[1])
        return out * (d - namespace(d).sum(d * out, axis=self.axis(), keepdims=True))

    def factors(self, m, x, out, d):  # only ever of a mask
        return Each(namespace(d).zeros((d.shape[0], *x[1].shape), dtype=d.dtype))

    def row(self, index: tuple[int, ...], count: int):
        """The entries along the axis through one entry."""
        place = len(index) + self.axis()
        return tuple(np.arange(count) if p == place else np.full(count, i) for p, i in enumerate(index)), place

    def terms(self, x, index):
        columns, _ = self.row(index, x[0].shape[self.axis()])
        return (Products(((0, columns),), len(columns[0]), self.over, (columns[len(index) + self.axis()],)),)

    def readers(self, m, x, out, index, sample):
        if m == 1:
            return Readers(tuple(np.zeros(0, int) for _ in out.shape), Products((), 0))
        columns, place = self.row(index, out.shape[self.axis()])
        a, own = out[columns], out[index]
        return Readers(columns, a * ((columns[place] == index[place]) - own))
