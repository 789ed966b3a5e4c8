"""Models and checkpoints as strangers could write them: bytes changed, or anything changed and the checksum put right.

The tests run a share of it; all of it, with figures:

    python -m tests.store.fuzzing --models 20000 --checkpoints 5000
"""

import argparse
import contextlib
import copy
import io
import random
import resource
import signal
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

import pellucid as pc
from pellucid.errors import PellucidError
from pellucid.store import read_arrays, write_arrays

SECONDS = 20  # what a case may take

ODD = (
    None, True, False, 0, 1, -1, 2, 3, 2**31, 2**63, 2**70, -(2**63), 10**400, 0.5, -0.0, 1e-308, 1e308, -1e308, "", "1",
    "nan", "dense", "\x1b[31m", "é" * 300, [], [[]], {}, {"name": "relu"}, [1, "1"], [2**70, 0.5], [True, 1], ["a", "b"],
    [None], {"a": None}, "loss", [0.1] * 3,
)  # fmt: skip
X = np.random.default_rng(0).normal(size=(12, 3))


def table():
    import polars as pl

    generator = np.random.default_rng(1)
    return pl.DataFrame(
        {
            "size": generator.normal(50, 9, 30),
            "colour": [("red", "green", "blue")[i % 3] for i in range(30)],
            "price": generator.normal(size=30) * 9,
            "kind": [("no", "yes")[int(i > 11)] for i in range(30)],
        }
    )


def models(folder):
    """Paths of models of every kind."""
    labels = [("cat", "dog", "owl")[i % 3] for i in range(12)]
    plain = pc.mlp([3, 4, 2], "elu")
    classes = pc.mlp([3, 4, 3], "relu", output="softmax", loss="cross_entropy", l2=0.1)
    classes.fit(X, labels, epochs=2, validation=0.25, metrics="accuracy")
    made = {"plain": plain, "classes": classes}
    for name, target, ends in (
        ("prices", "price", ("linear", "squared_error")),
        ("kinds", "kind", ("sigmoid", "binary_cross_entropy")),
    ):
        data = pc.data.load_data(table(), target=target)
        net = pc.mlp([data.n_inputs, 3, 1], "tanh", output=ends[0], loss=ends[1])
        net.fit(data, epochs=2)
        made[name] = net
    return [net.save(folder / f"{name}.safetensors") for name, net in made.items()]


OPTIONS = {
    "batch_size": 4,
    "optimiser": "adam",
    "backend": "numpy",
    "validation": 0.25,
    "patience": 50,
    "restore_best": True,
}


def train(path, **more):
    net = pc.mlp([3, 4, 2], "tanh", output="softmax", loss="cross_entropy")
    net.fit(X, [i % 2 for i in range(12)], checkpoint=path, metrics="accuracy", **OPTIONS, **more)
    return net


def nodes(value, at=()):
    """The place of every value within JSON."""
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from nodes(inner, (*at, key))


def inside(value, at):
    for key in at:
        value = value[key]
    return value


def changed_json(metadata, chance):
    """A copy with one value replaced, removed, doubled, or taken from elsewhere."""
    metadata = copy.deepcopy(metadata)
    places = [at for at in nodes(metadata) if at]
    if "description" in metadata and chance.random() < 0.7:  # of which there is more than is looked at when it is read
        places = [at for at in places if at[0] == "description" and len(at) > 1]
    at = chance.choice(places)
    holder, key = inside(metadata, at[:-1]), at[-1]
    kind = chance.random()
    if kind < 0.5:
        holder[key] = copy.deepcopy(chance.choice(ODD))
    elif kind < 0.65:
        del holder[key]
    elif kind < 0.8:
        holder[key] = copy.deepcopy(inside(metadata, chance.choice(places)))
    elif isinstance(holder, list):
        holder.insert(0, copy.deepcopy(holder[key]))
    else:
        holder[chance.choice(("more", "name", "kind", ""))] = copy.deepcopy(chance.choice(ODD))
    return metadata


