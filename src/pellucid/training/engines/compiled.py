"""The step under JAX's jit: one program per run of batches, no Python in between.

The loop's bounds are numbers handed in, so runs of any length share one program.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial

import jax
import jax.numpy as jnp

from ..steps import norms, step
from .base import SMALL_BYTES, judge, rows_of
from .transposed import OnTransposes, laid, stood

# New weights are written over the old ones, without a copy of all weights in every update. Where the weights are few
# that gains nothing, and the order in which the old ones must be read costs something (docs/decisions/0010).
IN_PLACE = {"xla_cpu_copy_insertion_use_region_analysis": True}
MANY_BYTES = 2**20


def updates(rule, batch, parameters, state, data, order, start, stop, rest, knobs, t, total):
    """Updates with batches start … stop − 1 of `order`, and one more if `rest` is not 0: with the next `rest` rows.

    Returns new parameters, new state, `total` with Σ s_i C_i added, and the gradient's norm per layer in the update
    with the rest. One program does both, so that an epoch of a small network is one call.
    """
    given = parameters, state
    transposed = rule.optimiser.elementwise
    if transposed:
        rule = replace(rule, optimiser=OnTransposes(rule.optimiser.learning_rate, rule.optimiser))

    batch_of = in_order(data, order, batch)

    def one(carry, b, there, t, count=None):
        """The update with batch b: the carry after it, C of the batch, the gradient."""
        parameters, state = stood(carry, given) if transposed else carry
        x, y, weights = batch_of(b)
        if there is not None:
            weights = there if weights is None else there * weights
        *new, sum_C, gradient = step(rule, parameters, state, (x, y, weights), knobs, t, count)
        return laid(tuple(new)) if transposed else tuple(new), sum_C, gradient

    def body(b, carry):
        trained, total, sizes = carry
        trained, sum_C, _ = one(trained, b, None, t + b - start)
        return trained, plus(total, sum_C), sizes

    def end(_, carry):
        trained, total, _ = carry
        there = (jnp.arange(batch) < rest).astype(number)  # the other rows fill the batch up
        trained, sum_C, gradient = one(trained, stop, there, t + stop - start, rest)
        return trained, plus(total, sum_C), jnp.stack([jnp.asarray(size, number) for size in norms(gradient)])

    number = data[0].dtype
    carry = laid(given) if transposed else given, total, jnp.zeros(len(parameters) - 1, number)
    carry = jax.lax.fori_loop(start, stop, body, carry)
    trained, total, sizes = jax.lax.fori_loop(0, jnp.minimum(rest, 1), end, carry)
    return *(stood(trained, given) if transposed else trained), total, sizes


def plus(total, number):
    """A sum and what rounding took from it, with one number more (Kahan 1965).

    It goes on from run to run, so that an epoch's loss does not depend on where its runs ended.
    """
    summed, lost = total
    number = number - lost
    new = summed + number
    return new, (new - summed) - number


def in_order(data, order, batch):
    """The function of b that gives batch b: x (batch, n_0), y and weights of rows b·batch … of the order.

    Rows gathered one by one cost more than the whole of a small network's update, so small data are put in order before
    the loop; large data, where that would be a second copy, are gathered within it.
    """

    def gathered(b):
        return rows_of(data, jax.lax.dynamic_slice(order, (b * batch,), (batch,)))

    if sum(array.nbytes for array in data if array is not None) > SMALL_BYTES:
        return gathered
    ordered = rows_of(data, order)
    return lambda b: jax.tree.map(lambda array: jax.lax.dynamic_slice_in_dim(array, b * batch, batch), ordered)


run = jax.jit(updates, static_argnums=(0, 1))
run_in_place = jax.jit(updates, static_argnums=(0, 1), compiler_options=IN_PLACE)


def runner(weights: int):
    """`updates` as a compiled program for so many bytes of weights."""
    return run_in_place if weights >= MANY_BYTES and has_in_place() else run


@cache
def has_in_place() -> bool:
    """Whether this version of XLA has the option: it refuses those that it does not know."""
    try:
        jax.jit(lambda: 0, compiler_options=IN_PLACE).lower().compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True


@partial(jax.jit, static_argnums=(0, 1))
def judged(program, loss, parameters, x, y):
    """a^(L) and C_i of some rows."""
    return judge(program, loss, parameters, x, y)
