"""Plants mistakes of the table in random networks, for the tests and for long campaigns by hand.

python -m tests.mistakes.planting singles 2000 0      # how many, first seed
python -m tests.mistakes.planting pairs 500 0
python -m tests.mistakes.planting right 10000 0
"""

from __future__ import annotations

import sys
import time
from collections import Counter

import numpy as np

from pellucid.activations import ACTIVATIONS
from pellucid.architecture import Architecture, Penalty
from pellucid.check import MISTAKES, check_gradients
from pellucid.check.passes import run
from pellucid.check.problem import problem
from pellucid.forward import forward
from pellucid.layers import Dense, Input
from pellucid.losses import LOSSES, loss

HIDDEN = [name for name in ACTIVATIONS if name not in ("softmax", "exponential")]  # e^(e^(e^z)) is no number
PROBABILITIES = {"sigmoid": "binary_cross_entropy", "softmax": "cross_entropy"}


def random_problem(generator, *, scale=1.0, layers=(2, 4)):
    """A random network with data; widths of 1, equal widths, every activation and loss, with and without penalty."""
    L = int(generator.integers(layers[0], layers[1] + 1))
    if generator.random() < 0.25:
        widths = [int(generator.integers(2, 5))] * (L + 1)
    else:
        widths = [int(v) for v in generator.integers(1, 7, L + 1)]
    bias = bool(generator.random() < 0.85)
    kind = generator.random()
    if kind < 0.25:
        output, name = "softmax", str(generator.choice(["cross_entropy", "cross_entropy", "squared_error"]))
        widths[-1] = max(2, widths[-1])
    elif kind < 0.5:
        output, name = "sigmoid", str(generator.choice(["binary_cross_entropy", "squared_error"]))
    elif kind < 0.95:
        output = str(generator.choice(HIDDEN))
        name = str(generator.choice([n for n in LOSSES if not LOSSES[n].classes and not LOSSES[n].counts]))
    else:
        output, name = "exponential", "poisson"
    hidden = [str(generator.choice(HIDDEN)) for _ in range(L - 1)]
    penalty = Penalty()
    if generator.random() < 0.4:
        penalty = Penalty(*generator.choice([[0.03, 0.0], [0.0, 0.02], [0.05, 0.01]]))
    dense = (Dense(n, g, bias) for n, g in zip(widths[1:], [*hidden, output], strict=True))
    net = Architecture((Input(widths[0]), *dense), loss(name), penalty)
    n = int(generator.integers(2, 10))
    parameters = tuple(
        {k: generator.normal(size=v.shape) * scale for k, v in layer.items()} for layer in net.initial(0)
    )
    x = generator.normal(size=(n, widths[0]))
    if output == "exponential":  # outputs that a training can meet, not e^500
        most = float(abs(forward(net.program, parameters, x).z[-1]).max())
        parameters = (*parameters[:-1], {k: v * min(1.0, 4.0 / (most + 1e-9)) for k, v in parameters[-1].items()})
    if output == "softmax":
        y = generator.integers(0, widths[-1], n)
    elif loss(name).classes:
        y = generator.integers(0, 2, (n, widths[-1])).astype(float)
    elif loss(name).counts:
        y = generator.poisson(2.0, (n, widths[-1])).astype(float)
    else:
        y = generator.normal(size=(n, widths[-1]))
    return problem(net, parameters, x, y)