def changed_arrays(arrays, chance):
    """A copy with one array gone, renamed, reshaped, of another type, or of other numbers."""
    arrays = dict(arrays)
    name = chance.choice(sorted(arrays))
    array = arrays[name]
    kind = chance.randrange(8)
    if kind == 0:
        del arrays[name]
    elif kind == 1:
        arrays[chance.choice((name + "x", "state.99", "best.1.w", "layer.9.w", "../x", ""))] = arrays.pop(name)
    elif kind == 2:
        arrays[name] = array.reshape(-1)
    elif kind == 3:
        with np.errstate(all="ignore"):
            arrays[name] = array.astype(chance.choice((np.int64, np.float16, np.bool_, np.uint8, np.float64)))
    elif kind == 4 and array.dtype.kind == "f":
        arrays[name] = np.full_like(array, chance.choice((np.nan, np.inf, 1e38, -1e38, 0, 1e-45)))
    elif kind == 5:
        arrays[name] = np.zeros((0, *array.shape), array.dtype)
    elif kind == 6:
        arrays["more"] = array
    else:
        arrays[name] = np.concatenate([np.atleast_1d(array)] * 2)
    return arrays


def changed(path, out, chance):
    """Write a changed copy of a file; False where it can't be written at all."""
    if chance.random() < 0.15:
        content = bytearray(path.read_bytes())
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(content))
            content[at : at + chance.randrange(4)] = chance.randbytes(chance.randrange(4))
        out.write_bytes(content[: chance.randrange(len(content))] if chance.random() < 0.2 else content)
        return True
    arrays, metadata = read_arrays(path)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        try:
            if chance.random() < 0.75:
                metadata = changed_json(metadata, chance)
            elif arrays:
                arrays = changed_arrays(arrays, chance)
        except IndexError:
            break
    try:
        write_arrays(out, arrays, metadata)
    except PellucidError:
        return False
    return True


def use_model(path):
    """All that people do with a model that loads."""
    net = pc.load(path)
    repr(net), str(net.history)
    frame = table()
    x = frame if net.preparation is not None else X
    answers = net.predict(x)
    inputs = net.preparation.apply(frame).x if net.preparation is not None else X
    if net.classes is not None:
        net.evaluate(inputs, [net.classes[i % len(net.classes)] for i in range(len(inputs))], "accuracy")
        y = answers[:1]
    else:
        y = net.outputs(inputs)[:1]
    t = net.trace(inputs[:1], y)
    t.explain("dC0/dw[1][0,0]").to_text()
    again = net.save(path.with_name("again.safetensors"))
    pc.load(again)


def use_checkpoint(path):
    train(path, epochs=4, resume=True)


def run(kind, count, seed=0):
    """Change and use so many files; how it went, and the first failures with their seeds."""
    outcome, failures, slowest = Counter(), [], 0.0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def hangs(*_):
        raise TimeoutError(f"more than {SECONDS} s")

    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("error")
        for ours in ("ignored ", "the table, row "):  # what predict says of a frame that the description doesn't fit
            warnings.filterwarnings("ignore", ours, UserWarning)
        folder = Path(name)
        if kind == "models":
            bases, use = models(folder), use_model
        else:
            bases, use = [folder / "run.safetensors"], use_checkpoint
            train(bases[0], epochs=2)
        out = folder / "changed.safetensors"
        use_base = bases[0].read_bytes()
        out.write_bytes(use_base)
        use(out)
        old = signal.signal(signal.SIGALRM, hangs)
        for case in range(count):
            chance = random.Random(f"{kind} {seed} {case}")
            if not changed(chance.choice(bases), out, chance):
                outcome["can't be written"] += 1
                continue
            began = time.perf_counter()
            signal.alarm(SECONDS)
            try:
                with contextlib.redirect_stderr(io.StringIO()):
                    use(out)
                outcome["used"] += 1
            except PellucidError as error:
                sentence = str(error)
                sentence.encode()
                outcome["refused"] += 1
                if "\n" in sentence or len(sentence) > 1000:
                    failures.append((case, f"a long sentence: {sentence[:300]}"))
            except Exception as error:
                failures.append((case, f"{type(error).__name__}: {error}"[:300]))
            finally:
                signal.alarm(0)
            slowest = max(slowest, time.perf_counter() - began)
        signal.signal(signal.SIGALRM, old)
    megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return outcome, failures, slowest, megabytes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=0)
    parser.add_argument("--checkpoints", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for kind in ("models", "checkpoints"):
        if count := getattr(given, kind):
            outcome, failures, slowest, megabytes = run(kind, count, given.seed)
            figures = ", ".join(f"{n} {what}" for what, n in outcome.most_common())
            print(
                f"{count} {kind}: {figures}, {len(failures)} failed; slowest {slowest:.2f} s, {megabytes:.0f} MB more"
            )
            for case, what in failures[:40]:
                print(f"  case {case}: {what}")


if __name__ == "__main__":
    main()
