"""The notation's symbols as addresses: records that name a number, or an array, and print themselves.

A user, a file or another module names a number by its address; `records` looks it up and `explain` derives it. Text
becomes an address in `symbols.parse`, at the door; inside they are these objects. They print as ASCII (`str`), Unicode,
LaTeX and MathML.

    Quantity     one symbol, or a whole array of them: w[2][1,2], w[2][1] (row 1), w[2], a[1][3]@7, C[0], C
    Derivative   of a quantity by a quantity: dC0/dw[2][1,2], dC/db[1][0], da[2][1]/dz[2][1]@7
    Name         a letter without an address, as general formulas use them: eta, n, z

An index is a number, or a Letter: j, l, l-1, L.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from xml.sax.saxutils import escape, quoteattr


@dataclass(frozen=True)
class Letter:
    """An index that is a letter of the notation, perhaps with an offset: L, l-1, l+1, j."""

    letter: str
    offset: int = 0

    def __str__(self) -> str:
        return self.letter + (f"{self.offset:+d}" if self.offset else "")


Index = Any  # an int or a Letter; in the address of a number it is an int

SHARED = ("w", "b", "w+", "b+", "R")  # what all samples have in common, where no network says more
GREEK = {
    "delta": "δ", "g'": "g′", "gamma": "γ", "beta": "β", "mu": "μ", "sigma": "σ", "alpha": "α", "xhat": "x̂",
}  # fmt: skip

# Names that have no address, in Unicode and LaTeX. Any other single letter stands for itself.
NAMES = {
    "eta": ("η", r"\eta"), "mu": ("μ", r"\mu"), "kappa": ("κ", r"\kappa"), "alpha": ("α", r"\alpha"),
    "beta_1": ("β₁", r"\beta_{1}"), "beta_2": ("β₂", r"\beta_{2}"), "epsilon": ("ε", r"\varepsilon"),
    "lambda_1": ("λ₁", r"\lambda_{1}"), "lambda_2": ("λ₂", r"\lambda_{2}"), "n_L": ("n_L", r"n_{L}"),
    "n_l": ("nₗ", r"n_{l}"), "slope": ("slope", r"\mathrm{slope}"), "w_new": ("w_new", r"w_{\mathrm{new}}"),
    "v_new": ("v_new", r"v_{\mathrm{new}}"), "m_new": ("m_new", r"m_{\mathrm{new}}"),
    "m_hat": ("m̂", r"\hat{m}"), "v_hat": ("v̂", r"\hat{v}"), "dw": ("∂C/∂w", r"\frac{\partial C}{\partial w}"),
}  # fmt: skip

LOW_COMMA = "‚"  # Unicode has no subscript comma; this quotation mark looks like one
DOT = "．"  # … nor a dot for "all k" in a row; this wide full stop stays low
BELOW = str.maketrans("0123456789+-jkilmnpthaeosx", "₀₁₂₃₄₅₆₇₈₉₊₋ⱼₖᵢₗₘₙₚₜₕₐₑₒₛₓ")
ABOVE = str.maketrans("0123456789+-()lLjkimnt", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ˡᴸʲᵏⁱᵐⁿᵗ")


LATEX = {
    "delta": r"\delta", "gamma": r"\gamma", "beta": r"\beta", "mu": r"\mu", "sigma": r"\sigma", "alpha": r"\alpha",
    "xhat": r"\hat{x}",
}  # fmt: skip


class Address:
    """Base of everything that names a number: prints itself in four ways."""

    def __format__(self, form: str) -> str:
        return format(str(self), form)

    def unicode(self) -> str:
        """For the terminal."""
        raise NotImplementedError

    def latex(self) -> str:
        """For LaTeX's mathematics mode."""
        raise NotImplementedError

    def mathml(self) -> str:
        """A MathML element that carries its ASCII address in `data-address`."""
        raise NotImplementedError


@dataclass(frozen=True)
class Name(Address):
    """A letter that has no address of its own.

    Example:
        >>> Name("eta").unicode(), str(Name("eta"))
        ('η', 'eta')
    """

    name: str

    def __str__(self) -> str:
        return self.name

    def unicode(self) -> str:
        """For the terminal."""
        return NAMES.get(self.name, (self.name,))[0]

    def latex(self) -> str:
        """For LaTeX's mathematics mode."""
        return NAMES.get(self.name, (None, self.name))[1]

    def mathml(self) -> str:
        """A MathML element with its address in `data-address`."""
        return f"<mi data-address={quoteattr(self.name)}>{escape(self.unicode())}</mi>"


