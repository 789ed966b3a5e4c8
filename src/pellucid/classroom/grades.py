"""A class as a whole: its grades as CSV, and which mistakes its submissions share.

Before it: `classroom` gave a `Submission` for each file. After it: the command line writes and prints them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from .grading import Submission


def csv_of(results: Sequence[Submission]) -> str:
    """The grades as a table, a line for each submission; no cell is a spreadsheet's formula.

    Example:
        >>> csv_of([Submission("=1+1.py", "refused", "It is a link.", ())]).splitlines()[1]
        "'=1+1.py,refused,0,0,,It is a link.,"
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    addresses = [p.address for p in results[0].points] if results else []
    writer.writerow(["submission", "result", "points", "of", *addresses, "mistakes", "reason", "remarks"])
    for r in results:
        told = [" ".join(slugs(r)), r.sentence, " ".join(r.remarks)]
        row = [r.name, r.status, r.score, r.most, *(p.points for p in r.points), *told]
        writer.writerow([cell(value) for value in row])
    return text.getvalue()


def cell(value: Any) -> str:
    """A value as a cell that a spreadsheet takes for what it is."""
    if isinstance(value, str):
        return "'" + value if value.startswith(("=", "+", "-", "@")) else value
    return f"{value:.6g}"


def slugs(result: Submission) -> tuple[str, ...]:
    """The mistakes of the likeliest explanation."""
    found = result.report.explanations if result.report is not None and not result.ok else ()
    return found[0].slugs if found else ()


def mistakes_of(results: Sequence[Submission]) -> dict[str, list[str]]:
    """The mistakes of a class, the commonest first, each with the submissions that make it."""
    found: dict[str, list[str]] = {}
    for r in results:
        for slug in slugs(r):
            found.setdefault(slug, []).append(r.name)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))
