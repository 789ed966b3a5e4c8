"""Text → the pieces of an address: ASCII, Unicode and LaTeX come to one plain spelling, then one grammar.

Before it: what a user typed. After it: `symbols.parse`, which makes records of the pieces.

    address   := quantity | derivative
    derivative:= ∂quantity / ∂quantity, d… / d…, \\frac{…}{…}, \\frac{∂}{∂quantity} quantity; then [@i]
    quantity  := letters { [index] | _{index} | ^{(layer)} | ^{(layer)+} | ' | + | (…) | @i }
    index     := node { , node },  node := number | letter [± number]
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .addresses import DOT, GREEK, LOW_COMMA, Index, Letter
from .errors import AddressError


class Pieces(NamedTuple):
    """A quantity as it was written."""

    name: str
    layer: Index | None
    nodes: tuple[Index, ...]
    sample: Index | None
    run: str  # digits that stood in a subscript without a comma: the "12" of w_{12}


EXAMPLES = (
    "Write for example w[2][1,2], b[1][0], a[1][3]@7, dC0/dw[L][1,2] or \\frac{\\partial C_0}{\\partial a_3^{(1)}}."
)

LONGEST = 400  # characters; no address is nearly as long

BELOW = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ⱼₖᵢₗₘₙₚₜ" + LOW_COMMA + DOT, "0123456789+-jkilmnpt,·", strict=True))
ABOVE = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ˡᴸʲᵏⁱᵐⁿᵗ", "0123456789+-()lLjkimnt", strict=True))

# In this order: fonts off, commands to letters, spacing away.
LATEX = (
    (re.compile(r"\\(?:math(?:rm|bf|it|sf|cal)|boldsymbol|bm|operatorname|text)\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\(?:left|right|[bB]igg?[lr]?|displaystyle|limits)(?![a-zA-Z])\s*\.?"), ""),
    (re.compile(r"\\(?:partial|d(?![a-zA-Z]))"), "∂"),
    (re.compile(r"\\(delta|gamma|beta|mu|sigma|alpha)(?![a-zA-Z])"), r" \1 "),
    (re.compile(r"\\hat\s*\{x\}"), " xhat "),
    (re.compile(r"\\ell(?![a-zA-Z])"), "l"),
    (re.compile(r"\\cdot(?![a-zA-Z])"), "·"),
    (re.compile(r"\\(?:vert|mid)(?![a-zA-Z])"), "|"),
    (re.compile(r"\^\s*\{?\s*\\prime\s*"), lambda m: "'^{" if "{" in m.group() else "'"),
    (re.compile(r"\\prime(?![a-zA-Z])"), "'"),
    (re.compile(r"\\over(?![a-zA-Z])"), "/"),
    (re.compile(r"\\[dtc]?frac(?![a-zA-Z])"), "FRAC"),
    (re.compile(r"\\(?:quad|qquad|[,;:! ()\[\]])|\$|~"), " "),
)


def plain(text: str) -> str:
    """Unicode and LaTeX in the one spelling that the grammar reads."""
    for pattern, replacement in LATEX:
        text = pattern.sub(replacement, text)
    for table, mark in ((BELOW, "_"), (ABOVE, "^")):
        run = re.compile("[" + "".join(map(re.escape, table)) + "]+")
        text = run.sub(lambda m, t=table, s=mark: s + "{" + "".join(map(t.__getitem__, m.group())) + "}", text)
    for name, letter in GREEK.items():
        text = text.replace(letter, name)
    text = text.replace("′", "'").replace("−", "-").replace("’", "'")
    text = re.sub(r"\|\s*_\s*\{?\s*(?:i\s*=)?\s*(\d+|i)\s*\}?", r"@\1", text)
    text = re.sub(r"(?<=\d)\s+(?=\d)", ",", text)
    return re.sub(r"\s+", "", text)


def group(text: str, at: int, pair: str = "{}") -> int:
    """The place behind the bracket that closes the one at `at`; −1 where none does."""
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == pair[0]) - (text[i] == pair[1])
        if depth == 0:
            return i + 1
    return -1


def fraction(text: str) -> str:
    """FRAC{A}{B} C as A/B, or as C/B where A is a bare ∂; an outer {A/B} as A/B."""
    if text.startswith("FRAC{"):
        end = group(text, 4)
        if end < 0 or text[end : end + 1] != "{":
            return text
        last = group(text, end)
        if last < 0:
            return text
        top, bottom, rest = text[5 : end - 1], text[end + 1 : last - 1], text[last:]
        if top in ("∂", "d"):
            return f"{top}{rest}/{bottom}"
        return f"{top}/{bottom}{rest}"
    if text.startswith("{") and group(text, 0) == len(text):
        return text[1:-1]
    return text


def halves(text: str) -> list[str]:
    """The text cut at the / that stands outside all brackets."""
    depth, cuts = 0, []
    for i, c in enumerate(text):
        depth += (c in "[{(") - (c in "]})")
        if c == "/" and depth == 0:
            cuts.append(i)
    return [text[: cuts[0]], text[cuts[0] + 1 :]] if len(cuts) == 1 else [text] if not cuts else []


TOKEN = re.compile(r"(?P<number>\d+)|(?P<letter>[A-Za-z])(?P<offset>[+-]\d+)?|(?P<comma>,)")


def indices(text: str) -> tuple[Index, ...] | None:
    """The indices of a bracket or a subscript; None where it is something else."""
    text = re.sub(r"[{}·]+", ",", text).strip(",")
    found: list[Index] = []
    at = 0
    while at < len(text):
        token = TOKEN.match(text, at)
        if not token:
            return None
        if token["number"]:
            found.append(int(token["number"]))
        elif token["letter"]:
            found.append(Letter(token["letter"], int(token["offset"] or 0)))
        at = token.end()
    return tuple(found)


PART = re.compile(
    r"\[(?P<bracket>[^\[\]]*)\]"
    r"|_(?P<below>\{(?:[^{}]|\{[^{}]*\})*\}|[A-Za-z0-9]+(?:,[A-Za-z0-9]+)*)"
    r"|\^(?P<above>\{(?:[^{}]|\{[^{}]*\})*\}|\([^()]*\)|\[[^\[\]]*\]|[A-Za-z0-9]+)"
    r"|(?P<prime>['+])"
    r"|@(?P<sample>\d+|i)"
    r"|\((?P<inner>.*)\)"
)


def quantity(text: str, whole: str) -> Pieces:
    """One quantity.

    Raises:
        AddressError: text that is none.
    """
    wrong = AddressError(whole, "expected an address of the notation", None, EXAMPLES)
    start = re.match(r"Ci(?![A-Za-z])|[A-Za-z]+", text)
    if not start:
        raise wrong
    name, at = ("C", 1) if start.group() == "Ci" else (start.group(), start.end())
    brackets: list[tuple[Index, ...]] = []
    layer: Index | None = None
    nodes: tuple[Index, ...] = ()
    sample: Index | None = None
    run = ""
    if name == "W":
        name = "w"
    if name == "C" and (beside := re.match(r"\d+|i", text[at:])):
        brackets.append(indices(beside.group()) or ())
        at += beside.end()
    while at < len(text):
        part = PART.match(text, at)
        if not part:
            raise wrong
        at = part.end()
        if part["prime"]:
            name += part["prime"]
        elif part["inner"] is not None:
            inner = quantity(part["inner"], whole)
            if name not in ("g", "g'") or inner.name != "z" or (layer or inner.layer) != inner.layer:
                raise wrong
            layer, nodes = inner.layer, inner.nodes
        elif part["sample"]:
            sample = (indices(part["sample"]) or (None,))[0]
        elif part["above"]:
            above = part["above"].strip("{}")
            if above.endswith("+") and not above[:-1].endswith(("l", "L")):
                name, above = name + "+", above[:-1]
            found = indices(above.strip("()[]"))
            if not found or len(found) != 1 or layer is not None:
                raise wrong
            layer = found[0]
        else:
            written = part["bracket"] if part["bracket"] is not None else part["below"].strip("{}")
            found = indices(written)
            if not found:
                raise wrong
            if part["bracket"] is not None:
                brackets.append(found)
            elif nodes:
                raise wrong
            else:
                nodes = found
                run = written if written.isdigit() else ""
    if brackets and nodes and name not in ("g", "g'"):
        raise wrong
    if brackets and name not in ("C", "x", "y"):
        if len(brackets[0]) != 1:
            raise wrong
        layer, brackets = brackets[0][0], brackets[1:]
    nodes = tuple(index for bracket in brackets for index in bracket) or nodes
    if name == "C":
        if len(nodes) > 1 or layer is not None:
            raise wrong
        return Pieces(name, None, (), nodes[0] if nodes else sample, "")
    return Pieces(name, layer, nodes, sample, run)


def read(text: str) -> tuple[Pieces, ...]:
    r"""The quantities of an address: one, or the two of a derivative (a sample behind it is the second's).

    Raises:
        AddressError: text that is no address.

    Example:
        >>> [p.name for p in read(r"\frac{\partial C_0}{\partial w_{1,2}^{(L)}}")]
        ['C', 'w']
    """
    if len(text) > LONGEST:
        raise AddressError(text[:20] + "…", f"expected at most {LONGEST} characters", len(text), EXAMPLES)
    cut = halves(fraction(plain(text)))
    if not cut:
        raise AddressError(text, "expected one fraction", None, EXAMPLES)
    if len(cut) == 1:
        return (quantity(cut[0], text),)
    stripped = [fraction(half) for half in cut]
    if not all(half[:1] in ("∂", "d") for half in stripped):
        raise AddressError(text, "expected ∂ or d before both symbols of a derivative", None, EXAMPLES)
    return tuple(quantity(half[1:], text) for half in stripped)
