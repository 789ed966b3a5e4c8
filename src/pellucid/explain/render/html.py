"""Derivations and pages in HTML with MathML: one file, no script, nothing from another host.

Before it: `blocks`, `mathml`, `style`. After it: browsers, and the notebook's display.
Each derivation has its address as its element's id, so that a page can be linked at #dC0/dw[2][1,2]; each
symbol carries its address in data-address, and where the pointer rests on one, all of its kind light up.
"""

from __future__ import annotations

import re
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from ...addresses import Address
from ...expressions import Expression
from ..sentences import Text
from ..tree import Level
from . import blocks as b
from .mathml import MathmlWriter, row, sign
from .style import PAGE_STYLE, STYLE

LIGHTS = 400  # for how many addresses a page gets a rule that lights up all their symbols together


class Layout(b.Printer):
    """Prints blocks as HTML."""

    def __init__(self, digits: int = 6):
        self.writer = MathmlWriter(digits)
        self.ids: set[Address] = set()  # the addresses that have a derivation on the page already

    def inline(self, inside: str, large: bool = False) -> str:
        """A formula as a piece of a line."""
        return self.writer.inline(inside, large)

    def text(self, t: b.Text) -> str:
        if t.kind == "heading":
            return f"<h3>{self.spelled(t)}</h3>"
        kind = "" if t.kind == "text" else f' class="{t.kind}"'
        return f"<p{kind}>{self.spelled(t)}</p>"

    def items(self, items: b.Items) -> str:
        return f"<ul>{''.join(f'<li>{self.writer.sentence(text)}</li>' for text in items.texts)}</ul>"

    def pieces(self, e: Expression) -> str:
        """A formula as several elements, between which the browser may begin a new line."""
        return " ".join(self.inline(row(piece), True) for piece in self.writer.pieces(e))

    def formula(self, f: b.Formula) -> str:
        label = f'<p class="label">{self.writer.sentence(f.label)}:</p>' if f.label else ""
        lines = []
        for line in f.lines:
            note = f' <span class="note">{self.writer.sentence(line.note)}</span>' if line.note else ""
            lines.append(f'<div class="line">{self.inline(sign("="))} {self.pieces(line.expression)}{note}</div>')
        left = f'<div class="left">{self.inline(self.writer.formula(f.left), True)}</div>'
        return f'{label}<div class="formula">{left}{"".join(lines)}</div>'

    def cell(self, cell: b.Cell, relation: bool) -> str:
        if isinstance(cell, str | Text):
            return f'<td class="words">{self.writer.sentence(cell)}</td>'
        number = isinstance(cell, int | float)
        spelled = self.writer.number(cell) if number else self.writer.formula(cell)
        equal = sign("=") if relation else ""
        kind = ' class="number"' if number and not relation else ""
        return f"<td{kind}>{self.inline(row(equal + spelled))}</td>"

    def table(self, t: b.Table) -> str:
        names = [f"<th>{self.writer.sentence(name)}</th>" for name in t.columns]
        if t.bars >= 0:
            names.insert(t.bars + 1, "<th></th>")
        rows = []
        longest = max((abs(r[t.bars]) for r in t.rows[: -1 if t.total else None]), default=0) if t.bars >= 0 else 0  # type: ignore[arg-type]
        for i, r in enumerate(t.rows):
            last = t.total and i == len(t.rows) - 1
            cells = [self.cell(cell, t.relations and c > 1) for c, cell in enumerate(r)]
            if t.bars >= 0:
                cells.insert(t.bars + 1, bar(0.0 if last else r[t.bars], longest))  # type: ignore[arg-type]
            kind = ' class="total"' if last else ""
            rows.append(f"<tr{kind}>{''.join(cells)}</tr>")
        head = f"<thead><tr>{''.join(names)}</tr></thead>"
        return f'<div class="scroll"><table>{head}<tbody>{"".join(rows)}</tbody></table></div>'

    def array(self, a: b.Array) -> str:
        def cell(value: float | None) -> str:
            return f"<mtd>{sign('⋯') if value is None else self.writer.number(value)}</mtd>"

        rows = "".join(f"<mtr>{''.join(map(cell, values))}</mtr>" for values in a.rows)
        table = f'<mtable class="array">{rows}</mtable>'  # its brackets are borders: no font has to stretch them
        if a.lying:
            table = f"<msup>{table}<mi>T</mi></msup>"
        return f'<div class="scroll">{self.inline(row(self.writer.symbol(a.symbol), sign("="), table))}</div>'

    def marked(self, m: b.Marked) -> str:
        def piece(text: str, mark: bool) -> str:
            return f"<mark>{self.writer.words(text)}</mark>" if mark else self.writer.words(text)

        lines = "".join(f"<div>{''.join(piece(*p) for p in line)}</div>" for line in m.lines)
        return f'<div class="scroll">{lines}</div>'

    def figure(self, f: b.Figure) -> str:
        picture = f.drawing.to_svg(min(self.writer.digits, 4))
        return f"<figure>{picture}<figcaption>{self.writer.sentence(f.caption)}</figcaption></figure>"

    def entry(self, e: b.Entry) -> str:
        left = row(self.writer.symbol(e.address), sign("="), self.writer.number(e.value))
        head = f'<span class="head">{self.inline(left, True)}</span>'
        title = self.writer.sentence(e.title)
        if e.again:
            above = f'<a href="{link(e.address)}">Derived above.</a>'
            return f'<div class="entry">{head}<p class="title">{title} {above}</p></div>'
        own = "" if e.address in self.ids else f" id={quoteattr(str(e.address))}"
        self.ids.add(e.address)
        inside = "".join([self.block(x) for x in e.blocks] + [self.entry(child) for child in e.children])
        top = f'<details class="entry"{own} open=""><summary>{head}</summary>'
        return f'{top}<p class="title">{title}</p>{inside}</details>'

    def section(self, s: b.Section) -> str:
        inside = "".join(map(self.block, s.blocks))
        return f'<section id="{s.name}"><h2>{self.writer.sentence(s.heading)}</h2>{inside}</section>'


