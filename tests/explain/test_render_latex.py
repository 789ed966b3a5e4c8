import re
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.explain import explain
from pellucid.explain.formats import rendered
from pellucid.explain.render import latex, latex_formulas
from pellucid.explain.render.latex_formulas import LatexWriter, escaped, width_of
from pellucid.expressions import Negative, Number, Symbol
from pellucid.losses import LOSSES
from pellucid.records import Records
from pellucid.symbols import parse

from .networks import network, quantities, records, slope

needs_tex = pytest.mark.skipif(
    shutil.which("pdflatex") is None,
    reason="pdflatex is not installed (Debian: texlive-latex-recommended, texlive-pictures)",
)


def check_balanced(text):
    """Braces, brackets of \\left and \\right, and environments close in order."""
    bare = re.sub(r"\\[{}]", "", text)
    depth = 0
    for c in bare:
        depth += (c == "{") - (c == "}")
        assert depth >= 0
    assert depth == 0
    assert len(re.findall(r"\\left[^a-z]", text)) == len(re.findall(r"\\right[^a-z]", text))
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{([a-z*]+)\}", text):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert not stack
    for line in re.findall(r"\\begin\{align\*\}\n(.*?)\\end\{align\*\}", text, re.S):
        without_cases = re.sub(r"\\begin\{cases\}.*?\\end\{cases\}", "", line, flags=re.S)
        for row in without_cases.split("\\\\"):
            assert len(re.findall(r"(?<!\\)&", row)) <= 1


@settings(max_examples=40)
@given(records(), st.data())
def test_fragments_are_balanced(r, data):
    computed, variable = quantities(r)
    address = data.draw(st.sampled_from([slope("C[0]", by) for by in variable] + computed + ["C", "R"]))
    check_balanced(explain(r, address, depth=3).to_latex(checks=False))


def compiled(tmp_path, text, runs=1):
    """The log of pdflatex; raises where it stops."""
    (tmp_path / "a.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
    for _ in range(runs):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
        log = (tmp_path / "a.log").read_text(encoding="latin-1")
        assert done.returncode == 0, log[-3000:]
    return log


def check_fits(log):
    """No line sticks out by more than a millimetre or two."""
    for width in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log):
        assert float(width) < 6, log[log.index("Overfull") :][:300]


@needs_tex
def test_documents_compile(tmp_path):
    """Every activation, every loss, every kind of formula, in one document each for speed."""
    found = []
    for sizes, names, C in [
        ((3, 6, 4), ("sigmoid", "sigmoid"), "squared_error"),
        ((2, 3, 3), ("relu", "softmax"), "cross_entropy"),
        ((2, 2, 2), ("leaky_relu", "sigmoid"), "binary_cross_entropy"),
        ((2, 2, 1), ("elu", "linear"), "huber"),
        ((2, 2, 1), ("gelu", "tanh"), "absolute_error"),
        ((2, 2, 1), ("selu", "silu"), "mean_squared_error"),
        ((2, 2, 1), ("tanh", "exponential"), "poisson"),
        ((12, 30, 12), ("softplus", "softsign"), "half_squared_error"),
    ]:
        net = network(sizes, names, C, l2=0.1, l1=0.1)
        rng = np.random.default_rng(0)
        y = (
            rng.integers(0, sizes[-1], 2)
            if LOSSES[C].classes and names[-1] == "softmax"
            else rng.uniform(size=(2, sizes[-1]))
        )
        r = Records(net, net.initial(0), rng.normal(size=(2, sizes[0])), y)
        found += [explain(r, a, depth=3) for a in ("dC0/dw[1][0,1]", "dC/dw[L][0,1]", "C", "R", "dC1/dz[1][0]")]
    text = rendered(found, "tex", depth=2, digits=7)
    check_fits(compiled(tmp_path, text))


@needs_tex
def test_the_compilation_sees_a_mistake(tmp_path):
    with pytest.raises(AssertionError, match="Undefined control sequence"):
        compiled(tmp_path, latex.document(r"$\fracc{1}{2}$"))


@needs_tex
def test_wide_formulas_fit_the_page(tmp_path):
    """Softmax over thirty nodes with seventeen digits: nothing of it can be cut, so it is made smaller."""
    net = network((3, 30), ("softmax",), "cross_entropy")
    r = Records(net, net.initial(0), [[0.5, -0.2, 0.9]], np.array([3]))
    text = rendered([explain(r, "a[1][0]", terms=None), explain(r, "C0", terms=None)], "tex", digits=17, checks=False)
    assert r"\resizebox" in text
    check_fits(compiled(tmp_path, text))


@pytest.mark.parametrize("e, said", [
    (Symbol(parse("w[2][1,2]")) ** 2, r"\left(w_{1,2}^{(2)}\right)^{2}"),
    (Symbol(parse("y[1]")) ** 2, r"\left(y_{1}\right)^{2}"),
    (Symbol(parse("a[1][0]")) * Number(-2.0), r"a_{0}^{(1)} \cdot \left(-2\right)"),
    (Number(1.0) + Number(-2.0) * Symbol(parse("a[1][0]")), r"1 + \left(-2\right) \cdot a_{0}^{(1)}"),
    (Number(1.0) - Number(-2.0) * Symbol(parse("a[1][0]")), r"1 - \left(-2\right) \cdot a_{0}^{(1)}"),
    (Negative(Number(-2.0)), r"-\left(-2\right)"),
    (Number(1.5e-9) ** 2, r"\left(1.5 \cdot 10^{-9}\right)^{2}"),
    (Symbol("eta") / (Symbol(parse("a[1][0]")) + 1), r"\frac{\eta}{a_{0}^{(1)} + 1}"),
])  # fmt: skip
def test_brackets(e, said):
    assert LatexWriter().formula(e) == said


def test_words_are_escaped():
    assert escaped("100 % & a_b #1 {x} ~ ^ \\ < > $") == (
        r"100 \% \& a\_b \#1 \{x\} \textasciitilde{} \textasciicircum{} \textbackslash{} \textless{} \textgreater{} \$"
    )
    assert escaped("δ − σ′ → ∞") == r"$\delta$ $-$ $\sigma$$'$ $\to$ $\infty$"
    assert escaped("naïve 日") == "naïve ?"


def test_long_sums_are_cut_at_their_signs():
    e = Symbol(parse("w[1][0,0]")) * 1.0
    for k in range(1, 30):
        e = e + Symbol(f"w[1][0,{k}]") * 1.0
    from pellucid.explain.render.blocks import Formula, Line
    from pellucid.expressions import Sum

    flat = []
    while isinstance(e, Sum):
        e, last = e.terms
        flat.insert(0, last)
    rows = latex_formulas.aligned(LatexWriter(), Formula(Symbol(parse("z[1][0]")), (Line(Sum((e, *flat))),))).split(
        " \\\\\n"
    )
    assert len(rows) > 2
    assert all(row.startswith(r"&\quad +") for row in rows[1:])
    assert max(map(width_of, rows)) < latex_formulas.WIDTH + 5


def test_a_fragment_is_no_document():
    net = network((1, 1), ("linear",))
    r = Records(net, net.initial(0), [[1.0]], [[0.0]])
    d = explain(r, "z[1][0]")
    assert "documentclass" not in d.to_latex()
    assert d.to_latex(whole=True).startswith("% Made by Pellucid")
    assert d.to_latex() in d.to_latex(whole=True)
