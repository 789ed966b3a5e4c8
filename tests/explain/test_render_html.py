import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.explain import explain
from pellucid.explain.formats import rendered
from pellucid.explain.render import html
from pellucid.expressions import KEYS
from pellucid.records import Records
from pellucid.symbols import parse

from .networks import network, quantities, records, slope

TEXT = {"p", "span", "a", "h1", "h2", "h3", "summary", "li", "td", "th", "figcaption", "title", "style"}
BLOCKS = {
    "html", "head", "meta", "body", "main", "nav", "section", "details", "div", "ul", "table", "thead", "tbody", "tr",
    "figure",
}  # fmt: skip
SVG = {"svg", "line", "circle", "rect", "path", "g", "text", "tspan", "style", "title"}
CHILDREN = {"mfrac": 2, "msub": 2, "msup": 2, "munder": 2, "msubsup": 3}  # how many children each must have
MATHML = {"math", "mrow", "mi", "mn", "mo", "mtext", "mtable", "mtr", "mtd", "msqrt", "mspace", *CHILDREN}
PHRASING = {"p", "span", "a", "summary", "h1", "h2", "h3"}
ATTRIBUTES = {
    "lang", "charset", "name", "content", "class", "id", "href", "style", "open", "data-address", "display",
    "displaystyle", "stretchy", "form", "lspace", "rspace", "width", "xmlns",
    "viewBox", "role", "x", "y", "x1", "x2", "y1", "y2", "dx", "dy", "cx", "cy", "r", "rx", "height", "d", "stroke-width",
}  # fmt: skip


def check_page(page):
    """Raise an AssertionError unless the page is well formed, uses known elements rightly, and asks for nothing."""
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
    body = re.sub(r"<meta ([^>]*)>", r"<meta \1/>", page.removeprefix("<!DOCTYPE html>\n"))
    root = ET.fromstring(body)  # every element closed, every & escaped
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    for parent in root.iter():
        assert parent.tag in TEXT | BLOCKS | SVG | MATHML, parent.tag
        assert set(parent.attrib) <= ATTRIBUTES, parent.attrib
        if parent.tag in CHILDREN:
            assert len(parent) == CHILDREN[parent.tag], ET.tostring(parent)
        if parent.tag in ("mi", "mn", "mo", "mtext"):
            assert not len(parent)
            assert parent.text
        if parent.tag == "math":
            assert {e.tag for e in parent.iter()} <= MATHML
            assert not [
                e for e in parent.iter() if e.text and e.text.strip() and e.tag not in ("mi", "mn", "mo", "mtext")
            ]
        if parent.tag in PHRASING:
            inside = {e.tag for e in parent.iter()} - {parent.tag}
            assert not inside & (BLOCKS | {"p", "h1", "h2", "h3", "summary"}), (parent.tag, inside)
        if parent.tag in ("mtr", "mtable", "tr", "ul", "table"):
            assert {e.tag for e in parent} <= {"mtr": {"mtd"}, "mtable": {"mtr"}, "tr": {"td", "th"}, "ul": {"li"}, "table": {"thead", "tbody"}}[parent.tag]  # fmt: skip
    links = [e.get("href") for e in root.iter("a")]
    for link in links:
        assert link.startswith("#")
        assert from_link(link) in ids, link
    check_quiet(page)


def from_link(link):
    """The id that a link in the page leads to."""
    from urllib.parse import unquote

    return unquote(link.removeprefix("#"))


def check_quiet(page):
    """Nothing in it can run or make a request."""
    seen = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            seen.append(tag)
            assert not [name for name, _ in attrs if name.startswith("on") or name in ("src", "srcset", "action")]

    Reader().feed(page)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form"} & set(seen)
    without_names = page.replace("http://www.w3.org/1998/Math/MathML", "").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|//|url\(|@import|javascript:", without_names)


@settings(max_examples=25)
@given(records(), st.data())
def test_pages_are_valid_and_quiet(r, data):
    computed, variable = quantities(r)
    address = data.draw(st.sampled_from([slope("C[0]", by) for by in variable] + computed + ["C", "R"]))
    check_page(explain(r, address, depth=3).to_html())


@pytest.fixture
def small():
    net = network((3, 6, 4), ("sigmoid", "sigmoid"))
    return Records(net, net.initial(1), [[0.5, -0.2, 0.9]], [[0.0, 1.0, 0.0, 0.0]])


@pytest.mark.parametrize("broken", [
    lambda page: page.replace("</mrow>", "", 1),
    lambda page: page.replace("<p ", '<script src="x.js"></script><p ', 1),
    lambda page: page.replace("<style>", "<style>@import 'a.css';", 1),
    lambda page: page.replace("<p ", '<p onclick="go()" ', 1),
    lambda page: page.replace("<mfrac>", "<mfrac><mi>a</mi>", 1),
    lambda page: page.replace('href="#dC0', 'href="#dC9', 1).replace('href="#a', 'href="#b', 1),
])  # fmt: skip
def test_the_checker_sees_mistakes(small, broken):
    page = explain(small, "dC0/dw[L][1,2]", depth=3).to_html()
    check_page(page)
    assert broken(page) != page
    with pytest.raises((AssertionError, ET.ParseError)):
        check_page(broken(page))


