"""From first weights to trained ones: the step, the engines that run it, the loop that watches over it."""

from .history import Epoch, History
from .loop import Training
from .metrics import METRICS, metric
from .settings import Settings
from .sources import InChunks, InMemory

__all__ = ["METRICS", "Epoch", "History", "InChunks", "InMemory", "Settings", "Training", "metric"]
