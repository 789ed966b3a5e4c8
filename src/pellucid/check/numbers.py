"""Single numbers that somebody worked out by hand, each under its address, judged by the digits that were written.

Before it: records say what is right, `passes` what a mistake gives. After it: `pc.check` and `pellucid check` show it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

from ..activations import ACTIVATIONS
from ..architecture import Architecture, Penalty
from ..arrays import Array, Parameters
from ..errors import InputError, shown
from ..records import Records
from .constants import as_expression
from .least_squares import size
from .mistakes import MISTAKES, KnownMistake
from .passes import Pass, run
from .patterns import factor_text
from .problem import Problem, problem
from .verdict import IMPRECISE, RIGHT, WRONG

SINGLE = re.compile(r"d?C\d*(\[\d+\])?(/d|$)|.*\[|\\frac|.*_\{?\d")
GRADIENT = re.compile(r"dC(?P<i>\d*)/d(?P<kind>[wbzax])(\[(?P<l>\d+)\])?\[(?P<index>[\d,]+)\](@(?P<at>\d+))?")
DELTA = re.compile(r"delta\[(?P<l>\d+)\]\[(?P<index>\d+)\](@(?P<at>\d+))?")
UPDATE = re.compile(r"(?P<kind>[wb])\+\[(?P<l>\d+|L(?:-\d+)?)\]\[(?P<index>[\d,]+)\]")
VALUE = re.compile(r"(?P<kind>[za])\[(?P<l>\d+)\]\[(?P<index>\d+)\](@(?P<at>\d+))?")


@dataclass(frozen=True)
class Written:
    """A number as it was written.

    Attributes:
        half: half a unit of its last digit.
        digits: how many digits count.

    Example:
        >>> Written.of("-0.0779", "here"), Written.of(12, "here").digits
        (Written(text='-0.0779', value=-0.0779, half=5e-05, digits=3), 2)
    """

    text: str
    value: float
    half: float
    digits: int

    @classmethod
    def of(cls, given: Any, where: str) -> Written:
        """From text, or from a number as it prints.

        Raises:
            InputError: no finite number.
        """
        text = given.strip().replace("−", "-") if isinstance(given, str) else str(given)
        try:
            exact = Decimal(text)
            if not exact.is_finite() or isinstance(given, bool):
                raise InvalidOperation
        except InvalidOperation:
            raise InputError(where, "expected a number such as -0.0779", shown(given)) from None
        exponent = int(exact.as_tuple().exponent)
        half = 0.5 * 10.0**exponent
        if exponent >= 0:  # a whole number: 2 is not 2.4
            half = min(half, 0.05 * abs(float(exact)))
        return cls(text, float(exact), half, len(exact.as_tuple().digits))

    def holds(self, value: float) -> bool:
        """Whether a value rounds to it; what float64 may lose is allowed."""
        return abs(value - self.value) <= self.half * (1 + 1e-9) + 1e-12 * max(abs(value), abs(self.value)) + 1e-300


@dataclass(frozen=True)
class Judged:
    """One number, judged.

    Attributes:
        said: one sentence.
    """

    address: str
    yours: Written
    right: float
    verdict: str
    said: str


@dataclass(frozen=True)
class NumbersReport:
    """The result of checking single numbers. `print` shows it, `to_dict` writes it.

    Attributes:
        verdict: "right", "right but less precise" or "wrong".
        entries: every number, in the order in which they came.
        mistakes: known mistakes that give all of the wrong ones (and leave the right ones), likeliest first.
    """

    verdict: str
    entries: tuple[Judged, ...]
    mistakes: tuple[KnownMistake, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no number is wrong."""
        return self.verdict != WRONG

    @property
    def first_wrong(self) -> str | None:
        """The address of the first wrong number."""
        return next((e.address for e in self.entries if e.verdict == WRONG), None)

    def to_text(self, *, width: int = 100, entries: int = 5) -> str:
        """For a terminal; all numbers are shown."""
        wide = max(len(e.address) for e in self.entries)
        far = max(len(e.yours.text) for e in self.entries)
        lines = [f"{e.address:{wide}s}  {e.yours.text:>{far}s}  {e.said}" for e in self.entries]
        for m in self.mistakes[:1]:
            lines += ["", f"{m.slug}: {m.what}", f"Mend: {m.mend}", f"Formula: {m.formula}"]
        if len(self.mistakes) > 1:
            also = ", ".join(m.slug for m in self.mistakes[1:])
            lines.append(f"To the digits you wrote that is the same as: {also}. More digits, or more numbers, tell.")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.to_text()

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "format": "pellucid-check-numbers",
            "version": 1,
            "ok": self.ok,
            "verdict": self.verdict,
            "first_wrong": self.first_wrong,
            "numbers": [
                {"address": e.address, "yours": e.yours.text, "right": e.right, "verdict": e.verdict, "said": e.said}
                for e in self.entries
            ],
            "mistakes": [{"slug": m.slug, "what": m.what, "mend": m.mend, "formula": m.formula} for m in self.mistakes],
        }


