"""The kinds of layers, one file each."""

from .base import Layer
from .dense import Dense

KINDS = {"dense": Dense}

__all__ = ["KINDS", "Dense", "Layer"]
