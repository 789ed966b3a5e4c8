"""The notation's symbols as addresses: `w[2][1,2]`, `dC0/dw[L][1,2]`, `da[3][0]/da[1][4]@7`.

A user, a file or another module names a number by its address; `records` looks it up and `explain`
derives it. `reading` cuts the text into pieces; here they become records, are checked against a network's
sizes, and are printed: as ASCII (`str`), Unicode, LaTeX and MathML.

    Quantity     one symbol, or a whole array of them: w[2][1,2], w[2][1] (row 1), w[2], a[1][3]@7, C[0], C
    Derivative   of a quantity by a quantity: dC0/dw[2][1,2], dC/db[1][0], da[2][1]/dz[2][1]@7
    Name         a letter without an address, as general formulas use them: eta, n, z

An index is a number, or a Letter: j, l, l-1, L. `resolve` puts the layer's number for L.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from .errors import AddressError
from .reading import DOT, EXAMPLES, LOW_COMMA, Index, Letter, Pieces, read


@dataclass(frozen=True)
class Kind:
    """How a symbol is indexed and what it is called."""

    meaning: str
    nodes: int  # how many node indices: w has two, a has one, C has none
    layered: bool = True  # whether it has a layer's number
    sampled: bool = True  # whether each sample has its own
    lowest: int = 1  # the first layer that has it
    derivable: bool = False  # whether the network computes it, so that it has derivatives
    variable: bool = False  # whether one can differentiate by it


KINDS = {
    "w": Kind("weight", 2, sampled=False, variable=True),
    "b": Kind("bias", 1, sampled=False, variable=True),
    "z": Kind("input of a node", 1, derivable=True, variable=True),
    "a": Kind("activation output of a node", 1, lowest=0, derivable=True, variable=True),
    "g": Kind("activation function at z", 1, derivable=True, variable=True),
    "g'": Kind("derivative of the activation function at z", 1),
    "delta": Kind("derivative of the sample's loss by z", 1),
    "w+": Kind("weight after an update", 2, sampled=False),
    "b+": Kind("bias after an update", 1, sampled=False),
    "x": Kind("input of the network", 1, layered=False, variable=True),
    "y": Kind("target of an output node", 1, layered=False, variable=True),
    "C": Kind("loss", 0, layered=False, derivable=True),
    "R": Kind("penalty", 0, layered=False, sampled=False, derivable=True),
}
NODE_LETTERS = ("j", "k")
GREEK = {"delta": "δ", "g'": "g′"}

# Names that have no address, in Unicode and LaTeX. Any other single letter stands for itself.
NAMES = {
    "eta": ("η", r"\eta"), "mu": ("μ", r"\mu"), "kappa": ("κ", r"\kappa"), "alpha": ("α", r"\alpha"),
    "beta_1": ("β₁", r"\beta_{1}"), "beta_2": ("β₂", r"\beta_{2}"), "epsilon": ("ε", r"\varepsilon"),
    "lambda_1": ("λ₁", r"\lambda_{1}"), "lambda_2": ("λ₂", r"\lambda_{2}"), "n_L": ("n_L", r"n_{L}"),
    "n_l": ("nₗ", r"n_{l}"), "slope": ("slope", r"\mathrm{slope}"), "w_new": ("w_new", r"w_{\mathrm{new}}"),
    "v_new": ("v_new", r"v_{\mathrm{new}}"), "m_new": ("m_new", r"m_{\mathrm{new}}"),
    "m_hat": ("m̂", r"\hat{m}"), "v_hat": ("v̂", r"\hat{v}"), "dw": ("∂C/∂w", r"\frac{\partial C}{\partial w}"),
}  # fmt: skip

BELOW = str.maketrans("0123456789+-jkilmnpthaeosx", "₀₁₂₃₄₅₆₇₈₉₊₋ⱼₖᵢₗₘₙₚₜₕₐₑₒₛₓ")
ABOVE = str.maketrans("0123456789+-()lLjkimnt", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ˡᴸʲᵏⁱᵐⁿᵗ")


class Address:
    """Base of everything that names a number: prints itself in four ways."""

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
        name: one of KINDS.
        layer: l, for the symbols that have a layer.
        nodes: (j, k) for w, (j,) for the others; a shorter tuple names an array.
        sample: i, for the symbols that belong to a sample; None with C is the mean over the samples.

    Example:
        >>> q = Quantity("w", 2, (1, 2))
        >>> str(q), q.unicode(), q.latex()
        ('w[2][1,2]', 'w₁‚₂⁽²⁾', 'w_{1,2}^{(2)}')
    """

    name: str
    layer: Index = None
    nodes: tuple[Index, ...] = ()
    sample: Index = None

    def __post_init__(self):
        if self.sample is None and self.kind.sampled and self.name != "C":
            object.__setattr__(self, "sample", 0)

    @property
    def kind(self) -> Kind:
        """How this symbol is indexed."""
        return KINDS[self.name]

    @property
    def scalar(self) -> bool:
        """Whether it names one number, not a row or an array."""
        return len(self.nodes) == self.kind.nodes

    def __str__(self) -> str:
        if self.name == "C":
            return "C" if self.sample is None else f"C[{self.sample}]"
        layer = "" if self.layer is None else f"[{self.layer}]"
        nodes = f"[{','.join(map(str, self.nodes))}]" if self.nodes else ""
        return f"{self.name}{layer}{nodes}" + (f"@{self.sample}" if self.kind.sampled and self.sample != 0 else "")

    def of_first_sample(self) -> Quantity:
        """The same without its sample, where that is said elsewhere."""
        return replace(self, sample=0) if self.sample and self.kind.sampled else self

    def parts(self) -> tuple[str, str, str, str]:
        """Base, subscript, superscript and the sample that must be shown, all ASCII."""
        base = self.name.removesuffix("+")
        base = "W" if base == "w" and not self.nodes else base
        if self.name == "C":
            return base, "" if self.sample is None else str(self.sample), "", ""
        shown = str(self.sample) if self.kind.sampled and self.sample != 0 else ""
        letters = all(isinstance(node, Letter) and not node.offset for node in self.nodes)
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
        base = {"delta": r"\delta"}.get(base, base)
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
        if self.of.sample is not None and self.by.kind.sampled and self.by.sample == 0:
            object.__setattr__(self, "by", replace(self.by, sample=self.of.sample))

    @property
    def sample(self) -> Index | None:
        """The sample to which it belongs; None for a mean over the samples by a weight, and for the penalty."""
        return self.of.sample if self.of.sample is not None else self.by.sample

    @property
    def scalar(self) -> bool:
        """Whether it names one number."""
        return self.of.scalar and self.by.scalar

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


