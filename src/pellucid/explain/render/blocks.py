"""A page as data: headings, sentences, formulas, tables, arrays, figures; and a derivation laid out as such.

Before it: derivation trees, worked examples, reports of checks. After it: the renderers for Markdown, LaTeX, HTML and
the terminal, which each spell these few blocks, so that all of them say the same in the same order.

Sentences are plain words or `sentences.Text`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...addresses import Address
from ...expressions import Expression, Number, Symbol
from ..sentences import Text as Words
from ..sentences import joined, say, texted
from ..tree import Check, Equal, Level, Paths


@dataclass(frozen=True)
class Text:
    """A paragraph.

    Attributes:
        kind: "text", "heading" (of a part of a section), "remark" or "check".
        rough: a sentence behind it whose numbers have two digits.
    """

    text: str | Words
    kind: str = "text"
    rough: str | Words = ""


@dataclass(frozen=True)
class Items:
    """A list of sentences."""

    texts: tuple[str | Words, ...]


@dataclass(frozen=True)
class Line:
    """One of the equal forms of a formula, and a word about it."""

    expression: Expression
    note: str | Words = ""


@dataclass(frozen=True)
class Formula:
    """left = line = line = …; `label` says what it is where that is not plain."""

    left: Expression
    lines: tuple[Line, ...]
    label: str = ""


Cell = str | Words | float | int | Expression  # a sentence, a number, a formula


@dataclass(frozen=True)
class Table:
    """Rows of cells under their columns' names (sentences).

    Attributes:
        total: whether the last row is the sum of the others.
        bars: the column whose numbers may be drawn as bars beside them; −1 for none.
        relations: whether the columns from the second on are equal forms, an = between them.
    """

    columns: tuple[str | Words, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: bool = False
    bars: int = -1
    relations: bool = False


@dataclass(frozen=True)
class Array:
    """An array with its symbol: rows of numbers; None where rows or columns are left out.

    Attributes:
        lying: whether it is a column that is printed as a row, with a T for transposed.
    """

    symbol: Address
    rows: tuple[tuple[float | None, ...], ...]
    lying: bool = False


@dataclass(frozen=True)
class Marked:
    """Lines of a derivation in pieces, each with whether it is marked. Only pages of checks have these."""

    lines: tuple[tuple[tuple[str, bool], ...], ...]


@dataclass(frozen=True)
class Figure:
    """The network drawn; see `drawing`."""

    drawing: Any
    caption: str | Words


@dataclass(frozen=True)
class Entry:
    """One derivation: symbol = value, its blocks, the entries below it."""

    address: Address
    value: float
    title: str | Words
    blocks: tuple[Any, ...]
    children: tuple[Entry, ...] = ()
    again: bool = False  # derived further up already


@dataclass(frozen=True)
class Section:
    """A part of a page. `code` is Python that computes the same, for notebooks."""

    name: str
    heading: str
    blocks: tuple[Any, ...]
    code: str = ""


@dataclass(frozen=True)
class Page:
    """A whole document."""

    title: str
    lead: str | Words
    sections: tuple[Section, ...]


class Printer:
    """Base of the layouts: has one method for each kind of block, named after it, which returns text."""

    writer: Any

    def block(self, block: Any) -> str:
        """One block of any kind."""
        return getattr(self, type(block).__name__.lower())(block)

    def spelled(self, t: Text) -> str:
        """The words of a paragraph."""
        return self.writer.sentence(t.text) + (type(self.writer)(2).sentence(t.rough) if t.rough else "")


def entry(d: Level, depth: int | None = None, *, checks: bool = True) -> Entry:
    """A derivation laid out, with `depth` levels of children; what occurs twice is derived once at that depth."""
    return _entry(d, d.depth if depth is None else depth, checks, {})


def _entry(d: Level, depth: int, checks: bool, known: dict[Any, int]) -> Entry:
    if known.get(d.address, -1) >= depth:  # further up it was unfolded at least as deep as here
        return Entry(d.address, d.value, d.title, (), again=True)
    known[d.address] = depth if d.parts else 10**9
    blocks = (*formulas(d), *asides(d), *(check_lines(d.checks) if checks else ()))
    children = tuple(_entry(child, depth - 1, False, known) for child in d.children) if depth > 0 else ()
    return Entry(d.address, d.value, d.title, blocks, children)


def formulas(d: Level) -> list[Any]:
    """The general formula, the steps, and the formula with indices and numbers, or the table of its terms."""
    out: list[Any] = []
    own = Symbol(d.address)
    if d.general:
        out.append(Formula(d.general.left, (Line(d.general.right),), "in general"))
    lines = [Line(step.expression, step.note) for step in d.steps]
    if d.terms:
        if lines:
            out.append(Formula(own, tuple(lines)))
        return [*out, terms(d)]
    if d.indexed is not None and d.numbers is not None:
        known = [line.expression for line in lines] + ([d.general.right] if d.general else [])
        lines += [Line(d.indexed)] if d.indexed not in known else []
        lines += [Line(d.numbers)] if not isinstance(d.numbers, Number) else []
    lines += [Line(Number(d.value))] if lines else []
    return [*out, Formula(own, tuple(lines))] if lines else out


def terms(d: Level) -> Table:
    """The terms of a sum, each with its numbers, and the total."""
    rows: list[tuple[Cell, ...]] = []
    notes = any(term.note for term in d.terms)
    for term in d.terms:
        if term.count > 1:
            row: tuple[Cell, ...] = (f"{term.count} more", "", "", term.value)
        else:
            numbers: Cell = "" if isinstance(term.numbers, Number) else term.numbers
            row = (term.label, term.indexed, numbers, term.value)
        rows.append((*row, term.note) if notes else row)
    rows.append(("sum", Symbol(d.address), "", d.value, *([""] if notes else [])))
    names = ("term", "symbols", "numbers", "value", *(["note"] if notes else []))
    return Table(names, tuple(rows), total=True, bars=3, relations=True)


def asides(d: Level) -> list[Any]:
    """Other formulas for the same number, the whole layer at once, and what a reader should notice."""
    own = Symbol(d.address)
    out: list[Any] = [Formula(own, equal_lines(other), other.name) for other in d.equal]
    if d.matrix:
        shapes = joined([say("{} " + "×".join(map(str, shape)), name) for name, shape in d.matrix.shapes], ", ")
        out.append(Formula(d.matrix.equation.left, (Line(d.matrix.equation.right, shapes),), "whole layer"))
    return [*out, *(Text(remark.text, "remark") for remark in d.remarks)]


def equal_lines(other: Equal) -> tuple[Line, ...]:
    """The lines of another formula; plain numbers are not said twice."""
    numbers = () if isinstance(other.numbers, Number) else (Line(other.numbers),)
    return (Line(other.indexed), *numbers, Line(Number(other.value)))


def check_lines(checks: tuple[Check, ...]) -> list[Any]:
    """One sentence for each other way to the same number."""
    out = []
    for check in checks:
        note = say(" ({})", texted(check.note)) if check.note else texted("")
        far = say(" Relative error {}, {} units in the last place.", check.relative, check.ulps)
        found = say(f"Checked by {check.method}{{}}: {{}}.", note, check.value)
        out.append(Text(found, "check", far if check.relative == check.relative else ""))
    return out


def node(at: tuple[int, ...]) -> str:
    """A node on a path: its layer and its index.

    Example:
        >>> node((2, 7)), node((1, 3, 4, 0))
        ('2:7', '1:3,4,0')
    """
    return f"{at[0]}:{','.join(map(str, at[1:]))}"


def paths_blocks(paths: Paths) -> list[Any]:
    """The largest paths as a table, the rest and the totals."""
    head = say(
        f"{paths.count} path{'' if paths.count == 1 else 's'}, {paths.nonzero} of them not 0. "
        "The positive ones add up to {}, the negative ones to {}.", paths.positive, paths.negative,
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = [(" → ".join(map(node, path.nodes)), path.numbers, path.value) for path in paths.top]
    if others := paths.count - len(paths.top):
        rows.append((f"{others} more", "", paths.rest))
    return [Text(head), Table(("path (layer:node)", "numbers", "value"), tuple(rows), bars=2, relations=True)]
