"""A report as a page of its own, light and dark, in the style of the explanations' pages.

Before it: `report`. After it: a browser, or a notebook.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from ..explain.render import html
from .verdict import RIGHT, WRONG

if TYPE_CHECKING:
    from .explanations import Explanation
    from .report import Report


def page(report: Report | None, name: str = "", points: str = "", feedback: Sequence[str] = ()) -> str:
    """The whole page; of a submission with its name, its points and, above all else, its feedback."""
    lead = [f"<h1>{escape(name)}</h1><p>{escape(points)}</p>"] if name else []
    lead += [f"<p>{escape(line)}</p>" for line in feedback]
    return html.page("Gradient check", "\n".join(lead + (compared(report) if report else [])))


def compared(report: Report) -> list[str]:
    """All that a comparison found."""
    from .report import SAID

    first = f" First wrong: <code>{escape(report.first_wrong)}</code>." if report.first_wrong else ""
    parts = [f"<h1>{escape(SAID[report.verdict])}</h1>", f"<p>{first}</p>" if first else ""]
    parts += [mistake(report, e, number) for number, e in enumerate(report.explanations)]
    if report.verdict == WRONG and not report.explanations:
        said = f" {report.pattern.text}" if report.pattern else ""
        parts.append(f"<p>No known mistake explains this.{escape(said)}</p>")
    if report.proposal and len(report.explanations) > 1:
        parts.append(f"<p>To tell them apart: {escape(report.proposal.text)}</p>")
    parts += [derivation(report), quantities(report), entries(report), evidence(report)]
    if report.notes:
        parts.append("<h2>Notes</h2>" + "".join(f"<p>{escape(note)}</p>" for note in report.notes))
    parts.append(f'<p class="note">Tolerance: {escape(report.tolerance)}.</p>')
    return [part for part in parts if part]


def mistake(report: Report, e: Explanation, number: int) -> str:
    """One explanation; those behind the first are shorter."""
    from .report import agreement

    name = " with ".join(f"<code>{escape(slug)}</code>" for slug in e.slugs)
    if number:
        lead = "<h2>On this data that is the same as</h2>" if number == 1 else ""
        return f"{lead}<p>{name}: {escape(' '.join(m.what for m in e.mistakes))}</p>"
    rows = []
    for m in e.mistakes:
        layers = f" (layer {', '.join(map(str, m.layers))})" if m.layers else ""
        rows.append(f'<p>{escape(m.what + layers)}</p><p class="remark">{escape(m.mend)}</p>')
        rows.append(f'<p class="note">{escape(m.formula)}</p>')
    return f"<h2>{name}</h2><p>Yours is {escape(agreement(e, report))}.</p>" + "".join(rows)


def derivation(report: Report) -> str:
    """The derivation with the wrong factor marked."""
    if report.marked is None:
        return ""
    lines = [
        "".join(f"<mark>{escape(text)}</mark>" if mark else escape(text) for text, mark in line)
        for line in report.marked.lines
    ]
    body = "".join(f"<div>{line}</div>" for line in lines)
    return f'<h2>Where it goes wrong</h2><div class="scroll">{body}</div>'


def table(heading: str, names: list[str], rows: list[list[str]]) -> str:
    """A table under a heading."""
    head = "".join(f"<th>{name}</th>" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<h2>{heading}</h2><div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def quantities(report: Report) -> str:
    """Every array in backward order."""
    rows = []
    for q in report.quantities:
        said = q.verdict + (" because of what is above" if q.inherited else "")
        more = q.problem or (f"{q.wrong} of {q.size} entries" if q.wrong else "")
        rows.append([q.address, said, more, f"{q.error:.2g}" if q.verdict != RIGHT else ""])
    return table("Quantities, in backward order", ["array", "verdict", "", "largest error"], rows)


def entries(report: Report) -> str:
    """The numbers that differ most."""
    if not report.entries:
        return ""
    rows = []
    for e in report.entries[:20]:
        right = f"{e.right:.10g}" if e.interval is None else f"{e.interval[0]:.6g} … {e.interval[1]:.6g}"
        rows.append([e.address, f"{e.yours:.10g}", right, f"{e.tolerance:.1g}"])
    return table("Entries, worst first", ["entry", "yours", "right", "tolerance"], rows)


def evidence(report: Report) -> str:
    """What the loss itself says."""
    rows = []
    for v in report.evidence:
        also = "" if v.complex_step is None else f"{v.complex_step:.10g}"
        rows.append([v.entry.address, f"{v.central.value:.10g} ± {v.central.error:.1g}", also])
    out = table("What the loss itself says", ["entry", "central differences", "complex step"], rows) if rows else ""
    yours, right = report.orders
    if yours is not None and right is not None:
        out += (
            f"<p>Taylor remainder: order {yours:.2f} with yours, {right:.2f} with the right gradient; 2 is right.</p>"
        )
    return out
