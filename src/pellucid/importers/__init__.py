"""Models of other frameworks become networks, and back. Each framework is imported where it is used."""

from .sklearn import from_sklearn, to_sklearn

__all__ = ["from_sklearn", "to_sklearn"]
