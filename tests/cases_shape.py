"""Other shapes of the same numbers, and the same numbers in another dtype."""

from helpers import INTEGERS, MASK, NAN, F, on, positive

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
    "sum_to_size": on(lambda m, x: (x.sum_to_size(1, 3), x.sum_to_size((3,))), [(2, 3)]),
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
    "pad": [
        *on(lambda m, x: F(m).pad(x, (1, 2)), [(3,)], [(2, 3)], [(0,)], [INTEGERS]),
        *on(lambda m, x: F(m).pad(x, (1, 0, 0, 2), value=1.5), [(2, 3)], [(2, 1, 2)]),
        *on(lambda m, x: F(m).pad(x, (-1, 1, 1, -1)), [(2, 3)]),
        *on(lambda m, x: F(m).pad(x, [-1, -1], "constant", 3), [(2, 3)]),
        *on(lambda m, x: F(m).pad(x, ()), [()], [(2,)]),
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
    "casts": [
        *on(lambda m, x: (x.float(), x.float() * x, x.to(m.float32).to(m.float64)), [(2, 3)]),
        *on(lambda m, x: (x.bool(), (x * 100).to(m.uint8), (-x).int(), x.long()), [[0.0, 1.7, 2.5, NAN][:3]]),
    ],
}  # fmt: skip
