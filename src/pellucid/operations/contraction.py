"""The sum over shared indices of left · right, by index letters; with a bias where there is one.

    jk,k->j                                a dense layer
    jk,tk->tj                              the same at each position t
    juvk,(2r+u-1)(2c+v-1)k->rcj            a convolution with stride 2 and padding 1
    thd,shd->hts                           attention's q · k

Left is an array of weights, or computed per sample. From the letters follow the value, both adjoints, the factors, and
the terms in both directions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from ..arrays import Array, add_windows, einsum, namespace, times_transposed, windows
from ..errors import ShapeError
from ..factors import Bias, Contracted, Each, Factors, Outer
from ..spaces import Space
from .base import Columns, Operation, Products, Readers, grid, refused, sampled

SAMPLE = "n"  # the letter of the samples inside array libraries; no index may have it


@dataclass(frozen=True)
class Axis:
    """One index of an array: a letter, or stride · letter + step · offset + start, as in (2r+u-1)."""

    letter: str
    stride: int = 1
    offset: str = ""
    step: int = 1
    start: int = 0

    @classmethod
    def read(cls, text: str) -> Axis:
        """An axis from its letters."""
        found = re.fullmatch(r"(\d*)([a-z])\+(\d*)([a-z])([+-]\d+)?", text)
        if not found:
            return cls(text)
        return cls(found[2], int(found[1] or 1), found[4], int(found[3] or 1), int(found[5] or 0))

    def at(self, letters: dict[str, np.ndarray]) -> np.ndarray:
        """The index for values of its letters."""
        if not self.offset:
            return letters[self.letter]
        return self.stride * letters[self.letter] + self.step * letters[self.offset] + self.start


def axes_of(text: str) -> tuple[Axis, ...]:
    """The axes of one side.

    Example:
        >>> [axis.letter for axis in axes_of("(2r+u-1)k")]
        ['r', 'k']
    """
    return tuple(Axis.read(inside or letter) for inside, letter in re.findall(r"\(([^)]*)\)|([a-z])", text))


@dataclass(frozen=True)
class Contraction(Operation):
    """out = Σ left · right (+ bias).

    Args:
        letters: "left,right->out"; only the right side may have compound indices. Outside its range right is 0.
        bias: whether a third input is added; its letters are `biased`.
        sizes: of letters that no input tells: the positions of a convolution.

    Example:
        >>> dense = Contraction("jk,k->j")
        >>> dense.value(np.array([[2.0, 3.0]]), np.array([[1.0, 1.0]]))
        array([[5.]])
    """

    letters: str
    bias: bool = False
    sizes: tuple[tuple[str, int], ...] = ()

    sums = True
    says = "what it is added up from"

    @cached_property
    def sides(self) -> tuple[tuple[Axis, ...], tuple[Axis, ...], str]:
        """The axes of left and right, the letters of out."""
        found = re.fullmatch(r"([a-z]*),((?:[a-z]|\([^()]*\))*)->([a-z]*)", self.letters)
        if not found or SAMPLE in self.letters.split("->")[1]:
            raise refused(self, "expected letters such as jk,k->j", self.letters)
        return axes_of(found[1]), axes_of(found[2]), found[3]

    @cached_property
    def biased(self) -> str:
        """The letters of the bias: those that out shares with left."""
        left, _, out = self.sides
        return "".join(c for c in out if c in {a.letter for a in left})

    @cached_property
    def biased_last(self) -> bool:
        """Whether the bias broadcasts as it stands."""
        return self.sides[2].endswith(self.biased)

    @cached_property
    def plain(self) -> str:
        """The letters with each window unfolded: right has an axis for the position and one for the offset."""
        left, right, out = self.sides
        return f"{''.join(a.letter for a in left)},{''.join(a.letter + a.offset for a in right)}->{out}"

    @cached_property
    def dense(self) -> bool:
        """Whether it is one matrix product as it stands: left (j, k), right (…, k), out (…, j)."""
        left, right, out = self.sides
        l, r = (tuple(a.letter for a in side) for side in (left, right))
        plain = not any(a.offset for a in right)
        return plain and len(l) == 2 and bool(r) and r[-1] == l[1] and tuple(out) == (*r[:-1], l[0]) and l[0] not in r

    def bound(self, *inputs: Space) -> dict[str, int]:
        """The size of each letter."""
        left, right, _ = self.sides
        size = dict(self.sizes)
        for axes, space in zip((left, right), inputs, strict=False):
            if len(axes) != len(space.shape):
                raise ShapeError(str(self.letters), f"expected {len(axes)} axes", space.shape)
            for axis, n in zip(axes, space.shape, strict=True):
                if not axis.offset and size.setdefault(axis.letter, n) != n:
                    raise ShapeError(str(self.letters), f"expected {size[axis.letter]} places for {axis.letter}", n)
        return size

    def space(self, *inputs):
        size, out = self.bound(*inputs), self.sides[2]
        return Space(out, tuple(size[c] for c in out))

    def shaped(self, x: tuple[Array, ...]) -> dict[str, int]:
        """The size of each letter, from the arrays."""
        return sizes_of(self, tuple(x[0].shape), tuple(x[1].shape))

    # ── the arrays ────────────────────────────────────────────────────────────────────────────────

    def value(self, *x):
        left, right = x[0], x[1]
        if self.dense and len(left.shape) == 2:
            out = times_transposed(right, left)
        else:
            out = einsum(self.with_samples(x, self.plain), left, self.unfolded(x))
        if not self.bias:
            return out
        bias = x[2] if self.biased_last else spread(x[2], self.biased, self.sides[2])
        return out + bias[(None,) * (out.ndim - bias.ndim)]

    def direct(self):
        if not (self.dense and self.bias and self.biased_last):
            return self.value

        def weighed(w: Array, a: Array, b: Array) -> Array:
            if len(w.shape) != 2:  # computed for each sample
                return self.value(w, a, b)
            z = times_transposed(a, w)  # z_j = Σ_k w_jk a_k + b_j
            return z + b[None, :] if z.ndim == 2 else z + b[(None,) * (z.ndim - 1)]

        return weighed

    def pull_back(self, m, x, out, d):
        if m == 2:
            return summed(d, self.sides[2], self.biased)
        left = self.sides[0]
        if self.dense and len(x[0].shape) == 2:
            if x[0].shape[0] == 1 and d.ndim == 2:  # one term: no matrix product, which is slow at it
                return d * x[0]
            return d @ x[0]
        sides, above = self.plain.split("->")
        one, other = sides.split(",")
        if m == 0:
            return einsum(self.with_samples((d, x[1]), f"{above},{other}->{one}", (1, 1, 1)), d, self.unfolded(x))
        back = einsum(self.with_samples((x[0], d), f"{one},{above}->{other}", (x[0].ndim > len(left), 1, 1)), x[0], d)
        return self.folded(back, tuple(x[1].shape))

    def factors(self, m, x, out, d):
        if m == 2:
            return self.per_position(d)
        if self.dense:
            return Outer(d, x[1]) if d.ndim <= 3 else Outer(flat_uses(d), flat_uses(x[1]))
        sides, above = self.plain.split("->")
        return Contracted(sides.split(",")[0], above, d, sides.split(",")[1], self.unfolded(x))

    def per_position(self, d: Array) -> Factors:
        """∂T_i/∂b: δ, added up over the positions."""
        if d.ndim == 2:
            return Bias(d)
        one = self.biased_last and len(self.biased) == 1
        return Bias(flat_uses(d)) if one else Each(summed(d, self.sides[2], self.biased))

    def with_samples(self, x: tuple[Array, ...], letters: str, has: tuple[bool | int, ...] | None = None) -> str:
        """The letters with those of the samples in front, for the inputs that have them and for out."""
        sides, out = letters.split("->")
        one, other = sides.split(",")
        left, right = x[0].ndim > len(one), x[1].ndim > len(self.sides[1])
        first, second, above = has or (left, right, left or right)
        return f"{SAMPLE * bool(first)}{one},{SAMPLE * bool(second)}{other}->{SAMPLE * bool(above)}{out}"

    def unfolded(self, x: tuple[Array, ...]) -> Array:
        """Right with an axis for the position and one for the offset in place of each compound index."""
        size, right = self.shaped(x), x[1]
        for axis, kept in self.compound(x):
            right = windows(right, axis, size[kept.letter], size[kept.offset], kept.stride, kept.step, kept.start)
        return right

    def folded(self, array: Array, shape: tuple[int, ...]) -> Array:
        """The adjoint of `unfolded`."""
        right = self.sides[1]
        for number in range(len(right) - 1, -1, -1):
            axis = right[number]
            if axis.offset:
                place = 1 + number + sum(bool(a.offset) for a in right[:number])
                array = add_windows(array, place, shape[1 + number], axis.stride, axis.step, axis.start)
        return array

    def compound(self, x: tuple[Array, ...]) -> list[tuple[int, Axis]]:
        """The compound indices of right, and which axis of the array each is when those before are unfolded."""
        first = x[1].ndim - len(self.sides[1])
        found, more = [], 0
        for number, axis in enumerate(self.sides[1]):
            if axis.offset:
                found.append((first + number + more, axis))
                more += 1
        return found

    # ── the entries ───────────────────────────────────────────────────────────────────────────────

    def rows(self, x: tuple[Array, ...], fixed: dict[str, int]) -> tuple[dict[str, np.ndarray], str]:
        """All combinations of the letters that are not fixed, within right's range; and these letters."""
        size = self.shaped(x)
        running = "".join(dict.fromkeys(c for c in self.plain if c.isalpha() and c not in fixed))
        columns = dict(zip(running, grid(size[c] for c in running), strict=True))
        count = len(next(iter(columns.values()))) if columns else 1
        letters = {c: np.full(count, v) for c, v in fixed.items()} | columns
        right = self.sides[1]
        inside = np.ones(count, bool)
        for axis, n in zip(right, x[1].shape[x[1].ndim - len(right) :], strict=True):
            if axis.offset:
                inside &= (axis.at(letters) >= 0) & (axis.at(letters) < n)
        return ({c: v[inside] for c, v in letters.items()} if not inside.all() else letters), running

    def side(self, which: int, letters: dict[str, np.ndarray], sample: int | None) -> Columns:
        """The entries of left (0), right (1) or out (2) for values of the letters."""
        left, right, out = self.sides
        axes = [letters[c] for c in out] if which == 2 else [axis.at(letters) for axis in (left, right)[which]]
        count = len(next(iter(letters.values()))) if letters else 1
        return tuple(axes) if sample is None else (np.full(count, sample), *axes)

    def terms(self, x, index):
        if self.dense and x[1].ndim == 2 and len(x[0].shape) == 2:  # Σ_k w_jk a_k + b_j
            (i, j), count = index, x[0].shape[1]
            k = np.arange(count)
            entries = ((0, (np.full(count, j), k)), (1, (np.full(count, i), k)))
            found = (Products(entries, count, self.sides[0][1].letter, (k,)),)
            return (*found, Products(((2, (np.array([j]),)),), 1)) if self.bias else found
        out = self.sides[2]
        fixed = dict(zip(out, index[len(index) - len(out) :], strict=True))
        letters, running = self.rows(x, fixed)
        one, other = (index[0] if sampled(x[m], self.sides[m]) else None for m in (0, 1))
        entries = ((0, self.side(0, letters, one)), (1, self.side(1, letters, other)))
        count = len(entries[1][1][0])
        found = (Products(entries, count, running, tuple(letters[c] for c in running)),)
        if not self.bias:
            return found
        own = tuple(np.array([fixed[c]]) for c in self.biased)
        return (*found, Products(((2, own),), 1))

    def dense_readers(self, m: int, x: tuple[Array, ...], index: tuple[int, ...], sample: int) -> Readers:
        """The same for one matrix product, z_j = Σ_k w_jk a_k: a_k is read by every j, w_jk and b_j by one."""
        if m == 1:
            i, k = index
            count = x[0].shape[0]
            j, each = np.arange(count), np.full(count, i)
            letter = self.sides[2][-1]
            return Readers((each, j), Products(((0, (j, np.full(count, k))),), count, letter, (j,)))
        at, one = (np.array([sample]), np.array([index[0]])), np.array([sample])
        slopes = Products(((1, (one, np.array([index[1]]))),), 1) if m == 0 else Products((), 1)
        return Readers(at, slopes)

    def readers(self, m, x, out, index, sample):
        if self.dense and x[1].ndim == 2 and len(x[0].shape) == 2:
            return self.dense_readers(m, x, index, sample)
        left, right, above = self.sides
        per_sample = m < 2 and sampled(x[m], (left, right)[m])
        sample, index = (index[0], index[1:]) if per_sample else (sample, index)
        has = tuple(sampled(x[side], self.sides[side]) for side in (0, 1))
        above_sample = sample if any(has) else None
        if m == 2:
            fixed = dict(zip(self.biased, index, strict=True))
            size = self.shaped(x)
            running = "".join(c for c in above if c not in fixed)
            columns = dict(zip(running, grid(size[c] for c in running), strict=True))
            count = len(next(iter(columns.values()))) if columns else 1
            letters = {c: np.full(count, v) for c, v in fixed.items()} | columns
            slopes = Products((), count, running, tuple(columns.values()))
            return Readers(self.side(2, letters, above_sample), slopes)
        letters, running = self.solved((left, right)[m], x, index)
        other = 1 - m
        one = sample if has[other] else None
        count = len(next(iter(letters.values())))
        entries = ((other, self.side(other, letters, one)),)
        slopes = Products(entries, count, running, tuple(letters[c] for c in running))
        return Readers(self.side(2, letters, above_sample), slopes)

    def solved(
        self, axes: tuple[Axis, ...], x: tuple[Array, ...], index: tuple[int, ...]
    ) -> tuple[dict[str, np.ndarray], str]:
        """All values of the letters for which these axes have the given index; and the letters that run."""
        fixed = {axis.letter: i for axis, i in zip(axes, index, strict=True) if not axis.offset}
        places = {axis: i for axis, i in zip(axes, index, strict=True) if axis.offset}
        if not places:
            return self.rows(x, fixed)
        size = self.shaped(x)
        solved = {axis.letter for axis in places}
        running = "".join(dict.fromkeys(c for c in self.plain if c.isalpha() and c not in fixed and c not in solved))
        columns = dict(zip(running, grid(size[c] for c in running), strict=True))
        count = len(next(iter(columns.values()))) if columns else 1
        letters = {c: np.full(count, v) for c, v in fixed.items()} | columns
        inside = np.ones(count, bool)
        for axis, i in places.items():
            place, left_over = np.divmod(i - axis.start - axis.step * letters[axis.offset], axis.stride)
            letters[axis.letter] = place
            inside &= (left_over == 0) & (place >= 0) & (place < size[axis.letter])
        return {c: v[inside] for c, v in letters.items()}, running


