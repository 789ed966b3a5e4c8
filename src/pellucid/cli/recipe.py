"""What to train where the user did not say: a network and a way to train it that fit the data.

Before it: a prepared data set and the options that were given. After it: `pellucid train`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import InputError, shown

if TYPE_CHECKING:
    from ..activations import Activation
    from ..layers import Layer

# What is to be predicted → output activation; its loss is the one that belongs to it.
USUAL = {"one of several classes": "softmax", "one of two classes": "sigmoid", "numbers": "linear"}
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
    from ..activations import activation
    from ..losses import loss as named

    n = len(classes or ())
    usual = USUAL["numbers" if n == 0 else "one of two classes" if n == 2 else "one of several classes"]
    if output is None and loss is None:
        output = usual
    elif output is None:
        fits = named(str(loss)).fits
        output = fits[0] if fits else USUAL["one of two classes" if n else "numbers"]
    g = activation(str(output))
    if loss is None:
        own = named(g.usual_loss)
        loss = own.name if n and own.classes else activation(USUAL["numbers"]).usual_loss
    return g.name, loss, 1 if n == 2 and g.elementwise else n


def written(text: str, data: Any, output: str | None, loss: str | None) -> tuple[tuple[Layer, ...], str]:
    """The layers of --layers as text, with the input and the output that the data asks for, and the loss.

    An input that is left out has the data's columns. The last layer is the output where it has as many nodes as the
    data has outputs and an activation from which such targets are read (see `is_output`); else one is added.

    Args:
        data: its classes, n_inputs and n_outputs say what goes in and comes out.
        output, loss: what was given by --output-activation and --loss.

    Raises:
        InputError: a text that describes no layers, or an input of another size than the data's.
    """
    from ..layers import Dense, Input, read_layers
    from ..program import program

    try:
        layers = read_layers(text, 0 if text.split()[:1] == ["input"] else 1)  # layer 0 is the input
        if not isinstance(layers[0], Input):
            layers = (Input(data.n_inputs), *layers)
        made = program(layers) if len(layers) > 1 else None
    except InputError as error:
        raise type(error)(f"--layers: {error.where}", error.expected, error.got, error.do) from None
    if layers[0].space.size != data.n_inputs:  # type: ignore[attr-defined]
        raise InputError(
            "--layers: input", f"expected {data.n_inputs} numbers, as in the data", layers[0].space.shape,  # type: ignore[attr-defined]
            "Leave the input out to take it from the data.",
        )  # fmt: skip
    g = made.activation(made.L) if made else None
    if made and g and made.n[-1] > 0 and is_output(g, made.n[-1], data, output, loss):
        return layers, ends(data.classes, g.name, loss)[1]
    output, loss, nodes = ends(data.classes, output, loss)
    return (*layers, Dense(nodes or data.n_outputs, output)), loss  # type: ignore[arg-type]


def is_output(g: Activation, nodes: int, data: Any, output: str | None, loss: str | None) -> bool:
    """Whether a last layer is the one from which the targets are read.

    That takes the number of nodes that goes with the data under g, and a g that --output-activation or --loss names,
    or that is usual: one with a loss of classes for labels, the linear one for numbers.
    """
    from ..losses import loss as named

    if nodes != (ends(data.classes, g.name, None)[2] or data.n_outputs):
        return False
    if output is not None:
        return g.name == output
    if loss is not None and named(loss).fits:
        return g.name in named(loss).fits
    return named(g.usual_loss).classes if data.classes else g.name == USUAL["numbers"]


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
        raise InputError(
            "--layers", "expected the sizes of the hidden layers, such as 30,20, or none", shown(given),
            "Kinds and activations go as in 'dense 30 relu | dense 20 tanh'.",
        )  # fmt: skip
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


def unreachable(g: Activation, y: Any) -> str | None:
    """A remark where the targets of a regression lie beyond what the output activation can reach."""
    low, high = g.reach
    least, most = float(y.min()), float(y.max())
    if low <= least and most <= high:
        return None
    return (
        f"{g.name} reaches {low:g} … {high:g}, but the prepared targets go from {least:.3g} to {most:.3g}; "
        "--output-activation linear reaches all"
    )
