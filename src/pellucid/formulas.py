"""Equations written as text beside the code that computes them, read as `expressions` when somebody asks.

Training never asks: a program that only trains does not build a single formula.

    class Sigmoid(Activation):
        equation = Formula("1 / (1 + exp(-z))")
        derivative_equation = Formula("a * (1 - a)")

    Sigmoid.equation                   # the Expression
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

from .errors import InputError, shown

if TYPE_CHECKING:
    from .expressions import Expression


class Formula:
    """An equation as text; read from a class or an object it is the `Expression`.

    The text is Python's notation: numbers, letters, + − * / **, the functions of `expressions.FUNCTIONS`, the number
    `pi`, and `p if c > d else q` for cases.

    Raises:
        InputError: no text; when it is read, a text that is no formula.

    Example:
        >>> class Doubled:
        ...     equation = Formula("2 * z if z > 0 else 0")
        >>> from pellucid.expressions import evaluate
        >>> evaluate(Doubled.equation, {"z": 3.0})
        6.0
    """

    def __init__(self, text: str):
        if not isinstance(text, str):
            raise InputError("Formula", "expected a text such as 'z**2'", shown(text))
        self.text = text

    def __get__(self, instance: Any, owner: type | None = None) -> Expression:
        return read(self.text)


@cache
def read(text: str) -> Expression:
    """The expression that a text stands for.

    Raises:
        InputError: text that is no formula.

    Example:
        >>> read("a / 2")
        Quotient(numerator=Symbol(name='a'), denominator=Number(value=2))
    """
    import ast
    import operator

    from .expressions import FUNCTIONS, Cases, Function, Negative, Number, Symbol, wrap

    def refused(part: str) -> InputError:
        return InputError(
            f"formula {text!r}", "expected numbers, letters, + - * / **, known functions and `p if c > d else q`",
            part or "nothing", f"The functions are {', '.join(FUNCTIONS)}.",
        )  # fmt: skip

    operators = {
        ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
        ast.Pow: operator.pow,
    }  # fmt: skip

    def tree(node: ast.expr) -> Any:
        match node:
            case ast.Constant(int() | float() as number) if not isinstance(number, bool):
                return Number(number)
            case ast.Name("pi"):
                return Number(math.pi)
            case ast.Name(name):
                return Symbol(name)
            case ast.UnaryOp(ast.USub(), operand):
                return Negative(tree(operand))
            case ast.BinOp(left, kind, right) if type(kind) in operators:
                return operators[type(kind)](tree(left), tree(right))
            case ast.Call(ast.Name(name), [argument], []) if name in FUNCTIONS:
                return Function(name, tree(argument))
            case ast.IfExp(ast.Compare(larger, [ast.Gt()], [smaller]), positive, otherwise):
                above = tree(larger)
                if tree(smaller) != Number(0):
                    above = above - tree(smaller)
                return Cases(above, tree(positive), tree(otherwise))
        raise refused(ast.unparse(node))

    try:
        return wrap(tree(ast.parse(text, mode="eval").body))
    except SyntaxError:
        raise refused(text) from None
