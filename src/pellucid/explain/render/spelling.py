"""What the writers of mathematics (LaTeX, MathML) share: where a long formula may be cut.

Before it: `base.Writer`. After it: `latex` and `mathml`.
"""

from __future__ import annotations

from ...addresses import Address
from ...expressions import Differential, Expression, Product, Sum
from .base import PRODUCT, Writer


class MathWriter(Writer):
    """A writer whose formulas can be cut into pieces at the signs of their outermost sum or product."""

    plus: str
    minus: str
    times: str

    def open(self, by: str | Address) -> str:
        """The beginning of ∂/∂by […]."""
        raise NotImplementedError

    def close(self) -> str:
        """Its end."""
        raise NotImplementedError

    def join(self, parts: list[str]) -> str:
        """Pieces as one formula."""
        return " ".join(parts)

    def pieces(self, e: Expression) -> list[str]:
        """The formula in pieces between which a line may end; each begins with its sign.

        Example:
            >>> from pellucid.explain.render.latex_formulas import LatexWriter
            >>> from pellucid.expressions import Symbol
            >>> LatexWriter().pieces(Symbol("a") - Symbol("b"))
            ['a', '- b']
        """
        match e:
            case Sum(terms):
                signed = [self._term(term, first=not i) for i, term in enumerate(terms)]
                others = (self.join([self.minus if less else self.plus, text]) for less, text in signed[1:])
                return [self.sum(signed[:1]), *others]
            case Product(factors):
                spelled = [self.formula(f, PRODUCT if i else self._first(f)) for i, f in enumerate(factors)]
                return [spelled[0], *(self.join([self.times, text]) for text in spelled[1:])]
            case Differential(Sum() as of, by):
                inside = self.pieces(of)
                inside[0] = self.join([self.open(by), inside[0]])
                inside[-1] = self.join([inside[-1], self.close()])
                return inside
        return [self.formula(e)]