def are_numbers(candidate: Any) -> bool:
    """Whether a candidate is numbers under addresses, not arrays under names."""
    if not isinstance(candidate, Mapping) or not candidate or not all(isinstance(key, str) for key in candidate):
        return False
    one = [value is not None and np.ndim(value) == 0 for value in candidate.values()]
    addressed = all(SINGLE.match(key) for key in candidate)
    return addressed and (any(one) or any(re.match(r"dC\d|.*@", key) for key in candidate))


def check_numbers(
    architecture: Architecture,
    parameters: Parameters,
    x: Array,
    y: Array,
    numbers: Mapping[str, Any],
    *,
    learning_rate: float | None = None,
) -> NumbersReport:
    """Judge numbers by their addresses: values, derivatives, updates, of one sample or of the mean.

    Args:
        numbers: address → number as it was written (text keeps the zeros at its end), or a list of a row's or an
            array's numbers.
        learning_rate: η of updated weights such as "w+[2][1,2]", and of a mistake with them.

    Raises:
        AddressError: an address that this network does not have.
        InputError: what is no number; an update without its learning rate.

    Example:
        >>> from pellucid.layers import Dense, Input
        >>> from pellucid.losses import loss
        >>> net = Architecture((Input(1), Dense(1)), loss("squared_error"))
        >>> w = ({}, {"w": np.array([[3.0]]), "b": np.array([1.0])})
        >>> print(check_numbers(net, w, [[2.0]], [[4.5]], {"a[1][0]": "7.0", "dC0/db[1][0]": "2.50"}))
        a[1][0]        7.0  right to the 2 digits you wrote.
        dC0/db[1][0]  2.50  exactly half of what it should be, 5.00: a factor 2 is missing.
        <BLANKLINE>
        factor-two-missing: The 2 that comes down from the square is missing.
        Mend: Write 2(a − y), or use the half squared error as the loss.
        Formula: C_i = Σ_j (a_j − y_j)², so ∂C_i/∂a_j = 2(a_j − y_j): the exponent comes down as a factor.
    """
    given = problem(architecture, parameters, x, y, learning_rate=learning_rate)
    records = Records(architecture, given.parameters, given.x, given.y)
    asked = [Asked.of(address, value, records, given) for address, value in spread(numbers, records)]
    wrong = [a for a in asked if not a.yours.holds(a.right)]
    names = tuple(explaining(asked, wrong, given)) if wrong else ()
    entries = tuple(Judged(a.address, a.yours, a.right, *sentence(a, given, bool(names), records)) for a in asked)
    verdicts = {e.verdict for e in entries}
    verdict = WRONG if WRONG in verdicts else IMPRECISE if IMPRECISE in verdicts else RIGHT
    return NumbersReport(verdict, entries, names if verdict == WRONG else ())


