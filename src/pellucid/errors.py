"""Every error of Pellucid, and the one way to word them: where, what was expected, what came, what to do.

PellucidError
├── InputError (ValueError)       an argument or an array that can't be used
│   ├── ShapeError                … because of its shape
│   ├── DataError                 … a data file, table or named set
│   └── AddressError (KeyError)   … an address that names nothing in this network
├── ModelFileError                a model or checkpoint on disk that can't be read
├── TrainingError                 training that can't go on
│   └── NonFiniteError            … because a number became infinite or not a number
└── MissingDependencyError        an optional library that isn't installed (ImportError)
"""

from __future__ import annotations

import math
import re
from numbers import Real
from typing import Any

LONGEST_PART = 400  # characters of one part of a message


def readable(text: Any, most: int = 200) -> str:
    r"""A text from anywhere as one line that can be printed: escapes shown, the middle left out where it is long.

    Whatever would move a cursor, change the direction of reading or fail to be encoded (control characters, line
    ends, marks of direction, lone surrogates) stands as its escape. Twice readable is once readable.

    Args:
        text: what is to be quoted.
        most: how many characters are shown at most, 8 or more.

    Example:
        >>> print(readable("a" + chr(27) + "[31m" + chr(10)), readable("x" * 50 + "yz", 11))
        a\x1b[31m\n xxxxx…xxxyz
    """
    text = text if isinstance(text, str) else str(text)
    if len(text) > 4 * most:  # an escape may be cut, so cut before and after
        text = text[: 2 * most] + "…" + text[-2 * most :]
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    if len(text) <= most:
        return text
    head = most // 2
    return text[:head] + "…" + text[head + 1 - most :]


class PellucidError(Exception):
    """An error worded as ``where: expected, got what came. What to do.``

    Args:
        where: the thing that is wrong ("layer 2 (dense, relu)", "x", "data.csv, row 7").
        expected: what would have been right, or a whole sentence without its full stop.
        got: what came, with its value (left out where `expected` says it all).
        do: one sentence that says how to go on.

    Example:
        >>> print(PellucidError("x", "expected 784 columns", "(32, 780)", "Cut or pad the rows."))
        x: expected 784 columns, got (32, 780). Cut or pad the rows.
    """

    def __init__(self, where: str, expected: str, got: object = None, do: str = ""):
        where, expected, do = (readable(part, LONGEST_PART) for part in (where, expected, do))  # they quote what came
        self.where, self.expected, self.got, self.do = where, expected, got, do
        came = "" if got is None else f", got {readable(got)}"
        super().__init__(f"{where}: {expected}{came}." + (f" {do}" if do else ""))

    def __reduce__(self):
        return type(self), (self.where, self.expected, self.got, self.do)

    def __str__(self) -> str:  # KeyError would show the repr
        return self.args[0]


class InputError(PellucidError, ValueError):
    """An argument or an array that can't be used."""


class ShapeError(InputError):
    """An array of the wrong shape."""


class DataError(InputError):
    """A data file, a table or a named data set that can't be used."""


class AddressError(InputError, KeyError):
    """An address that doesn't parse, or names nothing in this network."""


class ModelFileError(PellucidError):
    """A model or checkpoint on disk that can't be read."""


class TrainingError(PellucidError):
    """Training that can't go on."""


class NonFiniteError(TrainingError):
    """A loss, an activation or a gradient became infinite or not a number."""


class MissingDependencyError(PellucidError, ImportError):
    """An optional library that isn't installed."""


def shown(value: Any, limit: int = 60) -> str:
    """A value as an error message shows it: arrays by shape and dtype, the rest by a short repr.

    Example:
        >>> shown("relu6"), shown([1, 2])
        ("'relu6'", '[1, 2]')
    """
    if hasattr(value, "shape") and hasattr(value, "dtype") and not isinstance(value, type):
        return readable(f"an array {tuple(value.shape)} of {value.dtype}")
    try:
        text = repr(value)
    except Exception:  # an integer of 10,000 digits, an object whose __repr__ fails
        return f"a value of type {type(value).__name__}"
    text = re.sub(r" at 0x[0-9a-fA-F]+|(?<=\n)\s+|\n", "", text)  # one line, and the same in every run
    return readable(text, limit)


def number(where: str, value: Any, expected: str = "a finite number", least: float = -math.inf, do: str = "") -> Any:
    """A constant that a user gave, as the plain number that it is: a NumPy scalar would change the arrays' dtype.

    Args:
        where: what the constant is for.
        value: what came.
        expected: what is allowed, for the message.
        least: the smallest value that is allowed.
        do: what to do instead.

    Raises:
        InputError: no number, not finite, or less than `least`.

    Example:
        >>> number("huber: kappa", 2)
        2
    """
    plain = value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value
    if isinstance(plain, bool) or not isinstance(plain, Real) or not finite(plain) or plain < least:
        raise InputError(where, f"expected {expected}", shown(plain), do)
    return plain


def finite(value: Any) -> bool:
    """Whether a number is one that floats reach, which 10**400 is not.

    Example:
        >>> finite(1e300), finite(10**400), finite(math.nan)
        (True, False, False)
    """
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def one_of(names) -> str:
    """A list of choices for a message.

    Example:
        >>> one_of(["b", "a"])
        'one of a, b'
    """
    return "one of " + ", ".join(sorted(names))
