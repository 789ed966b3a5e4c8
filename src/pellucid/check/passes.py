"""The backward pass with places where a mistake can be put in: what the right pass computes, stage by stage.

Each layer goes through its stages in backward order: ∂C_i/∂a, δ, ∂C/∂w (of the data), ∂R/∂w (of the
penalty), ∂C/∂b, ∂R/∂b (which is 0). An Edit replaces what one stage of one layer computes; a factor multiplies it. With
no edit the result equals `pellucid.backward`. Before it: `problem`. After it: the table of `mistakes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arrays import Array
from ..factors import Bias, Factors, Outer
from .problem import Problem

STAGES = ("dC_da", "delta", "w", "R", "b", "Rb")


@dataclass(frozen=True)
class Edit:
    """What one stage of one layer computes under a mistake.

    Attributes:
        slug: the mistake's name.
        stage: one of STAGES.
        l: the layer.
        make: from the pass so far to the stage's value; a pair (base, direction) where there is a free constant.
        detail: which of several forms of the mistake this is ("a of layer 2", "tanh′").
        free: name of the free constant t in base + t · direction ("learning rate"), or "".
        linear: whether the value is linear in what the layers above hand down.
        whole: needs all columns of the weights at once.
    """

    slug: str
    stage: str
    l: int
    make: Callable[[Pass], Any]
    detail: str = ""
    free: str = ""
    linear: bool = True
    whole: bool = False


@dataclass
class Pass:
    """A backward pass under way: what the student has computed so far, indexed by layer."""

    problem: Problem
    l: int = 0  # the layer that is being computed
    dC_da: dict[int, Array] = field(default_factory=dict)
    delta: dict[int, Array] = field(default_factory=dict)
    w: dict[int, Array] = field(default_factory=dict)
    b: dict[int, Array] = field(default_factory=dict)
    columns: Array | None = None  # only these columns of the weights, where a part is enough to decide

    def at(self, l: int, columns: Array | None = None) -> Pass:
        """The same pass, about to compute layer l."""
        return Pass(self.problem, l, dict(self.dC_da), dict(self.delta), dict(self.w), dict(self.b), columns)

    def part(self, array: Array) -> Array:
        """The columns that are looked at, of an array (…, n_(l−1))."""
        return array if self.columns is None else array[..., self.columns]

    # The stages, done right.

    def right_dC_da(self) -> Array:
        """∂C_i/∂a^(L) from the loss; below it ∂C_i/∂a_k^(l) = Σ_j δ_j^(l+1) w_jk^(l+1)."""
        p, l = self.problem, self.l
        if l == p.L:
            return p.architecture.loss.dC_da(p.a(l), p.y)
        return p.handed_down(l + 1, self.delta[l + 1])

    def right_delta(self) -> Array:
        """δ = ∂C_i/∂a · g′(z), the long way."""
        p, l = self.problem, self.l
        return p.g(l).pull_back(p.z(l), p.a(l), self.dC_da[l])

    def right_w(self) -> Array:
        """∂C/∂w_jk = (1/n) Σ_i δ_ij a_ik."""
        return self.outer(self.delta[self.l], self.problem.a(self.l - 1))

    def right_R(self) -> Array:
        """∂R/∂w."""
        return self.part(self.problem.dR_dw(self.l))

    def right_b(self) -> Array:
        """∂C/∂b_j = (1/n) Σ_i δ_ij."""
        return self.collect(self.delta[self.l])

    def right_Rb(self) -> Array:
        """∂R/∂b = 0: biases are not penalised."""
        return np.zeros(self.problem.widths[self.l])

    def outer(self, delta: Array, a: Array) -> Array:
        """Σ_i δ_ij a_ik, divided by n for a mean, or sample by sample."""
        factors = Outer(delta, self.part(a))
        return factors.per_sample() if self.problem.reduction == "per_sample" else self.averaged(factors)

    def collect(self, delta: Array) -> Array:
        """Σ_i δ_ij, divided by n for a mean, or sample by sample."""
        return delta if self.problem.reduction == "per_sample" else self.averaged(Bias(delta))

    def averaged(self, factors: Factors) -> Array:
        """Factors added up over the samples, and divided by n for a mean."""
        return factors.mean() * (1 if self.problem.reduction == "mean" else self.problem.n)

    @property
    def divisor(self) -> int:
        """N where the gradient is a mean, else 1."""
        return self.problem.n if self.problem.reduction == "mean" else 1


def upstream(
    p: Pass,
    edits: Mapping[str, Edit],
    factor: float = 1.0,
    constants: Mapping[str, float] | None = None,
    handed: Any = None,
) -> list[Array] | None:
    """δ of layer p.l under edits of its first two stages; p.dC_da and p.delta are set where nothing is free.

    Args:
        handed: what the first stage gives, where that is known already.

    Returns:
        [δ], or [base, direction] where a constant is free; None where an edit does not fit this network.
    """
    l = p.l
    first, second = edits.get("dC_da"), edits.get("delta")
    with np.errstate(all="ignore"):
        given = handed if handed is not None else first.make(p) if first else p.right_dC_da()
        parts = list(given) if isinstance(given, tuple) else [given]
        if len(parts) == 2 and constants is not None:
            parts = [parts[0] + constants[name_of(first)] * parts[1]]
        if len(parts) == 2 and second and not second.linear:
            return None
        out = []
        for part in parts:
            p.dC_da[l] = part * factor
            if second:
                out.append(second.make(p))
            elif l == p.problem.L and p.problem.fused and not first:
                out.append(p.problem.fused.delta(p.problem.a(l), p.problem.y) * factor)
            else:
                out.append(p.right_delta())
    p.delta[l] = out[0]
    return out if all(np.isfinite(part).all() for part in out) else None


def name_of(edit: Edit | None) -> str:
    """The slug under which an edit's constant is looked up."""
    return edit.slug if edit else ""


