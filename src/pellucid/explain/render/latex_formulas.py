r"""Formulas in LaTeX, cut into lines that fit a page.

Before it: `spelling`, `blocks`. After it: `latex` and `markdown`, which put the formulas into pages.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from ...addresses import Address
from ...expressions import Cases, Expression, Quotient, Rest
from ..sentences import Text, split_text
from . import blocks as b
from .base import digits_of, named
from .spelling import MathWriter

WIDTH = 78  # letters of a formula that fit a line, as `width_of` counts them …
LINE = 86  # … and of the whole line
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
        >>> from pellucid.addresses import Quantity
        >>> from pellucid.expressions import Symbol
        >>> LatexWriter(3).formula(Symbol(Quantity("w", 2, (1, 2))) ** 2 / 3)
        '\\\\frac{\\\\left(w_{1,2}^{(2)}\\\\right)^{2}}{3}'
    """

    plus, minus, times = "+", "-", r"\cdot"

    def number(self, value: Any) -> str:
        mantissa, exponent = digits_of(value, self.digits)
        mantissa = mantissa.replace("inf", r"\infty").replace("nan", r"\mathrm{NaN}")
        return mantissa if exponent is None else rf"{mantissa} \cdot 10^{{{exponent}}}"

    def symbol(self, name: str | Address) -> str:
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

    def sentence(self, text: str | Text) -> str:
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

    def note(self, text: str | Text) -> str:
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
        >>> width_of(r"\frac{a}{b + c} + w_{12}") < 9
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


def note_width(writer: LatexWriter, text: str | Text) -> float:
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
