"""`pellucid check`: hand-written gradients, run within limits, compared, and graded."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError, PellucidError, shown
from .options import Directory, Json, Model, check_apart
from .output import console, note, print_json, say, some, table
from .samples import arrays_of, rows_of

if TYPE_CHECKING:
    import numpy as np

UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
FEW = 16  # samples, where nothing else is asked for


def check(
    model: Model,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help="FILE.py, FILE.py:function, a folder of submissions, or numbers: 'dC0/dw[L][1,2]=-0.0779' …",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option("--data", help="A file or a named set, as for train.  [default: random samples]"),
    ] = None,
    sample: Annotated[
        str | None, typer.Option("--sample", help="Rows of the data: 5, or 0:8, or all.  [default: the first few]")
    ] = None,
    exercise: Annotated[bool, typer.Option("--exercise", help="Write a starter file for this network.")] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to write the starter file.")] = None,
    gradescope: Annotated[
        Path | None,
        typer.Option(help="Write results.json; for several submissions a folder with one NAME.json for each."),
    ] = None,
    grades: Annotated[Path | None, typer.Option(help="Write a table of the class, as CSV.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a report as a page; for several a folder with one NAME.html each.")
    ] = None,
    autograder: Annotated[
        Path | None, typer.Option(help="Write a zip for Gradescope that grades with these options.")
    ] = None,
    time: Annotated[
        float | None, typer.Option(help="Seconds for each submission.  [default: 10, more for a large network]")
    ] = None,
    memory: Annotated[
        str | None, typer.Option(help="Memory for each submission.  [default: 2GB, more for a large network]")
    ] = None,
    processes: Annotated[int, typer.Option(help="Processes and threads of each submission.")] = 64,
    output: Annotated[str, typer.Option(help="How much a submission may print.")] = "1MB",
    forbid: Annotated[
        list[str] | None,
        typer.Option(help="Module that must not be imported, such as jax; may be repeated. Pellucid never is."),
    ] = None,
    points: Annotated[float, typer.Option(help="For a submission in which everything is right.")] = 10.0,
    partial: Annotated[float, typer.Option(help="Share for a wrong gradient that a known mistake explains.")] = 0.5,
    orientation: Annotated[
        str | None, typer.Option(help="out,in or in,out: how the weights stand.  [default: found out]")
    ] = None,
    columns: Annotated[bool, typer.Option("--columns", help="The samples stand in columns.")] = False,
    reduction: Annotated[str | None, typer.Option(help="mean, sum or per_sample.  [default: found out]")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Of the training, tried where updated weights may have been used.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Submissions to run at the same time.")] = 1,
    as_root: Annotated[
        bool,
        typer.Option("--as-root", help="Run submissions as root where no other user can be. They can then do harm."),
    ] = False,
    directory: Directory = None,
    json: Json = False,
) -> None:
    """Check hand-written gradients: a file, several, or a folder of submissions; or single numbers by their addresses.

    Each runs in a process of its own, within limits, and as far as the system allows without network and without
    files. Status 0: all right. 1: something is wrong. 2: it could not be checked.

    --forbid jax --forbid torch refuses imports of libraries that differentiate; a submission can still bring such code
    itself, or differentiate numerically. What hints at either is remarked on.

    \b
    Examples:
      pellucid check model.safetensors --exercise -o starter.py
      pellucid check model.safetensors backward.py --data digits
      pellucid check model.safetensors submissions/ --data digits --grades grades.csv --html reports/
      pellucid check model.safetensors --data digits --autograder grader.zip
      pellucid check model.safetensors 'dC0/dw[L][1,2]=-0.0779' 'a[1][0]=0.50' --data digits
    """
    from ..classroom import Grading, Task
    from ..classroom.files import files_in
    from ..classroom.grades import csv_of, mistakes_of
    from ..network import load
    from ..sandbox import Limits

    net = load(model)
    if exercise:
        write_starter(net, model, data, out)
        return
    if autograder is not None:
        if directory is not None:
            raise InputError("--autograder", "expected data in a file, or a set that needs no --directory", "both")
        samples_of(net, data, sample, directory)
        check_apart("--autograder", autograder, model, data)
        options = {
            "--sample": sample, "--time": time, "--memory": memory, "--processes": processes, "--output": output,
            "--points": points, "--partial": partial, "--orientation": orientation, "--reduction": reduction,
            "--learning-rate": learning_rate,
        }  # fmt: skip
        write_autograder(autograder, model, data, options, forbid or (), columns)
        return
    if not files:
        raise InputError("FILES", "expected a Python file or a folder of them", "none", "Or give --exercise.")
    numbers = numbers_in(files)
    if numbers:
        judge_numbers(net, numbers, *samples_of(net, data, sample, directory), learning_rate, json)
        return
    if jobs < 1:
        raise InputError("--jobs", "expected a number ≥ 1", jobs)
    wanted = files_in(files)
    if gradescope is not None:
        check_apart("--gradescope", gradescope, model, *(h.top.joinpath(*h.parts) for h in wanted))
    x, y = samples_of(net, data, sample, directory)
    task = Task(
        net.architecture, net.parameters, x, y,
        forbidden=("pellucid", *(forbid or ())), grading=Grading(points, partial), as_root=as_root,
        how={
            "orientation": orientation, "samples": "columns" if columns else None, "reduction": reduction,
            "learning_rate": learning_rate,
        },
    )  # fmt: skip
    limits = replace(task.allowed(), processes=processes, output=bytes_of(output, "--output"))
    if time is not None:
        limits = replace(limits, time=time)
    if memory is not None:
        limits = replace(limits, memory=bytes_of(memory, "--memory"))
    limits = replace(limits, answer=min(limits.answer, limits.memory))
    task = replace(task, limits=limits)
    assert isinstance(task.limits, Limits)
    names = [handed.name for handed in wanted]
    places = places_of("--gradescope", gradescope, names, ".json", "results")
    pages = places_of("--html", html, names, ".html", "report")
    results, unwritten = [], []
    for result, place, page in zip(checked(task, wanted, jobs), places, pages, strict=True):
        results.append(result)
        if result.status == "skipped":
            continue
        if place is not None:
            unwritten += write(place, lambda r=result: as_json(r.to_gradescope()))
        if page is not None:
            unwritten += write(page, lambda r=result: r.to_html())
    if grades is not None:
        unwritten += write(grades, lambda: csv_of(results))
    if json:
        print_json(
            {
                "model": str(model), "data": data, "samples": len(x),
                "ok": all(r.ok for r in results if r.status != "skipped"),
                "mistakes": mistakes_of(results), "submissions": [r.to_dict() for r in results],
            }
        )  # fmt: skip
    elif len(results) == 1:
        show(results[0])
    else:
        show_all(results, mistakes_of(results))
    if not json:
        for sentence in dict.fromkeys(s for r in results if r.outcome for s in r.outcome.protection.missing):
            note(f"not enforced: {sentence}")
    if unwritten:
        raise unwritten[0]
    if not all(r.ok for r in results if r.status != "skipped"):
        raise typer.Exit(1)


def numbers_in(files: Sequence[str]) -> dict[str, str]:
    """ADDRESS=NUMBER arguments; empty where files are named.

    Raises:
        InputError: both at once, or an address twice.

    Example:
        >>> numbers_in(["dC0/dw[2][1,2]=-0.0779", "a[1][0] = 0.5"])
        {'dC0/dw[2][1,2]': '-0.0779', 'a[1][0]': '0.5'}
    """
    parts = [f.rpartition("=") for f in files if "=" in f and not Path(f).exists()]
    pairs = [(address.strip(), number.strip()) for address, _, number in parts]
    if pairs and len(pairs) < len(files):
        raise InputError("FILES", "expected files, or ADDRESS=NUMBER each", "some of both")
    twice = [address for address, _ in pairs if sum(a == address for a, _ in pairs) > 1]
    if twice:
        raise InputError("FILES", f"expected one number for {twice[0]}", "two")
    return dict(pairs)


def judge_numbers(
    net: Any, numbers: dict[str, str], x: np.ndarray, y: np.ndarray, learning_rate: float | None, json: bool
) -> None:
    """Single numbers, worked out by hand."""
    from ..check import check_numbers

    report = check_numbers(net.architecture, net.parameters, x, y, numbers, learning_rate=learning_rate)
    if json:
        print_json(report.to_dict())
    else:
        sys.stdout.write(report.to_text() + "\n")
    if not report.ok:
        raise typer.Exit(1)


def checked(task: Any, wanted: Sequence[Any], jobs: int) -> Iterator[Any]:
    """Each submission's result, in their order."""
    if jobs == 1 or len(wanted) == 1:
        yield from map(task.check, wanted)
        return
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(task.check, wanted)


