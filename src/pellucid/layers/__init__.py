"""The kinds of layers, one file each."""

from .base import Defined, Layer
from .dense import Dense
from .input import Input

KINDS: dict[str, type[Layer]] = {kind.kind: kind for kind in (Input, Dense)}

__all__ = ["KINDS", "Defined", "Dense", "Input", "Layer"]
