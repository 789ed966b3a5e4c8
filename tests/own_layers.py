"""Layers that exist nowhere in the package: what a user writes, with public names only."""

from dataclasses import dataclass

from pellucid.layers import Defined, Layer, register
from pellucid.operations import Contraction, Pointwise


@register
@dataclass(frozen=True)
class Squares(Layer):  # z_j = Σ_k w_jk² a_k
    n: int
    kind, penalised = "squares", ("w",)
    arrays = lambda self, below: {"w": (self.n, *below.shape)}  # noqa: E731
    letters = lambda self, below: {"w": "jk"}  # noqa: E731

    def quantities(self, below):
        squared = Defined("s", Pointwise("w**2", "w", "jk->jk"), ("w",))
        return squared, Defined("z", Contraction("jk,k->j"), ("s", 0))


@register
@dataclass(frozen=True)
class Gated(Layer):  # a_j = x_j · tanh(y_j) + x_j, of two layers
    reads: tuple[int, ...] = ()
    kind = "gated"

    def quantities(self, *below):
        return (Defined("a", Pointwise("x * tanh(y) + x", "x y", "j,j->j"), (0, 1)),)
