"""What a person hands over, checked and turned into arrays: inputs, targets, weights. Every refusal is a sentence.

Before it: anything array-like. After it: `training` and the records, which trust their arrays.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .errors import InputError, ShapeError, finite, number, shown
from .losses import Loss

Classes = tuple[Any, ...]


def as_array(value: Any, name: str) -> np.ndarray:
    """An array-like as a NumPy array of numbers, booleans or strings.

    Raises:
        InputError: ragged rows, objects, complex numbers; with the place of the first value that is no number.
    """
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    elif type(value).__module__.partition(".")[0] in ("scipy",) and hasattr(value, "toarray"):
        value = value.toarray()
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise InputError(name, "expected an array whose rows have the same length", str(error)) from None
    if array.dtype == object:
        array = _from_objects(array, name)
    if array.dtype.kind == "c" or array.dtype.kind not in "biufUS":
        raise InputError(name, "expected real numbers", f"values of type {array.dtype}")
    return array


def _from_objects(array: np.ndarray, name: str) -> np.ndarray:
    flat = array.ravel()
    if len(flat) and all(isinstance(value, str) for value in flat):
        return array.astype(str)
    for index, value in np.ndenumerate(array):
        if not isinstance(value, int | float | bool | np.number | np.bool_):
            raise InputError(f"{name}{place(index)}", "expected a number", shown(value))
        if isinstance(value, int) and not finite(value):
            raise InputError(f"{name}{place(index)}", "expected a number below 1.8e308", shown(value))
    return array.astype(np.float64)


def check_exact(labels: np.ndarray, name: str) -> None:
    """Refuse labels that can't be kept exactly, and come back: bytes, whole numbers beyond int64, floats beyond 2⁵³.

    Args:
        labels: labels (n,) or (n, 1).
        name: what messages call them.

    Raises:
        InputError: with the row of the first such label.

    Example:
        >>> check_exact(np.array([1.0, 2.0]), "y")
    """
    if labels.dtype.kind == "S":
        raise InputError(name, "expected labels of text or numbers", "bytes", DECODE)
    if (row := first_inexact(labels)) is not None:
        raise InputError(f"{name}, row {row}", KEPT, shown(labels[row].item()), AS_TEXT)


DECODE = "Decode them: y.astype(str)."
KEPT = "expected labels that 64 bits keep exactly"
AS_TEXT = "Give such labels as text."


def first_inexact(labels: np.ndarray) -> int | None:
    """The row of the first label that would come back as another: an integer beyond int64, a float beyond 2⁵³.

    Example:
        >>> first_inexact(np.array([1.0, 1e20])), first_inexact(np.array([1, 2]))
        (1, None)
    """
    if labels.dtype.kind not in "uf":
        return None
    large = abs(labels.reshape(len(labels), -1)) >= (2.0**53 if labels.dtype.kind == "f" else 2**63)
    return int(large.any(axis=1).argmax()) if large.any() else None


def place(index: Sequence[int]) -> str:
    """Where a value stands in an array: ", row 3, column 1", or ", sample 3, place (1, 0, 2)" (all from 0)."""
    if len(index) > 2:
        return f", sample {index[0]}, place ({', '.join(map(str, index[1:]))})"
    return "".join(f", {axis} {i}" for axis, i in zip(("row", "column"), index, strict=False))


def check_finite(array: np.ndarray, name: str) -> None:
    """Raise an InputError that names the first NaN or infinity by row and column."""
    if array.dtype.kind != "f":
        return
    with np.errstate(all="ignore"):  # one sum first: it is finite nearly always, and needs no array of answers
        if np.isfinite(array.sum()) or np.isfinite(array).all():
            return
    index = np.argwhere(~np.isfinite(array))[0]
    raise InputError(
        f"{name}{place(index)}", "expected a finite number", array[tuple(index)],
        "Remove these rows, or fill the gaps before.",
    )  # fmt: skip


def as_inputs(value: Any, shape: Sequence[int], name: str = "x") -> np.ndarray:
    """Inputs as an array (n, …shape of a sample) of finite numbers; one sample gets the axis of the samples.

    Args:
        shape: of one sample, as the Input has it. Samples with as many numbers in other axes are reshaped.

    Raises:
        InputError: no numbers, NaN or infinity, no samples.
        ShapeError: another number of numbers in a sample than the network's input has.

    Example:
        >>> as_inputs([1, 2, 3], (3,)).shape, as_inputs([[1, 2, 3, 4]], (2, 2, 1)).shape
        ((1, 3), (1, 2, 2, 1))
    """
    array = as_array(value, name)
    if array.dtype.kind in "US":
        raise InputError(name, "expected numbers", "text", "Turn text columns into numbers, or train from a table.")
    array = as_samples(array, shape, name)
    if not len(array):
        raise InputError(name, "expected at least one sample", "none")
    check_finite(array, name)
    return array.astype(np.float64) if array.dtype.kind == "b" else array


def as_samples(array: np.ndarray, shape: Sequence[int], name: str) -> np.ndarray:
    """An array as samples of a shape, (n, …shape): one sample gets its axis, images are flattened or unfolded.

    Raises:
        ShapeError: it holds no samples of this shape.
    """
    shape = tuple(shape)
    if array.shape == shape:
        return array[None]
    if array.ndim < 2 or math.prod(array.shape[1:]) != math.prod(shape):
        what = f"the network has {shape[0]} input nodes" if len(shape) == 1 else f"a sample's shape is {shape}"
        do = "Samples stand in rows." if len(shape) == 1 else "Samples stand along the first axis."
        raise ShapeError(name, f"expected (n, {', '.join(map(str, shape))}): {what}", array.shape, do)
    return array.reshape(len(array), *shape)


def as_targets(
    value: Any, n: int, n_L: int, loss: Loss, classes: Classes | None = None, name: str = "y"
) -> tuple[np.ndarray, Classes | None]:
    """Targets as the losses read them, and the classes if they are labels.

    Labels (n,), of any kind that sorts, become whole numbers 0 … n_L − 1; for a single output node 0.0 and 1.0.
    Numbers become (n, n_L).

    Args:
        n: how many samples there are.
        n_L: the number of output nodes.
        classes: the classes of an earlier training, which labels must be among.

    Raises:
        InputError: labels that don't fit the output layer, numbers that the loss can't use.
        ShapeError: another number of samples or columns.

    Example:
        >>> from pellucid.losses import loss
        >>> as_targets(["cat", "dog", "cat"], 3, 2, loss("cross_entropy"))
        (array([0, 1, 0], dtype=int32), ('cat', 'dog'))
    """
    array = as_array(value, name)
    if array.ndim == 2 and array.shape[1] == 1 and n_L > 1:
        array = array[:, 0]
    if array.ndim == 0 and n == 1:
        array = array[None]
    if array.ndim not in (1, 2) or len(array) != n:
        one = array.ndim == 1 and n == 1 and len(array) == n_L
        if not one:
            raise ShapeError(name, f"expected {n} targets, one for each row of x", f"shape {array.shape}")
        array = array[None]
    check_finite(array, name)
    if array.ndim == 2 and not (n_L == 1 and array.dtype.kind in "US"):
        return _numbers(array, n_L, loss, name), classes
    array = array.reshape(n)
    if n_L > 1 or array.dtype.kind in "US" or classes is not None or (loss.classes and _is_labels(array)):
        return _labels(array, n_L, loss, classes, name)
    return _numbers(array[:, None], n_L, loss, name), None


def _is_labels(array: np.ndarray) -> bool:
    return array.dtype.kind in "iubUS" or bool((array == np.round(array)).all())


def _numbers(array: np.ndarray, n_L: int, loss: Loss, name: str) -> np.ndarray:
    if array.dtype.kind in "US":
        raise InputError(name, "expected numbers", "text", f"Labels go into a single column for {loss.name}.")
    if array.shape[1] != n_L:
        raise ShapeError(name, f"expected {n_L} columns, one for each output node", f"shape {array.shape}")
    array = array.astype(np.float64) if array.dtype.kind != "f" else array
    if loss.classes:
        outside = np.argwhere((array < 0) | (array > 1))
        if len(outside):
            raise InputError(
                f"{name}{place(outside[0])}", f"{loss.name} expects targets from 0 to 1", array[tuple(outside[0])]
            )
    if loss.counts and (array < 0).any():
        index = np.argwhere(array < 0)[0]
        raise InputError(f"{name}{place(index)}", f"{loss.name} expects targets ≥ 0", array[tuple(index)])
    if loss.one_of_classes:
        total = array.sum(axis=1)
        wrong = np.flatnonzero(abs(total - 1) > 1e-3)
        if len(wrong):
            raise InputError(
                f"{name}, row {wrong[0]}", f"{loss.name} expects the targets of a sample to sum to 1", total[wrong[0]]
            )
    return array


def check_labels(classes: Classes, name: str) -> None:
    """Raise an InputError unless all labels are texts, or all numbers that one array of NumPy carries, each once.

    Example:
        >>> check_labels((2**70, 0.5), "classes")
        Traceback (most recent call last):
        pellucid.errors.InputError: classes: expected labels that are all texts, all booleans, all whole numbers \
