"""What an operation is: out = f(inputs), entry by entry, with all that backpropagation and explanations ask of it.

Layers expand into quantities, each defined by one operation (`program`). Every mechanism above is written for these:

    value        the array of all entries
    pull_back    ∂T/∂input from ∂T/∂out, an input with its own value for each sample
    factors      ∂T/∂input where the input is the same for all samples (a weight): the factors, kept apart
    terms        what one entry is made of
    readers      which entries are made of one entry of an input, and with what slope

Inputs of samples have the samples as their first axis; weights have none: that is how they are told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sized
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..arrays import Array
from ..errors import InputError
from ..factors import Factors
from ..spaces import Space

Columns = tuple[np.ndarray, ...]  # one array of indices per axis, all of one length: entries of an array


@dataclass(frozen=True)
class Products:
    """Rows, each a coefficient times a product of one entry of some inputs.

    Attributes:
        entries: (which input, its entries row by row); the same input may stand twice.
        count: how many rows.
        running: the letters whose values tell the rows apart, such as "k" or "uvk"; "" for a single row.
        at: the values of these letters, row by row.
        coefficient: stands before each product.
    """

    entries: tuple[tuple[int, Columns], ...]
    count: int
    running: str = ""
    at: Columns = ()
    coefficient: float = 1.0

    def factors(self, x: tuple[Array, ...]) -> list[np.ndarray]:
        """The numbers that are multiplied: for each input that stands in the product, row by row."""
        return [np.asarray(x[m][columns]) for m, columns in self.entries]

    def values(self, x: tuple[Array, ...], factors: list[np.ndarray] | None = None) -> np.ndarray:
        """Each row's number."""
        product: Any = np.full(self.count, 1.0) if not self.entries else 1.0
        for factor in self.factors(x) if factors is None else factors:
            product = product * factor
        return product * self.coefficient if self.coefficient != 1.0 else product


@dataclass(frozen=True)
class Readers:
    """The entries of out that are made of one entry of an input.

    Attributes:
        out: these entries, row by row.
        slopes: ∂out/∂input, row by row: as products of the other inputs where out is a sum of products, else numbers.
    """

    out: Columns
    slopes: Products | np.ndarray

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.out[0]) if self.out else 1

    def numbers(self, x: tuple[Array, ...]) -> np.ndarray:
        """∂out/∂input, row by row."""
        return self.slopes.values(x) if isinstance(self.slopes, Products) else self.slopes


class Operation:
    """One way to compute a quantity. Frozen and hashable; knows index letters, no sizes.

    Attributes:
        sums: whether each entry is a sum of products of entries, so that `terms` says all.
        linear: whether it is a sum with fixed coefficients, so that sizes and errors go through it as values do.
        says: what an entry is, in words, behind its name.
        entrywise: whether each entry is made of one entry of each input.
        mixes_samples: whether entries of one sample are made of other samples' entries.
    """

    sums: ClassVar[bool] = False
    linear: ClassVar[bool] = False
    says: ClassVar[str] = "a formula of what it reads"
    mixes_samples: bool = False

    @property
    def entrywise(self) -> bool:
        """Whether each entry is made of one entry of each input."""
        return False

    def space(self, *inputs: Space) -> Space:
        """The letters and sizes of what comes out.

        Raises:
            ShapeError, InputError: inputs that don't fit.
        """
        raise NotImplementedError

    def value(self, *x: Array) -> Array:
        """All entries of all samples."""
        raise NotImplementedError

    def direct(self) -> Callable[..., Array]:
        """`value`, or a shorter way to it: what the loop of the forward pass calls."""
        return self.value

    def pull_back(self, m: int, x: tuple[Array, ...], out: Array, d: Array) -> Array:
        """∂T/∂x_m from d = ∂T/∂out: the adjoint, for an input of samples."""
        raise NotImplementedError

    def factors(self, m: int, x: tuple[Array, ...], out: Array, d: Array) -> Factors:
        """∂T_i/∂x_m for each sample i, not yet added up, for an input that is the same for all samples.

        Where all inputs are, out is too, and `pull_back` hands each sample's derivative on instead.
        """
        raise NotImplementedError

    def terms(self, x: tuple[Array, ...], index: tuple[int, ...]) -> tuple[Products, ...]:
        """The sum that an entry is, where the operation sums; else per input the entries that it is made of.

        Args:
            index: of the entry; the sample is its first number, where out belongs to samples.
        """
        raise NotImplementedError

    def readers(self, m: int, x: tuple[Array, ...], out: Array, index: tuple[int, ...], sample: int) -> Readers:
        """Which entries are made of x_m[index], and their slopes.

        Args:
            index: of the entry; with its sample in front, where the input belongs to samples.
            sample: whose readers are wanted, where the input is the same for all samples.
        """
        raise NotImplementedError


def sampled(x: Array, letters: Sized) -> bool:
    """Whether an array has a sample axis in front of its indices."""
    return x.ndim > len(letters)


def grid(sizes: Iterable[int]) -> Columns:
    """All combinations of indices, the last running fastest, as columns.

    Example:
        >>> grid((2, 2))
        (array([0, 0, 1, 1]), array([0, 1, 0, 1]))
    """
    sizes = tuple(sizes)
    return tuple(np.indices(sizes).reshape(len(sizes), -1)) if sizes else ()


def refused(operation: Operation, expected: str, got: object) -> InputError:
    """An error of an operation that was written wrongly."""
    return InputError(f"operation {operation}", expected, got)
