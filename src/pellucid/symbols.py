"""Text ↔ addresses: `parse` reads what a user typed, `resolve` checks it against a network's names, letters and sizes.

Before it: `reading`, which cuts the text into pieces. After it: `records`, and every door (Python, command line, JSON).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol

from .addresses import NAMES, Address, Derivative, Index, Letter, Name, Quantity
from .errors import AddressError
from .reading import EXAMPLES, Pieces, read

LAYERED = ("w", "b", "z", "a", "g", "g'", "delta", "w+", "b+")  # the notation's own symbols that have a layer
CALLED = {"b": "biases", "w": "weights"}
UNLAYERED = ("x", "y", "C", "R")


@dataclass(frozen=True)
class Known:
    """What a network says of one symbol.

    Attributes:
        letters, sizes: of its indices.
        shared: whether all samples have it in common.
        layers: the layer whose nodes each index counts, for messages; None where it counts something else.
        computed: whether the network computes it from what is below, so that it has derivatives.
        variable: whether one can differentiate by it.
    """

    letters: str
    sizes: tuple[int, ...]
    shared: bool
    layers: tuple[int | None, ...]
    computed: bool = False
    variable: bool = False


class Vocabulary(Protocol):
    """A network's names; a `Program` is one."""

    @property
    def L(self) -> int:
        """The number of the output layer."""
        ...

    def known(self, name: str, l: int | None) -> Known | None:
        """What a name stands for in a layer; None where the layer has none."""
        ...

    def where(self, l: int) -> str:
        """Layer l as an error message names it."""
        ...

    def words(self) -> tuple[str, ...]:
        """All names, in the order in which people meet them."""
        ...


def resolve(address: Any, net: Vocabulary, samples: int | None = None, text: str = "") -> Any:
    """The address with numbers for L, L-1, …, checked against a network.

    Args:
        address: a Quantity or a Derivative.
        net: the network's names.
        samples: how many samples there are, to check i; None leaves i unchecked.
        text: how it was typed, for messages.

    Raises:
        AddressError: a name, layer, node or sample that is not there, or an index that is still a letter.

    Example:
        >>> from pellucid.layers import Dense, Input
        >>> from pellucid.program import program
        >>> net = program((Input(3), Dense(4), Dense(4), Dense(2)))
        >>> str(resolve(Quantity("w", Letter("L", -1), (1, 2)), net))
        'w[2][1,2]'
        >>> resolve(Quantity("w", 2, (5, 3)), net)
        Traceback (most recent call last):
        pellucid.errors.AddressError: w[2][5,3]: layer 2 has 4 nodes, so j runs over 0 … 3.
    """
    if isinstance(address, Derivative):
        of, by = resolve(address.of, net, samples, text), resolve(address.by, net, samples, text)
        return address if of is address.of and by is address.by else Derivative(of, by)
    where, words = str(address), net.words()
    if isinstance(address, Name) or address.name not in (*words, *LAYERED):
        raise AddressError(where, f"expected one of the symbols {' '.join(words)}", address.name, EXAMPLES)
    layer = address.layer
    if isinstance(layer, Letter):
        if layer.letter != "L":
            raise AddressError(where, f"expected a number for the layer {layer}", None, "Write one, or L, L-1, …")
        layer = net.L + layer.offset
    known = net.known(address.name, layer)
    if known is None:
        raise missing(address, layer, net)
    if len(address.nodes) > len(known.letters):
        count = ("no index of a node", "one index of a node", "two indices of nodes")
        has = count[len(known.letters)] if len(known.letters) < 3 else f"the indices {','.join(known.letters)}"
        raise AddressError(text or where, f"{address.name} has {has}", ",".join(map(str, address.nodes)), EXAMPLES)
    for node, letter, size, l in zip(address.nodes, known.letters, known.sizes, known.layers, strict=False):
        if isinstance(node, Letter):
            raise AddressError(where, f"expected a number for the node {node}", None, "Write one.")
        if not 0 <= node < size:
            letter = "k" if address.name == "x" and letter == "j" else letter
            has = "" if l is None else f"layer {l} has {size} node{'s' if size > 1 else ''}, so "
            raise AddressError(where, f"{has}{letter} runs over 0 … {size - 1}")
    sample = address.sample
    if isinstance(sample, Letter):
        raise AddressError(where, f"expected a number for the sample {sample}", None, "Write one.")
    if sample is not None and samples is not None and not 0 <= sample < samples:
        count = f"are {samples} samples" if samples > 1 else "is 1 sample"
        raise AddressError(where, f"there {count}, so i runs over 0 … {samples - 1}")
    if known.shared and not address.shared:
        if sample:
            raise AddressError(where, f"{address.name} has no sample", f"@{sample}", "Leave it out.")
        return replace(address, layer=layer, sample=None, shared=True)
    return address if layer == address.layer else replace(address, layer=layer)


