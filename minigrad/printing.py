"""PyTorch's text of a tensor: ``tensor([[19., 25.],\\n        [37., 43.]])``.

Three questions are answered once for the whole array and then every element follows: which of the
three notations to use (``19.``, ``0.1234``, ``1.2340e-05``), how wide a column is, and whether the
middle of a long axis is left out. The rules are those of ``torch/_tensor_str.py``.
"""

import math
from dataclasses import dataclass

import numpy as np


@dataclass
class _Options:
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES = {
    "default": _Options(),
    "short": _Options(precision=2, edgeitems=2),
    "full": _Options(threshold=math.inf),
}
_options = _Options()


def set_printoptions(
    precision=None, threshold=None, edgeitems=None, linewidth=None, profile=None, sci_mode=None
):
    """Set how tensors are printed, as ``torch.set_printoptions``.

    Args:
        precision: digits after the point of a floating point element (4).
        threshold: number of elements above which the middle of long axes is left out (1000).
        edgeitems: number of elements kept at each end of such an axis (3).
        linewidth: column at which lines are broken (80).
        profile: ``"default"``, ``"short"`` or ``"full"``; sets all four, before the others apply.
        sci_mode: True or False to force or forbid scientific notation. As in PyTorch every call
            sets it, so that leaving it out means None: decide by the numbers.

    Raises:
        ValueError: ``profile`` is none of the three.

    >>> import minigrad
    >>> minigrad.set_printoptions(precision=2)
    >>> minigrad.tensor(3.14159)
    tensor(3.14)
    >>> minigrad.set_printoptions(profile="default")
    """
    if profile is not None and profile not in _PROFILES:
        raise ValueError(f"profile must be one of {list(_PROFILES)}, but got {profile!r}")
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    for name, value in given.items():
        if value is None and profile is not None:
            value = getattr(_PROFILES[profile], name)
        if value is not None:
            setattr(_options, name, value)
    _options.sci_mode = sci_mode


def format_tensor(array, *, prefix="tensor(", grad_fn_name=None, requires_grad=False):
    """Return the text that ``repr`` of a PyTorch tensor with these values would give.

    Args:
        array: ndarray of any shape; float32, float64, int64, int32, uint8 or bool.
        prefix: what comes before the values; continuation lines are indented by its length.
        grad_fn_name: class name of the node that made the tensor (``"MulBackward0"``), if any.
        requires_grad: shown only where there is no ``grad_fn_name``, that is for a leaf.
    """
    suffixes = []
    if (array.size == 0 and array.ndim != 1) or (array.size > 0 and not _options.edgeitems):
        suffixes.append(f"size={array.shape}")
    # A dtype that the values themselves give away is not worth printing.
    evident = ("float32", "int64", "bool") if array.size else ("float32",)
    if array.dtype.name not in evident:
        suffixes.append(f"dtype=torch.{array.dtype.name}")
    if grad_fn_name is not None:
        suffixes.append(f"grad_fn=<{grad_fn_name}>")
    elif requires_grad:
        suffixes.append("requires_grad=True")
    return _add_suffixes(prefix + _values_text(array, len(prefix)), suffixes, len(prefix))


def _add_suffixes(text, suffixes, indent):
    # One too many, because rfind points at the line break itself (or at -1): PyTorch counts so.
    column = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if column + len(suffix) + 2 > _options.linewidth:
            text += ",\n" + " " * indent + suffix
            column = indent + len(suffix)
        else:
            text += ", " + suffix
            column += len(suffix) + 2
    return text + ")"


def _values_text(array, indent):
    if array.size == 0:
        return "[]"
    summarize = array.size > _options.threshold
    shown = array
    if summarize:
        for axis, length in enumerate(array.shape):
            if _is_cut(length):
                ends = [*range(_options.edgeitems), *range(length - _options.edgeitems, length)]
                shown = shown.take(ends, axis)
    element_text, width = _choose_notation(shown)
    return _nested_text(array, indent, summarize, element_text, width)


def _is_cut(length):
    return length > 2 * _options.edgeitems


def _choose_notation(shown):
    """Return the function from an element to its text, and the width of a column.

    Only finite nonzero elements have a say in it; zeros, NaN and infinities follow.
    """
    if shown.dtype.kind != "f":
        return str, max((len(str(value)) for value in shown.ravel().tolist()), default=1)
    values = shown[np.isfinite(shown) & (shown != 0)].tolist()
    integers, scientific = all(value.is_integer() for value in values), False
    if values:
        largest, smallest = max(map(abs, values)), min(map(abs, values))
        scientific = _options.sci_mode
        if scientific is None:
            scientific = largest / smallest > 1000 or largest > 1e8 or smallest < 1e-4
    if scientific:
        element_text = f"{{:.{_options.precision}e}}".format
    elif integers:
        element_text = _integer_text
    else:
        element_text = f"{{:.{_options.precision}f}}".format
    return element_text, max((len(element_text(value)) for value in values), default=1)


def _integer_text(value):
    # The point shows that the dtype is a floating one; NaN and infinity need no such sign.
    return f"{value:.0f}." if math.isfinite(value) else str(value)


def _nested_text(array, indent, summarize, element_text, width):
    def text_of(part):
        if part.ndim:
            return _nested_text(part, indent + 1, summarize, element_text, width)
        return element_text(part.item()).rjust(width)

    if array.ndim == 0:
        return text_of(array)
    edge = _options.edgeitems
    if summarize and _is_cut(len(array)):
        # The space lines the dots up with a row of numbers; alone, or between rows, none is due.
        dots = " ..." if array.ndim == 1 and edge else "..."
        parts = [text_of(array[i, ...]) for i in range(edge)] + [dots]
        parts += [text_of(array[i, ...]) for i in range(len(array) - edge, len(array))]
    else:
        parts = [text_of(array[i, ...]) for i in range(len(array))]
    line_break = ",\n" + "\n" * (array.ndim - 2) + " " * (indent + 1)
    if array.ndim == 1:
        per_line = max(1, (_options.linewidth - indent) // (width + 2))
        lines = [parts[i : i + per_line] for i in range(0, len(parts), per_line)]
        parts = [", ".join(line) for line in lines]
    return "[" + line_break.join(parts) + "]"
