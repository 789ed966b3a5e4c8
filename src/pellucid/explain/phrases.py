"""How quantities and derivatives are said in words.

Before it: addresses. After it: the rules, which title their derivations with it.
"""

from __future__ import annotations

from typing import Any

from ..addresses import Derivative, Quantity

MEANINGS = {
    "z": "the input z", "a": "the output a", "g": "the activation function",
    "g'": "the derivative of the activation function",
}  # fmt: skip


def phrase(q: Quantity, L: int) -> str:
    """A quantity in words.

    Example:
        >>> phrase(Quantity("w", 2, (1, 3)), 2)
        'the weight from node 3 of layer 1 to node 1 of layer 2'
    """
    if q.name in ("C", "R"):
        if q.name == "R":
            return "the penalty on the weights"
        return "the mean loss over the samples" if q.sample is None else f"the loss of sample {q.sample}"
    at = ", ".join(map(str, q.nodes))
    layer = f"{'output ' if q.layer == L and q.name in ('z', 'a', 'g') else ''}layer {q.layer}"
    of = f" for sample {q.sample}" if q.sample else ""
    if q.name == "x" or (q.name == "a" and q.layer == 0):
        return f"input {at} of the network{of}"
    if q.name == "y":
        return f"the target of output node {at}{of}"
    if q.name == "w" and len(q.nodes) == 2:
        return f"the weight from node {q.nodes[1]} of layer {q.layer - 1} to node {q.nodes[0]} of {layer}"
    if q.name == "b":
        return f"the bias of node {at} of {layer}"
    place = f"node {at}" if len(q.nodes) == 1 else f"({at})"
    if q.name in ("g", "g'"):
        return f"{MEANINGS[q.name]} of {layer} at {place}{of}"
    what = MEANINGS.get(q.name) or (f"the weight {q.name}" if q.shared else q.name)
    return f"{what} of {place} of {layer}{of}"


def title(text: str) -> str:
    """With a capital and a full stop."""
    return text[0].upper() + text[1:] + "."


def says(address: Quantity | Derivative, L: int) -> str:
    """What a derivative is, in words."""
    if isinstance(address, Quantity):
        address = Derivative(Quantity("C", sample=address.sample), address.called("z"))
    by = address.by
    if by.sampled and address.of.sample is not None:
        by = by.of_sample(0)  # said once
    return title(f"how {phrase(address.of, L)} changes with {phrase(by, L)}")


def counted(letters: str, values: tuple[Any, ...]) -> str:
    """Which term of a sum: its running letters with their values.

    Example:
        >>> counted("uv", (0, 2))
        'u = 0, v = 2'
    """
    return ", ".join(f"{c} = {int(v)}" for c, v in zip(letters, values, strict=True))
