"""Grade a class: what was handed in is run in the sandbox, checked, given points, and told in one sentence each.

Before it: `sandbox` runs a stranger's file, `check` compares gradients. After it: the command line writes tables,
pages, results.json. `files` finds the files, `task` checks one, `grading` gives points, `grades` sums up the class;
`exercise` writes the file that a class begins with, `autograder` the zip for Gradescope.
"""

from .grading import Grading, Points, Submission
from .task import Task

__all__ = ["Grading", "Points", "Submission", "Task"]
