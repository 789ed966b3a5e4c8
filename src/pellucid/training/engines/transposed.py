"""Tall weight matrices, n_l > n_(l−1), as their transposes: how the compiled loop carries and updates them.

XLA's loops run along the last axis, which is then the longer one (docs/decisions/0009). Between `compiled`, which
carries the arrays, and the optimiser; XLA removes each pair of transpositions.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import jax
import jax.numpy as jnp

from ...optimisers import SGD, Optimiser


@dataclass(frozen=True)
class OnTransposes(Optimiser):
    """An optimiser that computes element by element, put to work on tall matrices as their transposes.

    The arrays come and go in the shapes of the layers, w as (n_l, n_(l−1)).
    """

    optimiser: Optimiser = field(default_factory=SGD)

    name = "on transposes"

    def update(self, parameters, gradient, state, rate):
        """New parameters and new state; the old ones stay as they are."""
        new = self.optimiser.update(laid(parameters), laid(gradient), laid(state), rate)
        return stood(new, (parameters, state))


def laid(tree):
    """Tall matrices as their transposes: XLA's loops run along the last axis, which is then the longer one."""
    return jax.tree.map(lambda a: a.T if tall(a) else a, tree)


def stood(tree, like):
    """The inverse of `laid`: matrices as they stand in the tree `like`."""
    return jax.tree.map(lambda a, old: a.T if tall(old) else a, tree, like)


def tall(array):
    """Whether it is a matrix (j, k) with more rows than columns, as W is where n_l > n_(l−1)."""
    return jnp.ndim(array) == 2 and array.shape[0] > array.shape[1]
