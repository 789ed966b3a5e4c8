"""Where a number comes from: derivations as data (`tree`), the rules that make them, and their renderers.

explain(records, "dC0/dw[2][1,2]")  ->  Derivation
"""

from .explainer import Explainer, explain
from .tree import Check, Derivation, Equal, Matrix, Path, Paths, Remark, Step, Term

__all__ = [
    "Check",
    "Derivation",
    "Equal",
    "Explainer",
    "Matrix",
    "Path",
    "Paths",
    "Remark",
    "Step",
    "Term",
    "explain",
]
