"""From the arguments of `Network.fit` to a training: every argument checked, every array ready."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from .activations import ACTIVATIONS
from .architecture import Architecture
from .errors import InputError, number, shown
from .inputs import Classes, as_inputs, as_targets, as_weights, check_classes
from .optimisers import optimiser
from .schedules import schedule
from .training import InChunks, InMemory, Plan, Training, metric

LARGEST_T = 2**31 - 1  # updates are counted in int32
PASSED_ON = (
    "shuffle", "tolerance", "monitor", "restore_best", "progress", "checkpoint", "resume", "on_epoch", "backend",
)  # fmt: skip


# What other libraries call the arguments of `fit`.
WORDS = {
    "optimizer": "optimiser", "lr": "learning_rate", "eta": "learning_rate", "learning_rate_init": "learning_rate",
    "batch": "batch_size", "epoch": "epochs", "n_epochs": "epochs", "num_epochs": "epochs", "max_iter": "epochs",
    "iterations": "epochs", "validation_split": "validation", "validation_data": "validation",
    "validation_fraction": "validation", "eval_set": "validation", "callbacks": "on_epoch", "verbose": "progress",
    "early_stopping": "patience", "n_iter_no_change": "patience", "random_state": "seed", "tol": "tolerance",
    "sample_weights": "sample_weight", "class_weights": "class_weight", "metric": "metrics", "clipnorm": "clip",
    "max_norm": "clip", "scheduler": "schedule", "lr_scheduler": "schedule", "device": "backend",
}  # fmt: skip
OF_NETWORK = {"loss": "loss", "criterion": "loss", "weight_decay": "l2", "alpha": "l2", "l2": "l2", "l1": "l1"}


def refuse_words(given: Mapping[str, Any]) -> None:
    """Refuse arguments that `fit` does not have, with the one that is meant.

    Raises:
        InputError: any argument.

    Example:
        >>> refuse_words({"lr": 0.1})
        Traceback (most recent call last):
        pellucid.errors.InputError: fit: expected the arguments of `Network.fit`, got 'lr'. Here it is learning_rate.
    """
    for name in given:
        do = f"Here it is {WORDS[name]}." if name in WORDS else "See help(Network.fit)."
        if name in OF_NETWORK:
            do = f"It belongs to the network: Network(…, {OF_NETWORK[name]}=…)."
        elif name not in WORDS and (near := get_close_matches(name, [*WORDS.values()], 1)):
            do = f"Is it {near[0]}?"
        raise InputError("fit", "expected the arguments of `Network.fit`", shown(name), do)


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
    check_ends(architecture)
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
            worth = as_weights(given["sample_weight"], None, y, classes)  # class weights only steer the updates
            if worth is not None and not worth[out].sum() > 0:
                raise InputError("validation", "expected held-out samples that weigh something", "only weights of 0")
            validation = x[out], y[out], None if worth is None else worth[out]
            x, y, weights = x[kept], y[kept], None if weights is None else weights[kept]
        source = InMemory(x, y, weights)
    if validation is not None and not isinstance(given["validation"], float):
        validation = _pair(validation, architecture.shape, n_L, loss, classes)

    epochs = whole(given["epochs"], "epochs", 1)
    batch = source.n if given["batch_size"] is None else min(whole(given["batch_size"], "batch_size", 1), source.n)
    if (most := LARGEST_T // math.ceil(source.n / batch)) < epochs:
        raise InputError("epochs", f"expected at most {most:,}, for updates are counted up to 2**31", shown(epochs))
    names = (given["metrics"],) if isinstance(given["metrics"], str) else given["metrics"]
    if not isinstance(names, Sequence):
        raise InputError("metrics", "expected a name or several", shown(names))
    names = tuple(names)
    for name in names:
        metric(name)
    _check_monitor(given["monitor"], names, validation is not None)
    for name, least in (("clip", 0.0), ("tolerance", 0.0)):
        if given[name] is not None or name != "clip":
            number(name, given[name], f"a finite number ≥ {least:g}", least)
    if given["resume"] and given["checkpoint"] is None:
        raise InputError("resume", "expected a checkpoint to resume from", "none", "Give checkpoint=FILE.")
    if given["checkpoint"] is not None:
        from .store import check_writable

        check_writable(given["checkpoint"])
        if given["resume"] and not os.path.exists(given["checkpoint"]):
            raise InputError(
                "resume", f"expected the checkpoint {given['checkpoint']}", "no such file",
                "Look at its name, or leave resume out to begin anew.",
            )  # fmt: skip
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


USUAL_LOSS = {"softmax": "cross_entropy", "sigmoid": "binary_cross_entropy", "exponential": "poisson"}


def check_ends(architecture: Architecture) -> None:
    """Refuse an output layer that the loss can't read: training would go on without learning, or end in NaN.

    Raises:
        InputError: such a pair, with the pairs that fit.

    Example:
        >>> from pellucid import mlp
        >>> check_ends(mlp([2, 3], "sigmoid", loss="cross_entropy").architecture)
        Traceback (most recent call last):
        pellucid.errors.InputError: layer 1 (dense, sigmoid): cross_entropy expects outputs of softmax, got sigmoid. \
Give the output layer 'softmax', or take the loss that fits sigmoid: 'binary_cross_entropy'.
    """
    L, loss = architecture.L, architecture.loss
    output, where = architecture.program.activation(L), architecture.where(L)
    if output is None:
        return
    if output.name == "softmax" and architecture.n[-1] == 1:
        raise InputError(
            where, "expected at least two nodes, for a softmax over one node is always 1", "one",
            "Take sigmoid with binary_cross_entropy for two classes, linear with squared_error for a number.",
        )  # fmt: skip
    if loss.fits and output.name in ACTIVATIONS and output.name not in loss.fits:
        other = USUAL_LOSS.get(output.name, "squared_error")
        raise InputError(
            where, f"{loss.name} expects outputs of {' or '.join(loss.fits)}", output.name,
            f"Give the output layer {loss.fits[0]!r}, or take the loss that fits {output.name}: {other!r}.",
        )  # fmt: skip


def _pair(validation: Any, shape: Sequence[int], n_L: int, loss: Any, classes: Classes | None) -> tuple[Any, Any, Any]:
    """Held-out samples (x, y), or (x, y, sample weights), checked."""
    if hasattr(validation, "read"):  # a stream: its samples are kept in memory
        x, y = validation.read(0, validation.n)
        validation = x, y if validation.classes is None else np.asarray(validation.classes)[np.asarray(y)]
    elif hasattr(validation, "x") and hasattr(validation, "y"):
        y = validation.y if validation.classes is None else np.asarray(validation.classes)[np.asarray(validation.y)]
        validation = validation.x, y
    if not isinstance(validation, Sequence) or len(validation) not in (2, 3):
        raise InputError("validation", "expected a share between 0 and 1, or a pair (x, y)", shown(validation))
    x = as_inputs(validation[0], shape, "validation x")
    y, _ = as_targets(validation[1], len(x), n_L, loss, classes, "validation y")
    return x, y, as_weights(validation[2], None, y, classes) if len(validation) == 3 else None


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
    if not least <= number < 2**63 or isinstance(value, bool):
        raise InputError(
            name, f"expected a whole number ≥ {least}" + " and below 2**63" * (number > least), shown(value)
        )
    return number
