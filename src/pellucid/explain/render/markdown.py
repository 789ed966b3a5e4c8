"""Derivations and pages in Markdown with LaTeX formulas, as GitHub, Jupyter and most others show it.

Before it: `blocks`, `latex`. After it: notes and notebooks.
"""

from __future__ import annotations

import re
from typing import Any

from ...addresses import Address
from ..sentences import Text, split_text, texted
from ..tree import Level
from . import blocks as b
from .latex_formulas import LatexWriter, aligned
from .svg import alone

WIDTH = 100  # letters of a formula's line


class MarkdownWriter(LatexWriter):
    """LaTeX's formulas between dollars; no | in them, for that would end a table's cell."""

    def symbol(self, name: str | Address) -> str:
        return super().symbol(name).replace("|", r"\vert ")

    def words(self, text: str) -> str:
        return re.sub(r"([\\`*_$<|\[\]#])", r"\\\1", text)

    def shrunk(self, piece: str, share: float) -> str:
        return piece  # a page scrolls

    def note(self, text: str | Text) -> str:
        spell = {
            "text": lambda t: rf"\text{{{plain(t)}}}",
            "symbol": self.symbol,
            "number": lambda t: self.number(float(t)),
        }
        return r"\quad" + "".join(f" {spell[kind](piece)}" for kind, piece in split_text("(" + texted(text) + ")"))


def plain(text: str) -> str:
    """Words without what would end a formula or its group."""
    return re.sub(r"[\\{}$&#%^_~`]", " ", text)


class Layout(b.Printer):
    """Prints blocks as Markdown.

    Attributes:
        figures: the SVG pictures that the text speaks of, by file name.
    """

    def __init__(self, digits: int = 6, stem: str = "network"):
        self.writer = MarkdownWriter(digits)
        self.stem = stem
        self.figures: dict[str, str] = {}

    def block(self, block: Any, level: int = 2) -> str:
        """One block of any kind."""
        name = type(block).__name__.lower()
        return self.entry(block, level) if name == "entry" else getattr(self, name)(block)

    def text(self, t: b.Text) -> str:
        inside = self.spelled(t)
        if t.kind == "heading":
            return f"### {inside}\n"
        return f"> {inside}\n" if t.kind == "remark" else f"{inside}\n"

    def items(self, items: b.Items) -> str:
        return "".join(f"- {self.writer.sentence(text)}\n" for text in items.texts)

    def formula(self, f: b.Formula) -> str:
        label = f"*{self.writer.sentence(f.label)}:*\n\n" if f.label else ""
        # A backslash before a letter of LaTeX's text mode stays; Markdown leaves what is between $$ alone.
        return f"{label}$$\n\\begin{{aligned}}\n{aligned(self.writer, f, WIDTH)}\n\\end{{aligned}}\n$$\n"

    def cell(self, cell: b.Cell, relation: bool) -> str:
        if isinstance(cell, str | Text):
            return self.writer.sentence(cell)
        spelled = self.writer.number(cell) if isinstance(cell, int | float) else self.writer.formula(cell)
        return f"${'= ' if relation else ''}{spelled}$"

    def table(self, t: b.Table) -> str:
        rows = []
        for row in t.rows:
            cells = [self.cell(cell, t.relations and c > 1) for c, cell in enumerate(row)]
            rows.append(f"| {' | '.join(cells)} |")
        if t.total:
            rows[-1] = rows[-1].replace("| sum |", "| **sum** |", 1)
        numeric = [
            not t.relations and any(isinstance(r[c], int | float) for r in t.rows) for c in range(len(t.columns))
        ]
        head = f"| {' | '.join(self.writer.sentence(name) for name in t.columns)} |"
        line = f"|{'|'.join('---:' if right else '---' for right in numeric)}|"
        return "\n".join([head, line, *rows]) + "\n"

    def array(self, a: b.Array) -> str:
        def number(value: float | None) -> str:
            return r"\cdots" if value is None else self.writer.number(value)

        body = " \\\\\n".join(" & ".join(map(number, row)) for row in a.rows)
        lying = r"^{\top}" if a.lying else ""
        return f"$$\n{self.writer.symbol(a.symbol)} = \\begin{{pmatrix}}\n{body}\n\\end{{pmatrix}}{lying}\n$$\n"

    def figure(self, f: b.Figure) -> str:
        name = f"{self.stem}.svg"
        self.figures[name] = alone(f.drawing.to_svg(min(self.writer.digits, 4)))
        return f"![The network]({name})\n\n{self.writer.sentence(f.caption)}\n"

    def entry(self, e: b.Entry, level: int = 2) -> str:
        left, value = self.writer.symbol(e.address), self.writer.number(e.value)
        head = f"{'#' * min(level, 6)} ${left} = {value}$\n\n{self.writer.sentence(e.title)}\n"
        if e.again:
            return f"{head}\n(Derived above.)\n"
        below = [self.block(block) for block in e.blocks] + [self.entry(child, level + 1) for child in e.children]
        return "\n".join([head, *below])

    def section(self, s: b.Section) -> str:
        parts = [self.block(block, 3) for block in s.blocks]
        return "\n".join([f"## {self.writer.sentence(s.heading)}\n", *parts])


def to_markdown(derivation: Level, *, digits: int = 6, depth: int | None = None, checks: bool = True) -> str:
    """An explanation as Markdown with LaTeX formulas.

    Args:
        digits: significant digits of every number, 1 … 17.
        depth: levels of children; None is the derivation's own.
        checks: whether to add the check lines.
    """
    return Layout(digits).block(b.entry(derivation, depth, checks=checks))


def page_to_markdown(page: b.Page, *, digits: int = 6, stem: str = "network") -> tuple[str, dict[str, str]]:
    """A page as Markdown, and the SVG files that it shows, by name (`stem`.svg)."""
    layout = Layout(digits, stem)
    return page_body(layout, page), layout.figures


def page_body(layout: Layout, page: b.Page) -> str:
    """A page in one layout."""
    head = f"# {layout.writer.words(page.title)}\n\n{layout.writer.sentence(page.lead)}\n"
    return "\n".join([head, *map(layout.section, page.sections)])