@lru_cache(maxsize=4096)
def sizes_of(contraction: Contraction, left: tuple[int, ...], right: tuple[int, ...]) -> dict[str, int]:
    """The size of each letter for arrays of these shapes, with or without samples."""
    sides = contraction.sides
    return contraction.bound(
        Space("", left[len(left) - len(sides[0]) :]), Space("", right[len(right) - len(sides[1]) :])
    )


def flat_uses(array: Array) -> Array:
    """(n, …, j) → (n, uses, j)."""
    return array.reshape((array.shape[0], -1, array.shape[-1]))


def summed(d: Array, letters: str, kept: str) -> Array:
    """∂T/∂out (n, …letters) added up over the letters that are not kept; those are left in their order."""
    lost = tuple(1 + place for place, c in enumerate(letters) if c not in kept)
    total = namespace(d).sum(d, axis=lost) if lost else d
    order = [c for c in letters if c in kept]
    return (
        total if "".join(order) == kept else namespace(d).permute_dims(total, (0, *(1 + order.index(c) for c in kept)))
    )


def spread(x: Array, letters: str, over: str) -> Array:
    """An array (…letters), with or without samples, so that it broadcasts against one with the letters `over`."""
    first = x.ndim - len(letters)
    order = [c for c in over if c in letters]
    if "".join(order) != letters:
        x = namespace(x).permute_dims(x, (*range(first), *(first + letters.index(c) for c in order)))
    if "".join(order) == over or (over.endswith("".join(order)) and not first):
        return x
    shape, sizes = [], dict(zip(order, x.shape[first:], strict=True))
    shape = [*x.shape[:first], *(sizes.get(c, 1) for c in over)]
    return x.reshape(tuple(shape))
