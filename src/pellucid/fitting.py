"""From the arguments of `Network.fit` to a training: every argument checked, every array ready."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .architecture import Architecture
from .errors import InputError, shown
from .inputs import Classes, as_inputs, as_targets, as_weights, check_classes
from .optimisers import optimiser
from .schedules import schedule
from .training import InChunks, InMemory, Plan, Training, metric

PASSED_ON = (
    "shuffle", "tolerance", "monitor", "restore_best", "progress", "checkpoint", "resume", "on_epoch", "backend",
)  # fmt: skip


def plan_training(net: Any, x: Any, y: Any, given: Mapping[str, Any]) -> tuple[Training, Classes | None, Any]:
    """The training that `net.fit(x, y, **given)` asks for, the classes of its labels, the preparation of its data.

    Raises:
        InputError, ShapeError: see `Network.fit`.
    """
    architecture: Architecture = net.architecture
    n_0, n_L, loss = architecture.n[0], architecture.n[-1], architecture.loss
    seed = given["seed"]
    seed = int(np.random.default_rng().integers(2**32)) if seed is None else whole(seed, "seed", 0)
    validation, classes = given["validation"], net.classes
    preparation = getattr(x, "preparation", net.preparation)
    if loss.counts and getattr(getattr(preparation, "target", None), "moved", False):
        raise InputError(
            "y", f"{loss.name} expects targets in their own units", "standardised ones",
            "Read the data with scale_target=False.",
        )  # fmt: skip
    try:
        dtype = "" if given["dtype"] is None else np.dtype(given["dtype"]).name
    except TypeError:
        dtype = ""
    if dtype not in ("float32", "float64"):
        raise InputError("dtype", "expected float32 or float64", shown(given["dtype"]))

    if y is None and hasattr(x, "read"):  # a stream
        if given["sample_weight"] is not None or given["class_weight"] is not None:
            raise InputError("sample_weight", "expected data in memory", "a stream")
        if x.n_inputs != n_0:
            raise InputError("x", f"expected {n_0} columns: the network has {n_0} input nodes", x.n_inputs)
        classes = tuple(x.classes) if x.classes is not None else None
        if classes is not None:
            check_classes(classes, n_L, "y")
        indices = None if classes is None else tuple(range(len(classes)))  # a stream gives the classes' indices

        def targets(y: Any, n: int, where: str) -> np.ndarray:
            if y is None:
                raise InputError(where, "expected targets", "none")
            return as_targets(y, n, n_L, loss, indices, where)[0]

        source: Any = InChunks(x, targets=targets)
    else:
        if y is None and hasattr(x, "x") and hasattr(x, "y"):  # a data set
            classes = classes if x.classes is None else tuple(x.classes)
            x, y = x.x, (x.y if x.classes is None else np.asarray(x.classes)[np.asarray(x.y)])
        if y is None:
            raise InputError("y", "expected targets", "none", "Call fit(x, y), or fit(dataset).")
        x = as_inputs(x, architecture.shape)
        y, classes = as_targets(y, len(x), n_L, loss, classes)
        weights = as_weights(given["sample_weight"], given["class_weight"], y, classes)
        if isinstance(validation, float):
            if not 0 < validation < 1:
                raise InputError("validation", "expected a share between 0 and 1, or a pair (x, y)", validation)
            held = min(max(1, round(validation * len(x))), len(x) - 1)
            if held < 1:
                raise InputError("validation", "expected at least two samples to hold some out", len(x))
            order = np.random.default_rng([seed, 0x5EED]).permutation(len(x))
            out, kept = order[:held], order[held:]
            validation = x[out], y[out]
            x, y, weights = x[kept], y[kept], None if weights is None else weights[kept]
        source = InMemory(x, y, weights)
    if validation is not None and not isinstance(given["validation"], float):
        validation = _pair(validation, architecture.shape, n_L, loss, classes)

    epochs = whole(given["epochs"], "epochs", 1)
    batch = source.n if given["batch_size"] is None else min(whole(given["batch_size"], "batch_size", 1), source.n)
    names = (given["metrics"],) if isinstance(given["metrics"], str) else given["metrics"]
    if not isinstance(names, Sequence):
        raise InputError("metrics", "expected a name or several", shown(names))
    names = tuple(names)
    for name in names:
        metric(name)
    _check_monitor(given["monitor"], names, validation is not None)
    for name, least in (("clip", 0.0), ("tolerance", 0.0)):
        value = given[name]
        if name == "clip" and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < math.inf:
            raise InputError(name, f"expected a finite number ≥ {least:g}", shown(value))
    if given["resume"] and given["checkpoint"] is None:
        raise InputError("resume", "expected a checkpoint to resume from", "none", "Give checkpoint=FILE.")
    if given["checkpoint"] is not None:
        from .store import check_writable

        check_writable(given["checkpoint"])
    if given["on_epoch"] is not None and not callable(given["on_epoch"]):
        raise InputError("on_epoch", "expected a function of the epoch and the knobs", shown(given["on_epoch"]))
    plan = Plan(
        epochs=epochs,
        batch=batch,
        optimiser=optimiser(given["optimiser"], given["learning_rate"]),
        schedule=schedule(given["schedule"], epochs * math.ceil(source.n / batch)),
        clip=given["clip"],
        seed=seed,
        dtype=dtype,
        validation=validation,
        metrics=names,
        patience=None if given["patience"] is None else whole(given["patience"], "patience", 1),
        checkpoint_every=whole(given["checkpoint_every"], "checkpoint_every", 1),
        **{name: given[name] for name in PASSED_ON},
    )
    return Training(architecture, net.parameters, source, plan), classes, preparation


def _pair(
    validation: Any, shape: tuple[int, ...], n_L: int, loss: Any, classes: Classes | None
) -> tuple[np.ndarray, np.ndarray]:
    if hasattr(validation, "read"):  # a stream: its samples are kept in memory
        x, y = validation.read(0, validation.n)
        validation = x, y if validation.classes is None else np.asarray(validation.classes)[np.asarray(y)]
    elif hasattr(validation, "x") and hasattr(validation, "y"):
        y = validation.y if validation.classes is None else np.asarray(validation.classes)[np.asarray(validation.y)]
        validation = validation.x, y
    if not isinstance(validation, Sequence) or len(validation) != 2:
        raise InputError("validation", "expected a share between 0 and 1, or a pair (x, y)", shown(validation))
    x = as_inputs(validation[0], shape, "validation x")
    y, _ = as_targets(validation[1], len(x), n_L, loss, classes, "validation y")
    return x, y


def _check_monitor(monitor: Any, metrics: Sequence[str], validated: bool) -> None:
    figures = ["loss", *metrics, *(["validation_loss"] if validated else [])]
    if monitor is not None and monitor not in figures:
        raise InputError("monitor", f"expected one of {', '.join(figures)}", shown(monitor))


def whole(value: Any, name: str, least: int) -> int:
    """A whole number ≥ least.

    Raises:
        InputError: anything else.

    Example:
        >>> whole(np.int64(3), "epochs", 1)
        3
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        raise InputError(name, f"expected a whole number ≥ {least}", shown(value))
    return number
