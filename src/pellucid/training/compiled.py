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
def run(rule, batch, parameters, state, data, order, start, stop, rest, knobs, t):
    """Updates with batches start … stop − 1 of `order`, and one more if `rest` is not 0: with the next `rest` rows.

    Returns new parameters, new state, Σ s_i C_i, and the gradient's norm per layer in the update with the rest.
    One program does both, so that an epoch of a small network is one call.
    """

    def rows(b):
        return jax.lax.dynamic_slice(order, (b * batch,), (batch,))

    def body(b, carry):
        parameters, state, total, sizes = carry
        parameters, state, sum_C, _ = step(rule, parameters, state, rows_of(data, rows(b)), knobs, t + b - start)
        return parameters, state, total + sum_C, sizes

    def end(_, carry):
        parameters, state, total, _ = carry
        x, y, weights = rows_of(data, rows(stop))
        there = (jnp.arange(batch) < rest).astype(x.dtype)  # the other rows fill the batch up
        filled = x, y, there if weights is None else there * weights
        parameters, state, sum_C, gradient = step(rule, parameters, state, filled, knobs, t + stop - start, rest)
        return parameters, state, total + sum_C, jnp.stack(norms(gradient))

    number = data[0].dtype
    carry = parameters, state, jnp.zeros((), number), jnp.zeros(len(parameters), number)
    carry = jax.lax.fori_loop(start, stop, body, carry)
    return jax.lax.fori_loop(0, jnp.minimum(rest, 1), end, carry)


@partial(jax.jit, static_argnums=(0, 1, 2))
def judged(layers, loss, rows, parameters, x, y, start):
    """a^(L) and C_i of so many rows from `start` on."""
    x, y = (jax.lax.dynamic_slice_in_dim(array, start, rows) for array in (x, y))
    return judge(layers, loss, parameters, x, y)
