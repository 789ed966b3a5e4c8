import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import InputError
from pellucid.explain import explain
from pellucid.explain.formats import FORMATS, rendered
from pellucid.explain.render.markdown import MarkdownWriter
from pellucid.records import Records

from .networks import network, quantities, records, slope


@settings(max_examples=40)
@given(records(samples=2), st.data())
def test_structure(r, data):
    """Displays close, tables have as many cells in every row, no formula in a cell holds the cell's mark."""
    i = r.samples - 1
    computed, variable = quantities(r, i)
    address = data.draw(st.sampled_from([slope(f"C[{i}]", by) for by in variable] + computed + ["C", "R"]))
    text = explain(r, address, depth=3).to_markdown(checks=False)
    assert text.count("$$") % 2 == 0
    outside = re.sub(r"\$\$.*?\$\$", "", text, flags=re.S)
    assert outside.count("$") % 2 == 0
    for display in re.findall(r"\$\$(.*?)\$\$", text, flags=re.S):
        assert "$" not in display  # no formula within the words of a formula
        assert display.count(r"\begin{aligned}") == display.count(r"\end{aligned}") == 1
    width = None
    for line in outside.splitlines():
        if line.startswith("|"):
            width = width or line.count("|")
            assert line.count("|") == width
        else:
            width = None


def test_headings_follow_the_levels():
    net = network((2, 2, 2), ("tanh", "tanh"))
    r = Records(net, net.initial(0), [[1.0, 2.0]], [[0.0, 1.0]])
    text = explain(r, "dC0/dw[2][0,1]", depth=2).to_markdown()
    assert re.findall(r"^#+", text, flags=re.M)[:3] == ["##", "###", "####"]


def test_words_are_escaped():
    assert MarkdownWriter().sentence("a_b * <c> | `d` #1") == r"a\_b \* \<c> \| \`d\` \#1"


def test_another_sample_does_not_break_a_table():
    assert "|" not in MarkdownWriter().symbol("a[1][0]@7")


def test_all_formats_take_several_derivations():
    net = network((2, 2), ("softmax",), "cross_entropy")
    r = Records(net, net.initial(0), [[1.0, 2.0]], np.array([1]))
    found = [explain(r, address) for address in ("dC0/dw[1][0,1]", "z[1][0]")]
    for format in FORMATS:
        assert rendered(found, format)
    top = [explain(r, "dC0/dw[1][0,1]")]
    assert "path (layer:node)" in rendered(top, "markdown", top=2)
    assert "2 paths" in rendered(top, "html", top=2) or "1 path," in rendered(top, "html", top=2)


@pytest.mark.parametrize("format, digits, said", [
    ("pdf", 6, "format: expected one of html, json, latex, markdown, mathml, tex, text, got 'pdf'"),
    ("html", 18, "digits: expected a number from 1 to 17, got 18"),
])  # fmt: skip
def test_refused(format, digits, said):
    with pytest.raises(InputError) as error:
        rendered([], format, digits=digits)
    assert str(error.value).startswith(said)
