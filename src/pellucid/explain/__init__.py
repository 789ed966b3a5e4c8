"""Where a number comes from: derivations as data (`tree`), the rules that make them, and their renderers.

explain(records, "dC0/dw[2][1,2]")  ->  Derivation
"""

from .derivation import Derivation, Paths
from .explainer import Explainer, explain
from .nudge import Nudge, nudge
from .trace import Trace
from .tree import Check, Equal, Matrix, Path, Remark, Step, Term
from .update import update

__all__ = [
    "Check",
    "Derivation",
    "Equal",
    "Explainer",
    "Matrix",
    "Nudge",
    "Path",
    "Paths",
    "Remark",
    "Step",
    "Term",
    "Trace",
    "explain",
    "nudge",
    "update",
]
