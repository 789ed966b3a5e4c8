"""What a kind of layer offers: its arrays, and the quantities into which it unfolds. Layers hold no state.

To add a kind of layer: one file here, one entry in KINDS, one test. A kind of one's own needs no file here: `register`
makes it known by name, to texts and to stored models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..errors import InputError, ShapeError, shown
from ..operations import Operation
from ..spaces import Shape, Space

LARGEST = 2**31 - 1  # of a size


class Defined(NamedTuple):
    """A named quantity of a layer: name = operation(reads).

    Attributes:
        name: as addresses write it: "z", "a", "c".
        reads: what the operation reads: a number is the layer's input of that number (0 where it reads one layer), a
            name an array or an earlier quantity of the same layer.
    """

    name: str
    operation: Operation
    reads: tuple[int | str, ...]


class Layer:
    """A frozen, hashable description of layer l. Its arrays are handed in by name where something is computed.

    A kind gives `arrays` (names and shapes of what is trained), `letters` (their indices), `initial` (the first
    numbers) and `quantities` (in order; the last is what other layers read).

    Attributes:
        kind: the name by which it is asked for and stored.
        penalised: the arrays on which a penalty acts.
        reads: the layers that it reads, by number (negative: counted back from its own); () is the layer below.

    Example:
        >>> from dataclasses import dataclass
        >>> from pellucid import Dense, Input, Network
        >>> from pellucid.operations import Contraction, Pointwise
        >>> @dataclass(frozen=True)
        ... class Squares(Layer):                 # z_j = Σ_k w_jk² a_k
        ...     n: int
        ...     kind, penalised = "squares", ("w",)
        ...     def arrays(self, below):
        ...         return {"w": (self.n, *below.shape)}
        ...     def letters(self, below):
        ...         return {"w": "jk"}
        ...     def quantities(self, below):
        ...         return (
        ...             Defined("s", Pointwise("w**2", "w", "jk->jk"), ("w",)),
        ...             Defined("z", Contraction("jk,k->j"), ("s", 0)),
        ...         )
        >>> net = Network(Input(2), Squares(3), Dense(1), seed=0)
        >>> t = net.trace([[1.0, 2.0]], [[0.0]])
        >>> bool(t["s[1][2,1]"] == net.w[1][2, 1] ** 2)
        True
    """

    kind: ClassVar[str]
    penalised: ClassVar[tuple[str, ...]] = ()
    reads: tuple[int, ...] = ()  # kinds that take it as an argument make it a field

    def arrays(self, *below: Space) -> dict[str, Shape]:
        """The shape of each trained array by name."""
        return {}

    def letters(self, *below: Space) -> dict[str, str]:
        """The letters of each array's indices by name."""
        return {}

    def initial(self, generator: np.random.Generator, *below: Space) -> dict[str, np.ndarray]:
        """The first arrays, float64: by default as `initialisers` draw the weights of a linear layer."""
        from ..initialisers import initialiser

        first = initialiser(None, None)
        return {name: first.draw(shape, generator) for name, shape in self.arrays(*below).items()}

    def quantities(self, *below: Space) -> tuple[Defined, ...]:
        """The quantities in order."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """The description as JSON values, `kind` among them."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}  # type: ignore[attr-defined]
        out: dict[str, Any] = {"kind": self.kind}
        for name, value in values.items():
            if name == "reads":
                if value:
                    out[name] = list(value)
            else:
                out[name] = described(value)
        return out

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Layer:
        """The layer that `to_dict` described."""
        given = {name: value for name, value in stored.items() if name != "kind"}
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})


def described(value: Any) -> Any:
    """A field as JSON values: activations and initialisers by name with their constants."""
    if hasattr(value, "name") and hasattr(value, "parameters"):
        return {"name": value.name, **value.parameters}
    if isinstance(value, np.generic):
        return value.item()
    return list(value) if isinstance(value, tuple) else value


def flat(kind: str, below: Space) -> int:
    """The number of nodes of a layer below that must have one index.

    Raises:
        ShapeError: it has several.
    """
    if len(below.shape) != 1:
        raise ShapeError(kind, "expected one index below", below.shape, "Flatten it first.")
    return below.shape[0]


def numbered(kind: str, reads: Any, most: int) -> tuple[int, ...]:
    """The layers that a layer reads: one number, or several.

    Raises:
        InputError: anything else, or more than `most` layers.
    """
    try:
        found = (reads,) if hasattr(reads, "__index__") else tuple(reads)
        numbers = tuple(r.__index__() for r in found if not isinstance(r, bool))
    except (AttributeError, TypeError):
        found, numbers = (), (0,) * (most + 1)
    if len(numbers) > most or len(numbers) < len(found):
        expected = "the number of a layer" if most == 1 else f"the numbers of at most {most} layers"
        raise InputError(f"{kind}: reads", f"expected {expected}", shown(reads))
    return numbers


def whole(where: str, size: Any) -> int:
    """A size as a whole number ≥ 1.

    Raises:
        InputError: anything else.
    """
    try:
        number = size.__index__()
    except AttributeError:
        number = 0
    if number < 1 or isinstance(size, bool):
        raise InputError(where, "expected a whole number ≥ 1", shown(size))
    if number > LARGEST:
        raise InputError(where, f"expected at most {LARGEST:,}", shown(size))
    return number
