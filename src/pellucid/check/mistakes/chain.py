"""Mistakes on the way down: ∂C_i/∂a_k^(l) = Σ_j δ_j^(l+1) w_jk^(l+1)."""

from __future__ import annotations

import numpy as np

from .base import Form, KnownMistake


def below_top(forms):
    """The forms of `forms(problem, l)`, at hidden layers only."""
    return lambda p, l: forms(p, l) if l < p.L else ()


def swapped_axes(p, l):
    """W in place of its transpose on the way down; the gradient's transpose at the end."""
    if l < p.L and p.widths[l] == p.widths[l + 1]:
        yield Form("dC_da", lambda s: s.delta[l + 1] @ p.w(l + 1).T, "on the way down")
    if p.w(l).size > 1:
        yield Form("w", lambda s: s.right_w().swapaxes(-1, -2), "the gradient itself", whole=True)


def updated(p, l):
    """W − η ∂C/∂w in place of W."""

    def make(s):
        d, w = s.delta[l + 1], s.w[l + 1]
        if p.reduction == "per_sample":
            return d @ p.w(l + 1), -np.einsum("ij,ijk->ik", d, w) if w.ndim == 3 else -d @ w
        return d @ p.w(l + 1), -d @ w

    yield Form("dC_da", make, free="learning rate")
    if p.reduction == "per_sample":
        yield Form("dC_da", lambda s: (s.delta[l + 1] @ p.w(l + 1), -s.delta[l + 1] @ s.w[l + 1].mean(axis=0)),
                   "updated with the mean over the samples", free="learning rate")  # fmt: skip


def path(p, l, j):
    """The one product of the sum with index j."""
    return lambda s: s.delta[l + 1][:, [j]] * p.w(l + 1)[j]


def one_path(p, l):
    """One product of the sum over j."""
    above, here = p.widths[l + 1], p.widths[l]
    if above == 1:
        return
    for j in range(above) if above <= 16 else (0, above - 1):
        yield Form("dC_da", path(p, l, j), f"only j = {j}")
    if above >= here:
        yield Form("dC_da", lambda s: s.delta[l + 1][:, :here] * np.diagonal(p.w(l + 1)), "only j = k")


def no_weights(p, l):
    """1 in place of w_jk; δ itself where both layers are as wide."""
    yield Form(
        "dC_da", lambda s: np.repeat(s.delta[l + 1].sum(axis=1, keepdims=True), p.widths[l], axis=1), "Σ δ_j · 1"
    )
    if p.widths[l] == p.widths[l + 1] > 1:
        yield Form("dC_da", lambda s: s.delta[l + 1], "δ handed down as it is")


def wrong_axis(p, l):
    """Σ_k δ_j w_jk in place of Σ_j; over samples where nodes should be summed."""
    if l < p.L and p.widths[l] > 1 and p.widths[l + 1] in (1, p.widths[l]):
        wide = (p.n, p.widths[l])
        yield Form("dC_da", lambda s: np.broadcast_to(s.delta[l + 1] * p.w(l + 1).sum(axis=1), wide), "Σ over k")
    if p.widths[l] == p.widths[l - 1] and p.reduction != "per_sample" and p.n > 1:
        yield Form("w", lambda s: s.delta[l] @ p.a(l - 1).T / s.divisor, "Σ over the nodes", whole=True)


def off_by_one(p, l):
    """The weights or the δ of a neighbouring layer."""
    if l < p.L:
        for m in range(1, p.L + 1):
            if m != l + 1 and p.w(m).shape == p.w(l + 1).shape:
                yield Form("dC_da", lambda s, m=m: s.delta[l + 1] @ p.w(m), f"w of layer {m} on the way down")
        if l + 2 <= p.L and p.widths[l + 2] == p.widths[l + 1]:
            yield Form("dC_da", lambda s: s.delta[l + 2] @ p.w(l + 1), f"δ of layer {l + 2} on the way down")
        if p.widths[l + 1] == p.widths[l]:
            yield Form("w", lambda s: s.outer(s.delta[l + 1], p.a(l - 1)), f"δ of layer {l + 1} in ∂C/∂w")
            yield Form("b", lambda s: s.collect(s.delta[l + 1]), f"δ of layer {l + 1} in ∂C/∂b")


ROWS = (
    KnownMistake(
        "updated-weights-used",
        "chain",
        "weights that were already updated on the way down",
        "The layer above was updated before its weights were used to go further down.",
        "Compute all gradients with the old weights, then update all layers together.",
        "∂C_i/∂a_k = Σ_j δ_j w_jk uses the w_jk of the forward pass; w_jk − η ∂C/∂w_jk stood there.",
        below_top(updated),
    ),
    KnownMistake(
        "one-path-only",
        "chain",
        "one path in place of the sum over all of them",
        "A hidden node reaches the loss through every node above it; only one of these paths was counted.",
        "Sum over all nodes j of the layer above.",
        "∂C_i/∂a_k = Σ_j δ_j w_jk: one term was taken for the whole sum over j.",
        below_top(one_path),
    ),
    KnownMistake(
        "weights-left-out",
        "chain",
        "the weights left out on the way down",
        "δ of the layer above was handed down without the weights that it passes through.",
        "Multiply each δ_j by w_jk before summing over j.",
        "z_j = Σ_k w_jk a_k + b_j, so ∂z_j/∂a_k = w_jk: it was taken as 1.",
        below_top(no_weights),
    ),
    KnownMistake(
        "transposed",
        "chain",
        "a transpose missing or one too many",
        "A matrix stands the wrong way round.",
        "Going down needs Wᵀ (Σ over j, the destination); ∂C/∂w_jk has destination first.",
        "z_j = Σ_k w_jk a_k sums over k on the way up; ∂C_i/∂a_k = Σ_j δ_j w_jk sums over j on the way down.",
        swapped_axes,
    ),
    KnownMistake(
        "sum-over-wrong-axis",
        "chain",
        "a sum over the wrong axis",
        "A sum runs over the wrong index.",
        "Sum δ_j w_jk over j; sum δ_ij a_ik over the samples i.",
        "The index of the sum is never the index of the node that is being differentiated.",
        wrong_axis,
    ),
    KnownMistake(
        "off-by-one-layer",
        "chain",
        "the array of a neighbouring layer",
        "An array of the wrong layer is used: the index is off.",
        "δ^(l+1) goes down through W^(l+1); ∂C/∂w^(l) takes δ^(l).",
        "∂C_i/∂a^(l) = Σ_j δ_j^(l+1) w_jk^(l+1): both carry l + 1.",
        off_by_one,
    ),
)
