"""A candidate, whatever its form, as arrays in Pellucid's own layout, and what had to be assumed for that.

Before it: `naming` says which array is which. After it: `verdict` and `search` compare.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import InputError, one_of, shown
from ..sandbox.inside.by_layer import Layers
from ..sandbox.inside.calling import wanted
from .naming import Address, addresses
from .problem import Problem

ORIENTATIONS = ("out,in", "in,out")
SAMPLES = ("rows", "columns")


@dataclass(frozen=True)
class Seen:
    """The candidate's arrays in Pellucid's layout, by address ("w", l), ("b", l), ("delta", l), …

    Attributes:
        arrays: float64; an array of a wrong shape keeps the shape it came in.
        odd: the addresses of arrays whose shape fits no layout.
        missing: the addresses that came as None, or of biases left out where others were given.
        eps: the unit roundoff of the coarsest type that the candidate came in.
        rounded: whether all its numbers could have come from float32.
        orientation: how its weights stand, and whether that was certain.
        notes: what was assumed, one sentence each.
        grain: half a unit of the last digit, of each entry of arrays that were written with few digits.
    """

    arrays: dict[Address, Array]
    odd: frozenset[Address]
    missing: frozenset[Address]
    eps: float
    rounded: bool
    reduction: str
    orientation: str
    certain: bool
    notes: tuple[str, ...]
    grain: Mapping[Address, Array] = field(default_factory=dict)


def as_array(value: Any, where: str) -> Array:
    """A NumPy array of numbers from NumPy, JAX, PyTorch or plain lists.

    Raises:
        InputError: no numbers.
    """
    for method in ("detach", "cpu", "numpy"):
        if hasattr(value, method) and not hasattr(value, "__array_namespace__"):
            value = getattr(value, method)()
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        value = np.where(np.ma.getmaskarray(value), np.nan, value.data)  # what is masked is not there
    try:
        array = np.asarray(value)
        if array.dtype == object and all(isinstance(v, int | float | np.number) for v in array.flat):
            array = array.astype(np.float64)
        if array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16":
            raise TypeError
    except (TypeError, ValueError):
        raise InputError(f"candidate: {where}", "expected an array of numbers", shown(value)) from None
    return array


def unit_roundoff(array: Array) -> float:
    """Half the gap between 1 and the next number of the array's type; whole numbers count as float64."""
    if array.dtype.kind != "f":
        return 2**-8 if array.dtype.name == "bfloat16" else 2**-53
    return max(float(np.finfo(array.dtype).eps) / 2, 2**-53)


def as_float32(array: Array) -> bool:
    """Whether float32 holds every number of the array exactly."""
    with np.errstate(all="ignore"):
        return bool((array.astype(np.float32) == array).all())


FEW = 7  # digits, as people write them; what a computer hands over has more


def grain(value: Any, where: str) -> Array | None:
    """Half a unit of the last digit of each entry, where an array was written with few digits; else None.

    Numbers rounded to so many decimals, or to so many digits, have lost the zeros at their ends: what the longest has
    is taken for all.

    Example:
        >>> grain([0.078, -0.5], "dW1")
        array([0.0005, 0.005 ])
        >>> grain([1 / 3], "dW1") is None
        True
    """
    array = as_array(value, where)
    flat = array.ravel().tolist() if array.dtype != np.float32 else [float(str(v)) for v in array.ravel()]
    if array.dtype.kind not in "fi" or not all(map(math.isfinite, flat)):
        return None
    written = [Decimal(repr(v)).normalize().as_tuple() for v in flat if v]
    digits = max((len(w.digits) for w in written), default=0)
    decimals = max((-int(w.exponent) for w in written), default=0)
    if not 2 <= digits <= FEW or decimals < 1:
        return None
    with np.errstate(divide="ignore"):
        size = np.floor(np.log10(abs(np.asarray(flat, np.float64))))
    by_digits = np.where(np.isfinite(size), 0.5 * 10.0 ** (size - digits + 1), 0.0)
    return np.maximum(by_digits, 0.5 * 10.0**-decimals).reshape(array.shape)


def see(
    candidate: Any,
    problem: Problem,
    *,
    layout: Sequence[str] | None = None,
    orientation: str | None = None,
    samples: str | None = None,
    reduction: str | None = None,
    by_hand: bool = False,
) -> Seen:
    """Read a candidate: which array is which, and how it lies.

    Args:
        by_hand: whether its arrays were written down, not computed, so that they may have few digits.

    Raises:
        InputError: arrays that can't be told apart, or a name for a layout that doesn't exist.
    """
    for name, value, known in (("orientation", orientation, ORIENTATIONS), ("samples", samples, SAMPLES)):
        if value is not None and value not in known:
            raise InputError(name, f"expected {one_of(known)}", shown(value))
    found = addresses(candidate, problem.architecture, layout)
    raw = {at: as_array(v, f"{at[0]} of layer {at[1]}") for at, v in found.items() if v is not None}
    missing = {at for at, v in found.items() if v is None}
    if any(kind == "b" for kind, _ in raw):
        missing |= {("b", l) for l in range(1, problem.L + 1) if problem.b(l) is not None and ("b", l) not in raw}
    if not raw:
        raise InputError("candidate", "expected at least one array", "none")
    notes = []
    per_sample = reduction == "per_sample"
    if reduction is None and any(
        k == "w" and v.ndim == 3 and problem.n in (v.shape[0], v.shape[-1]) for (k, _), v in raw.items()
    ):
        per_sample = True
        notes.append("The gradients are read as each sample's own: they have one axis more than the weights.")
    certain = orientation is not None
    if orientation is None:
        orientation, certain = lies(raw, problem)
        if orientation == "in,out":
            notes.append("The weights are read as (in, out): their shapes are the other way round than w[j, k].")
    arrays, odd, grains = {}, set(), {}
    for (kind, l), value in raw.items():
        straight = settle(kind, l, value.astype(np.float64), problem, orientation, samples, per_sample)
        few = grain(value, f"{kind} of layer {l}") if by_hand else None
        if few is not None and straight is not None:
            grains[kind, l] = settle(kind, l, few, problem, orientation, samples, per_sample)
        if straight is None:
            odd.add((kind, l))
            straight = value.astype(np.float64)
            if kind == "w" and value.ndim == 2 and orientation == "in,out":
                straight = straight.T
        arrays[kind, l] = straight
    eps = max(unit_roundoff(v) for v in raw.values())
    rounded = all(as_float32(v) for v in raw.values())
    reduction = "per_sample" if per_sample else reduction or "mean"
    return Seen(arrays, frozenset(odd), frozenset(missing), eps, rounded, reduction, orientation, certain, tuple(notes),
                grains)  # fmt: skip


