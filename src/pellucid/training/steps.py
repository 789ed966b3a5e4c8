"""One update, from a batch to new weights: the lines that both array libraries run.

forward → loss → backward → mean of the factors → penalty → clipping → optimiser. The `Rule` says what is
computed and never changes during a training (under JAX it is the key of the compiled program); the `knobs`
are numbers that may change at any step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..arrays import Array, Parameters, namespace, tree_map
from ..backward import backward, losses
from ..forward import forward
from ..losses import Loss
from ..optimisers import Optimiser, State
from ..penalty import penalised, sum_R, with_penalty
from ..program import Program


@dataclass(frozen=True)
class Rule:
    """What one update computes.

    Attributes:
        program, loss: the network.
        optimiser: the update.
        penalised, clipped: whether the knobs l1 and l2, and clip, are in use.
        schedule: step number → factor on the learning rate; None for a constant rate.
        shared_penalty: whether the penalty counts once for all samples of a batch: an update then lowers
            C + R/Σ_i s_i, and the loss that is reported is that sum.
        reported: the factor on C in such a report, where others report a mean over the output nodes.
    """

    program: Program
    loss: Loss
    optimiser: Optimiser
    penalised: bool = False
    clipped: bool = False
    schedule: Callable[[Any], Any] | None = None
    shared_penalty: bool = False
    reported: float = 1.0


Knobs = dict[str, Any]  # rate, l2, l1, clip: numbers


def share(weights: Array | None) -> Array | None:
    """s_i/Σs: the weight of each sample in its batch's mean; a batch of weight 0 moves nothing."""
    if weights is None:
        return None
    xp = namespace(weights)
    total = xp.sum(weights)
    return weights / xp.where(total > 0, total, 1)


def _per_sample(weight: Any) -> Any:
    """1/Σ_i s_i; a batch of weight 0 counts for nothing."""
    if isinstance(weight, int):
        return 1 / weight
    xp = namespace(weight)
    return xp.where(weight > 0, 1 / xp.where(weight > 0, weight, 1), 0)


def norms(gradient: Parameters) -> list[Array]:
    """‖∂C/∂(w, b)‖ of layers 1 … L: the Euclidean norm over all of a layer's arrays."""
    per_layer = []
    for layer in gradient[1:]:
        squares = [(array**2).sum() for array in layer.values()]
        per_layer.append(sum(squares[1:], squares[0]) ** 0.5 if squares else 0.0)
    return per_layer


def step(
    rule: Rule,
    parameters: Parameters,
    state: State,
    batch: tuple[Array, Array, Array | None],
    knobs: Knobs,
    t: Any,
    rows: Any = None,
) -> tuple[Parameters, State, Array, Parameters]:
    """One update.

    Args:
        batch: x (b, n_0), y (b, n_L) or (b,), sample weights (b,) or None.
        t: the number of updates before this one.
        rows: how many samples the batch has, where some of its b rows only fill it up (with weight 0).

    Returns:
        New parameters, new state, Σ_i s_i C_i over the batch (with a shared penalty, `rows` times what the
        update lowers), both before the update, and the gradient ∂(C + R)/∂w as it was handed to the
        optimiser, except that it is not yet clipped.
    """
    x, y, weights = batch
    record = forward(rule.program, parameters, x)
    C = losses(rule.program, rule.loss, record, y)
    total = C.sum() if weights is None else (weights * C).sum()
    # The whole backward pass reads the old weights; all weights change together afterwards.
    back = backward(rule.program, rule.loss, record, y, to_input=False, to_output=False)
    gradient = back.gradient(share(weights))
    if rule.penalised:
        l2, l1 = knobs.get("l2", 0.0), knobs.get("l1", 0.0)
        if rule.shared_penalty:
            per_sample = _per_sample(len(x) if weights is None else weights.sum())
            l2, l1 = l2 * per_sample, 0.0
            R = sum_R((parameters[l][name] for l, name in penalised(rule.program.layers, parameters)), l2)
            total = (total * per_sample * rule.reported + R) * (len(x) if rows is None else rows)
        gradient = with_penalty(rule.program.layers, gradient, parameters, l2, l1)
    moving = gradient
    if rule.clipped:
        size = sum(norm**2 for norm in norms(gradient)) ** 0.5
        factor = knobs["clip"] / namespace(size).maximum(size, knobs["clip"])
        moving = tree_map(lambda g: g * factor, gradient)
    rate = knobs["rate"] if rule.schedule is None else knobs["rate"] * rule.schedule(t)
    parameters, state = rule.optimiser.update(parameters, moving, state, rate)
    return parameters, state, total, gradient
