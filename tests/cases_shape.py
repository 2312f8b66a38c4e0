"""Other shapes of the same numbers, and the same numbers in another dtype."""

import numpy as np
from helpers import INTEGERS, MASK, NAN, NAN_ROWS, on, positive


def write(m, x, y, view):
    """x * 2 after `y` was written into, and multiplied into, views of it; and what those views hold then."""
    z = x * 2
    before = view(z)
    view(z).mul_(y)
    before.add_(y * y)
    return z, before, view(z)


OPERATORS = {
    "reshape": [
        *on(lambda m, x: (m.reshape(x, (3, 2)), x.reshape(-1), x.reshape([1, -1, 2])), [(2, 3)]),
        *on(lambda m, x: (m.reshape(x, ()), x.reshape(1, 1)), [()], [(1,)]),
        *on(lambda m, x: m.reshape(x, (0, 5)), [(0,)], [(3, 0)]),
        *on(lambda m, x: x.t().reshape(6), [(2, 3)]),
    ],
    "view": [
        *on(lambda m, x: x.clone().contiguous().view(3, 2), [(2, 3)]),
        *on(lambda m, x: x[:1].view(-1, 1, x.shape[1]), [(2, 3)]),
        *on(lambda m, x: (x.view_as(x), x.view(x.shape)), [(2, 3)], [()]),
        *on(lambda m, x: x.transpose(0, 1).view(3, 1, 2), [(2, 3)]),
    ],
    "flatten": [
        *on(lambda m, x: (m.flatten(x), x.flatten(1), x.flatten(-2, -1)), [(2, 3)], [(2, 1, 2)]),
        *on(lambda m, x: m.flatten(x, start_dim=0, end_dim=1), [(2, 1, 2)], [(0, 2, 1)]),
        *on(lambda m, x: m.flatten(x), [()], [(3,)]),
    ],
    "t": on(lambda m, x: (m.t(x), x.t()), [(2, 3)], [(3,)], [()]),
    "T": on(lambda m, x: x.T, [(2, 3)]),
    "transpose": [
        *on(lambda m, x: (m.transpose(x, 0, 1), x.transpose(-1, 0)), [(2, 3)], [(2, 1, 3)]),
        *on(lambda m, x: m.transpose(x, 0, -1), [()], [(2,)]),
    ],
    "permute": [
        *on(lambda m, x: (m.permute(x, (1, 2, 0)), x.permute(2, 0, 1)), [(2, 1, 3)]),
        *on(lambda m, x: (x.permute([-1, 0]), x.permute((0, 1))), [(2, 3)]),
        *on(lambda m, x: x.permute(()), [()]),
    ],
    "squeeze": [
        *on(lambda m, x: (m.squeeze(x), x.squeeze(0), x.squeeze(-1)), [(1, 2, 1)], [(2, 3)], [()]),
        *on(lambda m, x: m.squeeze(x, (0, 2)), [(1, 2, 1)], [(1, 1, 2)]),
    ],
    "unsqueeze": on(lambda m, x: (m.unsqueeze(x, 0), x.unsqueeze(-1)), [()], [(3,)], [(2, 3)]),
    "expand": [
        *on(lambda m, x: (x.expand(2, 3), x.expand(2, -1), x.expand((1, 3))), [(1, 3)]),
        *on(lambda m, x: (x.expand(2, 2, 3), x.expand_as(x)), [(3,)]),
        *on(lambda m, x: (x.expand(2), x.expand(())), [()]),
        *on(lambda m, x: x.expand(0, 3), [(3,)], [(1, 1)]),
    ],
    "broadcast_to": on(
        lambda m, x: (m.broadcast_to(x, (2, 3)), x.broadcast_to((2, 2, 3))), [(3,)], [(2, 1)], [()]
    ),
    "sum_to_size": on(lambda m, x: (x.sum_to_size(1, 3), x.sum_to_size((3,))), [(2, 3)], [INTEGERS],
                      [np.uint8(INTEGERS % 256)], [np.int32(INTEGERS)], [MASK]),
    "cat": [
        *on(lambda m, *xs: m.cat(xs), [(2, 3), (1, 3)], [(2,)], [(2,), (0,), (1,)], [(0,), (2, 2)]),
        *on(lambda m, *xs: (m.cat(xs, 1), m.cat(xs, dim=-1)), [(2, 1), (2, 2)], [(2, 0), (2, 1)]),
        *on(lambda m, *xs: m.cat(xs), [(2, 3), INTEGERS], [INTEGERS, MASK], [MASK, MASK]),
        *on(lambda m, x: m.cat([x, x]), [(2,)]),
    ],
    "stack": [
        *on(lambda m, *xs: (m.stack(xs), m.stack(xs, 1)), [(2,), (2,)], [(2, 1), (2, 1)], [(0,)]),
        *on(lambda m, *xs: m.stack(xs, dim=-1), [(), ()], [(2, 3), INTEGERS], [MASK, INTEGERS]),
    ],
    "flip": [
        *on(lambda m, x: (m.flip(x, (0, 1)), x.flip(-1), x.flip([0])), [(2, 3)], [(2, 0)]),
        *on(lambda m, x: m.flip(x, ()), [()], [(2,)]),
    ],
    "ravel": on(lambda m, x: (m.ravel(x), x.t().ravel()), [(2, 3)], [()], [(0, 2)]),
    "unflatten": [
        *on(lambda m, x: (m.unflatten(x, 1, (2, 2)), x.unflatten(-1, [-1, 1, 4])), [(2, 4)]),
        *on(lambda m, x: x.unflatten(dim=0, sizes=(-1, 2)), [(0,)], [(4, 1)]),
    ],
    "split": [
        *on(lambda m, x: (m.split(x, 2), x.split(2, dim=1), x.split([0, 2, 1], -1)), [(2, 3)], [INTEGERS], [(0, 3)]),
        *on(lambda m, x: (x.split(split_size=5), m.split(x, (1, 1))), [(2,)]),
        *on(lambda m, x: (x.split(0), x.split(3), x.split([0])), [(0,)]),
    ],
    "chunk": [
        *on(lambda m, x: (m.chunk(x, 2), x.chunk(chunks=3, dim=1), x.chunk(9, -1)), [(2, 4)], [(0, 3)]),
    ],
    "tril": on(lambda m, x: (m.tril(x), x.tril(1), x.tril(diagonal=-1)), [(2, 3)], [(2, 3, 2)], [MASK], [(0, 2)]),
    "triu": on(lambda m, x: (m.triu(x), x.triu(-1), x.triu(diagonal=4)), [(3, 2)], [INTEGERS], [(1, 2, 2)]),
    "roll": [
        *on(lambda m, x: (m.roll(x, 1), x.roll(-2, 1), x.roll(shifts=(1, 5), dims=(0, -1))), [(2, 3)], [(0, 2)]),
        *on(lambda m, x: (m.roll(x, 4), x.roll((3,), ())), [()], [(3,)], [MASK]),
    ],
    "repeat": [
        *on(lambda m, x: (x.repeat(2, 1), x.repeat((1, 2, 2)), x.repeat(repeats=(1, 1)), x.repeat(0, 2)), [(2, 2)]),
        *on(lambda m, x: (x.repeat(3), x.repeat(())), [()]),
        *on(lambda m, x: x.repeat(2), [(0,)], [(3,)]),
    ],
    "contiguous": on(lambda m, x: (x.contiguous(), x.t().contiguous()), [(2, 3)]),
    "to": [
        *on(lambda m, x: (x.to(m.float64), x.double(), x.to(x), x.to("cpu")), [(2, 3)]),
        *on(lambda m, x: (x.long(), x.int(), x.bool(), x.to(dtype=m.uint8)), [positive(3)], [INTEGERS]),
        *on(lambda m, x, y: (x.type_as(y), y.to(x), x.to(y, copy=True)), [INTEGERS, (3,)]),
        *on(lambda m, x: (x.double() + x, x.to(x.dtype, copy=True)), [(2, 3)]),
    ],
}

