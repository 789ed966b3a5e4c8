"""What a check found, laid out as a page of blocks: from the verdict down to the tolerance.

Before it: `findings`. After it: `report` and the class's pages have it rendered for a terminal or a browser.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..explain.render.blocks import Items, Marked, Page, Section, Table, Text
from .explanations import Explanation, Mistake, agreement
from .findings import Findings
from .verdict import BELOW, RIGHT, SAID, WRONG


def page(f: Findings, entries: int) -> Page:
    """The whole page, with so many of the entries that differ."""
    return Page(verdict(f), "", sections(f, entries))


def verdict(f: Findings) -> str:
    """The verdict, and where it goes wrong first."""
    return SAID[f.verdict] + (f" First wrong: {f.first_wrong}." if f.first_wrong else "")


def sections(f: Findings, entries: int) -> tuple[Section, ...]:
    """All sections below the verdict that have something to say."""
    parts = [
        *explained(f.explanations, f),
        ("unexplained", "No known mistake explains this.", unexplained(f)),
        ("derivation", "Where it goes wrong", derivation(f)),
        ("arrays", "Arrays, in backward order", arrays(f)),
        ("entries", "Entries, worst first", differing(f, entries)),
        ("evidence", "What the loss itself says", evidence(f)),
        ("notes", "Notes", (*map(Text, f.notes), Text(f"Tolerance: {f.tolerance}."))),
    ]
    return tuple(Section(name, heading, blocks) for name, heading, blocks in parts if blocks is not None)


Blocks = tuple[Any, ...] | None  # None where a section is left out


def explained(found: tuple[Explanation, ...], f: Findings) -> Iterator[tuple[str, str, Blocks]]:
    """The likeliest explanation, and those that say the same on this data."""
    if found:
        blocks = [Text(f"Yours is {agreement(found[0], f.wrong)}."), *(b for m in found[0].mistakes for b in told(m))]
        yield "explanation", " with ".join(found[0].slugs), tuple(blocks)
    if found[1:]:
        others = Items(tuple(f"{' with '.join(e.slugs)}: {' '.join(m.what for m in e.mistakes)}" for e in found[1:]))
        apart = [Text(f"To tell them apart: {f.proposal.text}")] if f.proposal else []
        yield "others", "On this data that is the same as:", (others, *apart)


def told(m: Mistake) -> list[Text]:
    """What a mistake is, how to mend it, how to see it in the formula."""
    where = f", layer{'s' if len(m.layers) > 1 else ''} {', '.join(map(str, m.layers))}" if m.layers else ""
    return [Text(f"What{where}: {m.what}"), Text(f"Mend: {m.mend}", "remark"), Text(f"Formula: {m.formula}")]


def unexplained(f: Findings) -> Blocks:
    """What the error looks like where it has no name."""
    if f.verdict != WRONG or f.explanations:
        return None
    return (Text(f.pattern.text),) if f.pattern else ()


def derivation(f: Findings) -> Blocks:
    """The derivation of a wrong number, the wrong factor marked."""
    if f.derivation is None:
        return None
    return Text(f"Marked in the derivation of {f.derivation.address}:"), Marked(f.derivation.lines)


def arrays(f: Findings) -> Blocks:
    """Every array with its verdict; nothing where all are right."""
    if all(q.verdict == RIGHT for q in f.quantities):
        return None
    rows = []
    for q in f.quantities:
        said = q.verdict + (" because of what is above" if q.inherited else "")
        much = f"by up to {q.error:.2g} of the largest" if q.verdict != RIGHT else ""
        rows.append((q.address, said, q.problem or (f"{q.wrong} of {q.size} entries, {much}" if q.wrong else much)))
    return (Table(("array", "verdict", "how far off"), tuple(rows)),)


def differing(f: Findings, most: int) -> Blocks:
    """The numbers that differ most."""
    if not f.entries or f.verdict == BELOW:
        return None
    rows = []
    for e in f.entries[:most]:
        right = f"{e.right:.10g}" if e.interval is None else f"{e.interval[0]:.6g} … {e.interval[1]:.6g}"
        rows.append((e.address, f"{e.yours:.10g}", right, f"{e.tolerance:.1g}"))
    return (Table(("entry", "yours", "right", "tolerance"), tuple(rows)),)


def evidence(f: Findings) -> Blocks:
    """What the loss itself says of the worst entries, and of the gradient as a whole."""
    rows = []
    for v in f.evidence:
        near = f"{v.central.value:.10g} ± {v.central.error:.1g} (step {v.central.step:.1g})"
        rows.append((v.entry.address, near, "" if v.complex_step is None else f"{v.complex_step:.10g}"))
    blocks: list[Any] = [Table(("entry", "central differences", "complex step"), tuple(rows))] if rows else []
    yours, right = f.orders
    if yours is not None and right is not None:
        orders = f"order {yours:.2f} with yours, {right:.2f} with the right gradient (2 is right)"
        blocks.append(Text(f"Taylor remainder: {orders}"))
    return tuple(blocks) or None
