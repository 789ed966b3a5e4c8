"""The operations of which every layer is made, one family a file; see `base` for what each offers."""

from .base import Columns, Operation, Products, Readers
from .contraction import Contraction
from .mean import Mean
from .moves import Gather, Largest, Move
from .pointwise import Applied, Entrywise, Pointwise
from .softmax import Softmax

__all__ = [
    "Applied", "Columns", "Contraction", "Entrywise", "Gather", "Largest", "Mean", "Move", "Operation", "Pointwise",
    "Products", "Readers", "Softmax",
]  # fmt: skip