def samples_of(net: Any, data: str | None, sample: str | None, directory: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """The samples to check with: rows of the data, or random ones.

    As many as no layer has nodes, unless rows were asked for, so that no axis can be taken for another.
    """
    few = next(n for n in range(FEW, FEW + len(net.n) + 1) if n not in net.n)
    if data is None:
        if sample is not None:
            raise InputError("--sample", "expected --data with it", "none")
        note(f"no --data: {few} random samples")
        return random_samples(net, few)
    x, y = arrays_of(net, data, directory)
    if sample is not None:
        rows = rows_of(sample, len(x))
    else:
        while few > 1 and (few > len(x) or few in net.n):
            few -= 1
        rows = slice(0, few)
    return x[rows], y[rows]


def random_samples(net: Any, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets that this network's loss accepts; always the same."""
    import numpy as np

    generator = np.random.default_rng(0)
    x, n_L = generator.normal(size=(n, net.n[0])), net.n[-1]
    if net.loss.counts:
        return x, generator.poisson(2.0, size=(n, n_L)).astype(float)
    if not net.loss.classes:
        return x, generator.normal(size=(n, n_L))
    if net.loss.name == "cross_entropy":
        return x, np.eye(n_L)[generator.integers(n_L, size=n)]
    return x, generator.integers(2, size=(n, n_L)).astype(float)


def bytes_of(text: str, where: str) -> int:
    """A number of bytes from words such as 2GB.

    Raises:
        InputError: no number, or an unknown unit.

    Example:
        >>> bytes_of("2GB", "--memory"), bytes_of("1.5 MiB", "--memory"), bytes_of("300", "--output")
        (2000000000, 1572864, 300)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", text)
    if not found or found[2].upper() not in UNITS or float(found[1]) <= 0:
        raise InputError(where, "expected a number of bytes such as 500MB or 2GB", shown(text))
    return max(1, int(float(found[1]) * UNITS[found[2].upper()]))


def places_of(where: str, wanted: Path | None, names: Sequence[str], suffix: str, usual: str) -> list[Path | None]:
    """Where the file of each submission goes.

    Raises:
        InputError: a folder that can't be made.
    """
    if wanted is None:
        return [None] * len(names)
    if len(names) == 1:
        return [wanted / (usual + suffix) if wanted.is_dir() else wanted]
    try:
        wanted.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(where, "expected a folder for the files of several submissions", reason) from None
    return [wanted / (name + suffix) for name in apart([plain(name) for name in names])]


def plain(name: str) -> str:
    """A submission's name as the name of a file.

    Example:
        >>> plain("ann/backward.py")
        'ann_backward'
    """
    return re.sub(r"[^\w.-]+", "_", name.removesuffix(".py")).lstrip(".")[:60] or "submission"


def apart(names: Sequence[str]) -> list[str]:
    """The names, numbered where several are the same to some file system.

    Example:
        >>> apart(["a", "A", "a_2", "a"])
        ['a', 'A_2', 'a_2_2', 'a_3']
    """
    found: dict[str, str] = {}
    for name in names:
        number, own = 1, name
        while own.casefold() in found:
            number += 1
            own = f"{name}_{number}"
        found[own.casefold()] = own
    return list(found.values())


def write_starter(net: Any, model: Path, data: str | None, out: Path | None) -> None:
    """The starter file, to a file or to standard output."""
    from ..classroom.exercise import starter
    from ..store import check_writable, replacing

    text = starter(net.architecture, str(model), data or "DATA")
    if out is None:
        sys.stdout.write(text)
        return
    check_apart("--out", out, model)
    if out.exists():
        raise InputError("--out", "expected a new file", f"{out}, which is there already", "Give another name.")
    check_writable(out)
    with replacing(out) as file:
        file.write(text.encode())
    note(f"wrote {out}")


def write(path: Path, text: Callable[[], str]) -> list[PellucidError]:
    """Write a file; an error is returned, as the other submissions are graded all the same."""
    from ..store import replacing

    try:
        with replacing(path) as file:
            file.write(text().encode("utf8", "backslashreplace"))
    except PellucidError as error:
        return [error]
    return []


def as_json(value: Mapping[str, Any]) -> str:
    """JSON for a file."""
    import json

    from ..store import plain_json

    return json.dumps(plain_json(value), indent=2, ensure_ascii=False)


def write_autograder(
    path: Path, model: Path, data: str | None, options: Mapping[str, Any], forbid: Sequence[str], columns: bool
) -> None:
    """The zip for Gradescope."""
    from .. import __version__
    from ..classroom.autograder import autograder
    from ..store import replacing

    given = [str(part) for name, value in options.items() if value is not None for part in (name, value)]
    given += [part for name in forbid for part in ("--forbid", name)] + ["--columns"] * columns
    with replacing(path) as file:
        file.write(autograder(model, data, given, __version__))
    note(f"wrote {path}")


def show(result: Any) -> None:
    """One submission: its gradients, and the reasons."""
    say(f"{result.name}: {result.score:g} of {result.most:g} points")
    if result.report is None:
        for sentence in result.feedback():
            say(sentence)
        return
    if result.status == "incomplete":
        say(result.sentence)
    else:
        width = console().width if sys.stdout.isatty() else 100
        sys.stdout.write(result.report.to_text(width=max(40, width)) + "\n")
    for remark in result.remarks:
        say(remark)
    if not result.ok:
        say()
        table(
            ("gradient", "verdict", "points"),
            [(p.address, p.verdict, f"{p.points:g}") for p in result.points],
            text=("gradient", "verdict"),
        )


def show_all(results: Sequence[Any], mistakes: Mapping[str, Sequence[str]]) -> None:
    """A line for each submission, and one for each mistake."""
    table(
        ("submission", "result", "points", "reason"),
        [(r.name, r.status, f"{r.score:g}", "" if r.ok else r.sentence) for r in results],
        text=("submission", "result", "reason"),
    )
    right, graded = sum(r.ok for r in results), sum(r.status != "skipped" for r in results)
    say()
    say(f"{right} of {graded} right")
    for r in results:
        for remark in r.remarks:
            say(f"look at {r.name}: {remark}")
    if mistakes:
        say()
        rows = [(slug, len(names), some(names, 5)) for slug, names in mistakes.items()]
        table(("mistake", "submissions", "made by"), rows, text=("mistake", "made by"))
