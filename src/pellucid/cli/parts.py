"""A named source → training, validation and test data, in memory or read by rows.

Before it: the options of the command line. After it: `pellucid train`.
"""

from __future__ import annotations

from typing import Any

from ..errors import InputError

MOST_JUDGED = 100_000  # so many rows of a streamed part are read to judge the network


def read_parts(source: str, stream: bool, validation: float | int, test: float | int, seed: int, **options: Any) -> Any:
    """The `data.Parts` of a source.

    Raises:
        InputError: options that a stream can't have, no targets; and what `data.split` and `open_stream` raise.
    """
    from ..data import open_stream, split

    if stream:
        for name in ("impute", "directory", "header", "max_unpacked"):
            if name in options:
                raise InputError(f"--{name.replace('_', '-')}", "expected data that is read into memory", "--stream")
        parts = split(open_stream(source, **options), validation=validation, test=test)
    else:
        parts = split(source, validation=validation, test=test, seed=seed, **options)
    if not parts.train.n_outputs:
        raise InputError(source, "expected targets to learn from", "inputs only", "Name the column with --target.")
    return parts


def named_parts(parts: Any) -> dict[str, Any]:
    """The parts that there are, by name."""
    named = zip(("training", "validation", "test"), parts, strict=True)
    return {name: part for name, part in named if part is not None}


def in_memory(part: Any) -> Any:
    """A part as a Dataset; of a long stream the first rows."""
    from ..data import Dataset, Stream

    if not isinstance(part, Stream):
        return part
    x, y = part.read(0, min(part.n, MOST_JUDGED))
    return Dataset(x, y, part.classes, part.feature_names, part.target_names, part.preparation, part.name, part.shape)