def resolve(address: Any, n: Sequence[int], samples: int | None = None) -> Any:
    """The address with numbers for L, L-1, …, checked against the sizes of a network.

    Args:
        address: a Quantity or a Derivative.
        n: n_l, the number of nodes of each layer 0 … L.
        samples: how many samples there are, to check i; None leaves i unchecked.

    Raises:
        AddressError: a layer, node or sample out of range, or an index that is still a letter.

    Example:
        >>> str(resolve(Quantity("w", Letter("L", -1), (1, 2)), (3, 4, 4, 2)))
        'w[2][1,2]'
        >>> resolve(Quantity("w", 2, (5, 3)), (3, 4, 4, 2))
        Traceback (most recent call last):
        pellucid.errors.AddressError: w[2][5,3]: layer 2 has 4 nodes, so j runs over 0 … 3.
    """
    if isinstance(address, Derivative):
        of, by = resolve(address.of, n, samples), resolve(address.by, n, samples)
        return address if of is address.of and by is address.by else Derivative(of, by)
    if isinstance(address, Name):
        raise AddressError(str(address), "expected a symbol of the notation", None, f"It has {' '.join(KINDS)}.")
    kind, L, layer = address.kind, len(n) - 1, address.layer
    if isinstance(layer, Letter):
        if layer.letter != "L":
            raise AddressError(
                str(address), f"expected a number for the layer {layer}", None, "Write one, or L, L-1, …"
            )
        layer = L + layer.offset
    if kind.layered and (layer is None or not kind.lowest <= layer <= L):
        raise AddressError(
            str(address), f"this network has layers 0 … {L}, so for {address.name} l runs over {kind.lowest} … {L}"
        )
    sizes = {"x": (n[0],), "y": (n[-1],)}.get(address.name)
    where = {"x": 0, "y": L}.get(address.name, layer)
    layers = (where, where - 1) if where is not None else ()
    sizes = sizes or tuple(n[l] for l in layers)
    for node, letter, size, l in zip(address.nodes, NODE_LETTERS, sizes, layers, strict=False):
        if isinstance(node, Letter):
            raise AddressError(str(address), f"expected a number for the node {node}", None, "Write one.")
        if not 0 <= node < size:
            nodes = f"{size} node{'s' if size > 1 else ''}"
            letter = "k" if address.name == "x" else letter
            raise AddressError(str(address), f"layer {l} has {nodes}, so {letter} runs over 0 … {size - 1}")
    sample = address.sample
    if isinstance(sample, Letter):
        raise AddressError(str(address), f"expected a number for the sample {sample}", None, "Write one.")
    if sample is not None and samples is not None and not 0 <= sample < samples:
        count = f"are {samples} samples" if samples > 1 else "is 1 sample"
        raise AddressError(str(address), f"there {count}, so i runs over 0 … {samples - 1}")
    return address if layer == address.layer else replace(address, layer=layer)


