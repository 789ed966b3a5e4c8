"""A derivation, or a page of sentences and tables, as text for a terminal: aligned, cut to a width, Unicode or ASCII.

Before it: the tree, `blocks`. After it: `print`, and the command line.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ...addresses import ABOVE, BELOW, Address
from ...errors import InputError
from ...expressions import Cases, Expression, Number, Quotient, Rest
from ..tree import Level, Paths
from . import blocks as b
from .base import ATOM, POWER, PRODUCT, Writer, digits_of, named

PLAIN = str.maketrans(
    {
        "−": "-", "·": "*", "∂": "d", "′": "'", "δ": "delta", "η": "eta", "…": "...", "Σ": "sum", "→": "->", "×": "x",
        "≈": "~", "≤": "<=", "≥": ">=", "½": "1/2", "∞": "inf", "σ": "sigma", "⊙": "(.)", "²": "^2", "≠": "!=",
        "–": "-", "α": "alpha", "κ": "kappa", "₀": "0", "ᵀ": "^T",
    }
)  # fmt: skip


ABOVE_SIGNS = tuple(
    chr(code) if isinstance(code, int) else code for code in ABOVE.values()
)  # behind one of them a power would be read as part of it


@lru_cache(maxsize=65536)
def in_unicode(name: str | Address) -> str:
    """An address or a bare name in Unicode."""
    return named(name).unicode()


class TextWriter(Writer):
    """Formulas on one line."""

    def __init__(self, digits: int = 6, ascii: bool = False):
        super().__init__(digits)
        self.ascii = ascii
        self.minus, self.times = ("-", "*") if ascii else ("−", "·")

    def number(self, value: Any) -> str:
        mantissa, exponent = digits_of(value, self.digits)
        if self.ascii:
            return mantissa if exponent is None else f"{mantissa}e{exponent}"
        mantissa = mantissa.replace("inf", "∞").replace("-", "−")
        return mantissa if exponent is None else f"{mantissa}·10{str(exponent).translate(ABOVE)}"

    def symbol(self, name: str | Address) -> str:
        return str(name) if self.ascii else in_unicode(name)

    def brackets(self, inside: str) -> str:
        return f"({inside})"

    def sum(self, terms: list[tuple[bool, str]]) -> str:
        subtracted, first = terms[0]
        text = (self.minus if subtracted else "") + first
        return text + "".join(f" {self.minus if less else '+'} {term}" for less, term in terms[1:])

    def product(self, factors: list[str]) -> str:
        return f" {self.times} ".join(factors)

    def quotient(self, e: Quotient) -> str:
        return f"{self.formula(e.numerator, PRODUCT)}/{self.formula(e.denominator, POWER)}"

    def power(self, base: str, exponent: Expression) -> str:
        if base[-1:] in ABOVE_SIGNS:
            base = f"({base})"
        inside = self.formula(exponent)
        raised = inside.translate(ABOVE)
        if not self.ascii and all(raised[i] != c for i, c in enumerate(inside)):
            return base + raised
        return f"{base}^{self.formula(exponent, ATOM)}"

    def function(self, name: str, of: Expression) -> str:
        inside = self.formula(of)
        if name == "abs":
            return f"|{inside}|"
        if name == "exp" and not self.ascii and len(inside) <= 12 and " " not in inside:
            return f"e^({inside})"
        if name == "sqrt" and not self.ascii:
            return f"√({inside})"
        return f"{'Φ' if name == 'Phi' and not self.ascii else name}({inside})"

    def cases(self, e: Cases) -> str:
        condition = f"{self.formula(e.condition)} > 0"
        return f"[{self.formula(e.positive)} if {condition} else {self.formula(e.otherwise)}]"

    def sum_over(self, index: str, body: str) -> str:
        if self.ascii:
            return f"sum_{index} {body}"
        below = index.translate(BELOW)
        return f"Σ{below if below != index else '_' + index} {body}"

    def rest(self, e: Rest) -> str:
        dots = "..." if self.ascii else "…"
        return f"{dots} ({e.count} more{'' if e.value is None else ': ' + self.number(e.value)})"

    def differential(self, by: str | Address, of: Expression) -> str:
        d = "d" if self.ascii else "∂"
        return f"{d}/{d}{self.symbol(by)} [{self.formula(of)}]"

    def transpose(self, of: str) -> str:
        return f"{of}{'^T' if self.ascii else 'ᵀ'}"

    def array_product(self, factors: list[str], elementwise: bool) -> str:
        return (" (.) " if self.ascii else " ⊙ ").join(factors) if elementwise else " ".join(factors)

    def words(self, text: str) -> str:
        return text.translate(PLAIN) if self.ascii else text


HAT = "\N{COMBINING CIRCUMFLEX ACCENT}"  # the one combining mark that the notation's names have


def shown_width(text: str) -> int:
    """How many columns a text takes: marks that combine take none.

    Example:
        >>> shown_width("m̂")
        1
    """
    return len(text) - text.count(HAT)


def wrapped(text: str, width: int, indent: str, hang: str) -> list[str]:
    """A line cut at spaces; the continuation starts with `hang`."""
    if len(indent) + len(text) <= width:
        return [indent + text]
    lines, line, used = [], [], len(indent)
    for word in text.split(" "):
        size = shown_width(word) + 1
        if line and used + size > width + 1:
            lines.append(" ".join(line).rstrip())
            line, used = [], len(hang)
        line.append(word)
        used += size
    first, *others = [*lines, " ".join(line)]
    return [indent + first, *(hang + other for other in others)]


def table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Rows with their columns aligned; the columns in `right` to the right.

    Example:
        >>> table([["a", "10"], ["bcd", "7"]], right=[1])
        ['a    10', 'bcd   7']
    """
    widths = [max(shown_width(row[c]) for row in rows) for c in range(len(rows[0]))]

    def cell(text: str, c: int) -> str:
        space = " " * (widths[c] - shown_width(text))
        return space + text if c in right else text + space

    return ["  ".join(cell(text, c) for c, text in enumerate(row)).rstrip() for row in rows]


