r"""Derivations and pages in LaTeX: a fragment to paste, or a whole document that compiles with pdflatex.

Before it: `blocks`. After it: papers and handouts; `markdown` uses its formulas.
A fragment needs amsmath, amssymb, booktabs and graphicx; its lines are cut to fit an A4 page.
"""

# ruff: noqa: D102 (the methods are documented in their base classes)
from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from ...expressions import Cases, Expression, Number, Quotient, Rest
from ..tree import Derivation, split_text
from . import blocks as b
from .base import digits_of
from .spelling import MathWriter, named

LABEL = 24  # letters of a label that stands at the right margin
SIZES = ((1.0, r"\small"), (1.15, r"\footnotesize"), (1.4, r"\scriptsize"), (float("inf"), r"\tiny"))
LONG = 24  # from how many rows a table may be cut between pages
WIDTH = 78  # letters of a formula that fit a line, as `width_of` counts them …
LINE = 86  # … and of the whole line

PREAMBLE = r"""\documentclass[11pt,a4paper,fleqn]{article}
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

ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "…": r"\ldots{}", "–": "--", "—": "---", "’": "'", "“": "``", "”": "''", '"': "''",
}  # fmt: skip
MATH = {
    "−": "-", "·": r"\cdot", "∂": r"\partial", "′": "'", "δ": r"\delta", "η": r"\eta", "Σ": r"\Sigma", "→": r"\to",
    "×": r"\times", "≈": r"\approx", "≤": r"\le", "≥": r"\ge", "½": r"\tfrac{1}{2}", "∞": r"\infty", "σ": r"\sigma",
    "⊙": r"\odot", "²": "^{2}", "≠": r"\ne", "α": r"\alpha", "β": r"\beta", "κ": r"\kappa", "ε": r"\varepsilon",
    "λ": r"\lambda", "μ": r"\mu", "∇": r"\nabla", "Δ": r"\Delta", "√": r"\surd", "‖": r"\|", "ᵀ": r"^{\top}",
    "₀": "_{0}", "₁": "_{1}", "₂": "_{2}", "←": r"\leftarrow", "Φ": r"\Phi",
}  # fmt: skip


class LatexWriter(MathWriter):
    """Formulas for LaTeX's mathematics mode.

    Example:
        >>> from pellucid.expressions import Symbol
        >>> LatexWriter(3).formula(Symbol("w[2][1,2]") ** 2 / 3)
        '\\\\frac{\\\\left(w_{1,2}^{(2)}\\\\right)^{2}}{3}'
    """

    plus, minus, times = "+", "-", r"\cdot"

    def number(self, value: Any) -> str:
        mantissa, exponent = digits_of(value, self.digits)
        mantissa = mantissa.replace("inf", r"\infty").replace("nan", r"\mathrm{NaN}")
        return mantissa if exponent is None else rf"{mantissa} \cdot 10^{{{exponent}}}"

    def symbol(self, name: str) -> str:
        return named(name).latex()

    def brackets(self, inside: str) -> str:
        return rf"\left({inside}\right)"

    def sum(self, terms: list[tuple[bool, str]]) -> str:
        subtracted, first = terms[0]
        text = ("-" if subtracted else "") + first
        return text + "".join(f" {'-' if less else '+'} {term}" for less, term in terms[1:])

    def product(self, factors: list[str]) -> str:
        return r" \cdot ".join(factors)

    def quotient(self, e: Quotient) -> str:
        return rf"\frac{{{self.stacked(e.numerator)}}}{{{self.stacked(e.denominator)}}}"

    def stacked(self, e: Expression) -> str:
        """A formula; a long one in several lines, to stand in a fraction."""
        text = self.formula(e)
        if width_of(text) <= WIDTH - 20:
            return text
        lines = r" \\ ".join(lines_of(self, e, WIDTH - 20))
        return rf"\begin{{gathered}} {lines} \end{{gathered}}"

    def power(self, base: str, exponent: Expression) -> str:
        closed = base.endswith(r"\right)") or not re.search(r"[\^}]", base)
        return f"{base if closed else self.brackets(base)}^{{{self.formula(exponent)}}}"

    def function(self, name: str, of: Expression) -> str:
        inside = self.formula(of)
        match name:
            case "exp":
                return f"e^{{{inside}}}"
            case "abs":
                return rf"\left\lvert {inside} \right\rvert"
            case "sqrt":
                return rf"\sqrt{{{inside}}}"
        spelled = {"Phi": r"\Phi", "sign": r"\operatorname{sign}"}.get(name, rf"\{name}")
        return rf"{spelled}\left({inside}\right)"

    def cases(self, e: Cases) -> str:
        condition = rf"\text{{if }} {self.formula(e.condition)} > 0"
        positive, otherwise = self.formula(e.positive), self.formula(e.otherwise)
        return rf"\begin{{cases}} {positive} & {condition} \\ {otherwise} & \text{{otherwise}} \end{{cases}}"

    def sum_over(self, index: str, body: str) -> str:
        return rf"\sum_{{{index}}} {body}"

    def rest(self, e: Rest) -> str:
        value = "" if e.value is None else rf":\ {self.number(e.value)}"
        return rf"\underbrace{{\cdots}}_{{{e.count}\text{{ more}}{value}}}"

    def differential(self, by: str, of: Expression) -> str:
        return rf"\frac{{\partial}}{{\partial {self.symbol(by)}}}\left[{self.formula(of)}\right]"

    def open(self, by: str) -> str:
        return rf"\frac{{\partial}}{{\partial {self.symbol(by)}}}\Bigl["

    def close(self) -> str:
        return r"\Bigr]"

    def transpose(self, of: str) -> str:
        return rf"{of if of.endswith(')') else self.brackets(of)}^{{\top}}"

    def array_product(self, factors: list[str], elementwise: bool) -> str:
        return (r" \odot " if elementwise else r" \, ").join(factors)

    def words(self, text: str) -> str:
        return escaped(text)

    def sentence(self, text: str) -> str:
        out = []
        for kind, piece in split_text(text):
            if kind == "text":
                out.append(self.words(piece))
            else:
                out.append(f"${self.symbol(piece) if kind == 'symbol' else self.number(float(piece))}$")
        return "".join(out)

    def shrunk(self, piece: str, share: float) -> str:
        """A formula that can't be cut, made as small as its share of the line."""
        return rf"\resizebox{{{share:.2f}\linewidth}}{{!}}{{$\displaystyle {piece}$}}"

    def note(self, text: str) -> str:
        """A sentence inside a formula."""
        return rf"\text{{\footnotesize ({self.sentence(text)})}}"


