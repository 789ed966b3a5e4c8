"""Run one submission: import it, find its function, call it, write its answer. The last stop inside.

Before it: `launch` has shut the doors. After it: `..answer` reads the lines of JSON and the numbers behind them.
Standard output becomes standard error, so that nothing a submission prints is taken for an answer.
"""

import copy
import faulthandler
import json
import os
import sys
import types

NAME = "submission.py"
FUNCTIONS = ("backward", "backprop", "backpropagation", "back_propagation", "gradients", "gradient", "grad", "grads")
LIBRARIES = (
    "jax", "torch", "tensorflow", "keras", "sklearn", "autograd", "numdifftools", "sympy", "casadi", "mxnet",
    "theano", "tinygrad", "micrograd",
)  # fmt: skip
DEPTH, NODES, TEXT, EVENTS = 20, 100_000, 500, 300_000
NUMPY = []


class Refused(Exception):
    """An answer that holds what no gradient is."""


def main(task, packages):
    """Run a task; never returns. `packages` are folders that this interpreter does not know by itself."""
    import by_layer
    import calling

    sys.path.pop(0)  # our own folder
    if packages:
        import site

        site.setquit()
        for folder in packages:
            site.addsitedir(folder)
    channel = os.dup(1)
    os.dup2(2, 1)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        import numpy as np

        NUMPY.append(np)  # also when the submission must not import it
        with np.load(task, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        plan = json.loads(arrays.pop("task").tobytes())
        folder = os.path.dirname(os.path.abspath(task))
        with open(os.path.join(folder, NAME), "rb") as file:
            source = file.read()
    except Exception as error:
        say(channel, failed="environment", why=f"{type(error).__name__}: {error}")
        os._exit(97)
    for name in plan["forbidden"]:
        sys.modules[name] = None  # type: ignore[assignment]
    watch(channel, plan["time"])
    say(channel, phase="import")
    blob = b""
    try:
        line, blob = run(channel, source, os.path.join(folder, NAME), plan, arrays, calling.wanted, by_layer.Layers)
    except BaseException as error:
        line = {"failure": describe(error, folder)}
    try:
        faulthandler.cancel_dump_traceback_later()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        pass
    try:
        say(channel, **line)
        while blob:
            blob = blob[os.write(channel, blob) :]
    finally:
        os._exit(0)


def say(channel, **line):
    """One line of JSON."""
    text = (json.dumps(line) + "\n").encode()
    while text:
        text = text[os.write(channel, text) :]


def watch(channel, left):
    """Write where the submission stands, shortly before its time is over, or when it crashes."""
    faulthandler.enable(file=channel, all_threads=False)
    try:
        import signal

        faulthandler.register(signal.SIGXCPU, file=channel, all_threads=False, chain=True)
    except (AttributeError, RuntimeError, ValueError):
        pass
    faulthandler.dump_traceback_later(max(0.05, left - max(0.1, 0.05 * left)), file=channel)


def run(channel, source, path, plan, arrays, wanted, layers):
    """Import, find, call, encode."""
    module = types.ModuleType("submission")
    module.__file__ = path
    sys.modules["submission"] = module
    exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)
    name, function = find(module, plan["function"])
    try:
        meant, named = wanted(function)
    except TypeError as error:
        return {"failure": {"kind": "arguments", "function": name, "there": str(error)[:TEXT]}}, b""
    say(channel, phase="call", function=name)

    def call():
        offer = offered(copy.deepcopy(arrays), plan, layers)
        return function(*(offer[key] for key in meant), **{key: offer[value] for key, value in named.items()})

    parts, counts = [], {}
    try:
        tree = encode(call(), parts)
        again, error = second(lambda: counted(call, path, counts), parts)
        tree = {"tuple": [tree, again]}
    except Refused as refused:
        return {"failure": {"kind": "value", "function": name, "message": str(refused)[:TEXT]}}, b""
    size = sum(len(part) for part in parts)
    if size > plan["answer"]:
        return {"failure": {"kind": "large", "function": name, "bytes": size}}, b""
    imported = [name for name in LIBRARIES if sys.modules.get(name) is not None]
    calls = list(max(counts.items(), key=lambda item: item[1], default=("", 0)))
    line = {"answer": tree, "bytes": size, "imported": imported, "calls": calls}
    if error is not None:
        line["again"] = describe(error, os.path.dirname(path)) | {"function": name}
    return line, b"".join(parts)


def counted(call, path, counts):
    """Call, and count how often each function of the submission is entered."""
    events = 0

    def see(frame, event, _):
        nonlocal events
        events += 1
        if event == "call" and frame.f_code.co_filename == path:
            counts[frame.f_code.co_name] = counts.get(frame.f_code.co_name, 0) + 1
        if events > EVENTS:  # enough is seen, and it takes time
            sys.setprofile(None)

    sys.setprofile(see)
    try:
        return call()
    finally:
        sys.setprofile(None)


def second(call, parts):
    """What another call with the same arrays gives, without what it prints, and the error where it fails."""
    before = len(parts)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        return encode(call(), parts), None
    except Exception as error:
        del parts[before:]
        return None, error


class Missing(Exception):
    """There is no such function."""