def bar(value: float, longest: float) -> str:
    """A cell with a bar as long as a number is large."""
    if not longest or not abs(value) <= longest < float("inf") or not value:
        return '<td class="bar"></td>'
    kind = ' class="negative"' if value < 0 else ""
    return f'<td class="bar"><span{kind} style="width: {100 * abs(value) / longest:.1f}%"></span></td>'


def link(address: str | Address) -> str:
    """The address as the part of a URL behind the page's.

    Example:
        >>> link("dC0/dw[2][1,2]")
        '#dC0/dw%5B2%5D%5B1,2%5D'
    """
    return f"#{quote(str(address), safe='/,@-')}"


def lights(body: str) -> str:
    """Rules that light up all symbols of an address while the pointer rests on one of them."""
    found: dict[str, int] = {}
    for address in re.findall(r'data-address="([^"]*)"', body):
        found[address] = found.get(address, 0) + 1
    several = [address for address, count in found.items() if count > 1][:LIGHTS]
    one = '[data-address="{0}"]'
    rules = (f".pellucid:has({one}:hover) {one}".replace("{0}", css_string(address)) for address in several)
    return "".join(f"{rule} {{ background: var(--mark) }}\n" for rule in rules)


def css_string(address: str) -> str:
    """An address, as it stands in an attribute, between the quotes of a style sheet."""
    return address.replace("&apos;", "'").replace("&amp;", "&").replace("\\", "\\\\").replace('"', '\\"')


def to_html(
    derivation: Level, *, digits: int = 6, depth: int | None = None, checks: bool = True, whole: bool = True
) -> str:
    """An explanation as HTML.

    Args:
        digits: significant digits of every number, 1 … 17.
        depth: levels of children; None is the derivation's own.
        checks: whether to add the check lines.
        whole: a page by itself; False gives one element to put into another page.
    """
    body = Layout(digits).block(b.entry(derivation, depth, checks=checks))
    return page(str(derivation.address), body) if whole else element(body)


def element(body: str) -> str:
    """One element to put into another page."""
    return f'<div class="pellucid"><style>{STYLE}{lights(body)}</style>{body}</div>'


def page(title: str, body: str) -> str:
    """A whole page around a body."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}{PAGE_STYLE}{lights(body)}</style>\n</head>\n"
        f'<body>\n<main class="pellucid">\n{body}\n</main>\n</body>\n</html>\n'
    )


def page_to_html(content: b.Page, *, digits: int = 6) -> str:
    """A page of blocks as one HTML file."""
    return page(content.title, body_of(content, digits))


def fragment(content: b.Page, *, digits: int = 6) -> str:
    """A page of blocks as one element, to put into another page."""
    return element(body_of(content, digits))


def body_of(content: b.Page, digits: int) -> str:
    """Heading, lead, links to the sections, and the sections."""
    layout = Layout(digits)
    links = "".join(f'<a href="#{s.name}">{layout.writer.sentence(s.heading)}</a>' for s in content.sections)
    lead = f"<p>{layout.writer.sentence(content.lead)}</p>" if content.lead else ""
    head = f"<h1>{layout.writer.words(content.title)}</h1>{lead}<nav>{links}</nav>"
    return head + "\n".join(map(layout.section, content.sections))
