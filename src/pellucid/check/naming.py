"""Which array of a candidate is which: from names (`dW1`, `layers.0.weight`), or from order and shapes.

Before it: whatever the user handed in. After it: `candidate` settles orientation, samples and reduction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..architecture import Architecture
from ..errors import InputError, shown

Address = tuple[str, int]  # ("w", 2): kind and layer

WEIGHTS, BIASES = r"w(?:eights?)?|kernel|theta|coefs?", r"b(?:ias(?:es)?)?|intercepts?"
DIFFERENTIAL = r"(?:d[cljef]?d?|nabla|g(?:rad(?:ient)?s?)?)"
PATTERNS = {
    "w": rf"{DIFFERENTIAL}?(?:{WEIGHTS})(?:grad(?:ient)?s?)?",
    "b": rf"{DIFFERENTIAL}?(?:{BIASES})(?:grad(?:ient)?s?)?",
    "delta": rf"deltas?|δ|errors?|{DIFFERENTIAL}z",
    "dC_da": rf"{DIFFERENTIAL}(?:a|activations?|h)",
    "z": "z|preactivations?",
    "a": "a|activations?|h",
}
FILLERS = re.compile(r"layers?|linear|dense|fc|hidden|output|out\b|modules?|model|net(?:work)?|sequential|params?")


def leaves(candidate: Any, path: tuple = ()) -> Iterator[tuple[tuple, Any]]:
    """Every array of a nest of dicts, lists and tuples, with the keys and positions that lead to it."""
    if isinstance(candidate, Mapping):
        for key, value in candidate.items():
            yield from leaves(value, (*path, key if isinstance(key, int) else str(key)))
    elif isinstance(candidate, Sequence) and not isinstance(candidate, str | bytes) and (not path or nested(candidate)):
        for position, value in enumerate(candidate):
            yield from leaves(value, (*path, position))
    else:
        yield path, candidate


def nested(values: Sequence) -> bool:
    """Whether a list holds arrays; a list of numbers, or of rows of numbers, is an array itself."""
    if any(value is None or isinstance(value, Mapping) or hasattr(value, "shape") for value in values):
        return True
    try:
        return np.asarray(values).dtype.kind not in "fiub"
    except ValueError:  # ragged
        return True


def addresses(candidate: Any, architecture: Architecture, layout: Sequence[str] | None = None) -> dict[Address, Any]:
    """Each array of a candidate under its address.

    Args:
        layout: the names of a list's items in order, such as ["dW1", "db1"], where they can't be told.

    Raises:
        InputError: names or a number of arrays that fit no known order.

    Example:
        >>> from pellucid.layers import Dense, Input
        >>> from pellucid.losses import loss
        >>> net = Architecture((Input(3), Dense(2), Dense(1)), loss("squared_error"))
        >>> found = addresses({"dW2": 0, "db2": 0, "dW1": 0, "db1": 0}, net)
        >>> sorted(found)
        [('b', 1), ('b', 2), ('w', 1), ('w', 2)]
    """
    candidate = without_loss(candidate)
    flat = list(leaves(candidate))
    if all(value is None for _, value in flat):
        raise InputError("candidate", "expected at least one array", "none")
    if layout is not None:
        if len(layout) != len(flat):
            raise InputError("layout", f"expected {len(flat)} names, one for each array", len(layout))
        flat = [((name,), value) for name, (_, value) in zip(layout, flat, strict=True)]
    if any(set(architecture.program.shapes(l)) - {"w", "b"} for l in range(architecture.L + 1)):
        return by_own_names(flat, architecture)
    if any(isinstance(key, str) for path, _ in flat for key in path):
        # [None, {"w": …}, …]: place 0 holds nothing, as layer 0 has no weights
        return named([(path, v) for path, v in flat if v is not None or path != (0,)], architecture)
    return ordered([value for _, value in flat], architecture)


def by_own_names(flat: Sequence[tuple[tuple, Any]], architecture: Architecture) -> dict[Address, Any]:
    """Addresses from the arrays' own names, where layers have others than w and b: dgamma2, gamma[2], (2, "gamma").

    Raises:
        InputError: a name that is none of them.
    """
    arrays = {(name, l) for l, name in architecture.program.arrays}
    found: dict[Address, Any] = {}
    for path, value in flat:
        text = ".".join(map(str, path))
        words = re.findall(r"[A-Za-z_]+|\d+", re.sub(r"^d[CcLl]\d*/", "", text))
        numbers = [int(word) for word in words if word.isdigit()]
        names = [word.strip("_") for word in words if not word.isdigit()]
        meant = [(name, l) for name, l in arrays for word in names if word in (name, f"d{name}") and l in numbers]
        if len(meant) != 1:
            known = ", ".join(f"d{name}{l}" for l, name in architecture.program.arrays)
            raise InputError("candidate", f"expected the names of the network's arrays: {known}", shown(text))
        found[meant[0]] = value
    return found


def without_loss(candidate: Any) -> Any:
    """(loss, gradients) or (gradients, loss) → gradients."""
    if isinstance(candidate, tuple) and len(candidate) == 2:
        scalar = [np.ndim(part) == 0 if not isinstance(part, Mapping | Sequence) else False for part in candidate]
        if scalar[0] != scalar[1] and None not in candidate:
            other = candidate[scalar.index(False)]
            if isinstance(other, Mapping | Sequence):
                return other
    return candidate


@dataclass(frozen=True)
class ArrayName:
    """What a name says.

    Attributes:
        kind: one of PATTERNS.
        number: the layer's number in the name, or the position in a list; None for neither.
        listed: whether the number is a position in a list of this kind's arrays.
        where: the name, for messages.
    """

    kind: str
    number: int | None
    listed: bool
    where: str


def read_name(path: tuple, L: int) -> ArrayName:
    """A name such as ("dW2",), ("layers.0.weight",), ("dW", 1) or (1, "w").

    Raises:
        InputError: a name that says nothing.
    """
    text = re.sub(r"^d[a-z]\d+(?=/)", "dc", ".".join(k for k in path if isinstance(k, str)).lower())
    text = re.sub(r"\(l\)|\[l\]", str(L), text)
    word = FILLERS.sub("", re.sub(r"[^a-zδ]", "", FILLERS.sub("", text)))
    kind = next((kind for kind, pattern in PATTERNS.items() if re.fullmatch(pattern, word)), None)
    where = ".".join(map(str, path))
    if kind is None:
        known = "names such as dW1, db1, delta1, dA1, z1, a1"
        raise InputError("candidate", f"expected {known}", shown(where), "Or give layout=[…].")
    digits = [int(d) for d in re.findall(r"\d+", text)]
    positions = [k for k in path if isinstance(k, int)]
    number = digits[0] if digits else positions[0] if positions else None
    return ArrayName(kind, number, not digits and isinstance(path[-1], int), where)


def named(flat: Sequence[tuple[tuple, Any]], architecture: Architecture) -> dict[Address, Any]:
    """Addresses from names; layers by their numbers in the names, or by their positions in a list."""
    L = architecture.L
    names = [(read_name(path, L), value) for path, value in flat]
    layer = numbering([(n.kind, n.number) for n, _ in names if not n.listed and n.number is not None], L)
    longest = {
        kind: max((n.number or 0 for n, _ in names if n.listed and n.kind == kind), default=0) for kind in PATTERNS
    }
    found: dict[Address, Any] = {}
    for name, value in names:
        kind, number = name.kind, name.number
        if number is None:
            if L > 1 and kind in "wb":
                raise InputError("candidate", f"expected a layer's number in the name {name.where!r}, as in {kind}1")
            l = L
        elif name.listed:
            l = number if longest[kind] == L else number + 1  # a list of L + 1 items starts with layer 0
        else:
            l = layer(number)
        if value is None and l == 0:
            continue
        if not 0 <= l <= L or (l == 0 and kind in ("w", "b", "z")):
            raise InputError("candidate", f"expected layers 1 … {L}", shown(name.where))
        if (kind, l) in found:
            raise InputError("candidate", f"expected one array for {kind} of layer {l}", "two", "Give layout=[…].")
        found[kind, l] = value
    return found


def numbering(numbers: Sequence[tuple[str, int]], L: int) -> Callable[[int], int]:
    """How the numbers in names stand for layers: from 1, from 0, or in their order (0, 2, 4 in a sequence)."""
    own = sorted({n for kind, n in numbers if kind in ("w", "b")} or {n for _, n in numbers})
    if len(own) == L and own != list(range(1, L + 1)):
        table = {n: place for place, n in enumerate(own, 1)}
        return lambda n: table.get(n, n + 1 if own == list(range(L)) else n)
    if own and own[0] == 0:
        return lambda n: n + 1
    return lambda n: n


def orders(architecture: Architecture) -> list[tuple[str, list[Address]]]:
    """The orders in which people return gradients, likeliest first."""
    up = range(1, architecture.L + 1)
    bias = [("b", l) for l in up if "b" in architecture.program.shapes(l)]
    weight = [("w", l) for l in up]

    def each(first: str, second: str, layers: Sequence[int]) -> list[Address]:
        return [(kind, l) for l in layers for kind in (first, second) if (kind, l) in bias or kind == "w"]

    return [
        ("w1, b1, w2, b2, …", each("w", "b", up)),
        ("w1, w2, …, b1, b2, …", weight + bias),
        ("b1, b2, …, w1, w2, …", bias + weight),
        ("b1, w1, b2, w2, …", each("b", "w", up)),
        ("wL, bL, …, w1, b1", each("w", "b", up[::-1])),
        ("wL, …, w1, bL, …, b1", weight[::-1] + bias[::-1]),
        ("w1, w2, …", weight),
        ("wL, …, w1", weight[::-1]),
    ]


def ordered(values: Sequence[Any], architecture: Architecture) -> dict[Address, Any]:
    """Addresses from the order: the likeliest of `orders` that fits the most shapes; or one long vector."""
    sizes = [(k, l, s) for l in range(1, architecture.L + 1) for k, s in architecture.program.shapes(l).items()]
    if len(values) == 1 and np.ndim(values[0]) == 1 and len(sizes) > 1:
        vector, at, found = np.asarray(values[0]), 0, {}
        if vector.size == sum(int(np.prod(s)) for _, _, s in sizes):
            for kind, l, shape in sizes:
                found[kind, l] = vector[at : at + int(np.prod(shape))].reshape(shape)
                at += int(np.prod(shape))
            return found
    if np.ndim(values[0]) == 0 and values[0] is not None and len(values) > 1:
        values = values[1:]  # the loss first
    fitting = [(name, order) for name, order in orders(architecture) if len(order) == len(values)]
    if not fitting:
        lengths = sorted({len(order) for _, order in orders(architecture)})
        raise InputError(
            "candidate",
            f"expected {' or '.join(map(str, lengths))} arrays for {architecture.L} layers",
            len(values),
            "Name them in a dict (dW1, db1, …), or give layout=[…].",
        )

    def fits(order: list[Address]) -> float:
        usual = order == fitting[0][1]  # one array of a wrong shape must not turn everything round
        return usual + sum(plausible(at, v, architecture) for at, v in zip(order, values, strict=True))

    return dict(zip(max((order for _, order in fitting), key=fits), values, strict=True))


def plausible(address: Address, value: Any, architecture: Architecture) -> bool:
    """Whether an array's shape fits an address in any layout."""
    kind, l = address
    shape, (above, below) = np.shape(value), (architecture.n[l], architecture.n[l - 1])
    if kind == "w":
        return shape[-2:] in ((above, below), (below, above)) or shape[:2] in ((above, below), (below, above))
    return above in shape or not shape
