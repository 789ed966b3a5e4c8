"""A derivation as people use it: printed for the terminal, LaTeX, MathML, HTML and Markdown, and as JSON.

Before it: `tree` and the renderers. After it: the rules make derivations, `explainer` hands them out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..errors import InputError
from ..expressions import Equation, from_dict, plain_number, to_dict
from ..symbols import parse
from . import tree
from .render import blocks as b
from .render.display import bundle
from .render.html import to_html
from .render.latex import document, to_latex
from .render.markdown import to_markdown
from .render.mathml import to_mathml
from .render.text import paths_to_text, to_text
from .sentences import Text
from .tree import Check, Equal, Level, Matrix, Remark, Step, Stored, Term, sum_of

FORMAT, VERSION = "pellucid-derivation", 1


class Paths(tree.Paths):
    """A derivative as a sum over paths, to be printed and stored; see `tree.Paths`."""

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
        return paths_to_text(self, **options)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """How a notebook shows it."""
        return bundle(self.to_text(), b.paths_blocks(self))

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        plural = "" if self.count == 1 else "s"
        return f"<Paths: {self.count} path{plural}, positive {self.positive!r}, negative {self.negative!r}>"


@dataclass(frozen=True, repr=False)
class Derivation(Level):
    """Where one number comes from, to be printed and stored; see `tree.Level` for its fields."""

    def paths(self, top: int = 5) -> Paths:
        """The derivative as a sum over all paths to the loss, with the `top` largest.

        Raises:
            InputError: this is no derivative of one sample, or it was read from JSON.
        """
        found: Any = self.source.paths(self, top)
        return found

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
        return to_text(self, **options)

    def to_markdown(self, **options: Any) -> str:
        """Markdown with LaTeX formulas. Options: `digits`, `depth`, `checks`."""
        return to_markdown(self, **options)

    def to_latex(self, *, whole: bool = False, **options: Any) -> str:
        """LaTeX: a fragment, or a whole document that compiles. Options: `digits`, `depth`, `checks`."""
        fragment = to_latex(self, **options)
        return document(fragment) if whole else fragment

    def to_mathml(self, **options: Any) -> str:
        """The formula of this level as one MathML element. Option: `digits`."""
        return to_mathml(self, **options)

    def to_html(self, **options: Any) -> str:
        """A page without scripts. Options: `digits`, `depth`, `checks`; `whole=False` for one element."""
        return to_html(self, **options)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """How a notebook shows it."""
        return bundle(self.to_text(), [b.entry(self)])

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return f"<Derivation {self.address} = {self.value!r}>"


def _written(d: Level, depth: int, checks: bool) -> dict[str, Any]:
    """One derivation as JSON values; what is empty is left out."""
    out: dict[str, Any] = {"address": str(d.address), "title": str(d.title), "value": plain_number(d.value)}
    if d.general:
        out["general"] = _equation(d.general)
    if d.steps:
        out["steps"] = [{"note": str(s.note), "expression": to_dict(s.expression)} for s in d.steps]
    if d.terms:
        out["terms"] = [_formula(t, label=t.label, count=t.count, note=str(t.note)) for t in d.terms]
    elif d.indexed is not None and d.numbers is not None:
        out["indexed"], out["numbers"] = to_dict(d.indexed), to_dict(d.numbers)
    if d.equal:
        out["equal"] = [_formula(e, name=e.name) for e in d.equal]
    if d.remarks:
        out["remarks"] = [{"kind": r.kind, "text": str(r.text)} for r in d.remarks]
    if d.matrix:
        shapes = {str(address): list(shape) for address, shape in d.matrix.shapes}
        out["matrix"] = {"equation": _equation(d.matrix.equation), "shapes": shapes}
    if checks and d.checks:
        out["checks"] = [
            {
                "method": c.method,
                "value": plain_number(c.value),
                "relative": plain_number(c.relative),
                "ulps": plain_number(c.ulps),
                "note": str(c.note),
            }
            for c in d.checks
        ]
    if d.parts:
        out["parts"] = list(map(str, d.parts))
    if depth > 0 and d.children:
        out["children"] = [_written(child, depth - 1, False) for child in d.children]
    return out


def _formula(record: Any, **more: Any) -> dict[str, Any]:
    value = {"value": plain_number(record.value)}
    return more | {"indexed": to_dict(record.indexed), "numbers": to_dict(record.numbers)} | value


def _equation(equation: Equation) -> dict[str, Any]:
    return {"left": to_dict(equation.left), "right": to_dict(equation.right)}


def _read(stored: dict[str, Any]) -> Derivation:
    """The derivation of JSON values."""

    def equation(found: dict[str, Any]) -> Equation:
        return Equation(from_dict(found["left"]), from_dict(found["right"]))

    def formula(found: dict[str, Any]) -> dict[str, Any]:
        read: dict[str, Any] = {key: from_dict(found[key]) for key in ("indexed", "numbers")}
        return found | read | {"value": float(found["value"])}

    terms = tuple(Term(**formula(t | {"note": sentence(t["note"])})) for t in stored.get("terms", ()))
    matrix = stored.get("matrix")
    children = tuple(map(_read, stored.get("children", ())))
    checks = tuple(
        Check(c["method"], float(c["value"]), float(c["relative"]), float(c["ulps"]), sentence(c["note"]))
        for c in stored.get("checks", ())
    )
    d = Derivation(
        parse(stored["address"]),
        sentence(stored["title"]),
        float(stored["value"]),
        general=equation(stored["general"]) if "general" in stored else None,
        steps=tuple(Step(sentence(s["note"]), from_dict(s["expression"])) for s in stored.get("steps", ())),
        indexed=from_dict(stored["indexed"]) if "indexed" in stored else None,
        numbers=from_dict(stored["numbers"]) if "numbers" in stored else None,
        terms=terms,
        equal=tuple(Equal(**formula(e)) for e in stored.get("equal", ())),
        remarks=tuple(Remark(r["kind"], sentence(r["text"])) for r in stored.get("remarks", ())),
        matrix=Matrix(equation(matrix["equation"]), tuple((parse(a), tuple(s)) for a, s in matrix["shapes"].items()))
        if matrix
        else None,
        parts=tuple(map(parse, stored.get("parts", ()))),
        depth=_levels(children),
        source=Stored(children, checks),
    )
    return replace(d, indexed=sum_of(terms, "indexed"), numbers=sum_of(terms, "numbers")) if terms else d


def sentence(text: str) -> str | Text:
    """A stored sentence; words alone as they are."""
    return Text.read(text) if "{" in text else text


def _levels(children: tuple[Derivation, ...]) -> int:
    return 1 + max(child.depth for child in children) if children else 0
