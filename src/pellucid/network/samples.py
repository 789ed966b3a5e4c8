"""What a network's verbs are given, made ready: arrays, a data set, a frame or a stream → arrays, or a source.

Before it: anything that a person hands over. After it: `training`, the forward pass and the records.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError, shown
from ..inputs import Classes, as_inputs, as_targets, as_weights, check_classes, check_finite
from ..training import InChunks, InMemory
from .state import State

ASKED = "Call fit(x, y), or fit(dataset)."


class Samples(NamedTuple):
    """What a training reads: where its samples come from, those held out, the labels, the preparation of the data."""

    source: InChunks | InMemory
    validation: tuple[np.ndarray, np.ndarray, np.ndarray | None] | None
    classes: Classes | None
    preparation: Any


def made_ready(
    net: State,
    x: Any,
    y: Any,
    validation: Any,
    sample_weight: Any,
    class_weight: str | Mapping[Any, float] | None,
    seed: int,
) -> Samples:
    """The samples that `net.fit` is given; arguments as there.

    Raises:
        InputError, ShapeError: see `Network.fit`.
    """
    preparation = getattr(x, "preparation", net.preparation)
    if net.loss.counts and getattr(getattr(preparation, "target", None), "moved", False):
        raise InputError(
            "y", f"{net.loss.name} expects targets in their own units", "standardised ones",
            "Read the data with scale_target=False.",
        )  # fmt: skip
    if y is None and hasattr(x, "read"):
        if sample_weight is not None or class_weight is not None:
            raise InputError("sample_weight", "expected data in memory", "a stream")
        classes = None if x.classes is None else tuple(x.classes)
        source: InChunks | InMemory = streamed(net, x, classes)
        held = None if validation is None else held_out(net, validation, classes)
        return Samples(source, held, classes, preparation)
    x, y, given = unwrapped(net, x, y)
    if y is None:
        raise InputError("y", "expected targets", "none", ASKED)
    x = as_inputs(x, net.shape)
    y, classes = as_targets(y, len(x), net.n[-1], net.loss, net.classes if given is None else given)
    weights = as_weights(sample_weight, class_weight, y, classes)
    if not isinstance(validation, float):
        held = None if validation is None else held_out(net, validation, classes)
        return Samples(InMemory(x, y, weights), held, classes, preparation)
    kept, out = parted(validation, len(x), seed)
    worth = as_weights(sample_weight, None, y, classes)  # class weights only steer the updates
    if worth is not None and not worth[out].sum() > 0:
        raise InputError("validation", "expected held-out samples that weigh something", "only weights of 0")
    held = x[out], y[out], None if worth is None else worth[out]
    return Samples(InMemory(x[kept], y[kept], None if weights is None else weights[kept]), held, classes, preparation)


def streamed(net: State, stream: Any, classes: Classes | None) -> InChunks:
    """A stream as the source of a training; it gives the indices of the classes."""
    if stream.n_inputs != net.n[0]:
        raise InputError("x", f"expected {net.n[0]} columns: the network has {net.n[0]} input nodes", stream.n_inputs)
    if classes is not None:
        check_classes(classes, net.n[-1], "y")
    indices = None if classes is None else tuple(range(len(classes)))

    def targets(y: Any, n: int, where: str) -> np.ndarray:
        if y is None:
            raise InputError(where, "expected targets", "none")
        return as_targets(y, n, net.n[-1], net.loss, indices, where)[0]

    return InChunks(stream, targets=targets, shape=net.shape)


def parted(share: float, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The row numbers of the samples that are trained on, and of those held out."""
    if not 0 < share < 1:
        raise InputError("validation", "expected a share between 0 and 1, or a pair (x, y)", share)
    held = min(max(1, round(share * n)), n - 1)
    if held < 1:
        raise InputError("validation", "expected at least two samples to hold some out", n)
    order = np.random.default_rng([seed, 0x5EED]).permutation(n)
    return order[held:], order[:held]


def held_out(net: State, given: Any, classes: Classes | None) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Held-out samples (x, y), or (x, y, sample weights), checked."""
    if hasattr(given, "read"):  # a stream: its samples are kept in memory
        x, y = given.read(0, given.n)
        given = x, labels(y, given.classes)
    elif hasattr(given, "x") and hasattr(given, "y"):
        given = given.x, labels(given.y, given.classes)
    if not isinstance(given, Sequence) or len(given) not in (2, 3):
        raise InputError("validation", "expected a share between 0 and 1, or a pair (x, y)", shown(given))
    x = as_inputs(given[0], net.shape, "validation x")
    y, _ = as_targets(given[1], len(x), net.n[-1], net.loss, classes, "validation y")
    return x, y, as_weights(given[2], None, y, classes) if len(given) == 3 else None


def labels(y: Any, classes: Classes | None) -> Any:
    """Targets as they were before the data set made indices of the labels."""
    return y if classes is None or y is None else np.asarray(classes)[np.asarray(y)]


def unwrapped(net: State, x: Any, y: Any = None) -> tuple[Any, Any, Classes | None]:
    """Inputs, targets and classes: those of a data set or frame, or what was given.

    A frame goes through the preparation that was fitted in training; its targets are read where none are given.
    """
    if net.preparation is not None and hasattr(x, "columns") and not hasattr(x, "preparation"):
        x = net.preparation.apply(x, need_target=y is None)
    if not hasattr(x, "preparation") and not (y is None and hasattr(x, "x") and hasattr(x, "y")):
        return x, y, None
    classes = None if x.classes is None else tuple(x.classes)
    return (x.x, labels(x.y, x.classes), classes) if y is None else (x.x, y, None)


def inputs_of(net: State, x: Any) -> np.ndarray:
    """Arrays as they are, data sets as they were prepared, frames through the network's preparation."""
    if hasattr(x, "preparation"):
        x = x.x
    elif net.preparation is not None and hasattr(x, "columns"):
        x = net.preparation.apply(x)
        if x.notes:
            warnings.warn("; ".join(x.notes), stacklevel=4)  # what the command line says
        x = x.x
    return as_inputs(x, net.shape)


def pair_of(net: State, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets of a data set or frame, or the two that were given, ready to be judged."""
    if y is None:
        x, y, _ = unwrapped(net, x)
    if y is None:
        raise InputError("y", "expected targets", "none")
    x = inputs_of(net, x)
    return x, as_targets(y, len(x), net.n[-1], net.loss, net.classes)[0]


def in_precision(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Inputs in the precision of the weights; one that is infinite there is refused."""
    if x.dtype == dtype:
        return x
    with np.errstate(over="ignore"):
        cast = x.astype(dtype)
    if x.dtype.kind == "f" and x.dtype.itemsize > dtype.itemsize:
        check_finite(cast, f"x in the weights' {dtype}")
    return cast
