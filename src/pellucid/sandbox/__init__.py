"""Run somebody else's Python file within limits: time, memory, processes, output, no network, no files but its own.

Before it: the content of a file and arrays. After it: `classroom` grades what came back. `start` is the way in,
`inside` what runs on the other side, `answer` reads what comes back, `watch` ends what takes too much.
"""

from .outcome import Limits, Outcome, Protection
from .start import SandboxError, run

__all__ = ["Limits", "Outcome", "Protection", "SandboxError", "run"]
