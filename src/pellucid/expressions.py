"""A formula as data: written once beside the code that computes it, then shown, filled with numbers, evaluated.

Activations and losses carry their equations as these trees; the explanations are built of them; the
renderers print them. A tree holds no arrays: it speaks of single numbers.

    z = Symbol("z")
    sigmoid = 1 / (1 + exp(-z))
    evaluate(sigmoid, {"z": 0.0})      # 0.5
    substitute(sigmoid, {"z": Number(0.5)})
    differentiate(sigmoid, "z")
    to_dict(sigmoid)                   # as JSON; from_dict reads it back
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .addresses import Address, Name
from .symbols import parse


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
    """A letter of the notation: a bare one ("z", "kappa"), or the `Address` of a number."""

    name: str | Address


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


@dataclass(frozen=True)
class Rest(Expression):
    """The terms of a sum that are not shown: how many they are, and what they add up to (None without numbers)."""

    count: int
    value: Any = None


@dataclass(frozen=True)
class Differential(Expression):
    """∂/∂by of an expression, not carried out yet."""

    of: Expression
    by: str | Address


@dataclass(frozen=True)
class Transpose(Expression):
    """The transpose of an array."""

    of: Expression


@dataclass(frozen=True)
class MatrixProduct(Expression):
    """Arrays multiplied as matrices. It has no value of its own, for it is no single number."""

    factors: tuple[Expression, ...]


@dataclass(frozen=True)
class Elementwise(Expression):
    """Arrays of one shape multiplied entry by entry: ⊙. No value of its own either."""

    factors: tuple[Expression, ...]


@dataclass(frozen=True)
class Equation:
    """left = right."""

    left: Expression
    right: Expression


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


def evaluate(expression: Expression, values: Mapping[Any, Any] | None = None, numbers: Any = math) -> Any:
    """The value of an expression.

    Args:
        values: a number for each symbol that occurs.
        numbers: the library of the elementary functions: `math`, `cmath` or `mpmath`.

    Example:
        >>> evaluate(1 / (1 + exp(-Symbol("z"))), {"z": 0.0})
        0.5
    """

    given: Mapping[Any, Any] = values or {}

    def value(e: Expression) -> Any:
        match e:
            case Number(number):
                return number
            case Symbol(name):
                return given[name]
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
            case Rest(_, number) if number is not None:
                return number
            case Differential(of, by):
                return value(differentiate(of, by))
        raise TypeError(f"{type(e).__name__} has no value of its own")

    return value(expression)


def parts(e: Expression) -> tuple[Expression, ...]:
    """The expressions that stand directly in an expression.

    Example:
        >>> parts(Symbol("a") / 2)
        (Symbol(name='a'), Number(value=2))
    """
    match e:
        case Sum(found) | Product(found) | MatrixProduct(found) | Elementwise(found):
            return found
        case Quotient(one, other) | Power(one, other):
            return one, other
        case Negative(of) | Function(_, of) | SumOver(_, of) | Differential(of, _) | Transpose(of):
            return (of,)
        case Cases(condition, positive, otherwise):
            return condition, positive, otherwise
    return ()


def rebuilt(e: Expression, new: tuple[Expression, ...]) -> Expression:
    """The same kind of expression with other parts."""
    match e:
        case Sum() | Product() | MatrixProduct() | Elementwise():
            return type(e)(new)
        case Function(name, _):
            return Function(name, *new)
        case SumOver(index, _):
            return SumOver(index, *new)
        case Differential(_, by):
            return Differential(new[0], by)
        case Number() | Symbol() | Rest():
            return e
    return type(e)(*new)  # pyright: ignore[reportCallIssue]


def symbols_in(expression: Expression) -> tuple[Any, ...]:
    """The names that occur, each once, in the order of reading.

    Example:
        >>> symbols_in(Symbol("a") * Symbol("b") + Symbol("a"))
        ('a', 'b')
    """
    found: dict[str | Address, None] = {}

    def walk(e: Expression) -> None:
        if isinstance(e, Symbol):
            found.setdefault(e.name)
        for part in parts(e):
            walk(part)

    walk(expression)
    return tuple(found)


def substitute(expression: Expression, replacements: Mapping[Any, Expression]) -> Expression:
    """The expression with symbols replaced, by numbers for example.

    Example:
        >>> substitute(Symbol("a") * 2, {"a": Number(3)})
        Product(factors=(Number(value=3), Number(value=2)))
    """
    if isinstance(expression, Symbol):
        return replacements.get(expression.name, expression)
    inside = parts(expression)
    return rebuilt(expression, tuple(substitute(part, replacements) for part in inside)) if inside else expression


# The derivative of each function at x.
DERIVATIVES = {
    "exp": lambda x: exp(x),
    "log": lambda x: 1 / x,
    "tanh": lambda x: 1 - tanh(x) ** 2,
    "sqrt": lambda x: 1 / (2 * sqrt(x)),
    "Phi": lambda x: exp(-(x**2) / 2) / sqrt(2 * Number(math.pi)),
    "abs": lambda x: sign(x),
    "sign": lambda x: Number(0),
}


def differentiate(expression: Expression, by: str | Address) -> Expression:
    """∂(expression)/∂by by the rules of differentiation, with terms that are zero left out.

    Example:
        >>> evaluate(differentiate(Symbol("a") ** 2 + Symbol("b"), "a"), {"a": 3.0, "b": 1.0})
        6.0
    """
    zero, one = Number(0), Number(1)

    def times(*factors: Expression) -> Expression:
        if Negative(one) in factors:
            return Negative(times(*(f for f in factors if f != Negative(one))))
        kept = tuple(f for f in factors if f != one)
        return zero if zero in kept else kept[0] if len(kept) == 1 else Product(kept) if kept else one

    def plus(*terms: Expression) -> Expression:
        kept = tuple(t for t in terms if t not in (zero, Negative(zero)))
        return kept[0] if len(kept) == 1 else Sum(kept) if kept else zero

    def d(e: Expression) -> Expression:
        match e:
            case Symbol(name):
                return one if name == by else zero
            case Sum(terms):
                return plus(*map(d, terms))
            case Product(factors):
                return plus(*(times(*factors[:i], d(factor), *factors[i + 1 :]) for i, factor in enumerate(factors)))
            case Quotient(top, bottom):
                first = d(top)
                above = zero if first == zero else Quotient(first, bottom)
                second = d(bottom)
                return plus(above, zero if second == zero else Negative(Quotient(times(top, second), bottom**2)))
            case Power(base, Number(n)):
                return times(Number(n), base if n == 2 else Power(base, Number(n - 1)), d(base))
            case Negative(of):
                inner = d(of)
                return zero if inner == zero else Negative(inner)
            case Function(name, of):
                inner = d(of)
                return zero if inner == zero else times(DERIVATIVES[name](of), inner)
            case Cases(condition, positive, otherwise):
                return Cases(condition, d(positive), d(otherwise))
        if by in symbols_in(e):
            raise TypeError(f"no rule to differentiate this {type(e).__name__} by {by}")
        return zero

    return d(expression)


# How each kind is written as JSON: the key that names it.
KEYS = {
    "number": Number, "symbol": Symbol, "sum": Sum, "product": Product, "quotient": Quotient, "power": Power,
    "negative": Negative, "function": Function, "cases": Cases, "sum_over": SumOver, "rest": Rest,
    "differential": Differential, "transpose": Transpose, "matrix_product": MatrixProduct, "elementwise": Elementwise,
}  # fmt: skip
NAMES = {kind: key for key, kind in KEYS.items()}


def to_dict(e: Expression) -> dict[str, Any]:
    """The expression as JSON values: one key names its kind, `of` (or `value`, `by`) what belongs to it.

    Example:
        >>> to_dict(-Symbol("a") / 2)
        {'quotient': [{'negative': {'symbol': 'a'}}, {'number': 2}]}
    """
    key, inside = NAMES[type(e)], [to_dict(part) for part in parts(e)]
    match e:
        case Number(value):
            return {key: plain_number(value)}
        case Symbol(name):
            return {key: str(name)}
        case Rest(count, value):
            return {key: count} | ({} if value is None else {"value": plain_number(value)})
        case Function(name, _) | SumOver(name, _):
            return {key: name, "of": inside[0]}
        case Differential(_, by):
            return {key: str(by), "of": inside[0]}
        case Negative() | Transpose():
            return {key: inside[0]}
    return {key: inside}


def from_dict(stored: Mapping[str, Any]) -> Expression:
    """The expression that `to_dict` wrote.

    Example:
        >>> from_dict({"sum": [{"symbol": "a"}, {"number": 2}]})
        Sum(terms=(Symbol(name='a'), Number(value=2)))
    """
    key = next(key for key in stored if key in KEYS)
    kind, given = KEYS[key], stored[key]
    if kind is Number:
        return Number(float(given) if isinstance(given, str) else given)
    if kind is Symbol:
        return Symbol(symbol(given))
    if kind is Rest:
        value = stored.get("value")
        return Rest(given, float(value) if isinstance(value, str) else value)
    if kind in (Function, SumOver):
        return kind(given, from_dict(stored["of"]))
    if kind is Differential:
        return Differential(from_dict(stored["of"]), symbol(given))
    if kind in (Negative, Transpose):
        return kind(from_dict(given))
    inside = tuple(map(from_dict, given))
    return kind(inside) if kind in (Sum, Product, MatrixProduct, Elementwise) else kind(*inside)


def symbol(text: str) -> str | Address:
    """What a stored symbol stands for: a bare letter, or an address.

    Example:
        >>> symbol("kappa"), str(symbol("a[1][3]@7"))
        ('kappa', 'a[1][3]@7')
    """
    found = parse(text)
    return text if isinstance(found, Name) else found


def plain_number(value: Any) -> Any:
    """A number as JSON has it; infinities and NaN, which JSON lacks, as their names.

    Example:
        >>> plain_number(0.5), plain_number(float("-inf"))
        (0.5, '-inf')
    """
    if isinstance(value, int):
        return value
    number = float(value)
    return number if math.isfinite(number) else str(number)