@dataclass(frozen=True)
class Quantity(Address):
    """A symbol with its indices; with fewer node indices than the symbol has, a row or the whole array.

    Args:
        name: of the symbol: w, b, z, a, C, …, or what a layer calls its quantities.
        layer: l, for the symbols that have a layer.
        nodes: its indices, (j, k) for a dense w, (r, c, j) for an image's a; a shorter tuple names an array.
        sample: i, for the symbols that belong to a sample; None with C is the mean over the samples.
        shared: whether all samples have it in common, as weights; then it has no sample.

    Example:
        >>> q = Quantity("w", 2, (1, 2))
        >>> str(q), q.unicode(), q.latex()
        ('w[2][1,2]', 'w₁‚₂⁽²⁾', 'w_{1,2}^{(2)}')
    """

    name: str
    layer: Index = None
    nodes: tuple[Index, ...] = ()
    sample: Index = None
    shared: bool = False

    def __post_init__(self):
        if self.sample is None and not self.shared:
            if self.name in SHARED:
                object.__setattr__(self, "shared", True)
            elif self.name != "C":
                object.__setattr__(self, "sample", 0)

    @property
    def sampled(self) -> bool:
        """Whether each sample has its own."""
        return not self.shared

    def __str__(self) -> str:
        if self.name == "C":
            return "C" if self.sample is None else f"C[{self.sample}]"
        layer = "" if self.layer is None else f"[{self.layer}]"
        nodes = f"[{','.join(map(str, self.nodes))}]" if self.nodes else ""
        return f"{self.name}{layer}{nodes}" + (f"@{self.sample}" if self.sample else "")

    def of_sample(self, sample: Index) -> Quantity:
        """The same of another sample."""
        return Quantity(self.name, self.layer, self.nodes, sample, self.shared)

    def called(self, name: str) -> Quantity:
        """The same indices of another symbol, such as δ of a z."""
        return Quantity(name, self.layer, self.nodes, self.sample, self.shared)

    def of_first_sample(self) -> Quantity:
        """The same without its sample, where that is said elsewhere."""
        return replace(self, sample=0) if self.sample else self

    def parts(self) -> tuple[str, str, str, str]:
        """Base, subscript, superscript and the sample that must be shown, all ASCII."""
        base = self.name.removesuffix("+")
        base = "W" if base == "w" and not self.nodes else base
        if self.name == "C":
            return base, "" if self.sample is None else str(self.sample), "", ""
        shown = str(self.sample) if self.sample else ""
        letters = all(isinstance(node, Letter) and len(str(node)) == 1 for node in self.nodes)
        sub = ("" if letters else ",").join(map(str, self.nodes))
        if base == "w" and len(self.nodes) == 1 and not letters and self.nodes[0] > 9:
            sub += ",·"  # row 12, not the weight w_{1,2}
        return base, sub, self.above(), shown

    def above(self) -> str:
        """What stands above: the layer, and a plus for a weight after the update."""
        return "" if self.layer is None else f"({self.layer})" + "+" * self.name.endswith("+")

    def inner_z(self) -> Quantity:
        """The z that g and g′ take."""
        return replace(self, name="z", sample=0)

    def unicode(self) -> str:
        """For the terminal."""
        base, sub, sup, sample = self.parts()
        base = GREEK.get(base, base)
        text = base + sub.replace(",·", "," + DOT).replace(",", LOW_COMMA).translate(BELOW)
        if self.name in ("g", "g'"):
            text = f"{base}{sup.translate(ABOVE)}({self.inner_z().unicode()})"
        elif sup:
            text += sup.translate(ABOVE)
        return text + (f"@{sample}" if sample else "")

    def latex(self) -> str:
        """For LaTeX's mathematics mode."""
        base, sub, sup, sample = self.parts()
        base = LATEX.get(base) or (base if len(base) <= 2 else rf"\mathrm{{{base}}}")
        if self.name in ("g", "g'"):
            text = f"{base}^{{{sup}}}({self.inner_z().latex()})"
            text = text.replace("g'^{(", r"g^{\prime(", 1)
        else:
            sub = sub.replace("·", r"\cdot")
            text = base + (f"_{{{sub}}}" if sub else "") + (f"^{{{sup}}}" if sup else "")
        return text + (rf"|_{{i={sample}}}" if sample else "")

    def mathml(self) -> str:
        """A MathML element with its address in `data-address`."""
        base, sub, sup, sample = self.parts()
        letter = f"<mi>{GREEK.get(base, base)}</mi>"
        below, above = _row(sub), _row(sup)
        if self.name in ("g", "g'"):
            inner = f"<msup>{letter}{above}</msup><mo>(</mo>{self.inner_z().mathml()}<mo>)</mo>"
        elif sub and sup:
            inner = f"<msubsup>{letter}{below}{above}</msubsup>"
        elif sub or sup:
            tag = "msub" if sub else "msup"
            inner = f"<{tag}>{letter}{below or above}</{tag}>"
        else:
            inner = letter
        if sample:
            inner += f"<msub><mo>|</mo><mrow><mi>i</mi><mo>=</mo>{_row(sample)}</mrow></msub>"
        return f"<mrow data-address={quoteattr(str(self))}>{inner}</mrow>"