def spread(numbers: Mapping[str, Any], records: Records) -> Iterator[tuple[str, Any]]:
    """Every single number with its address; arrays entry by entry."""
    for address, value in numbers.items():
        if np.ndim(value) == 0:
            yield address, value
            continue
        array = np.asarray(value)
        right = np.asarray(records.value(address))
        if array.shape != right.shape:
            raise InputError(address, f"expected {right.shape} numbers", f"{array.shape}")
        stem, at, sample = address.partition("@")
        joined = right.ndim == 1 and stem.endswith("]") and re.search(r"w\[[^]]+\]\[\d+\]$", stem)
        for index in np.ndindex(array.shape):
            text = ",".join(map(str, index))
            yield (f"{stem[:-1]},{text}]" if joined else f"{stem}[{text}]") + at + sample, array[index]


@dataclass(frozen=True)
class Asked:
    """One number that is asked for.

    Attributes:
        sample: whose it is; None for the mean.
        what: "w", "b", "delta", "dC_da" for derivatives of a loss, "w+", "b+"; "" for anything else.
        predict: from a backward pass over its sample, or over all, to what it would be there; None where it is none.
    """

    address: str
    yours: Written
    right: float
    sample: int | None
    what: str
    predict: Callable[[Pass], float] | None

    @classmethod
    def of(cls, address: str, value: Any, records: Records, given: Problem) -> Asked:
        """With its right value."""
        written = Written.of(value, address)
        update = UPDATE.fullmatch(address.replace(" ", ""))
        if update:
            return cls.updated(update, written, given)
        found = str(records.address(address))
        right = np.asarray(records.value(address))
        if right.ndim:
            raise InputError(address, f"expected {right.shape} numbers", "one")
        m = GRADIENT.fullmatch(found)
        if m is None and (m := DELTA.fullmatch(found)) is None:
            return cls(found, written, float(right), sample_of(found), "", None)
        groups = m.groupdict()
        kind = {"z": "delta", "a": "dC_da", "x": "dC_da"}.get(groups.get("kind", "z"), groups.get("kind", "z"))
        l = int(groups["l"] or 0)
        index = tuple(int(k) for k in groups["index"].split(","))
        of_mean = "i" in groups and groups["i"] == ""
        if of_mean and kind not in "wb":  # ∂C/∂z of one sample: 1/n of its own
            return cls(found, written, float(right), None, "", None)
        sample = None if of_mean else int(groups.get("i") or groups["at"] or 0)
        return cls(found, written, float(right), sample, kind, reader(kind, l, index))

    @classmethod
    def updated(cls, m: re.Match, written: Written, given: Problem) -> Asked:
        """A weight after an update."""
        rate = given.learning_rate
        if rate is None:
            raise InputError(m[0], "expected the learning rate with it", "none", "Give learning_rate=….")
        l = given.L - int(m["l"][2:] or 0) if m["l"].startswith("L") else int(m["l"])
        kind, index = m["kind"], tuple(int(k) for k in m["index"].split(","))
        old = (given.w(l) if kind == "w" else given.b(l)) if 1 <= l <= given.L else None
        if old is None or len(index) != old.ndim or any(k >= n for k, n in zip(index, old.shape, strict=True)):
            raise InputError(m[0], f"expected a weight or bias of layers 1 … {given.L}", "none of these")
        read = reader(kind, l, index)
        predict = lambda p: float(old[index]) - rate * read(p)  # noqa: E731
        right = float(old[index] - rate * given.gradients[l - 1][kind][index])
        return cls(f"{kind}+[{l}][{','.join(map(str, index))}]", written, right, None, kind + "+", predict)


def sample_of(address: str) -> int | None:
    """The sample behind @; 0 where there is none."""
    at = re.search(r"@(\d+)", address)
    return int(at[1]) if at else 0


def reader(kind: str, l: int, index: tuple[int, ...]) -> Callable[[Pass], float]:
    """Takes one derivative from a pass."""

    def read(p: Pass) -> float:
        if kind in "wb":
            array = (p.w if kind == "w" else p.b)[l]
            if array.ndim != len(index):
                raise IndexError  # a mistake that changes the array's shape
            return float(array[index])
        if kind == "delta":
            return float(p.delta[l][0, index[0]])
        if l == 0:
            return float((p.delta[1] @ p.problem.w(1))[0, index[0]])
        return float(p.dC_da[l][0, index[0]])

    return read