def missing(address: Quantity, layer: Any, net: Vocabulary) -> AddressError:
    """The error for a name that a layer does not have, or a layer that is not there."""
    having = [l for l in range(net.L + 1) if net.known(address.name, l)]
    if layer is not None and 0 < layer <= net.L and (not having or min(having) < layer):
        return AddressError(str(address), f"{net.where(layer)} has no {CALLED.get(address.name, address.name)}")
    runs = f"{min(having or [1])} … {max(having or [net.L])}"
    return AddressError(
        str(address), f"this network has layers 0 … {net.L}, so for {address.name} l runs over {runs}"
    )  # fmt: skip


@lru_cache(maxsize=65536)
def parse(text: str, net: Vocabulary | None = None) -> Any:
    r"""Read an address: ASCII, Unicode, or LaTeX as people type it.

    Args:
        text: the address.
        net: a network's names; with it L becomes a number, ranges are checked, and w_{12} can be read.

    Raises:
        AddressError: text that is no address, or one that names nothing in this network.

    Example:
        >>> from pellucid.layers import Dense, Input
        >>> from pellucid.program import program
        >>> net = program((Input(3), Dense(6), Dense(4)))
        >>> str(parse(r"\frac{\partial C_0}{\partial w_{12}^{(L)}}", net))
        'dC0/dw[2][1,2]'
        >>> parse("∂C₀/∂w₁‚₂⁽²⁾") == parse("dC0/dw[2][1,2]")
        True
    """
    if text in NAMES:
        return Name(text)
    pieces = read(text)
    if len(pieces) == 1:
        address = quantity(pieces[0], text, net)
    else:
        address = derivative(pieces[0], pieces[1], text, net)
    return address if net is None else resolve(address, net, text=text)


def shared(name: str, net: Vocabulary | None) -> bool:
    """Whether all samples have what is called so in common, as far as is known."""
    if Quantity(name, 0).shared:
        return True
    known = next((k for l in range(net.L + 1) if (k := net.known(name, l))), None) if net else None
    return known is not None and known.shared


def derivative(top: Pieces, below: Pieces, text: str, net: Vocabulary | None) -> Derivative:
    """The record of a derivative; the sample behind it belongs to both its quantities, as far as they have one."""
    behind, unsampled = below.sample, shared(below.name, net)
    of, by = quantity(top, text, net), quantity(below._replace(sample=None) if unsampled else below, text, net)
    if not isinstance(of, Quantity) or not isinstance(by, Quantity):
        raise AddressError(text, "expected symbols with their layers", None, EXAMPLES)
    if behind is not None:
        if of.sampled and of.name != "C" and of.sample in (0, behind):
            of = replace(of, sample=behind)
        elif unsampled:
            raise AddressError(text, f"{Derivative(of, by)} has no sample of its own", f"@{behind}", "Leave it out.")
    return Derivative(of, by)


def quantity(p: Pieces, text: str, net: Vocabulary | None) -> Any:
    """The record of one quantity; a Name where a layered symbol stands alone."""
    if p == (p.name, None, (), None, "") and p.name not in UNLAYERED and (len(p.name) == 1 or p.name in LAYERED):
        return Name(p.name)
    if p.name not in UNLAYERED and p.layer is None:
        words = net.words() if net else (*LAYERED, *UNLAYERED)
        if p.name not in words:
            raise AddressError(text, f"expected one of the symbols {' '.join(words)}", p.name, EXAMPLES)
        raise AddressError(text, f"{p.name} needs its layer", None, f"Write {p.name}[l][…] or {p.name}_{{…}}^{{(l)}}.")
    if p.name in UNLAYERED and p.layer is not None:
        raise AddressError(text, f"{p.name} has no layer", None, EXAMPLES)
    nodes = p.nodes
    if len(p.run) > 1 and p.name not in UNLAYERED and (net is not None or p.name in ("w", "w+")):
        nodes = digits(p, text, net)
    if p.sample is not None and Quantity(p.name, p.layer).shared:
        raise AddressError(text, f"{p.name} has no sample", f"@{p.sample}", "Leave it out.")
    return Quantity(p.name, p.layer, nodes, p.sample)


def digits(p: Pieces, text: str, net: Vocabulary | None) -> tuple[Index, ...]:
    """w_{12} digit by digit, where that can mean only one thing."""
    l = p.layer.offset + net.L if net and isinstance(p.layer, Letter) and p.layer.letter == "L" else p.layer
    known = net.known(p.name, l) if net and isinstance(l, int) else None
    if known is not None and len(known.letters) != 2:
        return p.nodes
    forms = " or ".join(f"{p.name}_{{{p.run[:i]},{p.run[i:]}}}" for i in range(1, len(p.run)))
    do = f"Write {forms}; the row {p.run} is {p.name}[{p.layer}][{p.run}]."
    if known is None:
        what = f"{p.name}_{{{p.run}}} can be read in several ways without the layer's sizes"
        raise AddressError(text, what, None, do)
    if len(p.run) != 2 or max(known.sizes) > 10:
        (j, k), (above, below) = known.sizes, known.layers
        sizes = f"layers {below} and {above} have {k} and {j} nodes"
        raise AddressError(
            text, f"two indices without a comma are read digit by digit only up to 10 nodes; {sizes}", None, do
        )
    return int(p.run[0]), int(p.run[1])


__all__ = ["Address", "Known", "Vocabulary", "parse", "resolve"]
