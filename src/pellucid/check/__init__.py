"""Compare gradients with the right ones, and name the mistake."""

from .checking import check_gradients
from .gradcheck import GradientReport, gradcheck
from .mistakes import MISTAKES, KnownMistake
from .report import Report

__all__ = ["MISTAKES", "GradientReport", "KnownMistake", "Report", "check_gradients", "gradcheck"]
