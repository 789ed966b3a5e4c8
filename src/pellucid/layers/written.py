"""Layers as text, "input 784 | dense 30 sigmoid | dense 10 softmax": one word for the kind, then its arguments.

Arguments come in the order of the kind's own, or as name=value. Before it: the kinds. After it: `pc.network` and the
command line's --layers.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ..errors import InputError, one_of, shown
from .base import Layer
from .dense import Dense
from .input import Input

KINDS: dict[str, type[Layer]] = {kind.kind: kind for kind in (Input, Dense)}
YES, NO = ("yes", "true", "on"), ("no", "false", "off")


def register(kind: type[Layer]) -> type[Layer]:
    """Make a kind of layer known by its name, so that texts can ask for it and saved models find it; a decorator.

    Raises:
        InputError: no kind of layer, or a name that another kind has.

    Example:
        >>> from dataclasses import dataclass
        >>> from pellucid.layers import Defined
        >>> from pellucid.operations import Pointwise
        >>> @register
        ... @dataclass(frozen=True)
        ... class Halved(Layer):
        ...     kind = "halved"
        ...     def quantities(self, below):
        ...         return (Defined("a", Pointwise("x / 2", "x", "j->j"), (0,)),)
        >>> [layer.kind for layer in read_layers("input 4 | halved | dense 2")]
        ['input', 'halved', 'dense']
        >>> del KINDS["halved"]
    """
    name = getattr(kind, "kind", None)
    if not (isinstance(kind, type) and issubclass(kind, Layer) and isinstance(name, str)):
        raise InputError("register", "expected a class of layers with a kind", shown(kind))
    known = KINDS.setdefault(name, kind)
    if (known.__module__, known.__qualname__) != (kind.__module__, kind.__qualname__):
        raise InputError(f"register: {name}", "expected a kind that no layer has yet", shown(known), "Rename it.")
    KINDS[name] = kind  # written anew in a notebook
    return kind


def read_layers(text: str, first: int = 0) -> tuple[Layer, ...]:
    """The layers that a text describes; the first is layer `first` of the network.

    Raises:
        InputError: no text, an unknown kind, or arguments that the kind does not take.

    Example:
        >>> read_layers("input 4 | dense 3 tanh bias=no")
        (Input(shape=(4,)), Dense(n=3, activation=Tanh(), bias=False, initialiser=GlorotUniform(), reads=()))
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError("layers", "expected a text such as 'input 784 | dense 30 sigmoid | dense 10'", shown(text))
    return tuple(read_layer(part, l) for l, part in enumerate(text.split("|"), first))


def read_layer(text: str, l: int = 0) -> Layer:
    """One layer from its words.

    Example:
        >>> read_layer("dense 30 sigmoid").n
        30
    """
    words = text.split()
    if not words or words[0] not in KINDS:
        raise InputError(f"layer {l}", f"expected a kind of layer ({one_of(KINDS)})", shown(text.strip()))
    kind = KINDS[words[0]]
    plain = [value(word) for word in words[1:] if "=" not in word]
    named = {word.partition("=")[0]: value(word.partition("=")[2]) for word in words[1:] if "=" in word}
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    if unknown := [name for name in named if name not in known]:
        raise InputError(f"layer {l} ({kind.kind})", f"expected arguments among {', '.join(known)}", unknown[0])
    try:
        return kind(*plain, **named)
    except TypeError:
        raise InputError(
            f"layer {l} ({kind.kind})", f"expected at most {', '.join(known)}", shown(text.strip())
        ) from None
    except InputError as error:
        raise type(error)(
            f"layer {l} ({text.strip()})", f"{error.where}: {error.expected}", error.got, error.do
        ) from None


def value(word: str) -> Any:
    """A word as a number, a truth value, a tuple of numbers, or itself.

    Example:
        >>> value("3"), value("0.5"), value("no"), value("2,5"), value("relu")
        (3, 0.5, False, (2, 5), 'relu')
    """
    if word.lower() in YES or word.lower() in NO:
        return word.lower() in YES
    if "," in word:
        return tuple(value(part) for part in word.split(",") if part)
    for number in (int, float):
        try:
            return number(word)
        except ValueError:
            continue
    return word
