"""Ctrl-C during a training asks it to stop at the next safe point; a second Ctrl-C stops at once."""

from __future__ import annotations

import signal
import threading
from typing import Any


class Interrupt:
    """A context in which the first Ctrl-C only sets `asked`.

    Python would otherwise raise in the middle of an update and lose weights that were just computed.
    Outside the main thread signals can't be caught, and nothing changes.
    """

    def __init__(self):
        self.asked = False
        self._before: Any = None

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _ask(self, *_: object) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
