"""The program `pellucid`: its commands, and what becomes of errors: one sentence on standard error, status 2."""

from __future__ import annotations

import io
import signal
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ..errors import PellucidError
from .check import check
from .data import data
from .explain import explain
from .info import info
from .nudge import nudge
from .output import complain
from .predict import predict
from .train import train
from .worked_example import worked_example

UsageError: Any = typer.BadParameter.__base__  # Typer brings its own Click, or takes the one that there is
# What other programs call the options.
MEANT = {
    "--lr": "--learning-rate", "--eta": "--learning-rate", "--optimizer": "--optimiser", "--batch": "--batch-size",
    "--val": "--validation", "--output": "--out", "--hidden": "--layers", "--random-state": "--seed",
}  # fmt: skip
COMMANDS = (train, predict, explain, nudge, worked_example, check, info, data)


class Commands(TyperGroup):
    """The group of commands; words the errors of all of them."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
            import numpy  # noqa: F401 (an import that Ctrl-C breaks off would say that NumPy is not installed)

            signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return super().invoke(ctx)
        except UsageError as error:
            if meant := MEANT.get(getattr(error, "option_name", "")):
                error.possibilities = [meant]  # type: ignore[attr-defined]  # an option that there is not
            raise
        except PellucidError as error:
            for sentence in (str(error), *getattr(error, "__notes__", ())):
                complain(sentence)
            raise typer.Exit(2) from None
        except MemoryError:
            complain("expected enough memory for this, got too little. Use fewer samples or a smaller network.")
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            complain("interrupted")
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=Commands,
    help="Train neural networks by explicit backpropagation, and see what every number is made of.",
    epilog="Begin with: pellucid train digits",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # the plain help needs 0.1 s less, and looks the same in a pipe
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(asked: bool) -> None:
    if asked:
        from .. import __version__

        typer.echo(f"pellucid {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    pass


for _command in COMMANDS:
    app.command()(_command)


def main() -> None:
    """Run the program with the arguments of the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has no σ gets a ? instead of a traceback
    app()
