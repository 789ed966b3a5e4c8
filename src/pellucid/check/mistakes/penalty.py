"""Mistakes in the penalty R = l2 Σ w² + l1 Σ |w|, whose derivative is 2 l2 w + l1 sign(w)."""

from __future__ import annotations

import numpy as np

from ...architecture import Penalty
from .base import Form, KnownMistake


def where_penalised(forms):
    """What `forms(problem, l)` gives where the gradient has a penalty in it."""
    return lambda p, l: forms(p, l) if p.reduction != "per_sample" and p.architecture.penalty.any else ()


def left_out(p, l):
    """0 in place of ∂R/∂w."""
    yield Form("R", lambda s: np.zeros_like(s.right_R()))


def constant(p, l):
    """Another strength than the network's."""
    if p.reduction == "per_sample":
        return
    l2, l1 = Penalty(l2=p.architecture.penalty.l2), Penalty(l1=p.architecture.penalty.l1)
    w = p.w(l)
    if l2.any or not l1.any:
        yield Form("R", lambda s: (s.part(l1.dR_dw(w)), s.part(2 * w)), free="l2")
    if l1.any:
        yield Form("R", lambda s: (s.part(l2.dR_dw(w)), s.part(np.sign(w))), free="l1")


def on_bias(p, l):
    """The penalty's derivative in a bias."""
    if p.b(l) is not None:
        yield Form("Rb", lambda s: p.architecture.penalty.dR_dw(p.b(l)))


ROWS = (
    KnownMistake(
        "penalty-missing",
        "penalty",
        "the penalty left out",
        "The penalty's derivative is not added to the gradient.",
        "Add 2 l2 w + l1 sign(w) to ∂C/∂w.",
        "The objective is C + R; R = l2 Σ w² + l1 Σ |w| has a derivative of its own.",
        where_penalised(left_out),
    ),
    KnownMistake(
        "penalty-on-bias",
        "penalty",
        "the penalty added to the biases too",
        "The biases are penalised; R counts weights only.",
        "Leave the penalty out of ∂C/∂b.",
        "R = l2 Σ w² + l1 Σ |w| has no b in it, so ∂R/∂b = 0.",
        where_penalised(on_bias),
    ),
    KnownMistake(
        "penalty-constant",
        "penalty",
        "a penalty of another strength",
        "The penalty's derivative has the wrong constant.",
        "Use 2 l2 w + l1 sign(w): R has no ½ and no 1/n.",
        "R = l2 w² has the derivative 2 l2 w; with ½ l2 w² it would be l2 w, with a mean 2 l2 w/n.",
        constant,
    ),
)
