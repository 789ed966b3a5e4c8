"""What the error looks like where no known mistake explains it: one ratio, one row, one sample, signs, order.

Before it: `verdict` finds the first wrong array. After it: `report` says it in one sentence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Array
from .constants import as_expression
from .problem import Problem

CLOSE = 1e-6


@dataclass(frozen=True)
class Pattern:
    """A pattern by its short name, and as a sentence."""

    kind: str
    text: str


@np.errstate(all="ignore")
def pattern(
    problem: Problem | None, kind: str, l: int, yours: Array, right: Array, name: str, close: float = CLOSE
) -> Pattern:
    """The pattern of `yours` against `right`, arrays of the same shape; "random" where there is none.

    Example:
        >>> pattern(None, "w", 1, np.array([[1.0, 2.0], [3.0, 9.0]]), np.array([[1.0, 2.0], [3.0, 4.0]]), "dC/dw[1]")
        Pattern(kind='one entry', text='Only one entry of dC/dw[1] is wrong: [1,1].')
    """
    if not np.isfinite(yours).all():
        bad = int(np.sum(~np.isfinite(yours)))
        return Pattern("not finite", f"{bad} of {yours.size} entries of {name} are infinite or not a number.")
    if not yours.any() and right.any():
        return Pattern("zero", f"{name} is 0 everywhere: it was never filled, or what it is made of was emptied.")
    size = float(np.max(abs(right))) or 1.0
    wrong = abs(yours - right) > close * size
    spot = one_place(wrong, name)
    if spot:
        return spot
    if not wrong.any():
        return Pattern("small", f"{name} is off by less than {close:.0e} of the largest entry: as by a finite step.")
    if np.allclose(abs(yours), abs(right), rtol=0, atol=close * size):
        return Pattern("sign only", f"The magnitudes of {name} are right, {int(wrong.sum())} signs are not.")
    c = constant(yours, right, close) if yours.size > 1 else None
    if c is not None:
        said = as_expression(c, problem, l, CLOSE) if problem is not None else None
        return Pattern("constant ratio", f"{name} is the right one times {c:.6g}{f' = {said}' if said else ''}.")
    shift = yours - right
    if shift.size > 1 and np.ptp(shift) <= close * size:
        return Pattern("constant shift", f"Every entry of {name} is off by the same {float(shift.mean()):.6g}.")
    if np.allclose(np.sort(yours, axis=None), np.sort(right, axis=None), rtol=0, atol=close * size):
        return Pattern("other order", f"{name} has the right numbers in other places.")
    if yours.ndim == 2:
        for axis, what in ((0, "row"), (1, "column")):
            scaled = along(yours, right, axis, close)
            if scaled:
                return Pattern(
                    f"ratio per {what}", f"Each {what} of {name} is the right one times a factor of its own."
                )
    sample = one_sample(problem, kind, l, shift)
    if sample is not None:
        return Pattern("one sample", f"The error of {name} has the form of a single sample's share: sample {sample}.")
    return Pattern("random", f"The error of {name} has no simple pattern.")


def constant(yours: Array, right: Array, close: float = CLOSE) -> float | None:
    """The one number that makes `yours` of `right`; None where there is none.

    Example:
        >>> constant(np.array([1.0, 2.0]), np.array([2.0, 4.0]))
        0.5
    """
    size = float(np.max(abs(right), initial=0.0))
    if not size or not np.isfinite(yours).all():
        return None
    inside = abs(right) > max(close, 1e-3) * size
    c = float(np.median(yours[inside] / right[inside]))
    return c if np.max(abs(yours - c * right)) <= close * max(abs(c), 1.0) * size else None


def factor_text(c: float, close: float, sizes: dict[str, int]) -> str:
    """What completes "every derivative is …".

    Args:
        sizes: numbers that may have been divided by or not, by what they are.

    Example:
        >>> factor_text(1 / 3, 1e-6, {"axis 0 of x": 3})
        '1/3 of what it should be; 3 is axis 0 of x.'
    """
    close = max(10 * close, 1e-9)

    def equals(value: float) -> bool:
        return abs(c - value) <= close * max(abs(value), 1e-3)

    if equals(0.0):
        return "0: it was never computed."
    for value, text in ((-1.0, "what it should be with the sign reversed."),
                        (0.5, "exactly half of what it should be: a factor 2 is missing."),
                        (2.0, "exactly twice what it should be: a factor 2 too many."),
                        (-0.5, "exactly half of what it should be, with the sign reversed."),
                        (-2.0, "exactly twice what it should be, with the sign reversed.")):  # fmt: skip
        if equals(value):
            return text
    for what, size in sizes.items():
        if size > 1 and equals(size):
            return f"{size} times what it should be; {size} is {what}."
        if size > 1 and equals(1 / size):
            return f"1/{size} of what it should be; {size} is {what}."
    for whole in range(3, 101):
        if equals(whole) or equals(1 / whole):
            return f"{whole if equals(whole) else f'1/{whole}'} times what it should be."
    return f"{c:.6g} times what it should be."


def one_place(wrong: Array, name: str) -> Pattern | None:
    """One entry, row or column that holds all that is wrong."""
    if wrong.sum() == 1 and wrong.size > 1:
        index = ",".join(str(int(k[0])) for k in np.nonzero(wrong))
        return Pattern("one entry", f"Only one entry of {name} is wrong: [{index}].")
    if wrong.ndim == 2 and min(wrong.shape) > 1:
        rows, columns = wrong.any(axis=1), wrong.any(axis=0)
        if rows.sum() == 1:
            return Pattern("one row", f"Only row {int(np.argmax(rows))} of {name} is wrong.")
        if columns.sum() == 1:
            return Pattern("one column", f"Only column {int(np.argmax(columns))} of {name} is wrong.")
    return None


def along(yours: Array, right: Array, axis: int, close: float = CLOSE) -> bool:
    """Whether each row (axis 0) or column (axis 1) is a multiple of the right one."""
    a, b = (yours, right) if axis == 0 else (yours.T, right.T)
    if a.shape[1] < 2:
        return False
    norm = np.sum(b * b, axis=1)
    factor = np.where(norm > 0, np.sum(a * b, axis=1) / np.where(norm > 0, norm, 1), 0)
    return bool(np.max(abs(a - factor[:, None] * b)) <= close * max(np.max(abs(a)), np.max(abs(b))))


def one_sample(problem: Problem | None, kind: str, l: int, shift: Array) -> int | None:
    """The sample whose a^(l−1) the rows of the error are multiples of."""
    if problem is None or kind != "w" or problem.n < 2 or problem.reduction == "per_sample" or shift.shape[1] < 2:
        return None
    size = float(np.max(abs(shift)))
    for i, a in enumerate(problem.a(l - 1)):
        norm = float(a @ a)
        if norm and np.max(abs(shift - np.outer(shift @ a / norm, a))) <= CLOSE * size:
            return i
    return None
