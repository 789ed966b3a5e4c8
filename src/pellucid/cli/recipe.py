"""What to train where the user did not say: a network and a way to train it that fit the data.

Before it: a prepared data set and the options that were given. After it: `pellucid train`.
"""

from __future__ import annotations

from typing import Any

from ..errors import InputError, shown

# What is to be predicted → output activation and loss.
USUAL = {
    "one of several classes": ("softmax", "cross_entropy"),
    "one of two classes": ("sigmoid", "binary_cross_entropy"),
    "numbers": ("linear", "squared_error"),
}
OUTPUT_OF_LOSS = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid", "poisson": "exponential"}
LOSS_OF_OUTPUT = {"softmax": "cross_entropy", "sigmoid": "binary_cross_entropy"}
# Output activations that can't reach every number.
REACH = {
    "sigmoid": (0, 1), "softmax": (0, 1), "tanh": (-1, 1), "softsign": (-1, 1), "relu": (0, float("inf")),
    "softplus": (0, float("inf")), "exponential": (0, float("inf")),
}  # fmt: skip
LARGE = 10_000  # so many samples feed a wider hidden layer


def ends(classes: tuple | None, output: str | None, loss: str | None) -> tuple[str, str, int]:
    """Output activation, loss and number of output nodes (0: as many as there are target columns).

    Two classes share one output node, except under softmax.

    Args:
        classes: the label values; None where numbers are to be predicted.
        output, loss: what was given.

    Example:
        >>> ends((0, 1, 2), None, None), ends(("no", "yes"), None, "squared_error"), ends(None, None, None)
        (('softmax', 'cross_entropy', 3), ('sigmoid', 'squared_error', 1), ('linear', 'squared_error', 0))
    """
    n = len(classes or ())
    if output is None and loss is None:
        output, loss = USUAL["numbers" if n == 0 else "one of two classes" if n == 2 else "one of several classes"]
    elif output is None:
        output = OUTPUT_OF_LOSS.get(str(loss), "sigmoid" if n else "linear")
    elif loss is None:
        loss = LOSS_OF_OUTPUT.get(output, "squared_error") if n else "squared_error"
    return output, str(loss), 1 if n == 2 and output != "softmax" else n


def hidden(given: str | None, samples: int) -> tuple[int, ...]:
    """The sizes of the hidden layers; one layer where they are not given.

    Raises:
        InputError: anything but whole numbers with commas, or "none".

    Example:
        >>> hidden("30,20", 100), hidden("none", 100), hidden(None, 100)
        ((30, 20), (), (64,))
    """
    if given is None:
        return (128,) if samples >= LARGE else (64,)
    if given.strip().lower() in ("none", "0", ""):
        return ()
    try:
        sizes = tuple(int(size) for size in given.split(","))
    except ValueError:
        sizes = (0,)
    if min(sizes) < 1:
        raise InputError("--layers", "expected the sizes of the hidden layers, such as 30,20, or none", shown(given))
    return sizes


def passes(given: int | None, samples: int, batch_size: int) -> int:
    """How many epochs at most: enough for some 10,000 updates, at least 100 and at most 1,000.

    Example:
        >>> passes(None, 105, 32), passes(None, 60_000, 32), passes(7, 105, 32)
        (1000, 100, 7)
    """
    if given is not None:
        return given
    batches = 1 if batch_size < 1 else -(-samples // batch_size)
    return max(100, min(1000, 10_000 // batches))


def penalty(given: float | None, samples: int) -> float:
    """The weight of Σ w²: 3/n where it is not given, so that few samples get a smoother network.

    Example:
        >>> penalty(None, 400), penalty(0.0, 400)
        (0.0075, 0.0)
    """
    return float(f"{3 / samples:.3g}") if given is None else given


def rate(given: float | None, optimiser: str) -> float | None:
    """η: 0.003 for Adam where it is not given, else the optimiser's own.

    Example:
        >>> rate(None, "adam"), rate(None, "sgd"), rate(0.1, "adam")
        (0.003, None, 0.1)
    """
    return 0.003 if given is None and optimiser == "adam" else given


def unreachable(output: str, y: Any) -> str | None:
    """A remark where the targets of a regression lie beyond what the output activation can reach."""
    low, high = REACH.get(output, (-float("inf"), float("inf")))
    least, most = float(y.min()), float(y.max())
    if low <= least and most <= high:
        return None
    return (
        f"{output} reaches {low:g} … {high:g}, but the prepared targets go from {least:.3g} to {most:.3g}; "
        "--output-activation linear reaches all"
    )
