"""The kinds of layers, one file each; `written` reads them as text."""

from .base import Defined, Layer
from .dense import Dense
from .input import Input
from .written import KINDS, read_layers, register

__all__ = ["KINDS", "Defined", "Dense", "Input", "Layer", "read_layers", "register"]
