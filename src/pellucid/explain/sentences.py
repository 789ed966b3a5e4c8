"""Sentences with symbols and numbers in them, so that every renderer spells both its own way.

    say("{} is {}", Quantity("a", 1, (3,)), 0.5)       # stored in JSON as "{a[1][3]} is {=0.5}"

Before it: addresses. After it: titles, notes and remarks of the derivations, the worked examples, the reports.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..addresses import Address
from ..symbols import parse

MARK = re.compile(r"\{(=)?([^{}]+)\}")


@dataclass(frozen=True)
class Text:
    """A sentence in pieces: words, addresses, numbers.

    Example:
        >>> from pellucid.addresses import Name
        >>> str(say("{} is {}.", Name("eta"), 0.5) + " It is small.")
        '{eta} is {=0.5}. It is small.'
    """

    pieces: tuple[str | Address | float, ...] = ()

    def __post_init__(self):
        merged: list[Any] = []
        for piece in self.pieces:
            if isinstance(piece, str) and merged and isinstance(merged[-1], str):
                merged[-1] += piece
            else:
                merged.append(piece)
        object.__setattr__(self, "pieces", tuple(merged))

    def __str__(self) -> str:
        return "".join(stored(piece) for piece in self.pieces)

    def __add__(self, other: str | Text) -> Text:
        return Text((*self.pieces, *texted(other).pieces))

    def __radd__(self, other: str) -> Text:
        return Text((other, *self.pieces))

    def __bool__(self) -> bool:
        return bool(self.pieces)

    @classmethod
    def read(cls, text: str) -> Text:
        """The sentence that `str` wrote.

        Example:
            >>> Text.read("{eta} is {=0.5}").pieces
            (Name(name='eta'), ' is ', 0.5)
        """
        pieces: list[Any] = []
        at = 0
        for found in MARK.finditer(text):
            if found.start() > at:
                pieces.append(text[at : found.start()])
            pieces.append(number(found[2]) if found[1] else parse(found[2]))
            at = found.end()
        return cls((*pieces, *([text[at:]] if at < len(text) else [])))


def number(text: str) -> float:
    """A number as it was written; a whole one stays whole, so that it is written the same way again."""
    return int(text) if re.fullmatch(r"-?\d+", text) else float(text)


def rounded(value: float, digits: int) -> float:
    """A number with so many significant digits, for a rough word in a sentence.

    Example:
        >>> rounded(99.96, 3), rounded(0.12345, 3)
        (100, 0.123)
    """
    return number(f"{value:.{digits}g}")


def stored(piece: str | Address | float) -> str:
    """A piece as JSON has it: symbols in braces, numbers with all their digits."""
    if isinstance(piece, str):
        return piece
    return f"{{{piece}}}" if isinstance(piece, Address) else f"{{={piece!r}}}"


def say(form: str, *inside: Any) -> Text:
    """A sentence from a form with {} for each piece: an address, a number, another sentence.

    Example:
        >>> from pellucid.addresses import Name
        >>> say("{} has {} digits.", Name("eta"), 3.0).pieces
        (Name(name='eta'), ' has ', 3.0, ' digits.')
    """
    pieces: list[Any] = []
    for number, words in enumerate(form.split("{}")):
        if number:
            piece = inside[number - 1]
            pieces += piece.pieces if isinstance(piece, Text) else [piece]
        if words:
            pieces.append(words)
    return Text(tuple(pieces))


def texted(text: str | Text) -> Text:
    """Words as a sentence; a sentence as it is."""
    return text if isinstance(text, Text) else Text((text,) if text else ())


def joined(parts: list[Any], between: str) -> Text:
    """Sentences one after the other.

    Example:
        >>> str(joined([0.5, "more"], ", "))
        '{=0.5}, more'
    """
    pieces: list[Any] = []
    for number, part in enumerate(parts):
        pieces += ([between] if number else []) + list(part.pieces if isinstance(part, Text) else [part])
    return Text(tuple(pieces))


def split_text(text: str | Text) -> Iterator[tuple[str, Any]]:
    """The pieces with their kinds: ("text", words), ("symbol", address), ("number", number)."""
    for piece in texted(text).pieces:
        yield ("text" if isinstance(piece, str) else "symbol" if isinstance(piece, Address) else "number"), piece
