"""Whether this process was forked from one in which JAX ran. JAX's threads don't come along, and it waits for them.

Looked at when a process forks, so this is loaded with the package; before it: nothing. After it: the choice of an
engine, in `training.engines`.
"""

from __future__ import annotations

import os
import sys

_forks: list[bool] = []  # for each fork since this was loaded: whether JAX had started before it


def _after_fork() -> None:
    _forks.append(bool(getattr(sys.modules.get("jax._src.xla_bridge"), "_backends", None)))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def forked_from_jax() -> bool:
    """Whether JAX had started in a process that this one was forked from.

    Example:
        >>> forked_from_jax()
        False
    """
    return any(_forks)