def to_text(
    derivation: Level,
    *,
    width: int | None = 100,
    digits: int = 6,
    ascii: bool = False,
    depth: int | None = None,
    checks: bool = True,
) -> str:
    """The whole explanation as lines of text.

    Args:
        width: columns; None cuts nothing.
        digits: significant digits of every number, 1 … 17.
        ascii: no character beyond ASCII; addresses stand as they are typed.
        depth: levels of children; None is the derivation's own.
        checks: whether to add the check lines, which takes some forward passes.

    Raises:
        InputError: a width or a number of digits that can't be.
    """
    if not 1 <= digits <= 17:
        raise InputError("digits", "expected a number from 1 to 17", digits)
    check_width(width)
    out: list[str] = []
    writer = TextWriter(digits, ascii)
    shown: dict[Address, int] = {}
    depth = derivation.depth if depth is None else depth
    _lay_out(derivation, depth, 0, writer, width or 10**9, checks, shown, out)
    return "\n".join(out)


def check_width(width: int | None) -> None:
    """Refuse a width in which no line fits."""
    if width is not None and width < 30:
        raise InputError("width", "expected at least 30 columns", width)


def _lay_out(
    d: Level,
    depth: int,
    level: int,
    writer: TextWriter,
    width: int,
    checks: bool,
    shown: dict[Address, int],
    out: list,
) -> None:
    indent = ("|  " if writer.ascii else "│  ") * level
    inner = indent + "  "
    left = writer.symbol(d.address)

    def line(text: str, hang: int = 2) -> None:
        room = width - len(inner) - max(map(shown_width, text.split(" ")))  # beside the longest word
        out.extend(wrapped(text, width, inner, inner + " " * max(2, min(hang, room))))

    def equation(left: str, right: str) -> None:
        line(f"{left} = {right}", hang=min(shown_width(left) + 3, 16))

    out.extend(wrapped(f"{left} = {writer.number(d.value)}", width, indent, inner))
    line(writer.sentence(d.title))
    if shown.get(d.address, level + 1) <= level:  # further up it was unfolded at least as deep as here
        line(writer.words("(derived above)"))
        return
    shown[d.address] = level
    if d.general:
        equation(writer.formula(d.general.left), writer.formula(d.general.right))
    for step in d.steps:
        equation(left, writer.formula(step.expression) + (f"   {writer.sentence(step.note)}" if step.note else ""))
    if d.terms:
        out.extend(inner + row for row in _terms(d, writer, width - len(inner)))
    elif d.indexed is not None and d.numbers is not None:
        if d.general is None or d.indexed != d.general.right:
            equation(left, writer.formula(d.indexed))
        if not isinstance(d.numbers, Number):
            equation(left, writer.formula(d.numbers))
    for other in d.equal:
        same = f"{writer.formula(other.indexed)} = {writer.formula(other.numbers)}"
        line(f"{writer.words(other.name)}: {same} = {writer.number(other.value)}")
    if d.matrix:
        sizes = ", ".join(f"{writer.symbol(a)} {writer.words('×'.join(map(str, s)))}" for a, s in d.matrix.shapes)
        line(f"whole layer: {writer.equation(d.matrix.equation)}   ({sizes})")
    for remark in d.remarks:
        line(writer.words("→ ") + writer.sentence(remark.text))
    if checks and level == 0:
        for check in d.checks:
            rough = TextWriter(2, writer.ascii)
            far = f"relative error {rough.number(check.relative)}, {rough.number(check.ulps)} ulp"
            note = f"; {writer.sentence(check.note)}" if check.note else ""
            line(f"check: {check.method} {writer.number(check.value)}  ({far}{note})")
    bar = "|" if writer.ascii else "│"
    if depth > 0:
        for child in d.children:
            out.append((f"{bar}  " * (level + 1)).rstrip())
            _lay_out(child, depth - 1, level + 1, writer, width, checks, shown, out)