@dataclass(frozen=True)
class Derivative(Address):
    r"""∂of/∂by.

    The samples agree: in dC7/dz[2][4] the z is sample 7's. A mean C may be differentiated by any sample's z.

    Example:
        >>> d = Derivative(Quantity("C", sample=7), Quantity("z", 2, (4,)))
        >>> str(d), d.by.sample, d.unicode(), d.latex()
        ('dC7/dz[2][4]', 7, '∂C₇/∂z₄⁽²⁾', '\\frac{\\partial C_{7}}{\\partial z_{4}^{(2)}}')
    """

    of: Quantity
    by: Quantity

    def __post_init__(self):
        if self.of.sample is not None and self.by.sampled and self.by.sample == 0:
            object.__setattr__(self, "by", self.by.of_sample(self.of.sample))

    @property
    def sample(self) -> Index | None:
        """The sample to which it belongs; None for a mean over the samples by a weight, and for the penalty."""
        return self.of.sample if self.of.sample is not None else self.by.sample

    def shown(self) -> tuple[Quantity, Quantity, str]:
        """Numerator and denominator without their samples, and the sample that must be shown behind them."""
        by = self.by.of_first_sample()
        if self.of.sample is None:  # a mean or a penalty: the sample is the lower quantity's
            return self.of, by, str(self.by.sample or "")
        if self.of.name == "C":
            return self.of, by, ""
        return self.of.of_first_sample(), by, str(self.of.sample or "")

    def __str__(self) -> str:
        of, by, sample = self.shown()
        top = f"C{of.sample}" if of.name == "C" and of.sample is not None else str(of)
        return f"d{top}/d{by}" + (f"@{sample}" if sample else "")

    def unicode(self) -> str:
        """For the terminal."""
        of, by, sample = self.shown()
        return f"∂{of.unicode()}/∂{by.unicode()}" + (f"@{sample}" if sample else "")

    def latex(self) -> str:
        """For LaTeX's mathematics mode."""
        of, by, sample = self.shown()
        text = rf"\frac{{\partial {of.latex()}}}{{\partial {by.latex()}}}"
        return text + (rf"|_{{i={sample}}}" if sample else "")

    def mathml(self) -> str:
        """A MathML element with its address in `data-address`."""
        of, by, sample = self.shown()
        d = "<mo>∂</mo>"
        inner = f"<mfrac><mrow>{d}{of.mathml()}</mrow><mrow>{d}{by.mathml()}</mrow></mfrac>"
        if sample:
            inner += f"<msub><mo>|</mo><mrow><mi>i</mi><mo>=</mo>{_row(sample)}</mrow></msub>"
        return f"<mrow data-address={quoteattr(str(self))}>{inner}</mrow>"


def _row(text: str) -> str:
    """Indices as a MathML row: digits, letters and signs each in their element."""
    if not text:
        return ""
    out, digits = [], ""
    for c in text + " ":
        if c.isdigit():
            digits += c
            continue
        if digits:
            out.append(f"<mn>{digits}</mn>")
            digits = ""
        if c != " ":
            operator = f'<mo stretchy="false" lspace="0" rspace="0">{"−" if c == "-" else c}</mo>'
            out.append(f"<mi>{c}</mi>" if c.isalpha() else operator)
    return f"<mrow>{''.join(out)}</mrow>"