EDGES = {
    "cat of nothing": [
        *on(lambda m, *xs: m.cat(xs), [(0,), INTEGERS], [INTEGERS, (0,)], [INTEGERS[0], (0,)], [(0,), (0,)]),
        *on(lambda m, *xs: m.cat(xs, 1), [INTEGERS, (0,), (2, 0)]),
    ],
    "casts": [
        *on(lambda m, x: (x.float(), x.float() * x, x.to(m.float32).to(m.float64)), [(2, 3)]),
        *on(lambda m, x: (x.bool(), (x * 100).to(m.uint8), (-x).int(), x.long()), [[0.0, 1.7, 2.5, NAN][:3]]),
    ],
    "writes through views": [
        *on(lambda m, x, y: write(m, x, y, lambda z: z[:, 1:]), [(2, 3), (2, 2)]),
        *on(lambda m, x, y: write(m, x, y, lambda z: z.transpose(0, 1)[-1]), [(2, 3), (2,)]),
        *on(lambda m, x, y: write(m, x, y, lambda z: z.permute(1, 0).unflatten(0, (3, 1))), [(2, 3), (2,)]),
        *on(lambda m, x, y: write(m, x, y, lambda z: z.broadcast_to((1, 2, 3)).ravel()), [(2, 3), (6,)]),
    ],
    "layouts": [
        *on(lambda m, x: (m.cat([x.t(), x.t()]).view(-1), x.t().tril().view(-1)), [(2, 3)]),
    ],
    "numpy's names of shapes": [
        *on(lambda m, x: (m.cat([x, x], axis=1), m.concat([x, x], axis=0), m.stack([x, x], axis=1)), [(1, 2)]),
        *on(lambda m, x: (x.squeeze(axis=0), x.unsqueeze(axis=1), x.chunk(2, axis=1)), [(1, 2)]),
        *on(lambda m, x: x.squeeze(np.int64(0)), [(1, 2)]),
        *on(lambda m, x, i: (x.gather(axis=1, index=i), x.scatter(axis=1, index=i, value=2.0)), [(1, 2), [[1]]]),
    ],
    "reversed": on(lambda m, x: reversed(x), [(2, 3)], [()], [(0,)]),
    "NaN outside the triangle": on(lambda m, x: (x.tril(), x.triu(1), x.diag()), [NAN_ROWS]),
}  # fmt: skip


