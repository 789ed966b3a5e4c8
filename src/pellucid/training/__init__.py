"""From first weights to trained ones: the step, the engines that run it, the loop that watches over it."""

from .history import Epoch, History
from .loop import Plan, Training
from .metrics import METRICS, metric
from .sources import InChunks, InMemory

__all__ = ["METRICS", "Epoch", "History", "InChunks", "InMemory", "Plan", "Training", "metric"]