def _terms(d: Level, writer: TextWriter, width: int) -> list[str]:
    """The terms of a sum as a table: label, symbols, numbers, value, note; in two lines each where it is too wide."""
    rows = []
    for term in d.terms:
        if term.count > 1:
            rows.append([f"{term.count} more", "", "", f"= {writer.number(term.value)}", writer.sentence(term.note)])
            continue
        numbers = "" if isinstance(term.numbers, Number) else f"= {writer.formula(term.numbers)}"
        note = writer.sentence(term.note)
        rows.append([term.label, writer.formula(term.indexed), numbers, f"= {writer.number(term.value)}", note])
    lines = table(rows)
    if max(map(shown_width, lines)) > width:
        lines = table([[row[0], row[1], row[3], row[4]] for row in rows])
    if max(map(shown_width, lines)) > width:
        lines = table([[row[0], row[3]] for row in rows])
    return lines


def paths_to_text(paths: Paths, *, digits: int = 6, ascii: bool = False) -> str:
    """The largest paths as a table, and the totals."""
    writer = TextWriter(digits, ascii)
    arrow = " -> " if ascii else " → "
    rows = [
        [arrow.join(map(b.node, p.nodes)), f"= {writer.formula(p.numbers)}", f"= {writer.number(p.value)}"]
        for p in paths.top
    ]
    plural = "" if paths.count == 1 else "s"
    head = f"{paths.count} path{plural}, {paths.nonzero} of them not 0; positive {writer.number(paths.positive)}"
    lines = [f"{head}, negative {writer.number(paths.negative)}"]
    others = paths.count - len(paths.top)
    last = [f"{others} more: {writer.number(paths.rest)}"] if others else []
    return "\n".join([*lines, *(table(rows) if rows else []), *last])


class Layout(b.Printer):
    """Prints the blocks of which reports are made: sentences, lists, tables, lines with marks; no formulas."""

    def __init__(self, width: int = 100, digits: int = 6, ascii: bool = False):
        self.writer = TextWriter(digits, ascii)
        self.width = width

    def text(self, t: b.Text) -> str:
        return self.paragraph(self.spelled(t))

    def paragraph(self, words: str) -> str:
        """Words cut to the width."""
        return "\n".join(textwrap.wrap(words, self.width, subsequent_indent="  "))

    def items(self, items: b.Items) -> str:
        return "\n".join(self.paragraph(self.writer.sentence(text)) for text in items.texts)

    def table(self, t: b.Table) -> str:
        cells = [[self.writer.sentence(name) for name in t.columns]]
        cells += [[self.cell(cell) for cell in row] for row in t.rows]
        return "\n".join(table(cells))

    def cell(self, cell: b.Cell) -> str:
        """What stands in a table."""
        if isinstance(cell, Expression):
            return self.writer.formula(cell)
        return self.writer.number(cell) if isinstance(cell, int | float) else self.writer.sentence(cell)

    def marked(self, m: b.Marked) -> str:
        return "\n".join("".join(f"⟦{text}⟧" if mark else text for text, mark in line) for line in m.lines)

    def section(self, s: b.Section) -> str:
        inside = "\n".join(map(self.block, s.blocks))
        return f"{self.paragraph(self.writer.sentence(s.heading))}\n{textwrap.indent(inside, '  ')}".rstrip()


def page_to_text(content: b.Page, *, width: int = 100, digits: int = 6, ascii: bool = False) -> str:
    """A page of sentences and tables for a terminal, each section's content indented below its heading.

    Raises:
        InputError: a width in which no line fits.
    """
    check_width(width)
    layout, inside = Layout(width, digits, ascii), Layout(width - 2, digits, ascii)
    head = [layout.paragraph(layout.writer.sentence(words)) for words in (content.title, content.lead) if words]
    return "\n\n".join(["\n".join(head), *map(inside.section, content.sections)])