@lru_cache(maxsize=65536)
def parse(text: str, n: tuple[int, ...] | None = None) -> Any:
    r"""Read an address: ASCII, Unicode, or LaTeX as people type it.

    Args:
        text: the address.
        n: n_l of each layer; with it L becomes a number, ranges are checked, and w_{12} can be read.

    Raises:
        AddressError: text that is no address, or one that names nothing in this network.

    Example:
        >>> str(parse(r"\frac{\partial C_0}{\partial w_{12}^{(L)}}", (3, 6, 4)))
        'dC0/dw[2][1,2]'
        >>> parse("∂C₀/∂w₁‚₂⁽²⁾") == parse("dC0/dw[2][1,2]")
        True
    """
    if text in NAMES:
        return Name(text)
    pieces = read(text)
    if len(pieces) == 1:
        address = _quantity(pieces[0], text, n)
    else:
        address = _derivative(pieces[0], pieces[1], text, n)
    return address if n is None else resolve(address, n)


def _derivative(top: Pieces, below: Pieces, text: str, n: tuple[int, ...] | None) -> Derivative:
    """The record of a derivative; the sample behind it belongs to both its quantities, as far as they have one."""
    behind, unsampled = below.sample, below.name in KINDS and not KINDS[below.name].sampled
    of, by = _quantity(top, text, n), _quantity(below._replace(sample=None) if unsampled else below, text, n)
    if not isinstance(of, Quantity) or not isinstance(by, Quantity):
        raise AddressError(text, "expected symbols with their layers", None, EXAMPLES)
    if behind is not None:
        if of.kind.sampled and of.name != "C" and of.sample in (0, behind):
            of = replace(of, sample=behind)
        elif unsampled:
            raise AddressError(text, f"d{of}/d{by} has no sample of its own", f"@{behind}", "Leave it out.")
    return Derivative(of, by)


def _quantity(p: Pieces, text: str, n: tuple[int, ...] | None) -> Any:
    """The record of one quantity; a Name where a layered symbol stands alone."""
    if p == (p.name, None, (), None, "") and (p.name not in KINDS or KINDS[p.name].layered):
        return Name(p.name)
    if p.name not in KINDS:
        raise AddressError(text, f"expected one of the symbols {' '.join(KINDS)}", p.name, EXAMPLES)
    kind, nodes, layer = KINDS[p.name], p.nodes, p.layer
    if kind.layered and layer is None:
        raise AddressError(text, f"{p.name} needs its layer", None, f"Write {p.name}[l][…] or {p.name}_{{…}}^{{(l)}}.")
    if not kind.layered and layer is not None:
        raise AddressError(text, f"{p.name} has no layer", None, EXAMPLES)
    if p.name in ("w", "w+") and len(p.run) > 1:
        nodes = _digits(p, text, n)
    if len(nodes) > kind.nodes:
        count = ("no index of a node", "one index of a node", "two indices of nodes")[kind.nodes]
        raise AddressError(text, f"{p.name} has {count}", f"{','.join(map(str, nodes))}", EXAMPLES)
    if p.sample is not None and not kind.sampled:
        raise AddressError(text, f"{p.name} has no sample", f"@{p.sample}", "Leave it out.")
    return Quantity(p.name, layer, nodes, p.sample)


def _digits(p: Pieces, text: str, n: tuple[int, ...] | None) -> tuple[Index, ...]:
    """w_{12} digit by digit, where that can mean only one thing."""
    l = p.layer.offset + len(n) - 1 if n and isinstance(p.layer, Letter) and p.layer.letter == "L" else p.layer
    forms = " or ".join(f"w_{{{p.run[:i]},{p.run[i:]}}}" for i in range(1, len(p.run)))
    do = f"Write {forms}; the row {p.run} is w[{p.layer}][{p.run}]."
    if n is None or not isinstance(l, int) or not 1 <= l < len(n):
        raise AddressError(text, f"w_{{{p.run}}} can be read in several ways without the layer's sizes", None, do)
    if len(p.run) != 2 or max(n[l], n[l - 1]) > 10:
        sizes = f"layers {l - 1} and {l} have {n[l - 1]} and {n[l]} nodes"
        raise AddressError(
            text, f"two indices without a comma are read digit by digit only up to 10 nodes; {sizes}", None, do
        )
    return int(p.run[0]), int(p.run[1])