def lies(raw: Mapping[Address, Array], problem: Problem) -> tuple[str, bool]:
    """The orientation that most weights have, and whether any layer could tell."""
    votes = [0, 0]
    for (kind, l), value in raw.items():
        if kind != "w" or len(problem.shape(kind, l)) != 2:
            continue
        above, below = problem.shape(kind, l)
        if above != below:
            votes[0] += value.shape[-2:] == (above, below) or value.shape[:2] == (above, below)
            votes[1] += value.shape[-2:] == (below, above) or value.shape[:2] == (below, above)
    return ORIENTATIONS[votes[1] > votes[0]], votes[0] != votes[1]


def settle(
    kind: str, l: int, value: Array, problem: Problem, orientation: str, samples: str | None, per_sample: bool
) -> Array | None:
    """One array in Pellucid's layout, or None where its shape fits none."""
    n, shape = problem.n, problem.shape(kind, l)
    if not problem.textbook and (kind != "w" or len(shape) != 2):
        array = (kind, l) in {(name, at) for at, name in problem.architecture.program.arrays}
        wanted = (n, *shape) if per_sample or not array else shape
        return value.reshape(wanted) if value.size == math.prod(wanted) and value.shape in (wanted, shape) else None
    above, below = shape if kind == "w" else (problem.widths[l], problem.widths[l - 1] if l else 0)
    if kind == "w":
        if per_sample and value.ndim == 3:
            value = np.moveaxis(value, -1, 0) if value.shape[0] != n or samples == "columns" else value
        if orientation == "in,out" and value.ndim >= 2:
            value = value.swapaxes(-1, -2)
        return value if value.shape == ((n, above, below) if per_sample else (above, below)) else None
    if kind == "b" and not per_sample:
        return value.reshape(above) if value.shape in ((above,), (above, 1), (1, above)) else None
    if kind == "b" and value.ndim == 3:
        value = value.reshape([s for s in value.shape if s != 1] or [1])
    if value.shape == (above, n) and (samples == "columns" or (samples is None and above != n)):
        value = value.T
    if (value.shape == (above,) and n == 1) or (value.shape == (n,) and above == 1):
        value = value.reshape(n, above)
    return value if value.shape == (n, above) else None


class CandidateFailed(Exception):
    """A candidate that failed where it ran, in another process; the text is the whole sentence."""


def failure(error: Exception) -> str:
    """How a candidate failed, in words.

    Example:
        >>> failure(KeyError("x")), failure(CandidateFailed("backward() raised KeyError: 'x'."))
        ("KeyError: 'x'.", "backward() raised KeyError: 'x'.")
    """
    if isinstance(error, CandidateFailed):
        return str(error)
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return said if said.endswith((".", "!", "?")) else f"{said}."


def call(function: Callable, problem: Problem, *, orientation: str | None = None, samples: str | None = None) -> Any:
    """What a candidate function returns for a problem's data.

    It is given what its parameters are called: x, y, w and b (w[1] … w[L]), or parameters (parameters[1]["w"] or
    parameters["W1"]); else by their number: (x, y), (parameters, x, y), (w, b, x, y). All are copies.

    Raises:
        InputError: parameters that are none of these.
    """
    turn = (lambda v: v.T.copy()) if samples == "columns" else np.copy
    w_turn = (lambda v: v.T.copy()) if orientation == "in,out" else np.copy
    offer = {
        "x": turn(problem.x),
        "y": turn(problem.y),
        "w": Layers("w", [w_turn(problem.w(l)) for l in range(1, problem.L + 1)]),
        "b": Layers("b", [None if "b" not in layer else layer["b"].copy() for layer in problem.parameters[1:]]),
        "parameters": Layers(
            "parameters",
            [
                {name: w_turn(v) if name == "w" else v.copy() for name, v in layer.items()}
                for layer in problem.parameters[1:]
            ],
        ),
        "architecture": problem.architecture,
    }
    meant, named = meanings(function)
    return function(*(offer[name] for name in meant), **{key: offer[name] for key, name in named.items()})


def meanings(function: Callable) -> tuple[list[str], dict[str, str]]:
    """What a function's parameters stand for, by their names or else by their number.

    Raises:
        InputError: neither tells.
    """
    try:
        return wanted(function)
    except TypeError as signature:
        raise InputError(
            "candidate function", "expected the parameters x, y, or parameters, x, y, or w, b, x, y", str(signature)
        ) from None
