"""A whole worked example: one sample through the network and back, as a page, a document, a notebook or data.

worked_example(records)  ->  WorkedExample, with to_html, to_latex, to_markdown, to_notebook, to_dict, save
"""

from .example import WorkedExample, worked_example

__all__ = ["WorkedExample", "worked_example"]
