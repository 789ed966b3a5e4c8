"""Is one array equal to another, up to a constant? Least squares for the constant, then every entry is looked at.

Before it: arrays of a candidate and of a pass with a mistake. After it: `search` puts the answers together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Array


@dataclass(frozen=True)
class Fit:
    """target = fixed + factor · (base + t · direction).

    Attributes:
        factor: 1.0 exactly where no factor is needed.
        free: t, or None where there was no direction.
        agreement: largest difference, relative to the largest entry.
        entries: how many entries had a say.
        zero: both sides are 0 everywhere, so that any factor would do.
    """

    factor: float
    free: float | None
    agreement: float
    entries: int
    zero: bool = False


def size(array: Array) -> float:
    """The largest magnitude."""
    return float(np.max(abs(array))) if array.size else 0.0


def fit(
    target: Array, terms: list[Array], tolerance: float, fixed: Array | None = None, apart: bool = False
) -> Fit | None:
    """How `target` follows from `terms`, or None where it doesn't.

    Args:
        terms: [value], or [base, direction] of a free constant.
        tolerance: relative to the largest entry of the target (and of what is subtracted from it).
        fixed: subtracted from the target before any factor.
        apart: whether a factor leaves t · direction alone: target = fixed + factor · base + t · direction.

    Example:
        >>> fit(np.array([2.0, 4.0]), [np.array([1.0, 2.0])], 1e-12).factor
        2.0
    """
    target = np.squeeze(target)
    terms = [np.squeeze(term) for term in terms]
    if fixed is not None and np.squeeze(fixed).shape != target.shape:
        return None
    if any(term.shape != target.shape for term in terms) or not all(np.isfinite(term).all() for term in terms):
        return None
    scale = size(target)
    if fixed is not None:
        scale = max(scale, size(fixed))
        target = target - np.squeeze(fixed)
    if not np.isfinite(scale):
        return None
    allowed = tolerance * scale
    if len(terms) == 2:
        return fit_free(target, terms, allowed, scale, apart)
    value = terms[0]
    biggest = size(value)
    entries = int(np.count_nonzero(abs(value) > 1e-6 * biggest)) if biggest else value.size
    off = size(target - value)
    if off <= allowed:
        return Fit(1.0, None, off / scale if scale else 0.0, entries, zero=not biggest)
    if not biggest:
        return None
    if size(target) <= allowed:
        return Fit(0.0, None, 0.0, entries)
    unit = value / biggest
    c = float(np.vdot(unit, target) / np.vdot(unit, unit))
    off = size(target - c * unit)
    return Fit(c / biggest, None, off / scale, entries) if off <= allowed else None


def fit_free(target: Array, terms: list[Array], allowed: float, scale: float, apart: bool) -> Fit | None:
    """The same with a free constant: first without a factor, then with one."""
    base, direction = terms
    big_base, big = size(base), size(direction)
    if not big or not scale:
        return None
    entries = int(np.count_nonzero(abs(direction) > 1e-6 * big))
    unit = direction / big
    t = float(np.vdot(unit, target - base) / np.vdot(unit, unit)) / big
    if entries < 2:  # one number proves a constant only if the constant is a round one
        nice = float(f"{t:.3g}")
        if abs(t - nice) * big > allowed or allowed > 1e-6 * abs(t) * big:
            return None
        t = nice
    off = size(target - base - t * direction)
    if off <= allowed and abs(t) * big > 10 * allowed:
        return Fit(1.0, t, off / scale, entries)
    if entries < 4 or not big_base:
        return None
    if (
        apart
        and entries >= 2
        and size(target - (own := float(np.vdot(unit, target) / np.vdot(unit, unit))) * unit) <= allowed
    ):
        return Fit(0.0, own / big, 0.0, entries)  # nothing of the base is left
    other = base / big_base
    other_rest = other - np.vdot(unit, other) / np.vdot(unit, unit) * unit  # what the direction can't give
    length = float(np.vdot(other_rest, other_rest))
    if length <= 1e-24 * target.size:
        return None
    c = float(np.vdot(other_rest, target)) / length
    d = float(np.vdot(unit, target - c * other) / np.vdot(unit, unit))
    off = size(target - c * other - d * unit)
    if off > allowed or abs(c) * big_base <= 10 * allowed or abs(d) * big <= 10 * allowed:
        return None
    c, d = c / big_base, d / big
    return Fit(c, d if apart else d / c, off / scale, entries)