def sites(given, slug, generator, where=None):
    """Edits, factors and constants that plant a mistake in one layer or in all of them; None if it can't occur.

    Args:
        where: "one" or "all".
    """
    row = MISTAKES[slug]
    if slug == "wrong-constant-factor":
        l = int(generator.integers(1, given.L + 1))
        stage = str(generator.choice(["dC_da", "w", "b"] if given.b(l) is not None else ["dC_da", "w"]))
        return [], {(stage, l): float(generator.choice([0.37, 1.7, -2.3, 0.05, 13.7]))}, {}
    forms = {l: list(row.edits(given, l)) for l in range(1, given.L + 1)}
    if where == "all":  # all gradients transposed are a layout, not a mistake
        forms = {l: [e for e in es if e.detail != "the gradient itself"] for l, es in forms.items()}
    factors = {
        l: [(s, f) for s, f in row.factors(given, l) if s != "b" or given.b(l) is not None]
        for l in range(1, given.L + 1)
    }
    able = [l for l in forms if forms[l] or factors[l]]
    if not able:
        return None
    chosen = able if where == "all" else [int(generator.choice(able))]
    edits, scaled = [], {}
    first = None
    for l in chosen:
        if forms[l] and (not factors[l] or generator.random() < 0.5):
            options = [e for e in forms[l] if first in (None, (e.stage, kind_of(e.detail)))]
            if not options:
                continue
            edit = options[int(generator.integers(len(options)))]
            first = first or (edit.stage, kind_of(edit.detail))
            edits.append(edit)
            twin = [e for e in forms[l] if e.stage != edit.stage and e.detail == edit.detail and edit.stage in "wb"]
            if twin and generator.random() < 0.7:
                edits.append(twin[0])
        elif factors[l]:
            values = sorted({f for _, f in factors[l]})
            value = scaled[next(iter(scaled))] if scaled else values[int(generator.integers(len(values)))]
            stages = [s for s, f in factors[l] if f == value]
            if "dC_da" in stages and (generator.random() < 0.5 or set(stages) == {"dC_da"}):
                if not any(s == "dC_da" for s, _ in scaled):
                    scaled["dC_da", l] = value
            else:
                scaled |= {(s, l): value for s in stages if s != "dC_da"}
    constant = float(generator.choice([0.5, 0.1, 0.01]))
    return edits, scaled, {slug: constant}


def kind_of(detail):
    """What the forms of one mistake in several layers have in common."""
    return "".join(c for c in detail if not c.isdigit())


def dressed(given, done, generator):
    """The gradients of a pass under a random naming and layout."""
    turn = generator.random() < 0.5
    columns = generator.random() < 0.3
    w = [done.w[l].T if turn else done.w[l] for l in range(1, given.L + 1)]
    b = [done.b.get(l) for l in range(1, given.L + 1)]
    if columns:
        b = [v if v is None or v.ndim != 1 or not v.size else v[:, None] for v in b]
    has = all(v is not None for v in b)
    way = int(generator.integers(5))
    options = {"orientation": "in,out" if turn else "out,in"} if generator.random() < 0.7 or way == 4 else {}
    if not has:
        candidate = {f"dW{l}": v for l, v in enumerate(w, 1)} if way else w
    elif way == 0:
        candidate = [v for pair in zip(w, b, strict=True) for v in pair]
    elif way == 1:
        candidate = list(zip(w, b, strict=True))
    elif way == 2:
        candidate = {f"W{l}": v for l, v in enumerate(w, 1)} | {f"b{l}": v for l, v in enumerate(b, 1)}
    else:
        candidate = {f"dW{l}": v for l, v in enumerate(w, 1)} | {f"db{l}": v for l, v in enumerate(b, 1)}
    return candidate, options


def plant(given, planted):
    """The pass with several mistakes, or None where they can't stand together or show nothing."""
    edits = [e for p in planted for e in p[0]]
    if len({(e.stage, e.l) for e in edits}) < len(edits):
        return None
    factors, constants = {}, {}
    for _, f, c in planted:
        for key, value in f.items():
            factors[key] = factors.get(key, 1.0) * value
        constants |= c
    try:
        done = run(given, edits, factors, constants)
    except (ValueError, IndexError, KeyError):
        return None
    if len(done.w) < given.L or not all(np.isfinite(v).all() for v in [*done.w.values(), *done.b.values()]):
        return None
    return done


