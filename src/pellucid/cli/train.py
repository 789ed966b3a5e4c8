"""`pellucid train`: data → a trained network in a file, with the figures of held-out samples."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import InputError, NonFiniteError
from .figures import figures_of, of_classes, show_classes, show_figures, usual_metric
from .info import course, summary
from .options import (
    Categories,
    Data,
    Directory,
    Drop,
    Header,
    Impute,
    Json,
    MaxUnpacked,
    Target,
    Task,
    check_apart,
    comma_list,
    reading,
    share,
)
from .output import layers_of, note, print_json, say, show_network, size, some
from .parts import in_memory, named_parts, read_parts
from .recipe import ends, hidden, passes, penalty, rate, unreachable, written

Option = typer.Option


def train(
    data: Data,
    target: Target = None,
    layers: Annotated[
        str | None,
        Option(help="Hidden layers: sizes (30,20), 'dense 30 relu | dense 20 tanh', or none.  [default: by the data]"),
    ] = None,
    activation: Annotated[str, Option(help="Of the hidden layers.")] = "relu",
    output_activation: Annotated[str | None, Option(help="Of the output layer.  [default: by the data]")] = None,
    loss: Annotated[str | None, Option(help="C_i.  [default: by the data]")] = None,
    optimiser: Annotated[str, Option(help="sgd, momentum, nesterov, adam, or any of Optax.")] = "adam",
    learning_rate: Annotated[float | None, Option(help="η.  [default: 0.003 for adam, else the optimiser's]")] = None,
    schedule: Annotated[str | None, Option(help="How η changes: cosine, linear, exponential, …")] = None,
    epochs: Annotated[int | None, Option(help="Passes over the data at most.  [default: by the data]")] = None,
    batch_size: Annotated[int, Option(help="Samples per update; 0 takes all.")] = 32,
    seed: Annotated[int, Option(help="Of the first weights, the parts and the order.")] = 0,
    validation: Annotated[float, Option(help="Share, or number, of samples to stop by; 0 for none.")] = 0.1,
    test: Annotated[float, Option(help="Share, or number, of samples held out to the end.")] = 0.2,
    metrics: Annotated[str, Option(help="Further figures, with commas: rmse, f1_score, …")] = "",
    patience: Annotated[int, Option(help="Stop after so many epochs without improvement; 0 never.")] = 20,
    l2: Annotated[float | None, Option(help="Penalty on Σ w².  [default: 3/n]")] = None,
    l1: Annotated[float, Option(help="Penalty on Σ |w|.")] = 0.0,
    clip: Annotated[float | None, Option(help="Largest norm of the gradient.")] = None,
    class_weight: Annotated[str | None, Option(help="balanced: rare classes weigh more.")] = None,
    dtype: Annotated[str, Option(help="float32 or float64.")] = "float32",
    backend: Annotated[str, Option(help="numpy, jax, or auto.")] = "auto",
    impute: Impute = None,
    drop: Drop = None,
    categories: Categories = None,
    task: Task = None,
    directory: Directory = None,
    header: Header = None,
    max_unpacked: MaxUnpacked = None,
    stream: Annotated[bool, Option("--stream", help="Read the file by rows: for data larger than memory.")] = False,
    checkpoint: Annotated[Path | None, Option(help="A file to keep the training in while it runs.")] = None,
    checkpoint_every: Annotated[int, Option(help="Epochs between checkpoints.")] = 10,
    resume: Annotated[bool, Option("--resume", help="Go on from the checkpoint.")] = False,
    out: Annotated[Path, Option("--out", "-o", help="Where the model goes.")] = Path("model.safetensors"),
    json: Json = False,
    plot: Annotated[Path | None, Option(help="Draw the course of the training: a .svg, .png or .pdf file.")] = None,
    quiet: Annotated[bool, Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Train a network and save it; the defaults fit the data.

    \b
    Examples:
      pellucid train digits
      pellucid train houses.csv --target price --layers 30,20 --out houses.safetensors
      pellucid train digits --layers "dense 30 relu | dense 20 tanh"
    """
    from ..losses import loss as named_loss
    from ..store import check_name, check_writable
    from ..training.plots import check_plot

    check_name(out)
    check_apart("--out", out, data, checkpoint)
    check_writable(out)
    if plot is not None:
        check_apart("--plot", plot, data, checkpoint, out)
        check_writable(plot)
        check_plot(plot)
    if resume and checkpoint is None:
        raise InputError("--resume", "expected --checkpoint FILE to resume from", "none")
    options = reading(
        target=target, drop=drop, categories=categories, impute=impute, task=task, directory=directory, header=header,
        max_unpacked=max_unpacked,
    )  # fmt: skip
    if loss is not None and named_loss(loss).counts:  # they are no classes, and standardised ones would be negative
        options["scale_target"] = False
        options["task"] = task or "regression"
    parts = read_parts(data, stream, share(validation), share(test), seed, **options)
    held = None if parts.validation is None else in_memory(parts.validation)
    net = build(parts.train, layers, activation, output_activation, loss, penalty(l2, parts.train.n), l1, seed)
    most = passes(epochs, parts.train.n, batch_size)
    learning_rate = rate(learning_rate, optimiser)
    names = tuple(dict.fromkeys([usual_metric(parts.train.classes), *comma_list(metrics)]))
    talk = not (quiet or json)
    if talk:
        show_plan(data, parts, net)
        eta = "" if learning_rate is None else f", η {learning_rate:g}"
        batches = f"batches of {batch_size}" if batch_size else "full batch"
        say(f"{optimiser}{eta} · {batches} · at most {most} epochs · seed {seed}")
    try:
        warnings.showwarning = lambda message, *_: note(str(message))  # of a checkpoint that can't be written
        history = net.fit(
            parts.train,
            epochs=most,
            batch_size=batch_size or None,
            optimiser=optimiser,
            learning_rate=learning_rate,
            schedule=schedule,
            clip=clip,
            validation=held,
            metrics=names,
            patience=patience or None,
            restore_best=bool(patience) and held is not None,
            class_weight=class_weight,
            seed=seed,
            dtype=dtype,
            backend=backend,
            progress=False if quiet else None if json else True,
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_every,
            resume=resume,
        )
    except NonFiniteError as error:
        do = "Nothing is saved. Lower --learning-rate, or shorten the gradient with --clip 1."
        raise NonFiniteError(error.where, error.expected, error.got, do) from None
    replaced = out.exists()
    net.save(out)
    if plot is not None:
        history.plot(plot)
    figures = {name: figures_of(net, in_memory(part), names) for name, part in named_parts(parts).items()}
    last, judged = list(named_parts(parts).items())[-1]
    of_them = of_classes(net, in_memory(judged))
    if json:
        architecture = net.architecture.to_dict()
        print_json(
            {
                "model": str(out),
                "data": data,
                "samples": {name: part.n for name, part in named_parts(parts).items()},
                "classes": None if net.classes is None else list(net.classes),
                "layers": layers_of(net),
                "loss": architecture["loss"],
                "penalty": architecture["penalty"],
                "optimiser": optimiser,
                "history": summary(history),
                "figures": figures,
                "classes_judged": None if of_them is None else {"part": last, **of_them},
                "notes": list(parts.notes),
            }
        )
    elif talk:
        say(course(summary(history)))
        if history.convergence:
            say(history.convergence)
        say()
        show_figures(figures)
        if of_them is not None:
            show_classes(last, of_them, net.n[-1])
        say()
        say(f"saved {out} ({size(out.stat().st_size)}{', in place of an older file' if replaced else ''})")
    if history.interrupted:
        if not talk:
            note(f"{history.stopped}; saved {out}")
        raise typer.Exit(130)


