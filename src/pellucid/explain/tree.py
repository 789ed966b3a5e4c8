"""An explanation as data: the records of a derivation tree, and their JSON form.

Before it: `rules` fills the records from a network's numbers. After it: the renderers print them and nothing
else, so that all of them show the same numbers.

    Derivation
      address, title, value     what it is: "dC0/dw[2][1,2]", one sentence, one number
      general                   the formula in letters, an Equation; None for what is simply given
      steps                     further equal forms on the way, each with a note: a whole sum differentiated
      indexed, numbers          the formula with this quantity's indices, and with numbers in it:
                                evaluate(numbers) is value, up to float64's rounding
      terms                     where the formula is a long sum: its terms, the largest first; the last may be
                                the exact rest (count > 1). They add up to value
      equal                     other formulas that give the same number: δ = a − y for the softmax's sum
      remarks                   what a reader should notice: why it is zero, which term dominates
      matrix                    the same for the whole layer at once, with shapes
      parts                     the addresses from which it is made; `children` derives each of them
      checks                    the same number found in other ways, computed when it is asked for
      paths(top)                as a sum over the paths to the loss

Formulas are trees of `pellucid.expressions` whose symbols are addresses. Titles, notes and remarks are plain
text in which {w[2][1,2]} stands for a symbol and {=0.5} for a number, so that every renderer spells both its
own way (`split_text` cuts them out).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

from ..errors import InputError
from ..expressions import Equation, Expression, Rest, Sum, from_dict, plain_number, to_dict

FORMAT, VERSION = "pellucid-derivation", 1


@dataclass(frozen=True)
class Step:
    """An equal form on the way from the general formula to the number."""

    note: str
    expression: Expression


@dataclass(frozen=True)
class Term:
    """One term of a long sum, or, with count > 1, the rest of it.

    Attributes:
        label: which term: "j = 3", "bias", "sample 7".
        value: its number; for a rest the sum of `count` terms.
        note: why it is what it is, where that is worth a word ("zero: g′ = 0").
    """

    label: str
    indexed: Expression
    numbers: Expression
    value: float
    count: int = 1
    note: str = ""


@dataclass(frozen=True)
class Equal:
    """Another formula for the same number."""

    name: str
    indexed: Expression
    numbers: Expression
    value: float


@dataclass(frozen=True)
class Remark:
    """One sentence that a reader should see. `kind` is a short name by which tests and pages tell them apart."""

    kind: str
    text: str


@dataclass(frozen=True)
class Matrix:
    """The formula for a whole layer, and the shapes of its arrays by address."""

    equation: Equation
    shapes: tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Check:
    """The same number found in another way.

    Attributes:
        method: "central differences", "complex step", "automatic differentiation", …
        value: what that way gives.
        relative: |value − derivation's| / |derivation's| (absolute where the derivation's is 0).
        ulps: the distance in units in the last place of the derivation's value.
        note: the step that was used, or why the two differ (a kink).
    """

    method: str
    value: float
    relative: float
    ulps: float
    note: str = ""


@dataclass(frozen=True)
class Path:
    """One path from a quantity to the loss: the nodes (l, j) that it passes, and its product."""

    nodes: tuple[tuple[int, int], ...]
    indexed: Expression
    numbers: Expression
    value: float


@dataclass(frozen=True)
class Paths:
    """A derivative as a sum over paths.

    Attributes:
        count: how many paths there are; nonzero: how many of them are not 0.
        top: the largest by size.
        rest: what all the others add up to.
        positive, negative: the sums of the positive and of the negative paths; their sum is the derivative.
    """

    count: int
    nonzero: int
    top: tuple[Path, ...]
    rest: float
    positive: float
    negative: float

    def to_dict(self) -> dict[str, Any]:
        """JSON values; the counts as text, for they may be larger than what JSON's readers hold exactly."""
        return {
            "count": str(self.count),
            "nonzero": str(self.nonzero),
            "top": [_formula(path, nodes=[list(node) for node in path.nodes]) for path in self.top],
            **{name: plain_number(getattr(self, name)) for name in ("rest", "positive", "negative")},
        }

    def to_text(self, **options: Any) -> str:
        """A table for a terminal. Options: `digits`, `ascii`."""
        from .render.text import paths_to_text

        return paths_to_text(self, **options)

    def __str__(self) -> str:
        return self.to_text()


class Source(Protocol):
    """What a derivation asks for the things that are made on demand."""

    def children(self, derivation: Derivation) -> tuple[Derivation, ...]:
        """A derivation of each part."""
        ...

    def checks(self, derivation: Derivation) -> tuple[Check, ...]:
        """The number found in other ways."""
        ...

    def paths(self, derivation: Derivation, top: int) -> Paths:
        """The sum over paths."""
        ...


@dataclass(frozen=True)
class Stored:
    """The source of a derivation that was read from JSON: what was written, and no more."""

    known: tuple[Derivation, ...] = ()
    found: tuple[Check, ...] = ()

    def children(self, derivation: Derivation) -> tuple[Derivation, ...]:
        """The children that were written."""
        return self.known

    def checks(self, derivation: Derivation) -> tuple[Check, ...]:
        """The checks that were written."""
        return self.found

    def paths(self, derivation: Derivation, top: int) -> Paths:
        """Not stored."""
        raise InputError(derivation.address, "its paths were not stored", None, "Explain it anew from the network.")


@dataclass(frozen=True, repr=False)
class Derivation:
    """Where one number comes from. The module's docstring says what each field holds."""

    address: str
    title: str
    value: float
    general: Equation | None = None
    steps: tuple[Step, ...] = ()
    indexed: Expression | None = None
    numbers: Expression | None = None
    terms: tuple[Term, ...] = ()
    equal: tuple[Equal, ...] = ()
    remarks: tuple[Remark, ...] = ()
    matrix: Matrix | None = None
    parts: tuple[str, ...] = ()
    depth: int = 1  # how many levels of children the renderers and to_dict show unless they are told
    source: Source = field(default=Stored(), compare=False, repr=False)

    @cached_property
    def children(self) -> tuple[Derivation, ...]:
        """The derivations of the parts, made when they are first asked for."""
        return self.source.children(self)

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """The same number found in other ways, made when they are first asked for."""
        return self.source.checks(self)

    def paths(self, top: int = 5) -> Paths:
        """The derivative as a sum over all paths to the loss, with the `top` largest.

        Raises:
            InputError: this is no derivative of one sample, or it was read from JSON.
        """
        return self.source.paths(self, top)

    def walk(self, depth: int | None = None) -> Iterator[tuple[int, Derivation]]:
        """Itself and those below it, each with its level, down to `depth` levels of children."""
        depth = self.depth if depth is None else depth
        yield 0, self
        if depth > 0:
            for child in self.children:
                for level, below in child.walk(depth - 1):
                    yield level + 1, below

    def to_dict(self, depth: int | None = None, *, checks: bool = True) -> dict[str, Any]:
        """JSON values, checked by `derivation.schema.json`, with `depth` levels of children."""
        depth = self.depth if depth is None else depth
        return {"format": FORMAT, "version": VERSION, **_written(self, depth, checks)}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Derivation:
        """The tree that `to_dict` wrote; its children are those that were written.

        Raises:
            InputError: something else, or a newer version.
        """
        if stored.get("format") != FORMAT or stored.get("version") != VERSION:
            came = f"{stored.get('format')} {stored.get('version')}"
            raise InputError("derivation", f"expected {FORMAT} {VERSION}", came)
        return _read(stored)

    def to_text(self, **options: Any) -> str:
        """For a terminal. Options: `width`, `digits`, `ascii`, `depth`, `checks`; see `render.text`."""
        from .render.text import to_text

        return to_text(self, **options)

    def to_markdown(self, **options: Any) -> str:
        """Markdown with LaTeX formulas. Options: `digits`, `depth`, `checks`."""
        from .render.markdown import to_markdown

        return to_markdown(self, **options)

    def to_latex(self, *, whole: bool = False, **options: Any) -> str:
        """LaTeX: a fragment, or a whole document that compiles. Options: `digits`, `depth`, `checks`."""
        from .render.latex import document, to_latex

        fragment = to_latex(self, **options)
        return document(fragment) if whole else fragment

    def to_mathml(self, **options: Any) -> str:
        """The formula of this level as one MathML element. Option: `digits`."""
        from .render.mathml import to_mathml

        return to_mathml(self, **options)

    def to_html(self, **options: Any) -> str:
        """A page without scripts. Options: `digits`, `depth`, `checks`; `whole=False` for one element."""
        from .render.html import to_html

        return to_html(self, **options)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """How a notebook shows it."""
        return {
            "text/plain": self.to_text(),
            "text/html": self.to_html(whole=False),
            "text/markdown": self.to_markdown(),
            "text/latex": self.to_latex(),
        }

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return f"<Derivation {self.address} = {self.value!r}>"


def sum_of(terms: tuple[Term, ...], which: str) -> Expression:
    """The terms as one sum, in their `indexed` or `numbers` form."""
    found = tuple(getattr(term, which) for term in terms)
    return found[0] if len(found) == 1 else Sum(found)


TEXT = re.compile(r"\{(=)?([^{}]+)\}")


def split_text(text: str) -> Iterator[tuple[str, str]]:
    """The pieces of a title, note or remark: ("text", …), ("symbol", address) and ("number", digits).

    Example:
        >>> list(split_text("{a[1][3]} is {=0.5}."))
        [('symbol', 'a[1][3]'), ('text', ' is '), ('number', '0.5'), ('text', '.')]
    """
    at = 0
    for found in TEXT.finditer(text):
        if found.start() > at:
            yield "text", text[at : found.start()]
        yield ("number" if found[1] else "symbol"), found[2]
        at = found.end()
    if at < len(text):
        yield "text", text[at:]


def _written(d: Derivation, depth: int, checks: bool) -> dict[str, Any]:
    """One derivation as JSON values; what is empty is left out."""
    out: dict[str, Any] = {"address": d.address, "title": d.title, "value": plain_number(d.value)}
    if d.general:
        out["general"] = _equation(d.general)
    if d.steps:
        out["steps"] = [{"note": s.note, "expression": to_dict(s.expression)} for s in d.steps]
    if d.terms:
        out["terms"] = [_formula(t, label=t.label, count=t.count, note=t.note) for t in d.terms]
    elif d.indexed is not None and d.numbers is not None:
        out["indexed"], out["numbers"] = to_dict(d.indexed), to_dict(d.numbers)
    if d.equal:
        out["equal"] = [_formula(e, name=e.name) for e in d.equal]
    if d.remarks:
        out["remarks"] = [{"kind": r.kind, "text": r.text} for r in d.remarks]
    if d.matrix:
        shapes = {address: list(shape) for address, shape in d.matrix.shapes}
        out["matrix"] = {"equation": _equation(d.matrix.equation), "shapes": shapes}
    if checks and d.checks:
        out["checks"] = [
            {
                "method": c.method,
                "value": plain_number(c.value),
                "relative": plain_number(c.relative),
                "ulps": plain_number(c.ulps),
                "note": c.note,
            }
            for c in d.checks
        ]
    if d.parts:
        out["parts"] = list(d.parts)
    if depth > 0 and d.children:
        out["children"] = [_written(child, depth - 1, False) for child in d.children]
    return out


def _formula(record: Any, **more: Any) -> dict[str, Any]:
    value = {"value": plain_number(record.value)}
    return more | {"indexed": to_dict(record.indexed), "numbers": to_dict(record.numbers)} | value


def _equation(equation: Equation) -> dict[str, Any]:
    return {"left": to_dict(equation.left), "right": to_dict(equation.right)}


def _read(stored: dict[str, Any]) -> Derivation:
    def equation(found: dict[str, Any]) -> Equation:
        return Equation(from_dict(found["left"]), from_dict(found["right"]))

    def formula(found: dict[str, Any]) -> dict[str, Any]:
        read = {key: from_dict(found[key]) for key in ("indexed", "numbers")}
        return found | read | {"value": float(found["value"])}

    terms = tuple(Term(**formula(t)) for t in stored.get("terms", ()))
    matrix = stored.get("matrix")
    children = tuple(map(_read, stored.get("children", ())))
    checks = tuple(
        Check(c["method"], float(c["value"]), float(c["relative"]), float(c["ulps"]), c["note"])
        for c in stored.get("checks", ())
    )
    d = Derivation(
        stored["address"],
        stored["title"],
        float(stored["value"]),
        general=equation(stored["general"]) if "general" in stored else None,
        steps=tuple(Step(s["note"], from_dict(s["expression"])) for s in stored.get("steps", ())),
        indexed=from_dict(stored["indexed"]) if "indexed" in stored else None,
        numbers=from_dict(stored["numbers"]) if "numbers" in stored else None,
        terms=terms,
        equal=tuple(Equal(**formula(e)) for e in stored.get("equal", ())),
        remarks=tuple(Remark(**r) for r in stored.get("remarks", ())),
        matrix=Matrix(equation(matrix["equation"]), tuple((a, tuple(s)) for a, s in matrix["shapes"].items()))
        if matrix
        else None,
        parts=tuple(stored.get("parts", ())),
        depth=_levels(children),
        source=Stored(children, checks),
    )
    return replace(d, indexed=sum_of(terms, "indexed"), numbers=sum_of(terms, "numbers")) if terms else d


def _levels(children: tuple[Derivation, ...]) -> int:
    return 1 + max(child.depth for child in children) if children else 0


__all__ = [
    "FORMAT", "VERSION", "Check", "Derivation", "Equal", "Matrix", "Path", "Paths", "Remark", "Rest", "Source", "Step",
    "Stored", "Term", "split_text", "sum_of",
]  # fmt: skip