def explaining(asked: Sequence[Asked], wrong: Sequence[Asked], given: Problem) -> Iterator[KnownMistake]:
    """The known mistakes, made in one layer or wherever they can be, that give every derivative as it was written."""
    derivatives = [a for a in asked if a.predict is not None]
    if not derivatives or any(a.predict is None for a in wrong):
        return
    plain = replace(given, architecture=replace(given.architecture, penalty=Penalty()))
    places: dict[tuple, Problem] = {}
    for a in derivatives:
        key = (a.sample, a.what.endswith("+"))
        if key not in places:
            of = given if key[1] else plain
            rows = slice(None) if a.sample is None else slice(a.sample, a.sample + 1)
            places[key] = replace(of, x=given.x[rows], y=given.y[rows])
    for row in MISTAKES.values():
        if any(fits(way, derivatives, places) for way in ways(row, list(places.values()))):
            yield row


Way = tuple[Callable[[Problem], list], Callable[[Problem], dict]]


def ways(row: KnownMistake, places: Sequence[Problem]) -> Iterator[Way]:
    """How a mistake can be made: each form or factor, in each layer alone and in all of them."""
    L = places[0].L
    forms = dict.fromkeys((e.stage, kind_of(e.detail)) for p in places for l in range(1, L + 1) for e in row.edits(p, l)
                          if not e.free or p.learning_rate)  # fmt: skip
    factors = dict.fromkeys((s, n) for p in places for l in range(1, L + 1)
                            for n, (s, _) in enumerate(row.factors(p, l)))  # fmt: skip
    for layers in [[l] for l in range(L, 0, -1)] + ([list(range(1, L + 1))] if L > 1 else []):
        for form in forms:
            yield (lambda p, form=form, layers=layers: chosen(row, p, layers, form)), lambda p: {}
        for stage, n in factors:
            yield (lambda p: []), (lambda p, s=stage, n=n, layers=layers: scaled(row, p, layers, s, n))


def kind_of(detail: str) -> str:
    """What the forms of one mistake in several layers have in common."""
    return re.sub(r"\d", "", detail)


def chosen(row: KnownMistake, p: Problem, layers: Sequence[int], form: tuple[str, str]) -> list:
    """The first edit of this form in each of the layers."""
    found = []
    for l in layers:
        found += [e for e in row.edits(p, l) if (e.stage, kind_of(e.detail)) == form][:1]
    return found


def scaled(row: KnownMistake, p: Problem, layers: Sequence[int], stage: str, n: int) -> dict:
    """The factor with this number in each of the layers."""
    found = {}
    for l in layers:
        pairs = list(row.factors(p, l))
        if n < len(pairs) and pairs[n][0] == stage:
            found[stage, l] = pairs[n][1]
    return found


@np.errstate(all="ignore")
def fits(way: Way, derivatives: Sequence[Asked], places: Mapping[tuple, Problem]) -> bool:
    """Whether every derivative is what a pass with this mistake gives."""
    passes: dict[tuple, Pass] = {}
    for a in sorted(derivatives, key=lambda a: a.yours.holds(a.right)):  # the wrong ones first: most ways end there
        key = (a.sample, a.what.endswith("+"))
        assert a.predict is not None
        try:
            if key not in passes:
                p = places[key]
                constants = dict.fromkeys(MISTAKES, p.learning_rate or 0.0)
                passes[key] = run(p, way[0](p), way[1](p), constants)
            if not a.yours.holds(a.predict(passes[key])):
                return False
        except (ValueError, IndexError, KeyError):
            return False
    return True