def test_every_symbol_carries_its_address_and_every_derivation_its_id(small):
    page = explain(small, "dC0/dw[L][1,2]", depth=1).to_html()
    for address in ("dC0/dw[2][1,2]", "dC0/da[2][1]", "da[2][1]/dz[2][1]", "dz[2][1]/dw[2][1,2]", "a[1][2]"):
        assert f'data-address="{address}"' in page
    for address in ("dC0/dw[2][1,2]", "dC0/da[2][1]", "da[2][1]/dz[2][1]", "dz[2][1]/dw[2][1,2]"):
        assert f'id="{address}"' in page
    assert '.pellucid:has([data-address="a[2][1]"]:hover) [data-address="a[2][1]"]' in page


def test_what_occurs_twice_is_derived_once_and_linked(small):
    page = explain(small, "dC0/dw[L][1,2]", depth=3).to_html()
    assert page.count('id="a[2][1]"') == 1
    assert '<a href="#a%5B2%5D%5B1%5D">Derived above.</a>' in page


def test_an_element_for_another_page_has_no_page_around_it(small):
    found = explain(small, "z[1][0]").to_html(whole=False)
    assert found.startswith('<div class="pellucid"><style>')
    assert "<html" not in found
    assert "background: var(--paper)" not in found  # a notebook keeps its own colours


def test_light_and_dark_wide_and_narrow_are_in_the_style():
    page = html.page("t", "")
    assert "prefers-color-scheme: dark" in page
    assert "max-width: 36rem" in page
    assert 'name="viewport"' in page


def test_mathml_stands_by_itself(small):
    found = explain(small, "z[2][1]", terms=2).to_mathml()
    root = ET.fromstring(found)
    assert root.tag == "{http://www.w3.org/1998/Math/MathML}math"
    assert sum(e.text == "=" for e in root.iter()) == 3
    several = rendered([explain(small, "dC0/dw[L][1,2]")], "mathml", depth=1)
    assert several.count("<math ") == 4


def test_words_are_escaped():
    from pellucid.explain.render.mathml import MathmlWriter
    from pellucid.explain.sentences import say

    assert MathmlWriter().sentence(say("a < b & {}", parse("w[1][0,0]"))).startswith("a &lt; b &amp; <math>")


def test_every_kind_of_formula_has_a_spelling(small):
    from pellucid.explain.render.latex_formulas import LatexWriter
    from pellucid.explain.render.mathml import MathmlWriter
    from pellucid.expressions import Symbol, from_dict

    a = {"symbol": "a[1][0]"}
    special = {
        "number": 2.5e-9,
        "symbol": "eta",
        "function": "exp",
        "sum_over": "j,k",
        "rest": 3,
        "differential": "a[1][0]",
    }
    for key in KEYS:
        given = special.get(
            key,
            {"cases": [a, a, a], "quotient": [a, a], "power": [a, a], "negative": a, "transpose": a}.get(key, [a, a]),
        )
        e = from_dict({key: given, **({"of": a} if key in ("function", "sum_over", "differential") else {})})
        root = ET.fromstring(f"<math>{MathmlWriter().formula(e)}</math>")
        assert len(root) == 1, key  # one element, to stand as a child of any other
        assert LatexWriter().formula(e)
    squared = MathmlWriter().formula(Symbol(parse("a[1][0]")) ** 2)
    assert squared.startswith('<msup><mrow><mo stretchy="false">(</mo>')


def test_hostile_numbers_have_a_spelling():
    net = network((1, 1), ("linear",))
    r = Records(net, ({}, {"w": np.array([[1e308]]), "b": np.array([0.0])}), [[1e308]], [[0.0]])
    d = explain(r, "dC0/dw[1][0,0]")
    check_page(d.to_html(checks=False))
    assert "∞" in d.to_html(checks=False)
    assert r"\infty" in d.to_latex(checks=False)


@pytest.mark.parametrize("optimiser", ["sgd", "momentum", "nesterov", "adam"])
def test_updates_are_rendered_too(small, optimiser):
    from pellucid.explain import update

    d = update(small, "w[2][1,2]", optimiser, depth=2)
    check_page(d.to_html())
    assert 'data-address="w+[2][1,2]"' in d.to_html()
    assert d.to_latex()
    assert d.to_markdown()


def test_notebooks_get_every_form(small):
    bundle = explain(small, "z[1][0]")._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "text/markdown", "text/latex"}
    assert bundle["text/html"].startswith('<div class="pellucid">')
    check_quiet(bundle["text/html"])
    assert bundle["text/plain"].startswith("z₀⁽¹⁾ = ")
    assert bundle["text/latex"].startswith(r"\paragraph")
