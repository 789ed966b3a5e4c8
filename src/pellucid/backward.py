"""A forward record → a record of every ∂C_i/∂a and δ, and the factors of every weight's derivative.

Before it: `forward`. After it: `factors` contracts, the optimiser updates. The whole pass reads the old weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .arrays import Array, Parameters
from .factors import Factors
from .forward import Forward
from .layers import Layer
from .losses import Loss, fused


@dataclass(frozen=True)
class Backward:
    """Every derivative of C_i, one row per sample: the samples do not mix.

    Attributes:
        dC_da: ∂C_i/∂a_j^(l), indexed by l = 0 … L, each (n, n_l). None where it was not asked for.
        delta: δ_j^(l) = ∂C_i/∂z_j^(l), indexed by l; delta[0] is None.
        factors: per layer 1 … L the factors of ∂C_i/∂w and ∂C_i/∂b by name; factors[0] is empty.
    """

    dC_da: tuple[Array | None, ...]
    delta: tuple[Array | None, ...]
    factors: tuple[dict[str, Factors], ...]

    def gradient(self, weights: Array | None = None) -> Parameters:
        """∂C/∂w and ∂C/∂b of layers 1 … L, averaged over the samples or with `weights` (n,) of sum 1."""
        return tuple({name: f.mean(weights) for name, f in layer.items()} for layer in self.factors[1:])


def losses(layers: Sequence[Layer], loss: Loss, record: Forward, y: Array, *, stable: bool = True) -> Array:
    """C_i of each sample, (n,); in the fused form where there is one, unless `stable` is False."""
    form = fused(layers[-1].activation, loss) if stable else None
    with np.errstate(all="ignore"):
        return form.C(record.z[-1], y) if form else loss.C(record.a[-1], y)


def backward(
    layers: Sequence[Layer],
    loss: Loss,
    parameters: Parameters,
    record: Forward,
    y: Array,
    *,
    stable: bool = True,
    to_input: bool = True,
    to_output: bool = True,
) -> Backward:
    """The backward pass of all samples at once.

    Args:
        layers: layers 1 … L.
        loss: the loss C_i.
        parameters: the arrays that the forward pass used.
        record: what `forward` returned.
        y: the targets, (n, n_L), or integer labels (n,).
        stable: use the fused form of the output layer's δ where there is one (δ = a − y).
        to_input: also compute ∂C_i/∂x, which training has no use for.
        to_output: also compute ∂C_i/∂a^(L) where the fused form does without it.

    Example:
        >>> from pellucid.forward import forward
        >>> from pellucid.layers import Dense
        >>> from pellucid.losses import SquaredError
        >>> layers, parameters = [Dense(1, 1)], ({"w": np.array([[3.0]]), "b": np.array([0.0])},)
        >>> record = forward(layers, parameters, np.array([[2.0]]))
        >>> back = backward(layers, SquaredError(), parameters, record, np.array([[5.0]]))
        >>> back.delta[1], back.gradient()[0]["w"]     # 2(a − y) · 1, and that times a^(0) = 2
        (array([[2.]]), array([[4.]]))
    """
    z, a, L = record.z, record.a, len(layers)
    dC_da: list[Array | None] = [None] * (L + 1)
    delta: list[Array | None] = [None] * (L + 1)
    factors: list[dict[str, Factors]] = [{} for _ in range(L + 1)]
    form = fused(layers[-1].activation, loss) if stable else None
    with np.errstate(all="ignore"):
        if to_output or not form:
            dC_da[L] = loss.dC_da(a[L], y)  # ∂C_i/∂a^(L)
        for l in range(L, 0, -1):
            layer, arrays = layers[l - 1], parameters[l - 1]
            if l == L and form:
                delta[l] = form.delta(a[l], y)  # a − y
            else:
                delta[l] = layer.activation.pull_back(z[l], a[l], dC_da[l])  # δ^(l) = ∂C_i/∂a^(l) ⊙ g′(z^(l))
            factors[l] = layer.factors(a[l - 1], delta[l])  # ∂C_i/∂w_jk = δ_j a_k
            if l > 1 or to_input:
                dC_da[l - 1] = layer.pull_back(arrays, delta[l])  # ∂C_i/∂a_k^(l−1) = Σ_j δ_j w_jk
    return Backward(tuple(dC_da), tuple(delta), tuple(factors))
