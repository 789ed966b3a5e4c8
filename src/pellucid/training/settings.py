"""How to train, as one record: each setting with its type, its default, what it may be, and its sentence.

`Network.fit` makes it of its keywords, the estimators of their parameters; the command line takes defaults and choices
from it. What is data (x, y, weights of samples, held-out samples) is no setting. After it: `loop`.
"""

from __future__ import annotations

import math
import operator
import os
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any, TypeVar

import numpy as np

from ..errors import InputError, number, shown
from ..optimisers import optimiser
from ..schedules import schedule
from ..store import check_writable
from .metrics import metric

Read = Callable[[Any, str], Any]  # a value and its name → what is kept; raises an InputError
Documented = TypeVar("Documented", bound=Callable[..., Any])
LARGEST_T = 2**31 - 1  # updates are counted in int32
BACKENDS, DTYPES = ("auto", "numpy", "jax"), ("float32", "float64")


# ── what a setting may be ─────────────────────────────────────────────────────────────────────────


def whole(value: Any, name: str, least: int = 0) -> int:
    """A whole number ≥ least.

    Raises:
        InputError: anything else.

    Example:
        >>> whole(np.int64(3), "epochs", 1)
        3
    """
    try:
        found = operator.index(value)
    except TypeError:
        found = least - 1
    if not least <= found < 2**63 or isinstance(value, bool):
        expected = f"expected a whole number ≥ {least}" + " and below 2**63" * (found > least)
        raise InputError(name, expected, shown(value))
    return found


def counted(value: Any, name: str) -> int:
    """A whole number ≥ 1."""
    return whole(value, name, 1)


def positive(value: Any, name: str) -> Any:
    """A finite number ≥ 0."""
    return number(name, value, "a finite number ≥ 0", 0.0)


