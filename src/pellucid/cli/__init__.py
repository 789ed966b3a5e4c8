"""The command line: one file per command, which only reads arguments, calls the library and prints.

Before it: everything else. Heavy libraries are imported inside the commands, so that `pellucid --help` is quick.
Exit status: 0 for success, 1 for "checked, and it is wrong", 2 for bad input or usage, 130 when interrupted.
To add a command: one file here with a function, one line in COMMANDS, one test.
"""

from __future__ import annotations

from .app import main

__all__ = ["main"]
