"""Layers that exist nowhere in the sources, to show that explanations and worked examples need no other change."""

from dataclasses import dataclass

import numpy as np

from pellucid.activations import activation
from pellucid.layers import Defined, Layer
from pellucid.operations import Applied, Contraction, Move, Pointwise


@dataclass(frozen=True)
class Squares(Layer):
    """z_j = Σ_k w_jk² a_k."""

    n: int
    kind, penalised = "squares", ("w",)

    def arrays(self, below):
        return {"w": (self.n, *below.shape)}

    def letters(self, below):
        return {"w": "jk"}

    def quantities(self, below):
        squared = Defined("s", Pointwise("w**2", "w", "jk->jk"), ("w",))
        return squared, Defined("z", Contraction("jk,k->j"), ("s", 0))


@dataclass(frozen=True)
class Plus(Layer):
    """The sum of two layers."""

    reads: tuple = ()
    kind = "plus"

    def quantities(self, *below):
        return (Defined("a", Pointwise("x + y", "x y", "j,j->j"), (0, 1)),)


@dataclass(frozen=True)
class Filter(Layer):
    """A convolution with windows of 3 × 3, and tanh."""

    n: int
    kind = "filter"

    def arrays(self, below):
        return {"w": (self.n, 3, 3, below.shape[-1]), "b": (self.n,)}

    def letters(self, below):
        return {"w": "juvk", "b": "j"}

    def quantities(self, below):
        rows, columns, _ = below.shape
        z = Contraction("juvk,(r+u-1)(c+v-1)k->rcj", True, (("r", rows), ("c", columns)))
        return Defined("z", z, ("w", 0, "b")), Defined("a", Applied(activation("tanh"), "rcj"), ("z",))


@dataclass(frozen=True)
class InARow(Layer):
    """An image as one row."""

    kind = "in_a_row"

    def quantities(self, below):
        return (Defined("a", Move.of("flatten", below, np.arange(below.size), "j"), (0,)),)
