"""What a hand-written gradient function is handed: arrays by layer, w[1] … w[L], as the notation counts.

Before it: nothing; it imports only the standard library. After it: `runner` and `candidate` call functions with it.
"""

import re
import sys
from collections.abc import Sequence
from typing import Any


class Layers(Sequence):
    """One thing for each layer 1 … L, indexed by l itself; place 0, the input's, holds nothing.

    Iteration and unpacking give layers 1 … L, and range(1, len(w)) counts them. Of dicts, "W1" and "b2" work as well.

    Raises:
        IndexError, KeyError: no such layer; for place 0 the text says where layer 1 is.

    Example:
        >>> w = Layers("w", ["first", "second"])
        >>> w[1], w[-1], w[1:], len(w), list(w)
        ('first', 'second', ['first', 'second'], 3, ['first', 'second'])
        >>> w[0]
        Traceback (most recent call last):
        IndexError: w[0]: layer 0 is the input, which has none; layer 1 is w[1], and the last one is w[2].
        >>> Layers("parameters", [{"w": "first"}])["W1"]
        'first'
    """

    def __init__(self, name, of_layers):
        self._name, self._all = name, [None, *of_layers]
        known_to_jax()

    def __len__(self):
        return len(self._all)

    def __iter__(self):
        return iter(self._all[1:])

    def __reversed__(self):
        return reversed(self._all[1:])

    def __getitem__(self, l: Any) -> Any:
        if isinstance(l, str):
            layer, name = self._place(l)
            return layer[name]
        if isinstance(l, slice):
            return [self._all[k] for k in range(len(self._all))[l] if k]
        return self._all[self._layer(l)]

    def __setitem__(self, l: Any, value: Any) -> None:
        if isinstance(l, str):
            layer, name = self._place(l)
            layer[name] = value
        else:
            self._all[self._layer(l)] = value

    def __repr__(self):
        return f"{self._name}[1 … {len(self._all) - 1}]"

    def _layer(self, l):
        """The index itself, or an error that says which there are."""
        L = len(self._all) - 1
        l = l.__index__()
        if l in (0, -L - 1):
            raise IndexError(f"{self._name}[{l}]: layer 0 is the input, which has none; layer 1 is {self._name}[1], "
                             f"and the last one is {self._name}[{L}].")  # fmt: skip
        if not -L <= l <= L:
            raise IndexError(f"{self._name}[{l}]: this network has layers 1 … {L}.")
        return l

    def _place(self, name):
        """The dict and the key that "W1" stands for."""
        found = re.fullmatch(r"([wWbB])(\d+)", name)
        if found is None or not isinstance(self._all[-1], dict):
            raise KeyError(
                f"{self._name}[{name!r}]: expected a layer's number, or of parameters a name such as W1, b1."
            )
        layer, key = self[int(found[2])], found[1].lower()
        if key not in layer:
            raise KeyError(f"{self._name}[{name!r}]: layer {found[2]} has no {key}.")
        return layer, key


KNOWN = []


def known_to_jax():
    """Lets JAX look inside, where it is in use: to differentiate by it, to compile."""
    jax = sys.modules.get("jax")
    tree = getattr(jax, "tree_util", None)
    if tree is not None and not KNOWN:
        KNOWN.append(tree)
        tree.register_pytree_node(Layers, lambda s: (tuple(s), s._name), lambda name, of: Layers(name, of))
