"""The command line: one file per command, which only reads arguments, calls the library and prints.

Before it: everything else. Heavy libraries are imported inside the commands, so that `pellucid --help` is quick.
Exit status: 0 for success, 1 for "checked, and it is wrong", 2 for bad input or usage, 130 when interrupted.
To add a command: one file here with a function, one line in COMMANDS, one test.
"""

from __future__ import annotations

import signal

__all__ = ["main"]


def main() -> None:
    """Run the program with the arguments of the command line."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Until a command begins, Ctrl-C ends the program at once: a traceback of half an import helps nobody.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from .app import main as run

    run()
