"""Compare gradients with the right ones, and name the mistake."""

from .checking import check_gradients
from .mistakes import MISTAKES, KnownMistake
from .report import Report

__all__ = ["MISTAKES", "KnownMistake", "Report", "check_gradients"]
