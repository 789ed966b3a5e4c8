"""Data of any kind → x and y as a network takes them, with a preparation that is kept with the model.

The way of the data: a source (file, named set, frame, arrays) is read into a Table, whose columns have a
known kind; a Preparation is fitted on the training rows and turns tables into Datasets. What is too large
for memory is a Stream.
"""

from .dataset import Dataset
from .layout import Column, Target
from .loading import load_data
from .named import NAMED
from .origins import read_table
from .preparation import Preparation
from .splitting import Parts, split
from .streams import Stream, open_stream
from .table import Table, TableError

__all__ = [
    "NAMED",
    "Column",
    "Dataset",
    "Parts",
    "Preparation",
    "Stream",
    "Table",
    "TableError",
    "Target",
    "load_data",
    "open_stream",
    "read_table",
    "split",
]