def one(m, *shape):
    return m.ones(*shape)


ERRORS = {
    "unflatten": (lambda m: one(m, 2, 4).unflatten(1, (3, 2)), RuntimeError, ["[3, 2]", "4"]),
    "unflatten to nothing": (lambda m: one(m, 2).unflatten(0, ()), RuntimeError, ["sizes"]),
    "split 0": (lambda m: one(m, 3).split(0), RuntimeError, ["split_size", "3", "0"]),
    "split negative": (lambda m: one(m, 3).split(-1), RuntimeError, ["non-negative", "-1"]),
    "split sum": (lambda m: one(m, 3).split([1, 1]), RuntimeError, ["3", "[1, 1]"]),
    "split list negative": (lambda m: one(m, 3).split([4, -1]), RuntimeError, ["non-negative", "[4, -1]"]),
    "split float": (lambda m: one(m, 3).split(1.5), TypeError, ["split", "float"]),
    "split 0-d": (lambda m: m.tensor(1.0).split(1), RuntimeError, ["split", "1-dim"]),
    "split dim": (lambda m: one(m, 3).split(1, 1), IndexError, ["[-1, 0]", "1"]),
    "chunk 0": (lambda m: one(m, 3).chunk(0), RuntimeError, ["chunks", "0"]),
    "chunk float": (lambda m: one(m, 3).chunk(2.0), TypeError, ["chunks", "float"]),
    "diag of a stack": (lambda m: one(m, 2, 2, 2).diag(), RuntimeError, ["diag", "3D"]),
    "tril of a vector": (lambda m: one(m, 2).tril(), RuntimeError, ["tril", "2 dim"]),
    "triu float": (lambda m: one(m, 2, 2).triu(0.5), TypeError, ["diagonal", "float"]),
    "roll counts": (lambda m: one(m, 2, 3).roll((1, 2), 0), RuntimeError, ["(1, 2)", "(0,)"]),
    "roll without shifts": (lambda m: one(m, 2).roll(()), RuntimeError, ["shifts"]),
    "roll far": (lambda m: one(m, 2).roll(1, 1), IndexError, ["[-1, 0]"]),
    "roll float": (lambda m: one(m, 2).roll(0.5), TypeError, ["shifts", "float"]),
    "repeat few": (lambda m: one(m, 2, 3).repeat(2), RuntimeError, ["[2]", "[2, 3]"]),
    "repeat negative": (lambda m: one(m, 2).repeat(-1), RuntimeError, ["[-1]"]),
    "repeat float": (lambda m: one(m, 2).repeat(2.0), TypeError, ["repeat", "float"]),
    "repeat without end": (lambda m: one(m, 2).repeat(2**62, 4), RuntimeError, ["repeat", "overflow"]),
    "permute of too many": (lambda m: one(m, 3).permute(1, 0), RuntimeError, ["permute", "1", "2"]),
    "reshape by a number": (lambda m: m.reshape(one(m, 6), 6), TypeError, ["shape", "int"]),
    "flip by a number": (lambda m: m.flip(one(m, 6), 0), TypeError, ["dims", "int"]),
}  # fmt: skip
