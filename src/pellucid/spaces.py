"""What shape a quantity has, and by which letters its indices go: z of a dense layer is ("j", (30,)).

Layers tell the spaces of what they compute; operations infer one from another; addresses are read by them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Space:
    """The indices of a quantity without its sample: one letter and one size each.

    Example:
        >>> Space("rcj", (28, 28, 8)).size
        6272
    """

    letters: str
    shape: Shape

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    def below(self) -> str:
        """The letters by which the next layer reads it: its last one, j, is k there.

        Example:
            >>> Space("rcj", (28, 28, 8)).below()
            'rck'
        """
        return self.letters.replace("j", "k")