def escaped(text: str) -> str:
    r"""Plain words for LaTeX's text mode.

    Example:
        >>> escaped("50 % of σ′ & more")
        "50 \\% of $\\sigma$$'$ \\& more"
    """
    out = []
    for c in text:
        if c in ESCAPES:
            out.append(ESCAPES[c])
        elif c in MATH:
            out.append(f"${MATH[c]}$")
        elif c.isprintable() and (c < "\u0180" or c.isspace()):
            out.append(c)
        else:
            out.append(unicodedata.normalize("NFKD", c).encode("ascii", "ignore").decode() or "?")
    return "".join(out)


def width_of(latex: str) -> float:
    r"""About how many letters wide a formula is printed; indices count two thirds, of a fraction the wider part.

    Example:
        >>> width_of(r"\frac{a}{b + c} \cdot w_{12}") < 8
        True
    """
    text = re.sub(r"\\begin\{gathered\} (.*?) \\end\{gathered\}", _widest, latex)
    text = re.sub(r"\\(?:left|right|Bigl|Bigr|displaystyle|partial|operatorname|text|mathrm)(?![a-zA-Z])", "", text)
    text = re.sub(r"\\(log|tanh)", r"\1", text.replace(r"\cdot", "+").replace(r"\quad", "xx"))
    text = re.sub(r"\\[a-zA-Z]+", lambda m: m.group() if m.group() == r"\frac" else "x", text)
    width, _ = _measured(text, 0)
    return width


