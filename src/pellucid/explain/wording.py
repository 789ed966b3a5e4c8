"""How quantities and derivatives are said in words, and written in the letters of a general formula.

Before it: `symbols`. After it: the rules in `values`, `derivatives`, `ends`, `means` and `update`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..symbols import Derivative, Quantity
from .context import Context, Target


def phrase(q: Quantity, L: int) -> str:
    """A quantity in words.

    Example:
        >>> phrase(Quantity("w", 2, (1, 3)), 2)
        'the weight from node 3 of layer 1 to node 1 of layer 2'
    """
    j = q.nodes[0] if q.nodes else None
    layer = f"{'output ' if q.layer == L and q.name in ('z', 'a', 'g') else ''}layer {q.layer}"
    of = f" for sample {q.sample}" if q.kind.sampled and q.sample else ""
    match q.name:
        case "w":
            return f"the weight from node {q.nodes[1]} of layer {q.layer - 1} to node {j} of {layer}"
        case "b":
            return f"the bias of node {j} of {layer}"
        case "x":
            return f"input {j} of the network{of}"
        case "y":
            return f"the target of output node {j}{of}"
        case "z":
            return f"the input z of node {j} of {layer}{of}"
        case "a":
            return f"input {j} of the network{of}" if q.layer == 0 else f"the output a of node {j} of {layer}{of}"
        case "g":
            return f"the activation function of {layer} at node {j}{of}"
        case "g'":
            return f"the derivative of the activation function of {layer} at node {j}{of}"
        case "C":
            return "the mean loss over the samples" if q.sample is None else f"the loss of sample {q.sample}"
    return "the penalty on the weights"


def title(text: str) -> str:
    """With a capital and a full stop."""
    return text[0].upper() + text[1:] + "."


def says(c: Context, address: Any) -> str:
    """What a derivative is, in words."""
    if isinstance(address, Quantity):
        address = Derivative(Quantity("C", sample=address.sample), replace(address, name="z"))
    by = address.by
    if by.kind.sampled and address.of.sample is not None:
        by = replace(by, sample=0)  # said once
    return title(f"how {phrase(address.of, c.L)} changes with {phrase(by, c.L)}")


def t_letter(t: Target, below: str) -> str:
    """∂T/∂below in a general formula: C_0 stands for any sample's loss."""
    return f"dC0/d{below}" if t.is_loss else f"d{replace(t.of, sample=0)}/d{below}"
