"""All renderers say the same numbers in the same way: each output is read back and its numbers are compared."""

import json
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.explain import explain
from pellucid.explain.render.base import digits_of
from pellucid.explain.render.blocks import entry
from pellucid.explain.render.latex_formulas import LatexWriter
from pellucid.explain.render.markdown import MarkdownWriter
from pellucid.symbols import NAMES, parse

from .networks import quantities, records, slope

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e-?\d+)?(?![\w])")


def of_html(page):
    """The numbers of a page in their order, and the addresses of its symbols."""
    addresses, words = set(), []

    def walk(e):
        if "data-address" in e.attrib:
            addresses.add(e.get("data-address"))
            words.append(" § ")
            return
        if e.tag == "style":
            return
        if e.tag == "munder":  # Σ with its index
            return
        if e.tag == "msup" and e[0].tag == "mn" and e[0].text == "10":
            words.append("10^" + "".join(e[1].itertext()))
            return
        words.append(e.text or "")
        for child in e:
            walk(child)
            words.append(child.tail or (" " if e.tag in ("mfrac", "msup") else ""))
        words.append("" if e.tag in ("mo", "mn", "mrow", "msup") else " ")

    walk(ET.fromstring(page))
    text = "".join(words).replace("−", "-").replace("·10^", "e")
    return re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", text), addresses


def without_symbols(text, spelled):
    """The text with § for each symbol, the longest first."""
    return re.sub("|".join(map(re.escape, sorted(spelled, key=len, reverse=True))), " § ", text)


def of_latex(text, addresses, writer):
    for table in (
        r"\\begin\{(?:tabular|longtable|array)\}(?:\[.\])?\{[^\n]*\}",
        r"\\renewcommand\{[^}]*\}\{[\d.]*\}",
        r"\\\\\[0.6ex\]",
    ):
        text = re.sub(table, "", text)
    text = re.sub(r"\\paragraph\{(?:\d+\.)+~", r"\\paragraph{", text)
    text = re.sub(r"\\resizebox\{[^}]*\}", "", text)
    text = without_symbols(text, {writer.symbol(parse(a)) for a in addresses})
    text = re.sub(r" \\cdot 10\^\{(-?\d+)\}", r"e\1", text)
    return re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", text.replace("- ", "-"))


def of_text(text, addresses):
    text = without_symbols(text, {parse(a).unicode() for a in addresses})
    raised = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))
    text = re.sub(r"·10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda m: "e" + "".join(map(raised.get, m[1])), text)
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda m: " " + "".join(map(raised.get, m.group())), text)
    return re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", text.replace("−", "-").replace("- ", "-"))


def sizes(found):
    """Without the signs: a − before a number is sometimes a subtraction."""
    return [n.lstrip("-") for n in found]


def numbers_of_json(written):
    """Every number of a derivation's JSON that a renderer prints."""
    if isinstance(written, dict):
        for key, value in written.items():
            if key in ("count", "shapes", "version", "checks", "rest") or isinstance(value, bool):
                continue
            if key in ("number", "value") and isinstance(value, int | float):
                yield value
            else:
                yield from numbers_of_json(value)
    elif isinstance(written, list):
        for value in written:
            yield from numbers_of_json(value)


def plain(value, digits):
    mantissa, exponent = digits_of(value, digits)
    return mantissa.lstrip("-") if exponent is None else f"{mantissa.lstrip('-')}e{exponent}"


@settings(max_examples=40)
@given(records(), st.data())
def test_all_renderers_agree_on_every_number(r, data):
    computed, variable = quantities(r)
    address = data.draw(st.sampled_from([slope("C[0]", by) for by in variable] + computed + ["C", "R"]))
    digits, depth = data.draw(st.integers(2, 17)), data.draw(st.integers(0, 3))
    d = explain(r, address, depth=depth, terms=data.draw(st.sampled_from([1, 2, None])))
    options = {"digits": digits, "checks": False}
    html, addresses = of_html(d.to_html(whole=False, **options).replace('open=""', ""))
    addresses |= set(NAMES) - {"dw"}
    latex = of_latex(d.to_latex(**options), addresses, LatexWriter(digits))
    markdown = of_latex(d.to_markdown(**options), addresses, MarkdownWriter(digits))
    assert sorted(sizes(latex)) == sorted(sizes(html))
    assert sizes(markdown) == sizes(html)
    text = of_text(d.to_text(width=None, **options), addresses)
    assert set(sizes(text)) == set(sizes(html))
    written = json.loads(json.dumps(d.to_dict(checks=False)))
    for value in numbers_of_json(written):
        if abs(value) < float("inf"):
            assert plain(value, digits) in sizes(html), value


@settings(max_examples=20)
@given(records(), st.data())
def test_every_number_of_the_tree_is_printed(r, data):
    computed, variable = quantities(r)
    address = data.draw(st.sampled_from([slope("C[0]", by) for by in variable] + computed))
    d = explain(r, address, depth=2)
    page = d.to_html(checks=False)
    found = {digits_of(node.value, 6) for _, node in d.walk()}
    printed, _ = of_html(page.split('<main class="pellucid">\n')[1].split("\n</main>")[0])
    for mantissa, exponent in found:
        if mantissa.lstrip("-") not in ("inf", "nan"):
            assert (mantissa if exponent is None else f"{mantissa}e{exponent}") in printed


def test_the_comparison_sees_another_number():
    html = '<div><math><mrow data-address="w[1][0,0]"><mi>w</mi></mrow><mo>=</mo><mrow><mo>−</mo><mn>1.5</mn><mo>·</mo><msup><mn>10</mn><mrow><mo>−</mo><mn>9</mn></mrow></msup></mrow></math></div>'  # fmt: skip
    found, addresses = of_html(html)
    assert found == ["-1.5e-9"]
    assert of_latex(r"w_{0,0}^{(1)} = -1.5 \cdot 10^{-9}", addresses, LatexWriter()) == found
    assert of_latex(r"w_{0,0}^{(1)} = -1.6 \cdot 10^{-9}", addresses, LatexWriter()) != found
    assert of_text("w₀‚₀⁽¹⁾ = −1.5·10⁻⁹", addresses) == found


@pytest.mark.parametrize("value, digits, said", [
    (0.1 + 0.2, 17, ("0.30000000000000004", None)),
    (1e-300, 3, ("1", -300)),
    (123456789.0, 3, ("1.23", 8)),
    (-0.0, 3, ("0", None)),
    (float("nan"), 3, ("nan", None)),
    (float("-inf"), 3, ("-inf", None)),
])  # fmt: skip
def test_one_function_says_how_a_number_looks(value, digits, said):
    assert digits_of(value, digits) == said


def test_what_is_laid_out_holds_the_whole_tree():
    import numpy as np

    from pellucid.records import Records

    from .networks import network

    net = network((2, 2, 2), ("tanh", "softmax"), "cross_entropy")
    r = Records(net, net.initial(0), [[1.0, 2.0]], np.array([1]))
    d = explain(r, "dC0/dw[1][0,1]", depth=4)

    def count(e):
        return 1 + sum(map(count, e.children))

    laid = entry(d)
    again = [x for x in flat(laid) if x.again]
    assert {x.address for x in flat(laid)} == {node.address for _, node in d.walk()}
    assert {x.address for x in again} <= {x.address for x in flat(laid) if not x.again}


def flat(e):
    yield e
    for child in e.children:
        yield from flat(child)
