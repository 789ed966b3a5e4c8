"""Operations that only say which entry of the input an entry is: renamed, chosen as the largest, looked up.

Move        flatten, reshape, slice, permute, pad, repeat: a table of places, made once
Largest     the first largest of each window
Gather      rows of a table by whole numbers: an embedding
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..arrays import add_at, namespace
from ..errors import ShapeError
from ..factors import Contracted
from ..spaces import Space
from .base import Columns, Operation, Products, Readers


@dataclass(frozen=True)
class Move(Operation):
    """out = x[places], where a place < 0 is filled with 0.

    Args:
        places: the flat index in x of each entry of out, row by row, in the shape of out.
        out: the letters and sizes of out.
        called: what it is, for people: "flatten".

    Example:
        >>> Move.of("flatten", Space("rj", (2, 2)), np.arange(4), "j").value(np.array([[[1, 2], [3, 4]]]))
        array([[1, 2, 3, 4]])
    """

    called: str
    inside: Space
    out: Space
    flat: tuple[int, ...] = field(repr=False)

    sums = linear = True
    says = "the same number, at another place"

    @classmethod
    def of(cls, called: str, inside: Space, places: np.ndarray, letters: str) -> Move:
        """A move from its table of places, an array in the shape of out."""
        return cls(called, inside, Space(letters, places.shape), tuple(places.ravel().tolist()))

    @cached_property
    def places(self) -> np.ndarray:
        """The flat index in x of each entry of out, flat."""
        return np.array(self.flat)

    def space(self, *inputs):
        if inputs[0].shape != self.inside.shape:
            raise ShapeError(self.called, f"expected {self.inside.shape}", inputs[0].shape)
        return self.out

    def value(self, *x):
        xp, front = namespace(x[0]), x[0].shape[: x[0].ndim - len(self.inside.shape)]
        rows = x[0].reshape((-1, self.inside.size))
        if self.places.min(initial=0) < 0:
            rows = xp.where(
                xp.asarray(self.places >= 0)[None], xp.take(rows, xp.asarray(self.places.clip(0)), axis=1), 0
            )
        elif not self.in_order:
            rows = xp.take(rows, xp.asarray(self.places), axis=1)
        return rows.reshape((*front, *self.out.shape))

    @cached_property
    def in_order(self) -> bool:
        """Whether nothing moves: only the indices have other names."""
        return bool(np.array_equal(self.places, np.arange(self.inside.size)))

    def pull_back(self, m, x, out, d):
        xp, n = namespace(d), d.shape[0]
        rows = d.reshape((n, -1))
        if not self.in_order:
            kept = np.flatnonzero(self.places >= 0)
            rows = xp.moveaxis(add_at(xp.moveaxis(rows[:, kept], 0, 1), self.places[kept], self.inside.size), 0, 1)
        return rows.reshape((n, *self.inside.shape))

    def terms(self, x, index):
        front, own = split(index, self.out)
        place = self.places[np.ravel_multi_index(own, self.out.shape)]
        if place < 0:
            return (Products((), 0),)
        entry = (*front, *np.unravel_index(place, self.inside.shape))
        return (Products(((0, tuple(np.array([i]) for i in entry)),), 1),)

    def readers(self, m, x, out, index, sample):
        front, own = split(index, self.inside)
        flat = np.flatnonzero(self.places == np.ravel_multi_index(own, self.inside.shape))
        entries = (*(np.full(len(flat), i) for i in front), *np.unravel_index(flat, self.out.shape))
        return Readers(entries, Products((), len(flat)))


@dataclass(frozen=True)
class Largest(Operation):
    """out = the largest of some entries; ties go to the first.

    Args:
        called: "maxpool".
        inside, out: the spaces.
        windows: for each entry of out, flat, the flat indices in x that it looks at, −1 for none.
    """

    called: str
    inside: Space
    out: Space
    windows: tuple[tuple[int, ...], ...] = field(repr=False)

    sums = True
    says = "the largest of its window; ties go to the first"

    @classmethod
    def of(cls, called: str, inside: Space, windows: np.ndarray, letters: str) -> Largest:
        """From an array (…shape of out, entries of a window)."""
        flat = windows.reshape(-1, windows.shape[-1])
        return cls(called, inside, Space(letters, windows.shape[:-1]), tuple(map(tuple, flat.tolist())))

    @cached_property
    def places(self) -> np.ndarray:
        """(entries of out, entries of a window)."""
        return np.array(self.windows)

    def space(self, *inputs):
        if inputs[0].shape != self.inside.shape:
            raise ShapeError(self.called, f"expected {self.inside.shape}", inputs[0].shape)
        return self.out

    def looked_at(self, x):
        """(n, entries of out, entries of a window), −∞ where there is none; n is 1 for weights."""
        xp, rows = namespace(x), x.reshape((-1, self.inside.size))
        found = xp.take(rows, xp.asarray(self.places.clip(0).ravel()), axis=1)
        found = found.reshape((rows.shape[0], *self.places.shape))
        return found if self.places.min() >= 0 else xp.where(xp.asarray(self.places >= 0)[None], found, -xp.inf)

    def first(self, x):
        """Which entry of each window is its first largest, (n, entries of out)."""
        return namespace(x).argmax(self.looked_at(x).real, axis=-1)

    def value(self, *x):
        xp, found = namespace(x[0]), self.looked_at(x[0])
        chosen = xp.take_along_axis(found, self.first(x[0])[..., None], axis=-1)
        return chosen.reshape((*x[0].shape[: x[0].ndim - len(self.inside.shape)], *self.out.shape))

    def pull_back(self, m, x, out, d):
        xp, n = namespace(d), d.shape[0]
        one = (self.first(x[0])[..., None] == xp.arange(self.places.shape[1])[None, None]) * d.reshape((n, -1, 1))
        rows = xp.moveaxis(one.reshape((n, -1)), 0, 1)
        kept = np.flatnonzero(self.places.ravel() >= 0)
        back = add_at(rows[kept], self.places.ravel()[kept], self.inside.size)
        return xp.moveaxis(back, 0, 1).reshape((n, *self.inside.shape))

    def chosen(self, x, sample: tuple[int, ...]) -> np.ndarray:
        """The flat index in x of each entry of out, for one sample; () for weights."""
        return self.places[np.arange(len(self.places)), np.asarray(self.first(x[sample]))[0]]

    def terms(self, x, index):
        front, own = split(index, self.out)
        place = self.chosen(x[0], front)[np.ravel_multi_index(own, self.out.shape)]
        entry = (*front, *np.unravel_index(place, self.inside.shape))
        return (Products(((0, tuple(np.array([i]) for i in entry)),), 1),)

    def readers(self, m, x, out, index, sample):
        front, own = split(index, self.inside)
        flat = np.flatnonzero(self.chosen(x[0], front) == np.ravel_multi_index(own, self.inside.shape))
        entries = (*(np.full(len(flat), i) for i in front), *np.unravel_index(flat, self.out.shape))
        return Readers(entries, Products((), len(flat)))


@dataclass(frozen=True)
class Gather(Operation):
    """out_tj = w[x_t, j]: rows of a table by whole numbers. Inputs: the table, the numbers.

    Args:
        letters: of the table, the numbers and out, "vj,t->tj".

    Example:
        >>> Gather().value(np.array([[0.0], [5.0]]), np.array([[1, 0]]))
        array([[[5.],
                [0.]]])
    """

    letters: str = "vj,t->tj"

    sums = True
    says = "an entry of the table's row"

    def space(self, *inputs):
        return Space(self.letters.split("->")[1], (*inputs[1].shape, inputs[0].shape[1]))

    def numbers(self, x):
        """The row numbers as whole numbers."""
        xp = namespace(x)
        return x if x.dtype.kind in "iu" else xp.astype(x.real, xp.int64 if x.dtype.itemsize > 4 else xp.int32)

    def value(self, *x):
        return namespace(x[0]).take(x[0], self.numbers(x[1]), axis=0)

    def pull_back(self, m, x, out, d):
        return namespace(d).zeros_like(x[1])  # whole numbers don't move

    def factors(self, m, x, out, d):
        xp = namespace(d)
        chosen = self.numbers(x[1])[..., None] == xp.arange(x[0].shape[0])[(None,) * x[1].ndim]
        used = xp.astype(chosen, d.real.dtype)
        sides, above = self.letters.split("->")
        table, numbers = sides.split(",")
        return Contracted(table, above, d, numbers + table[0], used)

    def terms(self, x, index):
        row = int(np.asarray(x[1])[index[:-1]].real)
        return (Products(((0, (np.array([row]), np.array([index[-1]]))),), 1),)

    def readers(self, m, x, out, index, sample):
        if m == 1:
            return Readers(tuple(np.zeros(0, int) for _ in out.shape), Products((), 0))
        places = np.argwhere(np.asarray(x[1])[sample].real == index[0])
        count = len(places)
        entries: Columns = (np.full(count, sample), *places.T, np.full(count, index[1]))
        return Readers(entries, Products((), count, "t", tuple(places.T)))


def split(index: tuple[int, ...], space: Space) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """An entry's sample, () where there is none, and its own indices."""
    first = len(index) - len(space.shape)
    return index[:first], index[first:]