def flag(value: Any, name: str) -> bool:
    """True or False."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(name, "expected True or False", shown(value))
    return bool(value)


def or_none(read: Read) -> Read:
    """What `read` takes, or None."""
    return lambda value, name: None if value is None else read(value, name)


def seeded(value: Any, name: str) -> int:
    """A seed; None draws one."""
    return int(np.random.default_rng().integers(2**32)) if value is None else whole(value, name)


def precision(value: Any, name: str) -> str:
    """float32 or float64, however NumPy writes it."""
    try:
        found = "" if value is None else np.dtype(value).name
    except TypeError:
        found = ""
    if found not in DTYPES:
        raise InputError(name, f"expected {' or '.join(DTYPES)}", shown(value))
    return found


def backend(value: Any, name: str) -> str:
    """One of BACKENDS."""
    if not isinstance(value, str) or value not in BACKENDS:
        raise InputError(name, "expected auto, numpy or jax", shown(value))
    return value


def names_of_metrics(value: Any, name: str) -> tuple[str, ...]:
    """The names of metrics, each of which there is."""
    found = (value,) if isinstance(value, str) else value
    if not isinstance(found, Sequence):
        raise InputError(name, "expected a name or several", shown(found))
    for each in found:
        metric(each)
    return tuple(found)


def curve(value: Any, name: str) -> Any:
    """A schedule that there is; how long it is shows when the training begins."""
    schedule(value, 1)
    return value


def function(value: Any, name: str) -> Any:
    """Something that can be called."""
    if not callable(value):
        raise InputError(name, "expected a function of the epoch and the knobs", shown(value))
    return value


def writable(value: Any, name: str) -> Any:
    """A path that can be written."""
    check_writable(value)
    return value


def as_it_is(value: Any, name: str) -> Any:
    """Anything: what it may be shows elsewhere."""
    return value


def setting(default: Any, read: Read, sentence: str) -> Any:
    """A field of `Settings`: its default, what it may be, what it is for."""
    return field(default=default, metadata={"read": read, "sentence": sentence})


# ── the record ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Settings:
    """How to train. Every field is an argument of `Network.fit`, and is told there with the sentence it has here.

    Raises:
        InputError: a value that can't be used, by its name.

    Example:
        >>> Settings(epochs=3, optimiser="adam", learning_rate=0.1).optimiser.learning_rate
        0.1
        >>> Settings(epochs=0)
        Traceback (most recent call last):
        pellucid.errors.InputError: epochs: expected a whole number ≥ 1, got 0.
    """

    epochs: int = setting(100, counted, "how many times to go through the data at most.")
    batch_size: int | None = setting(
        32, or_none(counted),
        "samples per update: 1 is stochastic, None the full batch. The last batch may be smaller.",
    )  # fmt: skip
    optimiser: Any = setting(
        "sgd", as_it_is, '"sgd", "momentum", "nesterov", "adam", any factory of Optax by name, or an object.'
    )
    learning_rate: float | None = setting(None, as_it_is, "η of an optimiser given by name.")
    schedule: str | Callable[[Any], Any] | None = setting(
        None, curve,
        "how η changes with the number of updates: the name of one of `schedules.SCHEDULES`, or a function of that "
        "number that gives a factor.",
    )  # fmt: skip
    clip: float | None = setting(
        None, or_none(positive), "the largest norm of the whole gradient; a longer one is scaled down to it."
    )
    metrics: Sequence[str] | str = setting(
        (), names_of_metrics, 'names ("accuracy", "r2", …) to record for each epoch.'
    )
    patience: int | None = setting(
        None, or_none(counted),
        "stop after so many epochs without an improvement of more than `tolerance` in `monitor`.",
    )  # fmt: skip
    tolerance: float = setting(1e-4, positive, "what counts as an improvement, in units of the figure.")
    monitor: str | None = setting(
        None, as_it_is,
        "the figure that is watched: by default the validation loss, or the loss where there is no validation.",
    )  # fmt: skip
    restore_best: bool = setting(False, flag, "end with the weights of the best epoch instead of the last.")
    shuffle: bool = setting(True, flag, "visit the samples in a new order each epoch.")
    seed: int | None = setting(
        0, seeded,
        "of the order and of the held-out samples; None draws one. The same seed, version and machine give the same "
        "weights to the last bit.",
    )  # fmt: skip
    dtype: str = setting("float32", precision, '"float32" or "float64".')
    backend: str = setting("auto", backend, '"numpy", "jax", or "auto" to choose by the size of the work.')
    progress: bool | None = setting(
        None, or_none(flag), "True for a bar or lines, None for a bar where there is a terminal, False for nothing."
    )
    checkpoint: str | os.PathLike | None = setting(
        None, or_none(writable), "a file to keep the training in while it runs."
    )
    checkpoint_every: int = setting(1, counted, "how many epochs lie between two writings of the checkpoint.")
    resume: bool = setting(False, flag, "go on from the checkpoint.")
    on_epoch: Callable[..., bool | None] | None = setting(
        None, or_none(function),
        'called as on_epoch(epoch, knobs) after each epoch; may change knobs["rate"]; True stops.',
    )  # fmt: skip

    def __post_init__(self):
        for each in fields(self):
            object.__setattr__(self, each.name, each.metadata["read"](getattr(self, each.name), each.name))
        object.__setattr__(self, "optimiser", optimiser(self.optimiser, self.learning_rate))
        object.__setattr__(self, "learning_rate", None)  # the optimiser has it now
        if self.resume and self.checkpoint is None:
            raise InputError("resume", "expected a checkpoint to resume from", "none", "Give checkpoint=FILE.")
        if self.resume and self.checkpoint is not None and not os.path.exists(self.checkpoint):
            raise InputError(
                "resume", f"expected the checkpoint {self.checkpoint}", "no such file",
                "Look at its name, or leave resume out to begin anew.",
            )  # fmt: skip

    def batch(self, n: int) -> int:
        """How many of n samples are in one update."""
        return n if self.batch_size is None else min(self.batch_size, n)

    def updates(self, n: int) -> int:
        """The number of updates of a whole training on n samples."""
        return self.epochs * math.ceil(n / self.batch(n))

    def check_updates(self, n: int) -> None:
        """Raise an InputError if a training on n samples would make more updates than are counted."""
        if (most := LARGEST_T // math.ceil(n / self.batch(n))) < self.epochs:
            expected = f"expected at most {most:,}, for updates are counted up to 2**31"
            raise InputError("epochs", expected, shown(self.epochs))

    @property
    def drawn(self) -> int:
        """The seed as the number that it is after the check, also where None drew one."""
        assert self.seed is not None
        return self.seed

    def check_figures(self, validated: bool) -> None:
        """Raise an InputError unless the figure to watch will be there."""
        figures = ["loss", *self.metrics, *(["validation_loss"] if validated else [])]
        if self.monitor is not None and self.monitor not in figures:
            raise InputError("monitor", f"expected one of {', '.join(figures)}", shown(self.monitor))


DEFAULTS: dict[str, Any] = {each.name: each.default for each in fields(Settings)}


def documented(function: Documented) -> Documented:
    """The function with the sentences of all settings in the place of `{settings}` in its docstring."""
    if function.__doc__ and "{settings}" in function.__doc__:
        before, after = function.__doc__.split("{settings}")
        indent = " " * (len(before) - len(before.rstrip(" ")))
        entries = [
            textwrap.fill(f"{each.name}: {each.metadata['sentence']}", 119, initial_indent=indent,
                          subsequent_indent=indent + "    ", break_on_hyphens=False)
            for each in fields(Settings)
        ]  # fmt: skip
        function.__doc__ = before + "\n".join(entries).lstrip() + after
    return function


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


def refuse_words(given: Iterable[str]) -> None:
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