def run(
    problem: Problem,
    edits: Iterable[Edit] = (),
    factors: Mapping[tuple[str, int], float] | None = None,
    constants: Mapping[str, float] | None = None,
) -> Pass:
    """The whole backward pass with edits.

    Args:
        edits: at most one per stage and layer.
        factors: (stage, l) → what the stage's value is multiplied by; stage "dC_da", "w" or "b".
        constants: the value of each edit's free constant, by slug.

    Returns:
        The pass with dC_da, delta, w (penalty included) and b of every layer.

    Example:
        >>> from pellucid.architecture import Architecture
        >>> from pellucid.layers import Dense, Input
        >>> from pellucid.losses import loss
        >>> from .problem import problem
        >>> net = Architecture((Input(2), Dense(1, "tanh"),), loss("squared_error"))
        >>> right = problem(net, net.initial(0), np.ones((3, 2)), np.zeros((3, 1)))
        >>> bool((run(right).w[1] == right.gradients[0]["w"]).all())
        True
    """
    table = {(e.stage, e.l): e for e in edits}
    factors, constants = factors or {}, constants or {}
    p = Pass(problem)
    for l in range(problem.L, 0, -1):
        p.l = l
        here = {stage: table[stage, l] for stage in STAGES if (stage, l) in table}
        if upstream(p, here, factors.get(("dC_da", l), 1.0), constants) is None:
            return p
        downstream(p, here, factors, constants)
    return p


def downstream(p: Pass, here: Mapping[str, Edit], factors: Mapping, constants: Mapping[str, float]) -> None:
    """Fill in p.w and p.b of layer p.l from its δ."""

    def stage(name: str, right: Callable[[], Array]) -> Array:
        edit = here.get(name)
        value = edit.make(p) if edit else right()
        if isinstance(value, tuple):
            value = value[0] + constants[name_of(edit)] * value[1]
        return value * factors.get((name, p.l), 1.0)

    data = stage("w", p.right_w)
    penalty = stage("R", p.right_R)
    if data.shape == penalty.T.shape != penalty.shape:
        penalty = penalty.T  # the whole gradient was turned round
    p.w[p.l] = data + penalty if data.shape[-2:] == penalty.shape else data
    if p.problem.b(p.l) is not None:
        data, penalty = stage("b", p.right_b), stage("Rb", p.right_Rb)
        p.b[p.l] = data + penalty if data.shape == penalty.shape else data