below 2**63 or all finite numbers, got (1180591620717411303424, 0.5).
    """
    kinds = {type(label) for label in classes}
    small = all(abs(label) < 2**63 for label in classes if type(label) is int)
    exact = all(math.isfinite(label) for label in classes if type(label) is float)
    if len(kinds) > 1 or not kinds <= {str, bool, int, float} or not small or not exact:
        expected = "all texts, all booleans, all whole numbers below 2**63 or all finite numbers"
        raise InputError(name, f"expected labels that are {expected}", shown(classes))
    if len(set(classes)) < len(classes):
        raise InputError(name, "expected labels that differ", shown(classes))


def check_classes(classes: Classes, n_L: int, name: str) -> None:
    """Raise an InputError unless there are n_L classes, or two for one output node."""
    nodes = max(n_L, 2)
    if len(classes) != nodes:
        raise InputError(
            name, f"expected {nodes} classes for {n_L} output node{'s' * (n_L > 1)}",
            f"{len(classes)} ({preview(classes)})", f"Build the output layer with {len(classes)} nodes.",
        )  # fmt: skip


def _labels(array: np.ndarray, n_L: int, loss: Loss, classes: Classes | None, name: str) -> tuple[np.ndarray, Classes]:
    nodes = max(n_L, 2)
    check_exact(array, name)
    if array.dtype.kind == "f":
        broken = np.flatnonzero(array != np.round(array))
        if len(broken):
            raise ShapeError(
                name, f"expected labels, or {n_L} numbers for each sample", f"{array[broken[0]]} in row {broken[0]}"
            )
        array = array.astype(np.int64)
    found = np.unique(array)
    if classes is None:
        first_labels = array.dtype.kind in "iu" and found[0] >= 0 and found[-1] < nodes
        classes = tuple(range(nodes)) if first_labels else tuple(found.tolist())
        if len(found) < 2:
            raise InputError(
                name, "expected at least two classes", f"only {found[0].item()!r}" if len(found) else "none"
            )
        check_classes(classes, n_L, name)
    known = np.asarray(classes)
    if known.dtype.kind != array.dtype.kind and {known.dtype.kind, array.dtype.kind} & set("US"):
        raise InputError(name, f"expected labels among {preview(classes)}", shown(array[0].item()))
    order = np.argsort(known)
    index = np.clip(np.searchsorted(known, array, sorter=order), 0, len(known) - 1)
    labels = order[index]
    strange = np.flatnonzero(known[labels] != array)
    if len(strange):
        raise InputError(
            f"{name}, row {strange[0]}", f"expected a label among {preview(classes)}", shown(array[strange[0]].item())
        )
    return (labels.astype(np.float64)[:, None] if n_L == 1 else labels.astype(np.int32)), classes


def preview(classes: Classes) -> str:
    """Some of the classes, for a message."""
    return ", ".join(map(repr, classes[:6])) + (", …" if len(classes) > 6 else "")


def as_weights(
    sample_weight: Any, class_weight: str | Mapping[Any, float] | None, y: np.ndarray, classes: Classes | None
) -> np.ndarray | None:
    """Sample weights times class weights, (n,) float64 ≥ 0 with a sum > 0; None where neither is given.

    Args:
        class_weight: a weight for each class by its label (1 where left out), or "balanced": n/(classes · count).

    Raises:
        InputError: a negative or non-finite weight, weights that are all 0, an unknown class.
        ShapeError: another number of weights than samples.
    """
    n, weights = len(y), None
    if sample_weight is not None:
        weights = as_array(sample_weight, "sample_weight")
        if weights.dtype.kind in "US":
            raise InputError("sample_weight", "expected numbers", "text")
        weights = weights.astype(np.float64)
        if weights.shape != (n,):
            raise ShapeError("sample_weight", f"expected ({n},), one weight for each sample", weights.shape)
        check_finite(weights, "sample_weight")
        if (weights < 0).any():
            row = int(np.argmax(weights < 0))
            raise InputError(f"sample_weight, row {row}", "expected a weight ≥ 0", weights[row])
    if class_weight is not None:
        if classes is None:
            raise InputError("class_weight", "expected targets that are labels", "numbers")
        labels = y.reshape(n).astype(np.int64)
        if isinstance(class_weight, str):
            if class_weight != "balanced":
                raise InputError("class_weight", "expected 'balanced' or a weight for each class", shown(class_weight))
            counts = np.bincount(labels, weights=weights, minlength=len(classes))
            per_class = counts.sum() / (len(classes) * np.where(counts > 0, counts, 1))
        elif not isinstance(class_weight, Mapping):
            raise InputError("class_weight", "expected 'balanced' or a weight for each class", shown(class_weight))
        else:
            per_class = np.ones(len(classes))
            for label, weight in class_weight.items():
                if label not in classes:
                    raise InputError("class_weight", f"expected classes among {preview(classes)}", shown(label))
                where = f"class_weight[{shown(label)}]"
                per_class[classes.index(label)] = number(where, weight, "a finite number ≥ 0", 0.0)
        weights = per_class[labels] if weights is None else weights * per_class[labels]
    if weights is not None and not weights.sum() > 0:
        raise InputError("sample_weight", "expected at least one weight > 0", "only zeros")
    return weights
