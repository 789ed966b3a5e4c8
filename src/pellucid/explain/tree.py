"""An explanation as data: the records of a derivation tree.

Before it: the rules fill the records from a network's numbers. After it: the renderers print them and nothing
else, so that all of them show the same numbers.

    Level
      address, title, value     what it is: "dC0/dw[2][1,2]", one sentence, one number
      general                   the formula in letters, an Equation; None for what is simply given
      steps                     further equal forms on the way, each with a note: a whole sum differentiated
      indexed, numbers          the formula with this quantity's indices, and with numbers in it:
                                evaluate(numbers) is value, up to float64's rounding
      terms                     where the formula is a long sum: its terms, the largest first; the last may be
                                the exact rest (count > 1). They add up to value
      equal                     other formulas that give the same number: δ = a − y for the softmax's sum
      remarks                   what a reader should notice: why it is zero, which term dominates
      matrix                    the same for the whole layer at once, with shapes
      parts                     the addresses from which it is made; `children` derives each of them
      checks                    the same number found in other ways, computed when it is asked for
      paths(top)                as a sum over the paths to the loss

Formulas are trees of `pellucid.expressions` whose symbols are addresses; titles, notes and remarks are
`sentences`. `derivation` adds what prints and stores them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from ..addresses import Address
from ..errors import InputError
from ..expressions import Equation, Expression, Sum
from .sentences import Text


@dataclass(frozen=True)
class Step:
    """An equal form on the way from the general formula to the number."""

    note: str | Text
    expression: Expression


@dataclass(frozen=True)
class Term:
    """One term of a long sum, or, with count > 1, the rest of it.

    Attributes:
        label: which term: "j = 3", "bias", "sample 7".
        value: its number; for a rest the sum of `count` terms.
        note: why it is what it is, where that is worth a word ("zero: g′ = 0").
    """

    label: str
    indexed: Expression
    numbers: Expression
    value: float
    count: int = 1
    note: str | Text = ""


@dataclass(frozen=True)
class Equal:
    """Another formula for the same number."""

    name: str
    indexed: Expression
    numbers: Expression
    value: float


@dataclass(frozen=True)
class Remark:
    """One sentence that a reader should see. `kind` is a short name by which tests and pages tell them apart."""

    kind: str
    text: str | Text


@dataclass(frozen=True)
class Matrix:
    """The formula for a whole layer, and the shapes of its arrays by address."""

    equation: Equation
    shapes: tuple[tuple[Address, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Check:
    """The same number found in another way.

    Attributes:
        method: "central differences", "complex step", "automatic differentiation", …
        value: what that way gives.
        relative: |value − derivation's| / |derivation's| (absolute where the derivation's is 0).
        ulps: the distance in units in the last place of the derivation's value.
        note: the step that was used, or why the two differ (a kink).
    """

    method: str
    value: float
    relative: float
    ulps: float
    note: str | Text = ""


@dataclass(frozen=True)
class Path:
    """One path from a quantity to the loss: the nodes (l, index …) that it passes, and its product."""

    nodes: tuple[tuple[int, ...], ...]
    indexed: Expression
    numbers: Expression
    value: float


@dataclass(frozen=True)
class Paths:
    """A derivative as a sum over paths.

    Attributes:
        count: how many paths there are; nonzero: how many of them are not 0.
        top: the largest by size.
        rest: what all the others add up to.
        positive, negative: the sums of the positive and of the negative paths; their sum is the derivative.
    """

    count: int
    nonzero: int
    top: tuple[Path, ...]
    rest: float
    positive: float
    negative: float


class Source(Protocol):
    """What a derivation asks for the things that are made on demand."""

    def children(self, derivation: Level) -> tuple[Level, ...]:
        """A derivation of each part."""
        ...

    def checks(self, derivation: Level) -> tuple[Check, ...]:
        """The number found in other ways."""
        ...

    def paths(self, derivation: Level, top: int) -> Paths:
        """The sum over paths."""
        ...


@dataclass(frozen=True)
class Stored:
    """The source of a derivation that was read from JSON: what was written, and no more."""

    known: tuple[Level, ...] = ()
    found: tuple[Check, ...] = ()

    def children(self, derivation: Level) -> tuple[Level, ...]:
        """The children that were written."""
        return self.known

    def checks(self, derivation: Level) -> tuple[Check, ...]:
        """The checks that were written."""
        return self.found

    def paths(self, derivation: Level, top: int) -> Paths:
        """Not stored."""
        raise InputError(
            str(derivation.address), "its paths were not stored", None, "Explain it anew from the network."
        )


@dataclass(frozen=True, repr=False)
class Level:
    """Where one number comes from: one level, from which the levels below are made when they are asked for.

    The module's docstring says what each field holds.
    """

    address: Address
    title: str | Text
    value: float
    general: Equation | None = None
    steps: tuple[Step, ...] = ()
    indexed: Expression | None = None
    numbers: Expression | None = None
    terms: tuple[Term, ...] = ()
    equal: tuple[Equal, ...] = ()
    remarks: tuple[Remark, ...] = ()
    matrix: Matrix | None = None
    parts: tuple[Address, ...] = ()
    depth: int = 1  # how many levels of children the renderers and to_dict show unless they are told
    source: Source = field(default=Stored(), compare=False, repr=False)

    @cached_property
    def children(self) -> tuple[Any, ...]:
        """The derivations of the parts, made when they are first asked for."""
        return self.source.children(self)

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """The same number found in other ways, made when they are first asked for."""
        return self.source.checks(self)

    def walk(self, depth: int | None = None) -> Iterator[tuple[int, Any]]:
        """Itself and those below it, each with its level, down to `depth` levels of children."""
        depth = self.depth if depth is None else depth
        yield 0, self
        if depth > 0:
            for child in self.children:
                for level, below in child.walk(depth - 1):
                    yield level + 1, below


def sum_of(terms: tuple[Term, ...], which: str) -> Expression:
    """The terms as one sum, in their `indexed` or `numbers` form."""
    found = tuple(getattr(term, which) for term in terms)
    return found[0] if len(found) == 1 else Sum(found)
