"""Formulas in MathML, which browsers show without a script; every symbol carries its address.

Before it: `base.Writer`. After it: `html`, which puts the formulas into pages.
"""

from __future__ import annotations

import re
from typing import Any
from xml.sax.saxutils import escape

from ...addresses import Address
from ...expressions import Cases, Expression, Quotient, Rest
from ..sentences import Text, split_text
from ..tree import Level
from .base import digits_of, named
from .spelling import MathWriter

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
NAMED = {"Phi": "Φ"}


def sign(text: str) -> str:
    """An operator."""
    return f"<mo>{text}</mo>"


def row(*parts: str) -> str:
    """Several elements as one."""
    return parts[0] if len(parts) == 1 else f"<mrow>{''.join(parts)}</mrow>"


class MathmlWriter(MathWriter):
    """Formulas as MathML elements, without the <math> around them.

    Example:
        >>> from pellucid.expressions import Symbol
        >>> MathmlWriter().formula(Symbol("eta") / 2)
        '<mfrac><mi data-address="eta">η</mi><mn>2</mn></mfrac>'
    """

    # At the beginning of a piece a browser takes them for prefixes, without the space behind them.
    plus, minus, times = (f'<mo form="infix" lspace="0" rspace="0.25em">{c}</mo>' for c in "+−·")

    def join(self, parts: list[str]) -> str:
        return "".join(parts)

    def number(self, value: Any) -> str:
        mantissa, exponent = digits_of(value, self.digits)
        size = mantissa.lstrip("-")
        spelled = {"inf": "<mi>∞</mi>", "nan": "<mi>NaN</mi>"}.get(size, f"<mn>{size}</mn>")
        if exponent is not None:
            power = f"<mn>{exponent}</mn>" if exponent >= 0 else row(sign("−"), f"<mn>{-exponent}</mn>")
            spelled += f"{sign('·')}<msup><mn>10</mn>{power}</msup>"
        parts = (sign("−"), spelled) if mantissa.startswith("-") else (spelled,)
        return f"<mrow>{''.join(parts)}</mrow>" if len(parts) > 1 or exponent is not None else spelled

    def symbol(self, name: str | Address) -> str:
        return named(name).mathml()

    def brackets(self, inside: str) -> str:
        fixed = "" if re.search("<m(frac|table|under|sqrt)", inside) else ' stretchy="false"'
        return row(f"<mo{fixed}>(</mo>", inside, f"<mo{fixed}>)</mo>")

    def sum(self, terms: list[tuple[bool, str]]) -> str:
        parts = []
        for i, (subtracted, term) in enumerate(terms):
            if subtracted or i:
                parts.append(sign("−") if subtracted else sign("+"))
            parts.append(term)
        return row(*parts)

    def product(self, factors: list[str]) -> str:
        return f"<mrow>{sign('·').join(factors)}</mrow>"

    def quotient(self, e: Quotient) -> str:
        return f"<mfrac>{row(self.formula(e.numerator))}{row(self.formula(e.denominator))}</mfrac>"

    def power(self, base: str, exponent: Expression) -> str:
        inside = base.startswith("<mrow data-address") and ("<msub" in base or "<msup" in base)
        closed = base.startswith(("<mrow><mo", "<mi", "<mn")) and not inside
        return f"<msup>{base if closed else self.brackets(base)}{self.formula(exponent)}</msup>"

    def function(self, name: str, of: Expression) -> str:
        inside = self.formula(of)
        match name:
            case "exp":
                return f"<msup><mi>e</mi>{inside}</msup>"
            case "abs":
                return row(sign("|"), inside, sign("|"))
            case "sqrt":
                return f"<msqrt>{inside}</msqrt>"
        return row(f"<mi>{NAMED.get(name, name)}</mi>", sign("&#x2061;"), self.brackets(inside))

    def cases(self, e: Cases) -> str:
        words = {"if": "<mtext>if&#xa0;</mtext>", "else": "<mtext>otherwise</mtext>"}
        condition = row(words["if"], self.formula(e.condition), sign("&gt;"), "<mn>0</mn>")
        rows = ((self.formula(e.positive), condition), (self.formula(e.otherwise), words["else"]))
        cells = "".join(f"<mtr><mtd>{value}</mtd><mtd>{when}</mtd></mtr>" for value, when in rows)
        return row(sign("{"), f'<mtable class="cases">{cells}</mtable>')

    def sum_over(self, index: str, body: str) -> str:
        letters = "<mo>,</mo>".join(f"<mi>{letter}</mi>" for letter in index.split(","))
        return row(
            f"<munder><mo>∑</mo>{row(letters) if ',' not in index else f'<mrow>{letters}</mrow>'}</munder>", body
        )

    def rest(self, e: Rest) -> str:
        value = "" if e.value is None else f"<mo>:</mo>{self.number(e.value)}"
        return row("<mo>⋯</mo>", f"<mtext>&#xa0;({e.count} more</mtext>", value, "<mtext>)</mtext>")

    def open(self, by: str) -> str:
        below = row(sign("∂"), self.symbol(by))
        return f'<mfrac><mo>∂</mo>{below}</mfrac><mo stretchy="false">[</mo>'

    def close(self) -> str:
        return '<mo stretchy="false">]</mo>'

    def differential(self, by: str, of: Expression) -> str:
        return row(self.open(by), self.formula(of), self.close())

    def transpose(self, of: str) -> str:
        return f"<msup>{of if of.startswith('<mi') else self.brackets(of)}<mi>T</mi></msup>"

    def array_product(self, factors: list[str], elementwise: bool) -> str:
        between = sign("⊙") if elementwise else '<mspace width="0.2em"></mspace>'
        return f"<mrow>{between.join(factors)}</mrow>"

    def words(self, text: str) -> str:
        return escape(text)

    def inline(self, inside: str, large: bool = False) -> str:
        """A formula as a piece of a line; fractions in full size where it stands in a line of its own."""
        return f'<math displaystyle="true">{inside}</math>' if large else f"<math>{inside}</math>"

    def sentence(self, text: str | Text) -> str:
        out = []
        for kind, piece in split_text(text):
            if kind == "text":
                out.append(self.words(piece))
            else:
                out.append(self.inline(self.symbol(piece) if kind == "symbol" else self.number(float(piece))))
        return "".join(out)


def to_mathml(derivation: Level, *, digits: int = 6) -> str:
    """The formula of one level as one <math> element: symbol = indices = numbers = value."""
    writer = MathmlWriter(digits)
    forms = [writer.symbol(derivation.address)]
    for form in (derivation.indexed, derivation.numbers):
        if form is not None:
            forms.append(writer.formula(form))
    value = writer.number(derivation.value)
    if forms[-1] != value:
        forms.append(value)
    return f'<math xmlns="{NAMESPACE}" display="block">{row(sign("=").join(forms))}</math>'
