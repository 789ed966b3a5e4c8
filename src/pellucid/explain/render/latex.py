r"""Derivations and pages in LaTeX: a fragment to paste, or a whole document that compiles with pdflatex.

Before it: `blocks`. After it: papers and handouts; `markdown` uses its formulas.
A fragment needs amsmath, amssymb, booktabs, longtable and graphicx; its lines are cut to fit an A4 page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from ...expressions import Expression, Number
from ..sentences import Text, joined, say
from ..tree import Level
from . import blocks as b
from .latex_formulas import WIDTH, LatexWriter, aligned, width_of
from .tikz import to_tikz

LABEL = 24  # letters of a label that stands at the right margin
SIZES = ((1.0, r"\small"), (1.15, r"\footnotesize"), (1.4, r"\scriptsize"), (float("inf"), r"\tiny"))
LONG = 14  # from how many rows a table may be cut between pages

PREAMBLE = r"""% Made by Pellucid. Run pdflatex twice, so that long tables find their columns.
\documentclass[11pt,a4paper,fleqn]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage{lmodern}
\usepackage[margin=2.2cm]{geometry}
\usepackage{amsmath,amssymb,array,booktabs,graphicx,longtable,xcolor}
\usepackage{tikz}
\usepackage[hidelinks]{hyperref}
\setlength{\parindent}{0pt}
\setlength{\parskip}{0.5\baselineskip}
\setcounter{secnumdepth}{0}
\setlength{\mathindent}{1em}
\AtBeginDocument{\setlength{\abovedisplayskip}{3pt}\setlength{\belowdisplayskip}{3pt}}
\allowdisplaybreaks
"""


class Layout(b.Printer):
    """Prints blocks as LaTeX."""

    def __init__(self, digits: int = 6):
        self.writer = LatexWriter(digits)

    def text(self, t: b.Text) -> str:
        inside = self.spelled(t)
        if t.kind == "heading":
            return rf"\subsection{{{inside}}}" + "\n"
        return {"remark": rf"$\to$ {inside}", "check": rf"{{\footnotesize {inside}}}"}.get(t.kind, inside) + "\n"

    def items(self, items: b.Items) -> str:
        rows = "\n".join(rf"  \item {self.writer.sentence(text)}" for text in items.texts)
        return f"\\begin{{itemize}}\n{rows}\n\\end{{itemize}}\n"

    def blocks(self, blocks: Sequence[Any]) -> str:
        """Several blocks; formulas that follow each other stand in one display."""
        out: list[str] = []
        for formulas, group in groupby(blocks, lambda block: isinstance(block, b.Formula)):
            found = list(group)
            out += self.displays(found) if formulas else map(self.block, found)
        return "\n".join(out)

    def formula(self, f: b.Formula) -> str:
        return "\n".join(self.displays([f]))

    def displays(self, formulas: list[b.Formula]) -> Iterator[str]:
        """Formulas below each other, short labels at the right margin; a long one begins a new display."""
        rows: list[str] = []
        for f in formulas:
            if len(f.label) > LABEL:
                yield from self.display(rows)
                yield rf"\emph{{{self.writer.sentence(f.label)}:}}"
                rows, f = [], replace(f, label="")
            first, *others = aligned(self.writer, f).split(" \\\\\n", 1)
            label = rf" \tag*{{\footnotesize\itshape {self.writer.sentence(f.label)}}}" if f.label else ""
            rows.append(" \\\\\n".join([first + label, *others]))
        yield from self.display(rows)

    def display(self, rows: list[str]) -> Iterator[str]:
        """One display; nothing where there is nothing in it."""
        if rows:
            inside = " \\\\[0.6ex]\n".join(rows)
            yield f"\\begin{{align*}}\n{inside}\n\\end{{align*}}\n"

    def cell(self, cell: b.Cell, relation: bool) -> str:
        if isinstance(cell, str | Text):
            return self.writer.sentence(cell)
        number = isinstance(cell, int | float)
        spelled = self.writer.number(cell) if number else self.writer.formula(cell)
        return f"${'{}= ' if relation else ''}{spelled}$"

    def table(self, t: b.Table) -> str:
        cells = [[self.cell(c, t.relations and i > 1) for i, c in enumerate(row)] for row in t.rows]
        head = [self.writer.sentence(name) for name in t.columns]
        width = sum(max(map(width_of, column)) + 2.4 for column in zip(head, *cells, strict=True)) * 0.91
        if t.relations and width > 1.15 * WIDTH:
            return self.stacked(t)
        numeric = [any(isinstance(r[c], int | float) for r in t.rows) for c in range(len(t.columns))]
        kinds = "".join("r" if n and not t.relations else "l" for n in numeric)
        body = [" & ".join(row) + r" \\" for row in cells]
        if t.total:
            body.insert(-1, r"\midrule")
        long = len(body) > LONG
        name = "longtable" if long else "tabular"
        begin = f"\\begin{{{name}}}[{'l' if long else 't'}]{{@{{}}{kinds}@{{}}}}\n\\toprule\n"
        top = begin + " & ".join(head) + " \\\\\n\\midrule\n"
        inside = top + ("\\endhead\n" if long else "") + "\n".join(body) + f"\n\\bottomrule\n\\end{{{name}}}"
        stretch = 1.8 if any(r"\frac" in line for line in body) else 1.3
        size = next(size for most, size in SIZES if width <= most * WIDTH)
        return f"{{\\renewcommand{{\\arraystretch}}{{{stretch}}}{size}\n{inside}\n\\par}}\n"

    def stacked(self, t: b.Table) -> str:
        """The rows of a table of equal forms as formulas, where they are too wide to stand beside each other."""
        out: list[Any] = []
        for label, left, *others in t.rows:
            known = [c if isinstance(c, Expression) else Number(c) for c in others if not isinstance(c, str | Text)]
            notes = joined([c for c in others if isinstance(c, str | Text) and c], " ")
            if isinstance(left, Expression):
                lines = [*map(b.Line, known[:-1]), b.Line(known[-1], notes)]
                out.append(b.Formula(left, tuple(lines), str(label)))
            else:
                out.append(b.Text(say("{}: {}", label, others[-1 if not notes else -2]), "text"))
        return self.blocks(out)

    def array(self, a: b.Array) -> str:
        def number(value: float | None) -> str:
            return r"\cdots" if value is None else self.writer.number(value)

        rows = " \\\\\n".join(" & ".join(map(number, row)) for row in a.rows)
        body = f"\\begin{{array}}{{{'r' * len(a.rows[0])}}}\n{rows}\n\\end{{array}}"
        lying = r"^{\top}" if a.lying else ""
        inside = rf"{self.writer.symbol(a.symbol)} = \left({body}\right){lying}"
        wide = max(sum(width_of(number(v)) + 2 for v in row) for row in a.rows) > WIDTH
        if wide:
            return f"\\[\n\\resizebox{{0.95\\linewidth}}{{!}}{{$\\displaystyle {inside}$}}\n\\]\n"
        return f"\\[\n{inside}\n\\]\n"

    def figure(self, f: b.Figure) -> str:
        caption = self.writer.sentence(f.caption)
        return f"\\begin{{center}}\n{to_tikz(f.drawing)}\n\\\\[1ex]{{\\small {caption}}}\n\\end{{center}}\n"

    def entry(self, e: b.Entry, number: str = "") -> str:
        left, value = self.writer.symbol(e.address), self.writer.number(e.value)
        head = rf"\paragraph{{{number}$\displaystyle {left} = {value}$}} {self.writer.sentence(e.title)}"
        if e.again:
            return rf"{head} \emph{{(Derived above.)}}" + "\n"
        below = [self.entry(c, f"{number.strip('~')}{i}.~") for i, c in enumerate(e.children, 1)]
        inside = "\n".join([self.blocks(e.blocks), *below])
        return f"{head}\n\n{inside}"

    def section(self, s: b.Section) -> str:
        return f"\\section{{{self.writer.sentence(s.heading)}}}\n" + self.blocks(s.blocks)


def to_latex(derivation: Level, *, digits: int = 6, depth: int | None = None, checks: bool = True) -> str:
    r"""An explanation as a LaTeX fragment; it needs amsmath, amssymb, booktabs, longtable and graphicx.

    Args:
        digits: significant digits of every number, 1 … 17.
        depth: levels of children; None is the derivation's own.
        checks: whether to add the check lines.

    Raises:
        InputError: a number of digits that can't be.
    """
    return Layout(digits).block(b.entry(derivation, depth, checks=checks))


def document(body: str, title: str = "") -> str:
    """A whole document that compiles with pdflatex, around a fragment."""
    heading = f"\\title{{{title}}}\n\\date{{}}\n" if title else ""
    make = "\\maketitle\n" if title else ""
    return f"{PREAMBLE}{heading}\\begin{{document}}\n{make}{body}\\end{{document}}\n"


def page_to_latex(page: b.Page, *, digits: int = 6) -> str:
    """A page as a whole LaTeX document."""
    return document(page_body(page, digits=digits), LatexWriter(digits).words(page.title))


def page_body(page: b.Page, *, digits: int = 6, figures: bool = True) -> str:
    """A page as a fragment; without its figures it does not need tikz."""
    layout = Layout(digits)
    shown = [
        replace(s, blocks=tuple(x for x in s.blocks if figures or not isinstance(x, b.Figure))) for s in page.sections
    ]
    return layout.writer.sentence(page.lead) + "\n\n" + "\n".join(map(layout.section, shown))
