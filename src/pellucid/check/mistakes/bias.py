"""Mistakes in ∂C/∂b_j = (1/n) Σ_i δ_ij."""

from __future__ import annotations

import numpy as np

from .base import Form, KnownMistake


def with_bias(forms):
    """What `forms(problem, l)` gives where the layer has biases."""
    return lambda p, l: forms(p, l) if p.b(l) is not None else ()


def over_samples(forms):
    """… and where there is a sum over several samples."""
    return with_bias(lambda p, l: forms(p, l) if p.n > 1 and p.reduction != "per_sample" else ())


def zero(p, l):
    """0."""
    yield Form("b", lambda s: np.zeros_like(s.right_b()))


def not_reduced(p, l):
    """δ of each sample."""
    yield Form("b", lambda s: s.delta[l], "(n, n_l)")
    yield Form("b", lambda s: s.delta[l].T, "(n_l, n)")


def wrong_axis(p, l):
    """A sum over the nodes."""
    yield Form("b", lambda s: s.delta[l].sum(axis=1) / s.divisor, "summed over the nodes")
    if p.widths[l] > 1:
        yield Form("b", lambda s: s.delta[l].sum(keepdims=True)[0] / s.divisor, "summed over everything")
        yield Form("b", lambda s: np.full(p.widths[l], s.delta[l].sum() / s.divisor), "summed over everything")


ROWS = (
    KnownMistake(
        "bias-not-divided",
        "bias",
        "the bias's mean over the samples left out",
        "δ is summed over the samples for the bias, but not divided by n as for the weights.",
        "Divide by n, as for the weights.",
        "∂C/∂b_j = (1/n) Σ_i δ_ij: a bias is a weight on the constant input 1.",
        factors=over_samples(lambda p, l: [("b", p.n)] if p.reduction == "mean" else ()),
    ),
    KnownMistake(
        "bias-missing",
        "bias",
        "the bias's gradient left at 0",
        "The bias has no gradient.",
        "Sum δ over the samples and divide by n.",
        "∂z_j/∂b_j = 1, so ∂C_i/∂b_j = δ_j.",
        with_bias(zero),
    ),
    KnownMistake(
        "bias-not-reduced",
        "bias",
        "each sample's δ in place of their mean",
        "δ of every sample is returned as the bias's gradient.",
        "Average δ over the samples.",
        "∂C/∂b_j = (1/n) Σ_i δ_ij: the sum over i is missing.",
        over_samples(not_reduced),
    ),
    KnownMistake(
        "bias-reduced-over-wrong-axis",
        "bias",
        "δ summed over the nodes in place of the samples",
        "The sum for the bias runs over the wrong axis.",
        "Sum over the samples: axis 0 where samples are rows.",
        "∂C/∂b_j keeps j and sums over i.",
        over_samples(wrong_axis),
    ),
)
