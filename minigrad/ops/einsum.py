"""Einstein's summation: products of tensors whose dimensions have names.

    z[i, k] = sum over j of x[i, j] y[j, k]        einsum("ij,jk->ik", x, y)

Two operands at a time become one stack of matrix products. A name that both have is a dimension of
the stack if it is needed later on, else it is summed over, as the inner dimension of the product:

    x  (stack, rows, inner)   @   y  (stack, inner, columns)   ->   z  (stack, rows, columns)

All of it is indexing, permute, reshape, sum, `*` and `@`, which are differentiable already.
"""

import math
import string

import numpy as np

from .common import tensor_argument
from .index import GetItem
from .matmul import matmul
from .shape import permute, reshape


def einsum(equation, *operands):
    """Sums of products of the operands, whose dimensions are named by letters.

    A letter twice in one operand takes its diagonal; "..." stands for all further dimensions, which broadcast;
    letters missing after "->" are summed over. Without "->" the result has the letters that occur once, in
    alphabetical order (capitals first). The operands are multiplied from left to right, with dtypes as for `@` and `*`.
    RuntimeError, naming the letter, for an equation that does not fit the shapes; ValueError without operands.

        >>> import minigrad
        >>> x = minigrad.arange(4).reshape(2, 2)
        >>> minigrad.einsum("ij,kj->ik", x, x)
        tensor([[ 1,  3],
                [ 3, 13]])
    """
    if not isinstance(equation, str):
        raise TypeError(f"einsum(): argument 'equation' must be str, not {type(equation).__name__}")
    operands = operands[0] if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else operands
    operands = [tensor_argument(x, f"operands[{i}]", "einsum") for i, x in enumerate(operands)]
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        error = RuntimeError if operands else ValueError
        raise error(f"einsum(): {'fewer' if len(operands) < len(terms) else 'more'} operands were provided than "
                    f"specified in the equation {equation!r}")
    terms = [_labels(term, x.ndim, f"operand {i}") for i, (term, x) in enumerate(zip(terms, operands))]
    named = [label for term in terms for label in term]
    rest = sorted({label for label in named if isinstance(label, int)})
    if arrow:
        output = _labels(right, len(right.replace("...", "")) + len(rest) * ("..." in right), "output")
    else:
        output = rest + sorted(label for label in set(named).difference(rest) if named.count(label) == 1)
    for label in output:
        if output.count(label) > 1 or label not in named:
            raise RuntimeError(f"einsum(): output subscript {label} appears more than once in the output, or does not "
                               f"appear in the equation for any input operand: {equation!r}")
    return _contract(operands, terms, output)


def _labels(term, ndim, place):
    """The names of the dimensions of an operand: letters, and for those of "..." numbers, -1 the last."""
    before, dots, after = term.partition("...")
    count = len(before + after)
    for letter in before + after:
        if letter not in string.ascii_letters:
            raise RuntimeError(f"einsum(): invalid subscript {letter!r} for {place}: subscripts must be in [a-zA-Z] or "
                               "one ellipsis (...)")
    if count > ndim or (count < ndim and not dots):
        raise RuntimeError(f"einsum(): the number of subscripts in the equation ({count}) does not match the number of "
                           f"dimensions ({ndim}) for {place} and no ellipsis was given")
    return [*before, *range(count - ndim, 0), *after]


def _contract(operands, terms, output):
    """The sum of the products of the operands, whose dimensions have the names `terms`, over all but `output`."""
    sizes = {}
    for k, (x, labels) in enumerate(zip(operands, terms)):
        for label in dict.fromkeys(labels):
            while labels.count(label) > 1:
                a, b = [d for d, other in enumerate(labels) if other == label][:2]
                if x.shape[a] != x.shape[b]:
                    raise RuntimeError(f"einsum(): subscript {label} is repeated for operand {k} but the sizes don't "
                                       f"match, {x.shape[b]} != {x.shape[a]}")
                rest, i = [d for d in range(x.ndim) if d not in (a, b)], np.arange(x.shape[a])
                x = GetItem.apply(permute(x, rest + [a, b]), index=(..., i, i))
                labels = [labels[d] for d in rest] + [label]
        operands[k], terms[k] = x, labels
        for label, n in zip(labels, x.shape):
            if n not in (1, sizes.setdefault(label, n)) and sizes[label] != 1:
                raise RuntimeError(f"einsum(): subscript {label} has size {n} for operand {k} which does not broadcast "
                                   f"with previously seen size {sizes[label]}")
            sizes[label] = n if sizes[label] == 1 else sizes[label]
    x, labels = operands[0], terms[0]
    for i in range(1, len(operands)):
        x, labels = _pair(x, labels, operands[i], terms[i], set(output).union(*terms[i + 1:]))
    x, labels = _sum_over(x, labels, output)
    return permute(x, [labels.index(label) for label in output])


def _pair(x, left, y, right, later):
    """The product of two operands, summed over the names that are not needed `later`; and its names."""
    x, left = _without_ones(x, left, right, later)
    y, right = _without_ones(y, right, left, later)
    x, left = _sum_over(x, left, later.union(right))
    y, right = _sum_over(y, right, later.union(left))
    rows, columns = [label for label in left if label not in right], [label for label in right if label not in left]
    both = [label for label in left if label in right]
    stack, inner = [label for label in both if label in later], [label for label in both if label not in later]
    sizes = dict(zip(left, x.shape)) | dict(zip(right, y.shape))
    x, y = _matrices(x, left, stack, rows, inner), _matrices(y, right, stack, inner, columns)
    z = matmul(x, y) if inner else x * y
    return reshape(z, [sizes[label] for label in stack + rows + columns]), stack + rows + columns


def _matrices(x, labels, stack, rows, columns):
    """`x` as a stack of matrices, of all dimensions named `rows` by all named `columns`."""
    x = permute(x, [labels.index(label) for label in stack + rows + columns])
    s, r = len(stack), len(stack + rows)
    return reshape(x, x.shape[:s] + (math.prod(x.shape[s:r]), math.prod(x.shape[r:])))


def _without_ones(x, labels, others, later):
    """Without the dimensions of size 1 that broadcast to those of the other operand, or would be summed over."""
    kept = [d for d, label in enumerate(labels) if x.shape[d] != 1 or label in later and label not in others]
    return reshape(x, [x.shape[d] for d in kept]), [labels[d] for d in kept]


def _sum_over(x, labels, kept):
    """`x` summed over all dimensions but those named in `kept`."""
    gone = tuple(d for d, label in enumerate(labels) if label not in kept)
    return (x.sum(gone) if gone else x), [label for label in labels if label in kept]
