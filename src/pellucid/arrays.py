"""Which array library an array belongs to, and the few operations that the array API standard lacks.

All mathematics above this floor is written once against the standard and runs on NumPy (explaining,
checking, small trainings) and under JAX's jit (training). Nothing here imports JAX: an array brings
its own library along.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any  # a NumPy array or a JAX array; the standard has no common type
Parameters = tuple[dict[str, Array], ...]  # per layer 1 … L its arrays by name: ({"w": …, "b": …}, …)


def namespace(array: Array) -> Any:
    """The array library of `array`: `numpy` or `jax.numpy`.

    Example:
        >>> namespace(np.ones(3)).__name__
        'numpy'
    """
    return array.__array_namespace__()


def is_numpy(array: Array) -> bool:
    """Whether `array` is NumPy's (else it is JAX's)."""
    return isinstance(array, np.ndarray | np.generic)


def erfc(z: Array) -> Array:
    """1 − erf(z), element by element; also for complex z on NumPy."""
    if is_numpy(z):
        from scipy.special import erfc as numpy_erfc

        return numpy_erfc(z)
    from jax.scipy.special import erfc as jax_erfc

    return jax_erfc(z)


def take_rows(array: Array, rows: Array) -> Array:
    """array[rows] along the first axis. Under JAX without a bounds check, which is what makes it fast."""
    if is_numpy(array):
        return array.take(rows, axis=0)
    return namespace(array).take(array, rows, axis=0, mode="clip")


def log_sum_exp(z: Array) -> Array:
    """Log Σ_j exp(z_j) over the last axis, (n, n_l) → (n, 1), without overflow."""
    xp = namespace(z)
    top = xp.max(z.real, axis=-1, keepdims=True)
    return top + xp.log(xp.sum(xp.exp(z - top), axis=-1, keepdims=True))


def tree_map(function: Callable[..., Any], *trees: Parameters) -> Parameters:
    """Apply `function` to the arrays that stand at the same place of parameter trees.

    Example:
        >>> tree_map(lambda w, v: w + v, ({"w": 1},), ({"w": 2},))
        ({'w': 3},)
    """
    return tuple(
        {name: function(*(tree[l][name] for tree in trees)) for name in layer} for l, layer in enumerate(trees[0])
    )
