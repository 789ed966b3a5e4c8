"""What a hand-written gradient function wants, by what its parameters are called, or else by how many they are.

Before it: nothing; it imports only the standard library. After it: `runner` calls a submission's function.
"""

import inspect

NAMES = {
    "x": "x", "inputs": "x", "input": "x", "y": "y", "targets": "y", "target": "y", "t": "y", "labels": "y",
    "w": "w", "weights": "w", "ws": "w", "b": "b", "biases": "b", "bs": "b",
    "parameters": "parameters", "params": "parameters", "theta": "parameters", "p": "parameters",
    "architecture": "architecture", "arch": "architecture",
}  # fmt: skip
POSITIONS = {2: ("x", "y"), 3: ("parameters", "x", "y"), 4: ("w", "b", "x", "y")}


def wanted(function):
    """What to hand over: what its parameters stand for, in order, and those that go by keyword.

    Raises:
        TypeError: parameters that mean none of these; its text is the signature.

    Example:
        >>> wanted(lambda x, y, weights, biases: None)
        (['x', 'y', 'w', 'b'], {})
        >>> wanted(lambda net, data, goal: None)
        (['parameters', 'x', 'y'], {})
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a built-in
        return ["x", "y"], {}
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [p for p in parameters if p.kind in positional and p.default is p.empty]
    meant = [NAMES.get(p.name.lower(), "") for p in needed]
    if "" in meant or len(set(meant)) < len(meant):
        meant = list(POSITIONS.get(len(needed), ()))
    if not meant:
        raise TypeError(str(inspect.signature(function)))
    named = [p for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    if any(p.name.lower() not in NAMES for p in named):
        raise TypeError(str(inspect.signature(function)))
    return meant, {p.name: NAMES[p.name.lower()] for p in named}
