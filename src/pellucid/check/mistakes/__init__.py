"""The table of known mistakes, likeliest first.

To add a mistake: one row in the file of its group, one test that plants it.
"""

from __future__ import annotations

from . import activation, bias, chain, factor, gradient, loss, penalty
from .base import Form, KnownMistake
from .factor import NOISE, WRONG_FACTOR

ORDER = [
    "factor-two-missing",
    "sum-instead-of-mean",
    "target-and-output-swapped",
    "target-not-subtracted",
    "missing-activation-derivative",
    "bias-not-divided",
    "derivative-at-activation",
    "activation-instead-of-derivative",
    "output-formula-at-z",
    "factor-two-extra",
    "wrong-sign",
    "mean-over-outputs",
    "divided-twice",
    "transposed",
    "bias-missing",
    "wrong-layer-input",
    "missing-input-factor",
    "slip-in-derivative",
    "wrong-activation-derivative",
    "derivative-of-wrong-layer",
    "updated-weights-used",
    "one-path-only",
    "weights-left-out",
    "overwritten-instead-of-added",
    "loss-derivative-at-z",
    "product-not-elementwise",
    "fused-and-unfused-mixed",
    "softmax-jacobian-elementwise",
    "softmax-applied-twice",
    "penalty-missing",
    "penalty-on-bias",
    "bias-not-reduced",
    "bias-reduced-over-wrong-axis",
    "sum-over-wrong-axis",
    "off-by-one-layer",
    "wrong-broadcast",
    "samples-misaligned",
    "averaged-too-early",
    "relu-mask-from-wrong-array",
    "derivative-of-output-not-of-loss",
    "stale-accumulation",
    "wrong-loss",
    "penalty-constant",
    "left-at-zero",
    "wrong-constant-factor",
    "float32-noise",
]

ROWS = (*loss.ROWS, *activation.ROWS, *chain.ROWS, *gradient.ROWS, *bias.ROWS, *penalty.ROWS, *factor.ROWS)
MISTAKES: dict[str, KnownMistake] = {row.slug: row for row in sorted(ROWS, key=lambda row: ORDER.index(row.slug))}

__all__ = ["MISTAKES", "NOISE", "WRONG_FACTOR", "Form", "KnownMistake"]