def _widest(found: re.Match[str]) -> str:
    """The widest of a stack of lines."""
    return max(found[1].split(r" \\ "), key=width_of)


def _measured(text: str, at: int) -> tuple[float, int]:
    """The width of a group up to its closing brace, and the place behind it."""
    width = 0.0
    scale = 1.0
    while at < len(text) and text[at] != "}":
        if text.startswith(r"\frac{", at):
            above, at = _measured(text, at + 6)
            below, at = _measured(text, at + 1)
            width += max(above, below) + 0.5
            continue
        c = text[at]
        at += 1
        if c in "_^":
            scale = 0.67
        elif c == "{":
            inside, at = _measured(text, at)
            width, scale = width + inside * scale, 1.0
        elif c in "+-=":
            width += 1.8
        elif not c.isspace() and c not in "\\&":
            width, scale = width + scale * (0.6 if c in ".,()" else 1.0), 1.0
    return width, at + 1


def note_width(writer: LatexWriter, text: str) -> float:
    """About how many letters wide a sentence in a formula is, in its smaller type."""
    spell = {"symbol": writer.symbol, "number": lambda digits: writer.number(float(digits))}
    pieces = split_text(text)
    return sum(0.75 * len(piece) if kind == "text" else width_of(spell[kind](piece)) for kind, piece in pieces) + 2


def lines_of(writer: LatexWriter, e: Expression, room: float) -> list[str]:
    """A formula cut into lines of at most `room` letters where its signs allow it."""
    lines: list[str] = []
    used = 0.0
    for piece in writer.pieces(e):
        width = width_of(piece) + 1
        if lines and used + width <= room:
            lines[-1] += f" {piece}"
            used += width
        else:
            lines.append(piece if width <= room else writer.shrunk(piece, min(0.95, room / LINE)))
            used = width
    return lines


def aligned(writer: LatexWriter, formula: b.Formula, room: float = WIDTH) -> str:
    """left &= … \\\\ &= … of an align environment, without its begin and end."""
    left = writer.formula(formula.left)
    room -= 2 + (0.8 * len(formula.label) + 2 if formula.label else 0)
    rows: list[str] = []
    if width_of(left) > room / 3:  # too wide to stand before the others: a line of its own
        first, *others = lines_of(writer, formula.left, room)
        rows = [f"&{first}", *(rf"&\quad {other}" for other in others)]
        left = ""
    room -= width_of(left)
    for i, line in enumerate(formula.lines):
        first, *others = lines_of(writer, line.expression, room)
        rows.append(f"{left if i == 0 else ''} &= {first}".strip())
        rows += [rf"&\quad {other}" for other in others]
        if line.note:
            note = writer.note(line.note)
            fits = width_of((first, *others)[-1]) + 4 + note_width(writer, line.note) < room
            rows[-1:] = [rf"{rows[-1]} \qquad {note}"] if fits else [rows[-1], rf"&\qquad {note}"]
    return " \\\\\n".join(rows)


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
        if isinstance(cell, str):
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
            known = [c if isinstance(c, Expression) else Number(c) for c in others if not isinstance(c, str)]
            notes = " ".join(c for c in others if isinstance(c, str) and c)
            if isinstance(left, Expression):
                lines = [*map(b.Line, known[:-1]), b.Line(known[-1], notes)]
                out.append(b.Formula(left, tuple(lines), str(label)))
            else:
                out.append(b.Text(f"{label}: {{={others[-1 if not notes else -2]!r}}}", "text"))
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
        from .drawing import to_tikz

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


def to_latex(derivation: Derivation, *, digits: int = 6, depth: int | None = None, checks: bool = True) -> str:
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
    layout = Layout(digits)
    body = layout.writer.sentence(page.lead) + "\n\n" + "\n".join(map(layout.section, page.sections))
    return document(body, layout.writer.words(page.title))
