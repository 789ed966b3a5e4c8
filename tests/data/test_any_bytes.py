"""Damaged files of every kind: each is read or refused with a sentence, and nothing else comes out."""

import gzip
import io
import random
import struct

import numpy as np
import polars as pl
import pytest

from pellucid.data import load_data, open_stream
from pellucid.errors import PellucidError

CSV = '名,b,"c,\n",y\n1,x,2.5,0\n2,y,"3",1\n３,x,4,1\n4,y,5,0\n'.encode()


def bytes_of(write):
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


WHOLE = {
    "p.parquet": bytes_of(pl.DataFrame({"a": [1.5, 2, 3] * 5, "c": ["u", "v", "u"] * 5, "y": [0, 1, 1] * 5}).write_parquet),
    "n.npy": bytes_of(lambda file: np.save(file, np.arange(20.0).reshape(10, 2))),
    "z.npz": bytes_of(lambda file: np.savez(file, x=np.arange(20.0).reshape(10, 2), y=np.arange(10) % 2)),
    "i.idx": bytes([0, 0, 8, 3]) + struct.pack(">3I", 10, 2, 2) + bytes(range(40)),
    "c.csv": CSV,
    "g.csv.gz": gzip.compress(CSV, mtime=0),
}  # fmt: skip
BITS = [
    b",",
    b'"',
    b"\n",
    b"\r",
    b"\0",
    b"NaN",
    b"inf",
    b"1e400",
    b"\xff",
    b"\xef\xbb\xbf",
    b";",
    b"true",
    b"2020-01-01",
]


def damaged(content: bytes, generator: random.Random) -> bytes:
    content = bytearray(content)
    for _ in range(generator.randint(1, 3)):
        place = generator.randrange(len(content)) if content else 0
        match generator.randrange(5):
            case 0 if content:
                content[place] = generator.randrange(256)
            case 1:
                content[place:place] = generator.choice(BITS)
            case 2:
                del content[place : place + generator.randint(1, 10)]
            case 3:
                del content[place:]
            case _:
                content[place:place] = content[max(0, place - 9) : place]
    return bytes(content)


@pytest.mark.parametrize("name", WHOLE)
def test_whole_files_are_read(tmp_path, name):
    (tmp_path / name).write_bytes(WHOLE[name])
    assert np.isfinite(load_data(tmp_path / name).x).all()


@pytest.mark.parametrize("name", WHOLE)
def test_damaged_files_are_read_or_refused(tmp_path, name):
    generator = random.Random(name)
    path = tmp_path / name
    for _ in range(60):
        path.write_bytes(damaged(WHOLE[name], generator))
        for read in (lambda: load_data(path, impute="mean").x, lambda: open_stream(path).read(0, 1)[0]):
            said = outcome(read)
            assert said is None or ((": expected " in said or "missing" in said) and said.endswith((".", "?"))), said


def outcome(read) -> str | None:
    """The sentence with which data is refused; None where it is read, and finite."""
    try:
        return None if np.isfinite(read()).all() else "not finite"
    except PellucidError as error:
        return str(error)
