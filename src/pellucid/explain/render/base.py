"""What all renderers share: where a formula needs brackets, and how a number is spelled.

Before it: a derivation's tree. After it: one Writer per output (text, LaTeX, MathML), which only spells.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

from ...addresses import Address, Name
from ...expressions import (
    Cases,
    Differential,
    Elementwise,
    Equation,
    Expression,
    Function,
    MatrixProduct,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Rest,
    Sum,
    SumOver,
    Symbol,
    Transpose,
)
from ..sentences import Text, split_text

# How tightly each kind holds together: what stands inside something tighter needs brackets.
SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4
LEVELS = {
    Sum: SUM,
    SumOver: SUM,
    Negative: SUM,
    Rest: SUM,
    Cases: SUM,
    Product: PRODUCT,
    Quotient: PRODUCT,
    MatrixProduct: PRODUCT,
    Elementwise: SUM,
    Differential: PRODUCT,
    Power: POWER,
}


def digits_of(value: Any, digits: int) -> tuple[str, int | None]:
    """A number as its significant digits and a power of ten, None where it needs none; the same for every renderer.

    Example:
        >>> digits_of(0.1234567, 4), digits_of(2.0, 4), digits_of(-1.5e-9, 4), digits_of(-0.0, 4)
        (('0.1235', None), ('2', None), ('-1.5', -9), ('0', None))
    """
    if isinstance(value, int):
        return str(value), None
    number = float(value)
    if math.isnan(number):
        return "nan", None
    if math.isinf(number):
        return "inf" if number > 0 else "-inf", None
    mantissa, _, exponent = f"{number + 0.0:.{digits}g}".partition("e")
    return mantissa, int(exponent) if exponent else None


def named(name: str | Address) -> Address:
    """What a symbol's name stands for: an address, or a bare letter."""
    return name if isinstance(name, Address) else Name(name)


class Writer(ABC):
    """Spells formulas. Subclasses say how each piece looks; brackets are put here.

    Args:
        digits: how many significant digits numbers have.
    """

    def __init__(self, digits: int = 6):
        self.digits = digits

    @abstractmethod
    def number(self, value: Any) -> str:
        """A number, with its sign."""

    @abstractmethod
    def symbol(self, name: str | Address) -> str:
        """An address or a bare name."""

    @abstractmethod
    def brackets(self, inside: str) -> str:
        """(inside)."""

    @abstractmethod
    def sum(self, terms: list[tuple[bool, str]]) -> str:
        """Terms, each with whether it is subtracted."""

    @abstractmethod
    def product(self, factors: list[str]) -> str:
        """Factors."""

    @abstractmethod
    def quotient(self, e: Quotient) -> str:
        """A fraction; its parts are spelled with `formula(part, level)`."""

    @abstractmethod
    def power(self, base: str, exponent: Expression) -> str:
        """A power whose base already has its brackets."""

    @abstractmethod
    def function(self, name: str, of: Expression) -> str:
        """A named function of one argument."""

    @abstractmethod
    def cases(self, e: Cases) -> str:
        """`positive` if `condition` > 0, else `otherwise`."""

    @abstractmethod
    def sum_over(self, index: str, body: str) -> str:
        """Σ over an index."""

    @abstractmethod
    def rest(self, e: Rest) -> str:
        """The terms that are not shown."""

    @abstractmethod
    def differential(self, by: str | Address, of: Expression) -> str:
        """∂/∂by of an expression."""

    @abstractmethod
    def transpose(self, of: str) -> str:
        """A transposed array."""

    @abstractmethod
    def array_product(self, factors: list[str], elementwise: bool) -> str:
        """Arrays multiplied as matrices, or entry by entry."""

    @abstractmethod
    def words(self, text: str) -> str:
        """Plain words."""

    def equation(self, e: Equation) -> str:
        """left = right."""
        return f"{self.formula(e.left)} = {self.formula(e.right)}"

    def sentence(self, text: str | Text) -> str:
        """A title, note or remark with its symbols and numbers spelled."""
        spell = {"text": self.words, "symbol": self.symbol, "number": lambda number: self.number(float(number))}
        return "".join(spell[kind](piece) for kind, piece in split_text(text))

    def formula(self, e: Expression, level: int = 0) -> str:
        """The expression, in brackets where it holds together less tightly than `level`."""
        own = self._tightness(e)
        text = self._bare(e)
        return self.brackets(text) if own < level else text

    def _tightness(self, e: Expression) -> int:
        """How tightly it holds together as it is spelled: 1.5·10⁻⁹ is a product, −2 begins like a sum."""
        if not isinstance(e, Number) or isinstance(e.value, complex):
            return LEVELS.get(type(e), ATOM)
        return SUM if e.value < 0 else ATOM if digits_of(e.value, self.digits)[1] is None else PRODUCT

    def _bare(self, e: Expression) -> str:
        match e:
            case Number(value):
                return self.number(value)
            case Symbol(name):
                return self.symbol(name)
            case Sum(terms):
                return self.sum([self._term(term, first=not i) for i, term in enumerate(terms)])
            case Product(factors):
                return self.product([self.formula(f, PRODUCT if i else self._first(f)) for i, f in enumerate(factors)])
            case Quotient():
                return self.quotient(e)
            case Power(base, exponent):
                return self.power(self.formula(base, ATOM), exponent)
            case Negative(of):
                return self.sum([(True, self._signed(of, PRODUCT))])
            case Function(name, of):
                return self.function(name, of)
            case Cases():
                return self.cases(e)
            case SumOver(index, of):
                return self.sum_over(index, self.formula(of, PRODUCT))
            case Rest():
                return self.rest(e)
            case Differential(of, by):
                return self.differential(by, of)
            case Transpose(of):
                return self.transpose(self.formula(of, ATOM))
            case MatrixProduct(factors):
                return self.array_product([self.formula(f, PRODUCT) for f in factors], False)
            case Elementwise(factors):
                return self.array_product([self.formula(f, PRODUCT + 1) for f in factors], True)
        raise TypeError(f"no spelling for {type(e).__name__}")

    def _first(self, e: Expression) -> int:
        """A leading minus needs no brackets in a product: −y · log a."""
        return SUM if isinstance(e, Negative | Number) else PRODUCT

    def _term(self, e: Expression, first: bool) -> tuple[bool, str]:
        """A term of a sum and whether it is subtracted."""
        if isinstance(e, Negative):
            return True, self._signed(e.of, PRODUCT)
        if isinstance(e, Number) and not isinstance(e.value, complex) and e.value < 0:
            return True, self.number(-e.value)
        return False, self.formula(e, SUM) if first else self._signed(e, SUM)

    def _signed(self, e: Expression, level: int) -> str:
        """What stands behind a sign, where a product that begins with a minus needs brackets: + (−2) · a."""
        if isinstance(e, Product):
            return self.product([self.formula(factor, PRODUCT) for factor in e.factors])
        return self.formula(e, level)