def build(
    data: Any,
    layers: str | None,
    activation: str,
    output: str | None,
    loss: str | None,
    l2: float,
    l1: float,
    seed: int,
) -> Any:
    """The network for a data set."""
    from ..layers import KINDS
    from ..network import Network, mlp

    if layers is not None and any(word in KINDS for word in layers.replace("|", " ").split()):
        made, loss = written(layers, data, output, loss)
        return Network(*made, loss=loss, l2=l2, l1=l1, seed=seed)
    output, loss, nodes = ends(data.classes, output, loss)
    sizes = [data.n_inputs, *hidden(layers, data.n), nodes or data.n_outputs]
    return mlp(sizes, activation, output=output, loss=loss, l2=l2, l1=l1, seed=seed)


def show_plan(data: str, parts: Any, net: Any) -> None:
    """The data, its parts, the network."""
    train = parts.train
    target = some(map(repr, train.classes)) if train.classes else some(train.target_names)
    say(f"{data}: {train.n_inputs:,} inputs → {target}")
    for sentence in parts.notes:
        say(f"  {sentence}")
    say("samples: " + " · ".join(f"{name} {part.n:,}" for name, part in named_parts(parts).items()))
    say()
    show_network(net)
    y = None if net.loss.counts else getattr(train, "y", None)  # such a loss refuses what its output can't reach
    if train.classes is None and y is not None and net.g[-1] and (remark := unreachable(net.g[-1], y)):
        say(remark)
