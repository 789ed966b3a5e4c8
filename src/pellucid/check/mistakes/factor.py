"""Mistakes that are one number: a sign, a constant, nothing at all."""

from __future__ import annotations

from .base import KnownMistake

NOISE = "float32-noise"  # not a mistake
WRONG_FACTOR = "wrong-constant-factor"  # matched last: any number is one

ROWS = (
    KnownMistake(
        "wrong-sign",
        "constant",
        "the sign reversed",
        "The sign is wrong.",
        "Turn the sign round; a descent step subtracts the gradient, the gradient itself has no minus.",
        "∂C/∂w points uphill; w ← w − η ∂C/∂w has the minus.",
        factors=lambda p, l: [("dC_da", -1.0), ("w", -1.0), ("b", -1.0)],
    ),
    KnownMistake(
        "left-at-zero",
        "constant",
        "zeros",
        "The array was never filled: it is 0 everywhere.",
        "Compute it, and store the result.",
        "∂C/∂w_jk = δ_j a_k is 0 only where δ_j or a_k is.",
        factors=lambda p, l: [("w", 0.0)],
    ),
    KnownMistake(
        WRONG_FACTOR,
        "constant",
        "a wrong constant factor",
        "Everything is multiplied by a constant that does not belong there.",
        "Take the factor out.",
        "Compare the constants: 2 from the square, 1/n from the mean, and no others.",
    ),
    KnownMistake(
        NOISE,
        "precision",
        "the rounding of a coarser number format",
        "Nothing is wrong but the precision: the numbers have the digits of float32, or of a formula that cancels.",
        "Compute in float64 to compare; for training float32 is enough.",
        "float32 keeps 24 bits: every operation may be off by 6e-8 of its result.",
    ),
)
