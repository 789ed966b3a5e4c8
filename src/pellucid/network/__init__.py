"""The network as people use it, and how it is made: from layers, from sizes, from text, from a file.

`Network` binds the functions below to one object; `samples` makes ready what its verbs are given.
"""

import sys
from types import ModuleType
from typing import Any

from .building import mlp, network
from .loading import load
from .verbs import Network

__all__ = ["Network", "load", "mlp", "network"]


class _Network(ModuleType):
    """A module that can be called: importing a submodule would otherwise hide the function behind the folder."""

    def __call__(self, text: str, **options: Any) -> Network:
        return network(text, **options)


sys.modules[__name__].__class__ = _Network
