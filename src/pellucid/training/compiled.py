"""The step under JAX's jit: one program per run of batches, no Python in between.

Only this module of the training imports JAX, and only a training that uses it imports this module. The loop's
bounds are numbers handed in, so runs of any length share one program; the rows of each batch are gathered
inside the loop, which costs almost nothing and keeps one copy of the data.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from .engines import judge, rows_of
from .steps import norms, step


@partial(jax.jit, static_argnums=(0, 1))
def run(rule, batch, parameters, state, data, order, start, stop, knobs, t):
    """Updates with batches start … stop − 1 of `order`: new parameters, new state, Σ s_i C_i."""

    def body(b, carry):
        parameters, state, total = carry
        rows = jax.lax.dynamic_slice(order, (b * batch,), (batch,))
        parameters, state, sum_C, _ = step(rule, parameters, state, rows_of(data, rows), knobs, t + b - start)
        return parameters, state, total + sum_C

    zero = jnp.zeros((), data[0].dtype)
    return jax.lax.fori_loop(start, stop, body, (parameters, state, zero))


@partial(jax.jit, static_argnums=0)
def last(rule, parameters, state, data, rows, count, knobs, t):
    """One update with the first `count` of the given rows; it also reports the gradient's norm per layer."""
    x, y, weights = rows_of(data, rows)
    there = (jnp.arange(rows.shape[0]) < count).astype(x.dtype)  # the other rows fill the batch up
    batch = x, y, there if weights is None else there * weights
    parameters, state, total, gradient = step(rule, parameters, state, batch, knobs, t, count)
    return parameters, state, total, jnp.stack(norms(gradient))


@partial(jax.jit, static_argnums=(0, 1, 2))
def judged(layers, loss, rows, parameters, x, y, start):
    """a^(L) and C_i of so many rows from `start` on."""
    x, y = (jax.lax.dynamic_slice_in_dim(array, start, rows) for array in (x, y))
    return judge(layers, loss, parameters, x, y)