def check(given, done, generator):
    candidate, options = dressed(given, done, generator)
    return check_gradients(given.architecture, given.parameters, given.x, given.y, candidate, **options)


def single(seed, slug, where="one"):
    """Plant one mistake: (problem, report), or None where it can't occur or does not show."""
    generator = np.random.default_rng([seed, list(MISTAKES).index(slug)])
    for _ in range(30):
        given = random_problem(generator)
        planted = sites(given, slug, generator, where)
        if planted is None or not (planted[0] or planted[1]):
            continue
        done = plant(given, [planted])
        if done is None:
            continue
        report = check(given, done, generator)
        if report.verdict == "wrong":
            return given, planted, report
    return None


def pair(seed, one, two):
    """Plant two mistakes of different groups."""
    generator = np.random.default_rng([seed, list(MISTAKES).index(one), list(MISTAKES).index(two)])
    for _ in range(30):
        given = random_problem(generator)
        planted = [sites(given, s, generator, str(generator.choice(["one", "all"]))) for s in (one, two)]
        if any(p is None or not (p[0] or p[1]) for p in planted):
            continue
        done, alone = plant(given, planted), [plant(given, [p]) for p in planted]
        if done is None or any(a is None for a in alone):
            continue
        if any(equal(done, other) for other in (*alone, run(given))):
            continue  # one of the two does not show
        return given, planted, check(given, done, generator)
    return None


def equal(one, two):
    pairs = [(one.w[l], two.w[l]) for l in one.w] + [(one.b[l], two.b[l]) for l in one.b]
    return all(v.shape == u.shape and np.allclose(v, u, rtol=1e-9, atol=1e-9 * np.max(abs(u))) for v, u in pairs)


def singles(count, seed=0):
    named, listed, total, slow, bad = Counter(), Counter(), Counter(), 0.0, []
    for k in range(count):
        slugs = [s for s in MISTAKES if s != "float32-noise"]
        slug, where = slugs[k % len(slugs)], ("one", "all")[k // len(slugs) % 2]
        start = time.perf_counter()
        found = single(seed + k, slug, where)
        slow = max(slow, time.perf_counter() - start)
        if found is None:
            continue
        report = found[2]
        total[slug] += 1
        have = [m.slug for m in report.mistakes]
        named[slug] += have[:1] == [slug]
        listed[slug] += slug in have
        if slug not in have:
            bad.append((seed + k, slug, where, have))
    return named, listed, total, bad, slow


def pairs(count, seed=0):
    slugs = [s for s in MISTAKES if s != "float32-noise"]
    generator = np.random.default_rng(seed)
    both, alone, total, bad = 0, 0, 0, []
    for k in range(count):
        one, two = generator.choice(slugs, 2, replace=False)
        if MISTAKES[one].group == MISTAKES[two].group:
            continue
        found = pair(seed + k, one, two)
        if found is None:
            continue
        total += 1
        report = found[2]
        good = any({one, two} <= set(e.slugs) for e in report.explanations)
        both += good
        single_ = not good and any(len(e.slugs) == 1 for e in report.explanations)
        alone += single_  # one mistake gives the same numbers: nothing on this data tells the two from it
        if not good and not single_:
            bad.append((seed + k, str(one), str(two), [e.slugs for e in report.explanations]))
    return both, alone, total, bad


if __name__ == "__main__":
    what, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    begun = time.perf_counter()
    if what == "singles":
        named, listed, total, bad, slow = singles(count, seed)
        for slug in total:
            print(f"{slug:36s} first {named[slug]:4d}  listed {listed[slug]:4d}  of {total[slug]:4d}")
        print("first", sum(named.values()), "listed", sum(listed.values()), "of", sum(total.values()), "slowest", slow)
    else:
        both, alone, total, bad = pairs(count, seed)
        print("named", both, "of", total, "- and", alone, "times one mistake gives the same numbers")
    for line in bad:
        print("  missed", *line)
    print(f"{time.perf_counter() - begun:.0f} s")