def sentence(a: Asked, given: Problem, named: bool, records: Records) -> tuple[str, str]:
    """The verdict on one number, and why."""
    yours, digits = a.yours, f"{a.yours.digits} digit{'s' * (a.yours.digits > 1)}"
    if yours.holds(a.right):
        return RIGHT, f"right to the {digits} you wrote." if yours.digits < 15 else "right."
    right = rounded(a.right, yours)
    off = abs(yours.value - a.right)
    if not named and off <= 5e-3 * abs(a.right) and off <= 20 * yours.half:
        return IMPRECISE, f"nearly: {right}. Only the last digits differ: something was rounded on the way."
    looks = value_looks(a, given, records)
    if looks:
        return WRONG, f"should be {right}: {looks}"
    close = (yours.half + 1e-12 * abs(a.right)) / abs(a.right) if a.right else 1.0
    c = yours.value / a.right if a.right else 0.0
    if close < 0.02 and c and not np.isinf(c):
        for value in (-1.0, 0.5, 2.0, -0.5, -2.0):
            if abs(c - value) <= close * 1.01 * max(1.0, abs(value)):
                text = factor_text(value, 1e-9, {})
                return WRONG, text.replace("what it should be", f"what it should be, {right}")
        known = as_expression(c, given, max(1, given.L), close)
        if known:
            return WRONG, f"{known} times what it should be, {right}."
    return WRONG, f"should be {right}."


def rounded(value: float, as_: Written) -> str:
    """A right value with as many decimals as were written."""
    exponent = int(Decimal(as_.text).as_tuple().exponent)
    text = f"{value:.{max(0, -exponent)}f}" if -12 <= exponent < 0 and "e" not in as_.text.lower() else ""
    return text if text and float(text) != 0 else f"{value:.{max(as_.digits, 3)}g}"


@np.errstate(all="ignore")
def value_looks(a: Asked, given: Problem, records: Records) -> str:
    """What a wrong value of the forward pass is instead."""
    m = VALUE.fullmatch(a.address)
    if m is None and not re.fullmatch(r"C(\[\d+\])?", a.address):
        return ""
    if m is None:
        loss, out = given.architecture.loss, given.a(given.L)
        rows = slice(None) if a.address == "C" else slice(a.sample, (a.sample or 0) + 1)
        if a.address != "C":
            found = re.search(r"\d+", a.address)
            rows = slice(int(found[0]), int(found[0]) + 1) if found else rows
        each = loss.C(out[rows], given.y[rows])
        tries = [
            (each.mean() / 2, "half of it"), (2 * each.mean(), "twice of it"), (each.sum(), "the sum over the samples"),
            (each.mean() / given.widths[-1], f"the mean over the {given.widths[-1]} output nodes"),
            ((out[rows] - given.y[rows]).sum(axis=1).mean(), "the square was left out"),
        ]  # fmt: skip
    else:
        l, j, i = int(m["l"]), int(m["index"]), int(m["at"] or 0)
        z = given.z(l)[i] if l else given.x[i]
        b = given.b(l) if l else None
        tries = [(float(records.value(f"{m['kind']}[{l}][{other}]@{i}")), f"that is node {other}'s")
                 for other in range(given.widths[l]) if other != j]  # fmt: skip
        if l and m["kind"] == "a":
            tries = [(z[j], "that is z: the activation is missing"), *tries]
            tries += [(kind().g(z)[j], f"that is {name} of z; this layer has {given.g(l).name}")
                      for name, kind in ACTIVATIONS.items() if kind.elementwise and name != "linear"]  # fmt: skip
        elif l:
            tries = [(given.a(l)[i][j], "that is a: the activation is in it already"), *tries]
            if b is not None and size(b):
                tries = [(z[j] - b[j], "the bias is missing"), (z[j] - 2 * b[j], "the bias has the wrong sign"), *tries]
            w, below = given.w(l), given.a(l - 1)[i]
            if w.shape[0] == w.shape[1]:
                tries.append(((w.T @ below)[j] + (0.0 if b is None else b[j]), "w[j, k] and w[k, j] are exchanged"))
    for value, text in tries:
        if a.yours.holds(float(value)):
            return text + "."
    return ""


__all__ = ["Judged", "NumbersReport", "Written", "are_numbers", "check_numbers"]