def find(module, name):
    """The function with a name; without a name the usual ones, or the only one there is."""
    own = {
        key: value
        for key, value in vars(module).items()
        if isinstance(value, types.FunctionType) and value.__module__ == "submission" and not key.startswith("_")
    }
    if name is not None:
        if callable(getattr(module, name, None)):
            return name, getattr(module, name)
    else:
        for usual in FUNCTIONS:
            if callable(getattr(module, usual, None)):
                return usual, getattr(module, usual)
        if len(own) == 1:
            return next(iter(own.items()))
    raise Missing(json.dumps(list(own)[:50]))


def offered(arrays, plan, handed):
    """What a function can ask for; `handed` indexes by layer."""
    layers = range(1, plan["L"] + 1)
    w, b = [arrays[f"w{l}"] for l in layers], [arrays.get(f"b{l}") for l in layers]
    parameters = tuple({"w": w_l} if b_l is None else {"w": w_l, "b": b_l} for w_l, b_l in zip(w, b, strict=True))
    return {
        "x": arrays["x"], "y": arrays["y"], "w": handed("w", w), "b": handed("b", b),
        "parameters": handed("parameters", parameters), "architecture": plan["architecture"],
    }  # fmt: skip


def encode(value, parts, depth=0, path="its answer", count=None):
    """A value as JSON, its arrays as bytes in `parts`."""
    count = [0] if count is None else count
    count[0] += 1
    if count[0] > NODES:
        raise Refused(f"has more than {NODES:,} single values; arrays are wanted")
    if depth > DEPTH:
        raise Refused(f"is nested more than {DEPTH} deep")
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return float(value) if abs(value) < 2**1000 else float("inf")
    if isinstance(value, str | bytes):
        raise Refused(f"has a text, {value[:30]!r}, where numbers are wanted ({path})")
    if isinstance(value, dict):
        items = [(k, encode(v, parts, depth + 1, f"{path}[{k!r}]", count)) for k, v in value.items()]
        return {"dict": [[k if type(k) is int else str(k)[:200], node] for k, node in items]}
    if isinstance(value, list | tuple) and not (depth and holds_numbers(value)):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [encode(v, parts, depth + 1, f"{path}[{i}]", count) for i, v in enumerate(value)]}
    array = as_array(value)
    if array is None:
        raise Refused(f"has a value of the type {type(value).__name__} where numbers are wanted ({path})")
    if array.dtype == object:
        if array.size and all(isinstance(v, int | float | NUMPY[0].number) for v in array.flat):
            return encode(array.astype(NUMPY[0].float64), parts, depth + 1, path, count)
        return encode(list(array) if array.ndim else array.item(), parts, depth + 1, path, count)
    if array.dtype.name == "bfloat16" or (array.dtype.kind == "f" and array.dtype.itemsize > 8):
        array = array.astype(NUMPY[0].float32 if array.dtype.itemsize == 2 else NUMPY[0].float64)
    if array.dtype.kind not in "fiub":
        what = "complex numbers" if array.dtype.kind == "c" else f"an array of {array.dtype}"
        raise Refused(f"has {what} where real numbers are wanted ({path})")
    array = NUMPY[0].ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).reshape(array.shape)
    parts.append(array.tobytes())
    return {"array": array.dtype.str, "shape": list(array.shape)}


def as_array(value):
    """An array from NumPy, JAX or PyTorch; None from anything else."""
    np = NUMPY[0]
    if not hasattr(value, "__array_namespace__"):
        for method in ("detach", "cpu", "numpy"):
            if callable(getattr(value, method, None)):
                value = getattr(value, method)()
    if isinstance(value, np.ma.MaskedArray):  # what is masked is not there
        return value.astype(np.float64).filled(np.nan) if np.ma.is_masked(value) else value.data
    if isinstance(value, np.ndarray | np.generic | list | tuple) or hasattr(value, "__array__"):
        try:
            return np.asarray(value)
        except ValueError:
            return None
    return None


def holds_numbers(values):
    """Whether a list is an array: numbers only, in rows of one length."""
    if any(value is None or isinstance(value, dict) or hasattr(value, "shape") for value in values):
        return False
    try:
        return NUMPY[0].asarray(values).dtype.kind in "fiub"
    except (ValueError, OverflowError):
        return False


def describe(error, folder):
    """What went wrong, and where in the submission."""
    if isinstance(error, Missing):
        return {"kind": "missing", "there": json.loads(str(error))}
    frames, at = [], error.__traceback__
    while at is not None and len(frames) < 1000:
        if at.tb_frame.f_code.co_filename == os.path.join(folder, NAME):
            frames.append([at.tb_lineno, at.tb_frame.f_code.co_name[:100]])
        at = at.tb_next
    try:
        message = str(error)[:TEXT]
    except BaseException:
        message = ""
    kind = "value" if isinstance(error, Refused) else "exception"
    if isinstance(error, SyntaxError) and not frames and str(error.filename).endswith(NAME):
        kind, frames, message = "syntax", [[error.lineno or 0, "<module>"]], str(error.msg)[:TEXT]
    elif isinstance(error, MemoryError):
        kind = "memory"
    elif isinstance(error, SystemExit):
        kind = "exit"
    return {
        "kind": kind,
        "type": type(error).__name__[:100],
        "message": message,
        "frames": frames[:5] + frames[5:][-5:],
    }
