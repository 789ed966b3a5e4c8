"""Which array library an array belongs to, and the few operations that the array API standard lacks.

All mathematics above this floor is written once against the standard and runs on NumPy (explaining,
checking, small trainings) and under JAX's jit (training). Only `start_jax` imports JAX, for whoever is
about to use it: an array brings its own library along.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from .errors import InputError
from .forks import forked_from_jax

Array = Any  # a NumPy array or a JAX array; the standard has no common type
Parameters = tuple[dict[str, Array], ...]  # per layer 0 … L its arrays by name: ({}, {"w": …, "b": …}, …)


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


ALIGNMENT = 64  # bytes; what JAX asks for before it reads a NumPy array where it lies


def aligned(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An empty NumPy array that JAX can read on the CPU without a copy.

    Example:
        >>> is_aligned(aligned((3, 2), np.float32))
        True
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    raw = np.empty(size + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size].view(dtype).reshape(shape)


def is_aligned(array: np.ndarray) -> bool:
    """Whether JAX can read a NumPy array on the CPU without a copy."""
    return array.flags.c_contiguous and array.ctypes.data % ALIGNMENT == 0


# jaxlib 0.10.2 and 0.11.0 compute fused reductions on the CPU wrongly (github.com/jax-ml/jax issues 39103, 40412).
WRONG_REDUCTIONS = ((0, 10, 2), (0, 12, 0))  # from … up to, but not with
RIGHT_REDUCTIONS = "--xla_cpu_experimental_ynn_fusion_type=-reduce"


def start_jax() -> Any:
    """The module `jax`, started so that its sums are right; whoever is about to compute with it asks here.

    Raises:
        InputError: this process was forked from one in which JAX ran; here it would wait for ever.

    Example:
        >>> start_jax().__name__
        'jax'
    """
    if forked_from_jax():
        raise InputError(
            "backend", "expected work for NumPy, for JAX ran in the process that this one was forked from", "jax",
            "Start processes by 'spawn' or 'forkserver' (multiprocessing.set_start_method), or train on NumPy.",
        )  # fmt: skip
    return _started()


@cache
def _started() -> Any:
    """`jax`, with the flag that its version needs; a user's own XLA_FLAGS count first.

    XLA reads its flags once, when the first computation is near. They are taken back afterwards: a child process
    with another version would end at a flag that it does not know.
    """
    import jax
    import jaxlib

    first, last = WRONG_REDUCTIONS
    given = os.environ.get("XLA_FLAGS")
    if first <= jaxlib.version.__version_info__ < last and "ynn_fusion_type" not in (given or ""):
        os.environ["XLA_FLAGS"] = f"{given or ''} {RIGHT_REDUCTIONS}".strip()
        try:
            jax.devices()
        finally:
            if given is None:
                del os.environ["XLA_FLAGS"]
            else:
                os.environ["XLA_FLAGS"] = given
    return jax


def times_transposed(a: Array, w: Array) -> Array:
    """a wᵀ, (n, …, k) and (j, k) → (n, …, j).

    NumPy's OpenBLAS multiplies small matrices (nkj ≤ 100³) at once, but not where the second is transposed: that
    takes the path of large ones, several times as slow where its threads have to wait. A copy of wᵀ costs less.
    """
    (n, k), j = a.shape if a.ndim == 2 else (a.size, 1), w.shape[0]
    if is_numpy(a) and a.ndim == 2 and j > 1 and n * j > 1200 and n * k * j <= 1_000_000:
        return a @ w.T.copy()
    return a @ w.T


def einsum(letters: str, *arrays: Array) -> Array:
    """The sum of products that index letters say, "njk,nk->nj"; the order of the products is the library's choice.

    Example:
        >>> einsum("jk,nk->nj", np.ones((2, 3)), np.ones((1, 3)))
        array([[3., 3.]])
    """
    xp = namespace(arrays[-1])
    return xp.einsum(letters, *arrays, optimize=True)


def windows(x: Array, axis: int, count: int, size: int, stride: int = 1, step: int = 1, start: int = 0) -> Array:
    """An axis as two, position and offset: entry stride · position + step · offset + start, 0 outside the array.

    Example:
        >>> windows(np.array([[1, 2, 3]]), 1, count=3, size=3, start=-1)
        array([[[0, 1, 2],
                [1, 2, 3],
                [2, 3, 0]]])
    """
    xp = namespace(x)
    places = stride * np.arange(count)[:, None] + step * np.arange(size)[None, :] + start
    inside = (places >= 0) & (places < x.shape[axis])
    found = xp.take(x, xp.asarray(np.where(inside, places, 0).ravel()), axis=axis)
    found = found.reshape((*x.shape[:axis], count, size, *x.shape[axis + 1 :]))
    if inside.all():
        return found
    shape = (1,) * axis + inside.shape + (1,) * (x.ndim - axis - 1)
    return xp.where(xp.asarray(inside.reshape(shape)), found, 0)


def add_windows(d: Array, axis: int, length: int, stride: int = 1, step: int = 1, start: int = 0) -> Array:
    """The adjoint of `windows`: each entry of a window is added to the place that it was read from.

    Example:
        >>> add_windows(np.ones((1, 3, 3)), 1, length=3, start=-1)
        array([[2., 3., 2.]])
    """
    xp, (count, size) = namespace(d), d.shape[axis : axis + 2]
    places = stride * np.arange(count)[:, None] + step * np.arange(size)[None, :] + start
    inside = (places >= 0) & (places < length)
    d = xp.moveaxis(d, (axis, axis + 1), (0, 1)).reshape((count * size, *d.shape[:axis], *d.shape[axis + 2 :]))
    kept = np.flatnonzero(inside.ravel())
    total = add_at(d[kept], places.ravel()[kept], length)
    return xp.moveaxis(total, 0, axis)


def add_at(d: Array, places: Array, length: int) -> Array:
    """Rows of d added up where they belong: out[places[r]] += d[r], (rows, …) → (length, …).

    Example:
        >>> add_at(np.array([1.0, 2.0, 4.0]), np.array([0, 1, 0]), 2)
        array([5., 2.])
    """
    xp = namespace(d)
    out = xp.zeros((length, *d.shape[1:]), dtype=d.dtype)
    if is_numpy(d):
        np.add.at(out, places, d)
        return out
    return out.at[places].add(d)


def log_sum_exp(z: Array) -> Array:
    """Log Σ_j exp(z_j) over the last axis, (n, n_l) → (n, 1), without overflow."""
    xp = namespace(z)
    top = z.real.max(axis=-1, keepdims=True)
    return top + xp.log(xp.exp(z - top).sum(axis=-1, keepdims=True))


def dtype_of(parameters: Parameters) -> np.dtype:
    """The precision of the weights: that of the first array.

    Example:
        >>> dtype_of(({}, {"w": np.ones(2, np.float32)}))
        dtype('float32')
    """
    return next(array.dtype for layer in parameters for array in layer.values())


def tree_map(function: Callable[..., Any], *trees: Parameters) -> Parameters:
    """Apply `function` to the arrays that stand at the same place of parameter trees.

    Example:
        >>> tree_map(lambda w, v: w + v, ({"w": 1},), ({"w": 2},))
        ({'w': 3},)
    """
    return tuple(
        {name: function(*(tree[l][name] for tree in trees)) for name in layer} for l, layer in enumerate(trees[0])
    )
