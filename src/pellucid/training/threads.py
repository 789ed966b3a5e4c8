"""How many threads NumPy's matrix products use: one where they are small.

A product of some million multiplications is over before a second thread has woken up, and on a machine with
other work to do its threads spin waiting for each other: a fit of the digits then takes ten times as long.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

from ..program import Program

ALONE, SMALL = 262_144, 4_000_000  # multiplications of a product: up to here OpenBLAS takes one thread; so do we


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()  # looks through all loaded libraries, once


def threads_for(program: Program, rows: int) -> AbstractContextManager[Any]:
    """A context in which products with so many rows use one thread if they are small, else as many as before."""
    largest = rows * max(program.multiplications, default=0)
    return _controller().limit(limits=1, user_api="blas") if ALONE < largest <= SMALL else nullcontext()
