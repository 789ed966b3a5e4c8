"""The two ways to run the same step: NumPy, batch by batch, at once; JAX, one compiled program per run of batches.

`choose` picks by the size of the work: compiling costs about a second.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from ...arrays import start_jax
from ...errors import InputError, shown
from ...forks import forked_from_jax
from ..steps import Rule
from .base import ZERO, Data, Engine, Total, in_parts, judge
from .numpy_engine import NumPyEngine

__all__ = ["ENGINES", "ZERO", "Data", "Engine", "NumPyEngine", "Total", "choose", "in_parts", "judge"]


def jax_engine() -> type[Engine]:
    """The engine that compiles; JAX is started here, and nowhere before."""
    start_jax()
    from .jax_engine import JAXEngine

    return JAXEngine


ENGINES: dict[str, Callable[[], type[Engine]]] = {"numpy": lambda: NumPyEngine, "jax": jax_engine}


def choose(backend: str, rule: Rule, batch: int, updates: int) -> str:
    """The engine's name for `backend` = "numpy", "jax" or "auto".

    "auto" compares two estimates of the whole training (measured on 2 cores, see benchmarks/README.md):
    NumPy takes some 12 µs per layer and step for its calls, JAX a second for import and compilation.

    Raises:
        InputError: an unknown backend, NumPy with an optimiser or schedule that is JAX's, or JAX in a process that
            was forked from one in which it ran: there it would wait for ever.
    """
    if backend not in ("auto", *ENGINES):
        raise InputError("backend", "expected auto, numpy or jax", shown(backend))
    jax_only = rule.optimiser.jax_only or rule.schedule is not None
    if jax_only and backend == "numpy":
        raise InputError(
            "backend", "this optimiser or schedule is Optax's and runs on JAX", "numpy", "Use backend='jax'."
        )
    if backend != "auto":
        return backend
    if forked_from_jax() and not jax_only:
        return "numpy"
    parameters, layers = sum(rule.program.multiplications), rule.program.L
    operations = 6.0 * batch * parameters
    numpy_seconds = updates * (20e-6 + 12e-6 * layers + operations / 60e9 + parameters * 12 / 5e9)
    started = 0.0 if "jax" in sys.modules else 0.8
    jax_seconds = started + 0.3 + 0.1 * layers + updates * (5e-6 + operations / 120e9)
    return "jax" if jax_only or jax_seconds < numpy_seconds else "numpy"
