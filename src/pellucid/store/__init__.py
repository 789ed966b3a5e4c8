"""Models and checkpoints on disk: safetensors files that say everything, written whole or not at all, no pickle.

`files` replaces a file in one step, `container` puts arrays and JSON into one file and distrusts what it reads,
`models` says what a model is made of.
"""

from .container import Tensor, expect_tensors, plain_json, read_arrays, read_metadata, write_arrays
from .files import check_writable, replacing
from .models import Stored, check_name, load, save

__all__ = [
    "Stored",
    "Tensor",
    "check_name",
    "check_writable",
    "expect_tensors",
    "load",
    "plain_json",
    "read_arrays",
    "read_metadata",
    "replacing",
    "save",
    "write_arrays",
]
