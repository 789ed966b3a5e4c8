"""The one door to derivations: finds the rule for an address, keeps what was derived, unfolds children on demand.

Before it: `records` holds the numbers. After it: renderers print the tree. The rules stand in `values`
(what the network computes) and `derivatives`; each builds one level, and names the addresses below it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from ..addresses import Address, Derivative
from ..errors import InputError
from ..records import Records
from . import derivatives, loss, values
from .context import Context
from .derivation import Derivation, Paths
from .paths import paths
from .tree import Check, Remark
from .verify import checks

NOT_FINITE = Remark(
    "not finite", "No finite number: something on the way is infinite, such as log 0 where an output is exactly 0 or 1."
)
TERMS = 8  # how many terms of a long sum are shown unless the user says


class Explainer:
    """Derives addresses of one network and its samples.

    Args:
        records: the numbers.
        terms: how many terms of a long sum to show, None for all.
        depth: how many levels of children the renderers show.

    Raises:
        InputError: terms < 1 or depth < 0.
    """

    def __init__(self, records: Records, terms: int | None = TERMS, depth: int = 1):
        if depth < 0:
            raise InputError("depth", "expected a number ≥ 0", depth)
        self.context, self.records, self.depth = Context(records, terms), records, depth
        self._known: dict[Address, Derivation] = {}

    def explain(self, address: str | Address) -> Derivation:
        """The derivation of one number.

        Raises:
            AddressError: the address names nothing here, or an array instead of one number.
        """
        return self.derived(self.records.address(address))

    def derived(self, found: Any) -> Derivation:
        """The derivation of an address that is resolved already."""
        if found not in self._known:
            name = "delta" if isinstance(found, Derivative) else found.name
            rules: Any = derivatives if name == "delta" else loss if name == "C" else values
            d = rules.derive(self.context, found)
            remarks = d.remarks if math.isfinite(d.value) else (*d.remarks, NOT_FINITE)
            self._known[found] = replace(d, source=self, depth=self.depth, remarks=remarks)
        return self._known[found]

    # ── what a derivation asks for ────────────────────────────────────────────────────────────────

    def children(self, derivation: Derivation) -> tuple[Derivation, ...]:
        """A derivation of each part."""
        return tuple(self.derived(part) for part in derivation.parts)

    def checks(self, derivation: Derivation) -> tuple[Check, ...]:
        """The number found in other ways."""
        return checks(self.records, derivation.address, derivation.value)

    def paths(self, derivation: Derivation, top: int) -> Paths:
        """The sum over paths."""
        return paths(self.records, derivation.address, top)


def explain(records: Records, address: str | Address, *, terms: int | None = TERMS, depth: int = 1) -> Derivation:
    """Where the number at an address comes from.

    Args:
        records: a network's numbers for some samples.
        address: see `pellucid.symbols`.
        terms: how many terms of a long sum to show, None for all.
        depth: how many levels of children the renderers show; more can always be unfolded.

    Raises:
        AddressError: the address names nothing in this network.

    Example:
        >>> import numpy as np
        >>> from pellucid.architecture import Architecture
        >>> from pellucid.layers import Dense, Input
        >>> from pellucid.losses import SquaredError
        >>> net = Architecture((Input(1), Dense(1, bias=False)), SquaredError())
        >>> r = Records(net, ({}, {"w": np.array([[3.0]])}), [[2.0]], [[5.0]])
        >>> d = explain(r, "dC0/dw[L][0,0]", depth=0)
        >>> print(d.to_text(checks=False, ascii=True))
        dC0/dw[1][0,0] = 4
          How the loss of sample 0 changes with the weight from node 0 of layer 0 to node 0 of layer 1.
          dC0/dw[L][j,k] = dC0/da[L][j] * da[L][j]/dz[L][j] * dz[L][j]/dw[L][j,k]
          dC0/dw[1][0,0] = dC0/da[1][0] * da[1][0]/dz[1][0] * dz[1][0]/dw[1][0,0]
          dC0/dw[1][0,0] = 2 * 1 * 2
          delta, and what the connection carries: delta[1][0] * x[0] = 2 * 2 = 4
          whole layer: dC0/dw[1] = delta[1] a[0]^T   (dC0/dw[1] 1x1, delta[1] 1x1, a[0] 1x1)
    """
    return Explainer(records, terms, depth).explain(address)
