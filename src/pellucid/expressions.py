"""A formula as data: written once beside the code that computes it, then shown, filled with numbers, evaluated.

Activations and losses carry their equations as these trees; the explanations are built of them; the
renderers print them. A tree holds no arrays: it speaks of single numbers.

    z = Symbol("z")
    sigmoid = 1 / (1 + exp(-z))
    evaluate(sigmoid, {"z": 0.0})      # 0.5
    substitute(sigmoid, {"z": Number(0.5)})
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class Expression:
    """Base of all nodes: brings the arithmetic operators, so that formulas are typed as formulas."""

    def __add__(self, other):
        return Sum((self, wrap(other)))

    def __radd__(self, other):
        return Sum((wrap(other), self))

    def __sub__(self, other):
        return Sum((self, Negative(wrap(other))))

    def __rsub__(self, other):
        return Sum((wrap(other), Negative(self)))

    def __mul__(self, other):
        return Product((self, wrap(other)))

    def __rmul__(self, other):
        return Product((wrap(other), self))

    def __truediv__(self, other):
        return Quotient(self, wrap(other))

    def __rtruediv__(self, other):
        return Quotient(wrap(other), self)

    def __pow__(self, other):
        return Power(self, wrap(other))

    def __neg__(self):
        return Negative(self)


@dataclass(frozen=True)
class Number(Expression):
    """One number."""

    value: Any


@dataclass(frozen=True)
class Symbol(Expression):
    """A letter of the notation: a bare one ("z", "kappa") or an address ("a[1][3]@7")."""

    name: str


@dataclass(frozen=True)
class Sum(Expression):
    """Terms that are added; a subtraction is a Negative among them."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True)
class Product(Expression):
    """Factors that are multiplied."""

    factors: tuple[Expression, ...]


@dataclass(frozen=True)
class Quotient(Expression):
    """numerator / denominator."""

    numerator: Expression
    denominator: Expression


@dataclass(frozen=True)
class Power(Expression):
    """base to the exponent."""

    base: Expression
    exponent: Expression


@dataclass(frozen=True)
class Negative(Expression):
    """−x."""

    of: Expression


@dataclass(frozen=True)
class Function(Expression):
    """A named function of one argument: one of FUNCTIONS."""

    name: str
    of: Expression


@dataclass(frozen=True)
class Cases(Expression):
    """`positive` where `condition` > 0, else `otherwise`."""

    condition: Expression
    positive: Expression
    otherwise: Expression


@dataclass(frozen=True)
class SumOver(Expression):
    """Σ over an index, as general formulas write it; it has no value of its own."""

    index: str
    of: Expression


def wrap(value: Any) -> Expression:
    """A plain number as a Number; an expression as it is."""
    return value if isinstance(value, Expression) else Number(value)


# Each function by its name, as the number library at hand computes it (math, cmath or mpmath).
FUNCTIONS = {
    "exp": lambda m, x: m.exp(x),
    "log": lambda m, x: m.log(x),
    "tanh": lambda m, x: m.tanh(x),
    "sqrt": lambda m, x: m.sqrt(x),
    "Phi": lambda m, x: m.erfc(-x / m.sqrt(2)) / 2,
    "abs": lambda m, x: abs(x),
    "sign": lambda m, x: (x > 0) - (x < 0),
}


def exp(x) -> Expression:
    """e^x."""
    return Function("exp", wrap(x))


def log(x) -> Expression:
    """The natural logarithm."""
    return Function("log", wrap(x))


def tanh(x) -> Expression:
    """The hyperbolic tangent."""
    return Function("tanh", wrap(x))


def sqrt(x) -> Expression:
    """The square root."""
    return Function("sqrt", wrap(x))


def Phi(x) -> Expression:
    """The distribution function of the standard normal distribution."""
    return Function("Phi", wrap(x))


def magnitude(x) -> Expression:
    """|x|."""
    return Function("abs", wrap(x))


def sign(x) -> Expression:
    """−1, 0 or 1."""
    return Function("sign", wrap(x))


def evaluate(expression: Expression, values: Mapping[str, Any] | None = None, numbers: Any = math) -> Any:
    """The value of an expression.

    Args:
        values: a number for each symbol that occurs.
        numbers: the library of the elementary functions: `math`, `cmath` or `mpmath`.

    Example:
        >>> evaluate(1 / (1 + exp(-Symbol("z"))), {"z": 0.0})
        0.5
    """

    def value(e: Expression) -> Any:
        match e:
            case Number(number):
                return number
            case Symbol(name):
                return (values or {})[name]
            case Sum(terms):
                total = value(terms[0])
                for term in terms[1:]:
                    total = total + value(term)
                return total
            case Product(factors):
                product = value(factors[0])
                for factor in factors[1:]:
                    product = product * value(factor)
                return product
            case Quotient(numerator, denominator):
                return value(numerator) / value(denominator)
            case Power(base, exponent):
                return value(base) ** value(exponent)
            case Negative(of):
                return -value(of)
            case Function(name, of):
                return FUNCTIONS[name](numbers, value(of))
            case Cases(condition, positive, otherwise):
                return value(positive) if value(condition) > 0 else value(otherwise)
        raise TypeError(f"{type(e).__name__} has no value of its own")

    return value(expression)


def substitute(expression: Expression, replacements: Mapping[str, Expression]) -> Expression:
    """The expression with symbols replaced, by numbers for example.

    Example:
        >>> substitute(Symbol("a") * 2, {"a": Number(3)})
        Product(factors=(Number(value=3), Number(value=2)))
    """

    def replaced(e: Expression) -> Expression:
        match e:
            case Symbol(name):
                return replacements.get(name, e)
            case Sum(terms):
                return Sum(tuple(map(replaced, terms)))
            case Product(factors):
                return Product(tuple(map(replaced, factors)))
            case Quotient(numerator, denominator):
                return Quotient(replaced(numerator), replaced(denominator))
            case Power(base, exponent):
                return Power(replaced(base), replaced(exponent))
            case Negative(of):
                return Negative(replaced(of))
            case Function(name, of):
                return Function(name, replaced(of))
            case Cases(condition, positive, otherwise):
                return Cases(replaced(condition), replaced(positive), replaced(otherwise))
            case SumOver(index, of):
                return SumOver(index, replaced(of))
        return e

    return replaced(expression)
