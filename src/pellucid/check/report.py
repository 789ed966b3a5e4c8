"""What a check found as text for a terminal, as a page, as JSON.

Before it: `findings` and their `layout`. After it: `print`, a browser or a notebook, the command line.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..explain.render.html import page_to_html
from ..explain.render.text import page_to_text
from .explanations import agreement
from .findings import Findings
from .layout import page

FORMAT, VERSION = "pellucid-check", 1


class Report(Findings):
    """The result of a check. `print` shows it; `to_dict` and `to_html` write it; its attributes are `Findings`'."""

    def to_text(self, *, width: int = 100, entries: int = 5) -> str:
        """For a terminal.

        Args:
            width: where long lines are cut.
            entries: how many of the differing numbers to show.
        """
        return page_to_text(page(self, entries), width=width)

    def __str__(self) -> str:
        return self.to_text()

    def to_html(self) -> str:
        """A page of its own, light and dark."""
        return page_to_html(page(self, 20))

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; what is infinite or not a number is None."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "ok": self.ok,
            "verdict": self.verdict,
            "first_wrong": self.first_wrong,
            "mistakes": [m.to_dict() for m in self.mistakes],
            "explanations": [
                {"mistakes": list(e.slugs), "agreement": plain(e.agreement), "evidence": agreement(e, self.wrong)}
                for e in self.explanations
            ],
            "quantities": [
                {
                    "address": q.address,
                    "verdict": q.verdict,
                    "size": q.size,
                    "wrong": q.wrong,
                    "error": plain(q.error),
                    "tolerance": plain(q.tolerance),
                    "inherited": q.inherited,
                    "problem": q.problem,
                }
                for q in self.quantities
            ],
            "entries": [
                {
                    "address": e.address,
                    "yours": plain(e.yours),
                    "right": plain(e.right),
                    "tolerance": plain(e.tolerance),
                    "interval": None if e.interval is None else [plain(v) for v in e.interval],
                }
                for e in self.entries
            ],
            "pattern": None if self.pattern is None else {"kind": self.pattern.kind, "text": self.pattern.text},
            "evidence": [
                {
                    "address": v.entry.address,
                    "central_difference": plain(v.central.value),
                    "error": plain(v.central.error),
                    "step": plain(v.central.step),
                    "complex_step": plain(v.complex_step),
                }
                for v in self.evidence
            ],
            "taylor_order": {"yours": plain(self.orders[0]), "right": plain(self.orders[1])},
            "derivation": None
            if self.derivation is None
            else {
                "address": self.derivation.address,
                "lines": [[{"text": t, "marked": m} for t, m in line] for line in self.derivation.lines],
            },
            "proposal": None
            if self.proposal is None
            else {
                "text": self.proposal.text,
                "x": self.proposal.x.tolist(),
                "y": self.proposal.y.tolist(),
                "groups": [[list(slugs) for slugs in group] for group in self.proposal.groups],
            },
            "notes": list(self.notes),
            "tolerance": self.tolerance,
        }


def plain(value: float | None) -> float | None:
    """A number for JSON."""
    return None if value is None or not np.isfinite(value) else float(value)
