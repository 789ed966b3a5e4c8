"""Parquet files → polars frame; whatever the reader does over a damaged file becomes one sentence.

Polars reads. Over some bytes it doesn't raise an error that Python code is meant to catch, but panics, which is
a BaseException and a report on standard error; and it ends the process where a page says that it holds −16 values,
for which no memory can be found. Before it: paths. After it: origins.py, sources.py.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import DataError
from .files import check_unpacked

LONGEST = 120  # seconds that a child may read
LARGEST_TRIED = 32 << 20  # bytes of a file that a child process reads first; a larger one would be read twice for long
WALK = "import sys, polars as pl; f = pl.scan_parquet(sys.argv[1]); [f.select(c).collect() for c in f.collect_schema()]"


def read_parquet(path: Path, max_unpacked: float | None = None) -> Any:
    """The frame of a Parquet file.

    Raises:
        DataError: a damaged file, or one that declares far more values than it has room for.
    """
    import polars as pl

    check_survived(path)
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


def check_survived(path: Path) -> None:
    """Let a child process read a file of up to 32 MB first, a column at a time: no bytes can end this process then.

    A file that was read once is not tried again until it changes.

    Raises:
        DataError: the child died.
    """
    known = path.stat()
    if known.st_size <= LARGEST_TRIED and sys.executable and not survives(path, known.st_mtime_ns, known.st_size):
        raise unreadable(path.name, "it ends the process that reads it")


@lru_cache(maxsize=32)
def survives(path: Path, changed: int, size: int) -> bool:
    """Whether a process that reads the file comes to an orderly end, be it by an error."""
    try:
        done = subprocess.run([sys.executable, "-c", WALK, os.fsencode(path)], capture_output=True, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode in (0, 1)
