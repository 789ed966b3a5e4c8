"""`pellucid predict`: a trained network's answers for new data, as CSV, Parquet, NPZ or JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import DataError, InputError, one_of, shown
from .figures import figures_of, usual_metric
from .options import Data, Directory, Header, Json, MaxUnpacked, Model, check_apart, reading
from .output import note, number, print_json

if TYPE_CHECKING:
    import numpy as np


def predict(
    model: Model,
    data: Data,
    out: Annotated[str, typer.Option("--out", "-o", help="A .csv, .parquet or .npz file; - is standard output.")] = "-",
    proba: Annotated[
        bool, typer.Option("--proba", help="Also write the outputs: the probability of each class.")
    ] = False,
    threshold: Annotated[
        float, typer.Option(help="From which output on one node says the second class; lower it where that is rare.")
    ] = 0.5,
    directory: Directory = None,
    header: Header = None,
    max_unpacked: MaxUnpacked = None,
    json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No remarks on standard error.")] = False,
) -> None:
    """Predict the target of each row of DATA.

    \b
    Examples:
      pellucid predict model.safetensors new.csv
      pellucid predict model.safetensors new.parquet --proba -o answers.parquet
    """
    from ..network import load
    from ..store import check_writable

    write = None if out == "-" else writer(out)
    if write:
        check_apart("--out", out, model, data)
        check_writable(out)
    net = load(model)
    options = reading(directory=directory, header=header, max_unpacked=max_unpacked)
    samples = prepared(net, data, **options)
    found = answers(net, samples, proba, threshold)
    if write:
        write(out, found)
    figures = figures_of(net, samples, [usual_metric(samples.classes)]) if samples.y is not None else None
    if json:
        columns = {name: values.tolist() for name, values in found.columns().items()} if out == "-" else None
        print_json(
            {
                "model": str(model), "data": data, "samples": samples.n, "out": out,
                "notes": list(samples.notes), "figures": figures, "columns": columns,
            }
        )  # fmt: skip
        return
    if out == "-":
        sys.stdout.write(csv_of(found))
    if not quiet:
        for sentence in samples.notes:
            note(sentence)
        if figures is not None:
            note("the data has the target: " + ", ".join(f"{name} {number(value)}" for name, value in figures.items()))
        if out != "-":
            note(f"wrote {out}: {samples.n:,} rows")


def prepared(net: Any, data: str, **options: Any) -> Any:
    """DATA as the network takes it: prepared as its training data was, where that is known."""
    import numpy as np

    from ..data import Dataset, read_table

    if net.preparation is not None:
        try:
            return net.preparation.apply(read_table(data, preparation=net.preparation, **options))
        except DataError as error:
            if net.preparation.target is None:
                raise
            # To predict, the targets need not be right, nor be there: only if the inputs are at fault is it an error.
            inputs = replace(net.preparation, target=None)
            samples = inputs.apply(read_table(data, preparation=inputs, **options))
            return replace(samples, y=None, notes=(f"the targets are not used: {error}", *samples.notes))
    table = read_table(data, scale="none", **options)
    if table.texts:
        names = ", ".join(map(repr, table.texts))
        raise DataError(data, "expected columns of numbers, as the model knows no columns by name", f"text in {names}")
    x = np.asarray(table.numbers, float)
    return Dataset(x, None, net.classes, table.names, name=table.where, notes=table.notes)


@dataclass(frozen=True)
class Answers:
    """What a network says about n samples.

    Attributes:
        names: what is predicted.
        prediction: labels (n,) or numbers (n, n_L).
        classes: the labels that the columns of `probability` belong to.
        probability: (n, K), or None where it was not asked for.
    """

    names: tuple[str, ...]
    prediction: np.ndarray
    classes: tuple | None = None
    probability: np.ndarray | None = None

    def columns(self) -> dict[str, np.ndarray]:
        """Everything as columns (n,) by name."""
        said = self.prediction
        if said.ndim == 1 or said.shape[1] == 1:
            columns = {"prediction": said.reshape(-1)}
        else:
            columns = {f"prediction[{name}]": said[:, j] for j, name in enumerate(self.names)}
        if self.probability is not None:
            columns |= {f"probability[{c}]": self.probability[:, j] for j, c in enumerate(self.classes or ())}
        return columns


def answers(net: Any, samples: Any, proba: bool, threshold: float = 0.5) -> Answers:
    """The network's answers for a prepared data set."""
    import numpy as np

    if proba and net.classes is None:
        raise InputError("--proba", "expected a model that was trained on classes", "one that predicts numbers")
    said = net.predict(samples.x, threshold)
    target = getattr(net.preparation, "target", None)
    names = target.names if target and len(target.names) == net.n[-1] else tuple(map(str, range(net.n[-1])))
    if not proba:
        return Answers(names, said)
    a = net.outputs(samples.x)
    return Answers(names, said, net.classes, np.concatenate([1 - a, a], axis=1) if a.shape[1] == 1 else a)


def csv_of(found: Answers) -> str:
    """The columns as CSV with a header."""
    return frame_of(found).write_csv()


def frame_of(found: Answers) -> Any:
    """The columns as a polars frame."""
    import polars as pl

    return pl.DataFrame([pl.Series(name, values.tolist()) for name, values in found.columns().items()])


def write_csv(file: Any, found: Answers) -> None:
    """CSV with a header, in UTF-8."""
    file.write(csv_of(found).encode())


def write_parquet(file: Any, found: Answers) -> None:
    """A Parquet table."""
    frame_of(found).write_parquet(file)


def write_npz(file: Any, found: Answers) -> None:
    """The arrays `prediction`, and `probability` with its `classes`."""
    import numpy as np

    arrays = {"prediction": found.prediction}
    if found.probability is not None:
        arrays |= {"probability": found.probability, "classes": np.array(found.classes)}
    np.savez(file, **arrays)  # type: ignore[arg-type]


WRITERS: dict[str, Callable[[Any, Answers], None]] = {".csv": write_csv, ".parquet": write_parquet, ".npz": write_npz}


def writer(out: str) -> Callable[[str, Answers], None]:
    """What writes a file of this ending, in one step.

    Raises:
        InputError: an ending that says no format.
    """
    from ..store import replacing

    write = WRITERS.get(Path(out).suffix.lower())
    if write is None:
        raise InputError("--out", f"expected a file that ends with {one_of(WRITERS)}", shown(out))

    def to_file(path: str, found: Answers) -> None:
        with replacing(path) as file:
            write(file, found)

    return to_file
