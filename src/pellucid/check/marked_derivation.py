"""The derivation of one wrong number, with the factor or the terms marked that the mistake concerns.

Before it: the explanation tree, and where a mistake sits. After it: `layout` shows the marks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..addresses import Derivative, Quantity
from ..explain.derivation import Derivation
from ..explain.explainer import Explainer
from ..explain.render.text import TextWriter
from ..expressions import Product
from ..records import Records
from .explanations import Mistake
from .partial_explanations import MistakeStep
from .problem import Problem

Piece = tuple[str, bool]  # text, and whether it is marked


@dataclass(frozen=True)
class MarkedDerivation:
    """Lines of a derivation; the marked pieces are what the mistake gets wrong.

    Attributes:
        address: the number that is derived.
    """

    address: str
    lines: tuple[tuple[Piece, ...], ...]


def of_loss(sample: int | None, name: str, l: int, *nodes: int) -> Derivative:
    """∂C_i by an entry of layer l; by its mean where there is no sample."""
    return Derivative(Quantity("C", sample=sample), Quantity(name, l, nodes))


def marked(
    problem: Problem, mistake: Mistake, step: MistakeStep, explainer: Explainer | None = None
) -> MarkedDerivation:
    """The derivation of the number that a step makes wrong most, with the wrong part marked."""
    explainer = explainer or Explainer(Records(problem.architecture, problem.parameters, problem.x, problem.y))
    l, (i, j, k) = step.l, place(problem, step.l)
    group = mistake.group
    if group in ("bias", "reduction") or (step.stage in ("w", "b") and group == "constant"):
        of_bias = step.stage in ("b", "Rb")
        return reduced(explainer.explain(of_loss(None, "b", l, j) if of_bias else of_loss(None, "w", l, j, k)))
    if group == "penalty":
        return penalised(problem, step, j, k)
    if step.stage == "dC_da" and l < problem.L:
        j = int(np.argmax(abs(problem.dC_da(l)[i])))
        return summed(explainer.explain(of_loss(i, "a", l, j)), step)
    z = Quantity("z", l, (j,), i)
    parts = {"delta": Derivative(Quantity("a", l, (j,), i), z), "w": Derivative(z, Quantity("w", l, (j, k)))}
    d = explainer.explain(of_loss(i, "w", l, j, k))
    part = parts.get(step.stage) or of_loss(i, "a", l, j)
    return factored(d, part, step.stage == "delta" and group in ("chain", "loss"))


def place(problem: Problem, l: int) -> tuple[int, int, int]:
    """The sample, node and node below where ∂C_i/∂w of layer l is largest."""
    size = abs(problem.delta(l)) * abs(problem.a(l - 1)).max(axis=1, keepdims=True)
    i, j = np.unravel_index(int(np.argmax(size)), size.shape)
    return int(i), int(j), int(np.argmax(abs(problem.a(l - 1)[i])))


def factored(d: Derivation, part: Derivative, all_: bool = False) -> MarkedDerivation:
    """A product: its formula and its numbers, one factor marked."""
    writer = TextWriter()
    name = writer.symbol(d.address)
    lines: list[tuple[Piece, ...]] = [((f"{name} = {writer.number(d.value)}", False),)]
    for which in ("indexed", "numbers"):
        e = getattr(d, which)
        if isinstance(e, Product) and part in d.parts and len(e.factors) == len(d.parts):
            at = d.parts.index(part)
            pieces: list[Piece] = [(f"{name} = ", False)]
            for n, factor in enumerate(e.factors):
                pieces += [(" · ", False)] if n else []
                pieces.append((writer.formula(factor, 2), n == at or all_))
            lines.append(tuple(pieces))
        elif e is not None:
            lines.append(((f"{name} = ", False), (writer.formula(e), True)))
    return MarkedDerivation(str(d.address), tuple(lines))


def summed(d: Derivation, step: MistakeStep) -> MarkedDerivation:
    """A sum over paths: term by term; marked what the mistake leaves out or changes."""
    writer = TextWriter()
    lines: list[tuple[Piece, ...]] = [((f"{writer.symbol(d.address)} = {writer.number(d.value)}", False),)]
    if d.general:
        lines.append(((writer.equation(d.general), False),))
    kept = step.detail.removeprefix("only ") if step.slug == "one-path-only" else None
    if step.slug == "overwritten-instead-of-added":
        kept = d.terms[-1].label if d.terms else None
    for term in d.terms:
        row = f"{writer.formula(term.indexed)} = {writer.formula(term.numbers)} = {writer.number(term.value)}"
        lines.append(((f"{term.label}  ", False), (row, term.label != kept)))
    if not d.terms and d.indexed is not None and d.numbers is not None:
        lines.append(((writer.formula(d.indexed), True), (f" = {writer.formula(d.numbers)}", False)))
    return MarkedDerivation(str(d.address), tuple(lines))


def reduced(d: Derivation) -> MarkedDerivation:
    """A mean over the samples: the formula with its 1/n and its sum marked, and the samples' shares."""
    writer = TextWriter()
    lines: list[tuple[Piece, ...]] = [((f"{writer.symbol(d.address)} = {writer.number(d.value)}", False),)]
    if d.general:
        left = writer.formula(d.general.left)
        lines.append(((f"{left} = ", False), (writer.formula(d.general.right), True)))
    for term in d.terms[:4]:
        row = f"{term.label}  {writer.formula(term.indexed)} = {writer.formula(term.numbers)}"
        lines.append(((f"{row} = {writer.number(term.value)}", False),))
    return MarkedDerivation(str(d.address), tuple(lines))


def penalised(problem: Problem, step: MistakeStep, j: int, k: int) -> MarkedDerivation:
    """∂C/∂w + ∂R/∂w with the second marked."""
    writer, l = TextWriter(), step.l
    if step.stage == "Rb":
        name = of_loss(None, "b", l, j)
        data, extra, wrong = problem.gradients[l - 1]["b"][j], 0.0, "∂R/∂b = 0"
    else:
        name = of_loss(None, "w", l, j, k)
        extra = float(problem.dR_dw(l)[j, k])
        data, wrong = problem.gradients[l - 1]["w"][j, k] - extra, "∂R/∂w = 2 l2 w + l1 sign(w)"
    said = writer.symbol(name)
    return MarkedDerivation(
        str(name),
        (
            ((f"{said} + ", False), (wrong, True)),
            ((f"{writer.number(float(data))} + ", False), (writer.number(extra), True)),
        ),
    )
