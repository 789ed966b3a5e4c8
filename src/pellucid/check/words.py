"""A report as text for a terminal.

Before it: `report`. After it: `print`, and the command line.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from .verdict import BELOW, RIGHT, WRONG

if TYPE_CHECKING:
    from .report import Report


def text(report: Report, width: int = 100, entries: int = 5) -> str:
    """The report, from the verdict down to the tolerance."""
    from .report import SAID, agreement

    lines: list[str] = []

    def say(sentence: str, indent: int = 0, hang: int | None = None) -> None:
        hang = indent + 2 if hang is None else hang
        lines.extend(textwrap.wrap(sentence, width, initial_indent=" " * indent, subsequent_indent=" " * hang) or [""])

    say(SAID[report.verdict] + (f" First wrong: {report.first_wrong}." if report.first_wrong else ""))
    for number, e in enumerate(report.explanations):
        if number < 2:
            lines.append("")
        if number == 0:
            say(f"{' with '.join(e.slugs)}", 0)
        elif number == 1:
            say("On this data that is the same as:", 0)
        if number == 0:
            say(f"Yours is {agreement(e, report)}.", 2)
            for m in e.mistakes:
                layers = ", ".join(map(str, m.layers))
                where = f", layer{'s' if len(m.layers) > 1 else ''} {layers}" if m.layers else ""
                say(f"What{where}: {m.what}", 2)
                say(f"Mend: {m.mend}", 2)
                say(f"Formula: {m.formula}", 2)
        else:
            say(f"{' with '.join(e.slugs)}: {' '.join(m.what for m in e.mistakes)}", 2)
    if report.verdict == WRONG and not report.explanations:
        say("No known mistake explains this.")
        if report.pattern:
            say(report.pattern.text)
    if report.proposal and len(report.explanations) > 1:
        say(f"To tell them apart: {report.proposal.text}")
    if report.marked:
        lines.append("")
        say(f"Where it goes wrong, marked ⟦…⟧ in the derivation of {report.marked.address}:")
        lines += ["  " + line for line in report.marked.to_text()]
    if any(q.verdict != RIGHT for q in report.quantities):
        lines += ["", *table(report)]
    if report.entries and report.verdict != BELOW:
        lines += ["", *numbers(report, entries)]
    lines += evidence(report)
    if report.notes:
        lines.append("")
        for note in report.notes:
            say(note)
    lines.append("")
    say(f"Tolerance: {report.tolerance}.")
    return "\n".join(lines)


def table(report: Report) -> list[str]:
    """The quantities in backward order."""
    rows = []
    for q in report.quantities:
        said = q.verdict + (" because of what is above" if q.inherited else "")
        more = q.problem or (f"{q.wrong} of {q.size} entries, by up to {q.error:.2g} of the largest" if q.wrong else "")
        rows.append((q.address, said, more))
    wide = [max(len(row[k]) for row in rows) for k in (0, 1)]
    return [f"{a:{wide[0]}s}  {b:{wide[1]}s}  {c}".rstrip() for a, b, c in rows]


def numbers(report: Report, entries: int) -> list[str]:
    """The entries that differ most."""
    shown = report.entries[:entries]
    rows = [("entry", "yours", "right", "tolerance")]
    for e in shown:
        right = f"{e.right:.10g}" if e.interval is None else f"{e.interval[0]:.6g} … {e.interval[1]:.6g}"
        rows.append((e.address, f"{e.yours:.10g}", right, f"{e.tolerance:.1g}"))
    wide = [max(len(row[k]) for row in rows) for k in range(4)]
    return ["  ".join(f"{cell:{wide[k]}s}" for k, cell in enumerate(row)).rstrip() for row in rows]


def evidence(report: Report) -> list[str]:
    """What the loss itself says."""
    lines = []
    for v in report.evidence:
        also = "" if v.complex_step is None else f", complex step {v.complex_step:.10g}"
        lines.append(
            f"{v.entry.address}: central differences {v.central.value:.10g} ± {v.central.error:.1g}"
            f" (step {v.central.step:.1g}){also}"
        )
    yours, right = report.orders
    if yours is not None and right is not None:
        lines.append(
            f"Taylor remainder: order {yours:.2f} with yours, {right:.2f} with the right gradient (2 is right)"
        )
    return ["", *lines] if lines else []
