"""Parquet files → polars frame; whatever the reader does over a damaged file becomes one sentence.

Polars reads. Over some bytes it doesn't raise an error that Python code is meant to catch, but panics, which is
a BaseException and a report on standard error; and it ends the process where a page of a few bytes says that it
unpacks to 2⁶¹. Before it: paths. After it: origins.py, sources.py.
"""

from __future__ import annotations

import io
import mmap
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import DataError
from .files import check_unpacked

ZSTD = b"\x28\xb5\x2f\xfd"  # the first bytes of a Zstandard frame (RFC 8878, 3.1.1)
LARGEST_PAGE = 1 << 31  # Parquet counts a page's bytes in 32 bits with a sign
WALK = "import sys, polars as pl; pl.scan_parquet(sys.argv[1]).select(pl.all().null_count()).collect()"


def read_parquet(path: Path, max_unpacked: float | None = None) -> Any:
    """The frame of a Parquet file.

    Raises:
        DataError: a damaged file, or one that declares far more values than it has room for.
    """
    import polars as pl

    check_frames(path)
    with guarded(path.name):
        source = readable_by_polars(path)
        lazy = pl.scan_parquet(source)
        width, n = len(lazy.collect_schema()), lazy.select(pl.len()).collect().item()
    check_unpacked(path.name, 8 * n * width, path.stat().st_size, max_unpacked)
    with guarded(path.name):
        return pl.read_parquet(source)


def readable_by_polars(path: Path) -> Any:
    """The path, or the bytes of a file whose name is not UTF-8, which polars can't open."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return io.BytesIO(path.read_bytes())
    return path


@contextmanager
def guarded(where: str) -> Iterator[None]:
    """Errors of polars become one sentence, panics too; what the reader prints over them is left out."""
    import polars as pl

    try:
        with held_stderr():
            yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, MemoryError) as error:
        raise unreadable(where, str(error).partition("\n")[0] or type(error).__name__) from error


def unreadable(where: str, why: str) -> DataError:
    """The error for Parquet that can't be read."""
    return DataError(where, f"expected Parquet that can be read, but {why}", do="Copy it again.")


@contextmanager
def held_stderr() -> Iterator[None]:
    """What is written to standard error comes after the block, or not at all where the block fails."""
    try:
        kept = os.dup(2)
    except OSError:  # there is none
        yield
        return
    with tempfile.TemporaryFile() as held:
        try:
            os.dup2(held.fileno(), 2)
            yield
            held.seek(0)
            os.write(kept, held.read())
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def check_frames(path: Path) -> None:
    """Let a child process read a file first that holds a Zstandard frame which claims to be too large for a page.

    A look at each frame's header costs little; by chance other bytes look like such a header once in some
    gigabytes, and then the child reads the file without complaint.

    Raises:
        DataError: the child died or could not read it.
    """
    if any(size >= LARGEST_PAGE for size in frame_sizes(path)):
        done = subprocess.run([sys.executable, "-c", WALK, os.fsencode(path)], capture_output=True)
        if done.returncode:
            raise unreadable(path.name, "a page says that it unpacks to more than there can be")


def frame_sizes(path: Path) -> Iterator[int]:
    """The size of the contents that each Zstandard frame in a file declares."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        place = content.find(ZSTD)
        while place >= 0:
            start = content[place + 4 : place + 18]
            flag, single = (start[0] >> 6, start[0] >> 5 & 1) if start else (0, 0)
            at = 1 + (not single) + (0, 1, 2, 4)[start[0] & 3] if start else 0
            yield int.from_bytes(start[at : at + (single, 2, 4, 8)[flag]], "little")
            place = content.find(ZSTD, place + 4)
