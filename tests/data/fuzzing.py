"""Mutated data files of all formats, and what each does to everything that reads files.

Run in full: python -m tests.data.fuzzing 5000 (from the repository). Each format's files are read in a process of
its own, of which time and memory are measured; the tests run a share of them in this one.
"""

import contextlib
import gzip
import io
import os
import random
import resource
import signal
import struct
import sys
import tempfile
import time
import warnings
from collections import Counter
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl

from pellucid.data import load_data, open_stream, split
from pellucid.errors import PellucidError

CSV = '名,b,"c,\n",y\n1,x,2.5,0\n2,y,"3",1\n３,x,4,1\n4,y,5,0\n'.encode()
CODES = "id;flag;when;part;price;kind\n" + "".join(
    f"{i};{['TRUE', 'FALSE', 'unknown'][i % 3]};2020-01-{i + 1:02};{i % 4:03};{i},5;{'ab'[i % 2]}\n" for i in range(12)
)
FRAME = pl.DataFrame({"a": [1.5, 2, 3] * 5, "c": ["u", "v", None] * 5, "y": [0, 1, 1] * 5})


def bytes_of(write):
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


IDX = bytes([0, 0, 8, 3]) + struct.pack(">3I", 10, 2, 2) + bytes(range(40))
NPY = bytes_of(lambda file: np.save(file, np.arange(20.0).reshape(10, 2)))
ARRAYS = {"x": np.arange(20.0).reshape(10, 2), "y": np.arange(10) % 2, "unused": np.zeros(50)}
WHOLE = {
    "p.parquet": bytes_of(FRAME.write_parquet),
    "s.parquet": bytes_of(lambda file: FRAME.write_parquet(file, compression="snappy", row_group_size=4)),
    "n.npy": NPY,
    "n.npy.gz": gzip.compress(NPY, mtime=0),
    "t.npy": bytes_of(
        lambda file: np.save(file, np.array([(i / 2, i % 2) for i in range(9)], [("a", "f8"), ("y", "i4")]))
    ),
    "z.npz": bytes_of(lambda file: np.savez(file, **ARRAYS)),
    "c.npz": bytes_of(lambda file: np.savez_compressed(file, **ARRAYS)),
    "i.idx": IDX,
    "i.idx.gz": gzip.compress(IDX, mtime=0),
    "c.csv": CSV,
    "d.csv": CODES.encode(),
    "g.csv.gz": gzip.compress(CSV, mtime=0),
}
BITS = [
    b",", b";", b'"', b"\n", b"\r", b"\0", b"NaN", b"inf", b"1e400", b"9" * 30, b"\xff", b"\xef\xbb\xbf", b"true",
    b"2020-01-01", b"\x1b[31m", "\u202e".encode(), b"\xff\xff\xff\xff\x07", b"\xff" * 9 + b"\x01", b"0" * 5000,
]  # fmt: skip


def damaged(content: bytes, generator: random.Random) -> bytes:
    """A file with one to three places changed."""
    content = bytearray(content)
    for _ in range(generator.randint(1, 3)):
        place = generator.randrange(len(content)) if content else 0
        match generator.randrange(7):
            case 0 if content:
                content[place] = generator.randrange(256)
            case 1 if content:
                content[place] ^= 1 << generator.randrange(8)
            case 2:
                content[place:place] = generator.choice(BITS)
            case 3:
                bit = generator.choice(BITS)
                content[place : place + len(bit)] = bit
            case 4:
                del content[place : place + generator.randint(1, 10)]
            case 5:
                del content[place:]
            case _:
                content[place:place] = content[max(0, place - 9) : place]
    return bytes(content)


def readers(path: Path):
    """Everything that reads a file, by name."""
    from pellucid.cli.data import data

    def shown():
        with contextlib.redirect_stdout(io.StringIO()):
            data(str(path))

    def streamed():
        stream = open_stream(path)
        return stream.read(0, stream.n)[0]

    return {
        "load": lambda: load_data(path, impute="mean").x,
        "split": lambda: split(path, impute="mode", validation=0.2, test=0).train.x,
        "stream": streamed,
        "show": shown,
    }


def outcome(read) -> str | None:
    """The sentence with which data is refused; None where it is read, and finite."""
    try:
        x = read()
        return None if x is None or np.isfinite(x).all() else "not finite"
    except PellucidError as error:
        return str(error)


def is_sentence(said: str) -> bool:
    """Whether a refusal reads as one."""
    return (": expected " in said or "missing" in said) and said.isprintable() and said[-1] in ".?" and len(said) < 1000


def tried(folder: Path, name: str, seed: int) -> list[str]:
    """What is wrong with what the readers did to one damaged file: nothing, as a rule."""
    path = folder / name
    path.write_bytes(damaged(WHOLE[name], random.Random(f"{name} {seed}")))
    wrong = []
    for verb, read in readers(path).items():
        try:
            said = outcome(read)
        except (Exception, pl.exceptions.PanicException) as error:
            said = f"{type(error).__name__}: {error}"
        if said is not None and not is_sentence(said):
            wrong.append(f"{name} {seed} {verb}: {said[:300]!r}")
    return wrong


def many(name: str, count: int, answers) -> None:
    """The seeds 0 … count − 1 of one format, in a process of its own."""
    warnings.simplefilter("error")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(count):
            answers.put(("began", seed, 0.0))
            signal.alarm(30)
            start = time.perf_counter()
            for wrong in tried(Path(folder), name, seed):
                answers.put(("wrong", wrong, 0.0))
            answers.put(("took", seed, time.perf_counter() - start))
    answers.put(("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, 0.0))


def main(total: int) -> int:
    """Run `total` files, the formats in turn; print the figures."""
    context, each, failures, slowest, peak, done = get_context("spawn"), -(-total // len(WHOLE)), [], 0.0, 0.0, 0
    for name in WHOLE:
        answers = context.SimpleQueue()
        process = context.Process(target=many, args=(name, each, answers))
        process.start()
        seen: Counter = Counter()
        at = 0
        while process.is_alive() or not answers.empty():
            if answers.empty():
                time.sleep(0.01)
                continue
            kind, value, seconds = answers.get()
            seen[kind] += 1
            slowest = max(slowest, seconds)
            if kind == "began":
                at = value
            elif kind == "wrong":
                failures.append(value)
            elif kind == "peak":
                peak = max(peak, value)
        if process.exitcode:
            failures.append(f"{name} {at}: the process ended with {process.exitcode}")
        done += seen["took"]
        print(f"{name}: {seen['took']} files", flush=True)
    print(*failures, sep="\n")
    print(f"{done} files, {len(failures)} failures, slowest {slowest:.2f} s, peak memory {peak:.0f} MB")
    return bool(failures)


if __name__ == "__main__":
    os.environ["PYTHONWARNINGS"] = "error"
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000))
