"""Functions of one number, and activations."""

import numpy as np
from helpers import INF, INTEGERS, MASK, POSITIVE, SHAPES, SPECIAL, F, on

BYTES = np.uint8([0, 1, 255])
# Where exponentials overflow and logarithms and error functions lose digits.
LARGE = [20.0, 20.5, -20.5, 88.0, -88.0, 100.0, -100.0, 750.0, -750.0, 1e-9, -1e-9, 3.0, -3.0, 6.0, -7.5]
HALVES = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.49999997, 8388609.0, -0.2]

ANYWHERE = "exp exp2 expm1 sin cos tanh sigmoid erf".split()
WHERE_POSITIVE = "log log2 log10 log1p sqrt rsqrt reciprocal tan".split()
WHOLE = "neg abs sign floor ceil trunc round".split()


def unary(name, *inputs):
    return on(lambda m, x: (getattr(m, name)(x), getattr(x, name)()), *inputs)


ACTIVATIONS = {
    "leaky_relu": lambda m, x: (F(m).leaky_relu(x), F(m).leaky_relu(x, 0.3), F(m).leaky_relu(x, negative_slope=-2)),
    "elu": lambda m, x: (F(m).elu(x), F(m).elu(x, 0.3), F(m).elu(x, alpha=-2)),
    "gelu": lambda m, x: (F(m).gelu(x), F(m).gelu(x, approximate="tanh")),
    "silu": lambda m, x: F(m).silu(x),
    "softplus": lambda m, x: (F(m).softplus(x), F(m).softplus(x, 2, 1.5), F(m).softplus(x, beta=0.3, threshold=-1)),
    "logsigmoid": lambda m, x: F(m).logsigmoid(x),
    "relu6": lambda m, x: F(m).relu6(x),
}

OPERATORS = {
    **{name: unary(name, *SHAPES, [INTEGERS], [MASK], [BYTES]) for name in ANYWHERE},
    **{name: unary(name, *POSITIVE, [INTEGERS + 10], [MASK], [BYTES]) for name in WHERE_POSITIVE},
    **{name: unary(name, *SHAPES, [INTEGERS], [BYTES]) for name in WHOLE},
    **{name: on(function, *SHAPES) for name, function in ACTIVATIONS.items()},
    "relu": on(lambda m, x: (m.relu(x), F(m).relu(x), x.relu()), *SHAPES, [INTEGERS], [BYTES]),
}
OPERATORS["neg"] += on(lambda m, x: -x, [(2,)])
OPERATORS["abs"] += on(lambda m, x: abs(x), [(2,)])
OPERATORS["sign"] += unary("sign", [MASK])
OPERATORS["round"] += on(
    lambda m, x: (m.round(x, decimals=1), x.round(decimals=-1), m.round(x, decimals=0)), [(2, 3)]
)
OPERATORS["relu6"] += on(lambda m, x: F(m).relu6(x), [INTEGERS], [BYTES])

# With 8 numbers or more, PyTorch's vectors say gelu(inf) = nan and that NaN has a gradient of 0; not with fewer.
UNSURE, FINITE = ("gelu", "relu6"), [x for x in SPECIAL if abs(x) < INF]

EDGES = {
    **{name: unary(name, [SPECIAL], [LARGE]) for name in [*ANYWHERE, *WHERE_POSITIVE, *WHOLE, "relu"]},
    **{name: on(function, [SPECIAL], [LARGE]) for name, function in ACTIVATIONS.items() if name not in UNSURE},
    **{name: on(ACTIVATIONS[name], [FINITE], [LARGE]) for name in UNSURE},
    "ties": on(lambda m, x: (x.round(), x.floor(), x.ceil(), x.trunc(), x.round(decimals=1)), [HALVES]),
    "tens": on(lambda m, x: (x.round(decimals=-1), x.round(decimals=2)), [[125.0, -135.0, 0.125, *SPECIAL]]),
    "written into the input": on(
        lambda m, x: [f((x * 1).clone(), inplace=True) for f in (
            F(m).relu, F(m).leaky_relu, F(m).elu, F(m).silu, F(m).relu6)], [(5,)], [SPECIAL[:6]]),
    "in place": on(
        lambda m, x: [getattr((x * 1).clone(), f"{name}_")() for name in [*ANYWHERE, *WHERE_POSITIVE, *WHOLE, "relu"]
                      if name not in ("erf", "exp2")],
        [SPECIAL]),
}  # fmt: skip

ERRORS = {
    **{
        f"bool {name}": (lambda m, name=name: getattr(m, name)(m.tensor([True])), exception, [name, "Bool"])
        for name, exception in {"neg": RuntimeError, "relu": RuntimeError, "abs": NotImplementedError,
                                "floor": NotImplementedError, "round": NotImplementedError}.items()
    },
    **{
        f"integers for {name}": (
            lambda m, name=name: getattr(F(m), name)(m.tensor([1])), NotImplementedError, [name, "Long"]
        )
        for name in ("leaky_relu", "elu", "gelu", "silu", "softplus", "logsigmoid")
    },
    "bool relu6": (lambda m: F(m).relu6(m.tensor([True])), RuntimeError, ["relu6", "Bool"]),
    "kind of gelu": (lambda m: F(m).gelu(m.ones(2), approximate="erf"), RuntimeError, ["approximate", "erf"]),
    "slope": (lambda m: F(m).leaky_relu(m.ones(2), "0.1"), TypeError, ["negative_slope", "str"]),
    "alpha": (lambda m: F(m).elu(m.ones(2), None), TypeError, ["alpha", "NoneType"]),
    "beta": (lambda m: F(m).softplus(m.ones(2), beta=[1]), TypeError, ["beta", "list"]),
    "decimals": (lambda m: m.round(m.ones(2), decimals=1.5), TypeError, ["decimals", "float"]),
    "decimals of integers": (lambda m: m.round(m.tensor([15]), decimals=-1), NotImplementedError, ["round", "Long"]),
    "decimals by position": (lambda m: m.round(m.ones(2), 1), TypeError, ["positional"]),
    "relu in place of a leaf": (
        lambda m: F(m).silu(m.ones(2, requires_grad=True), inplace=True), RuntimeError, ["leaf"]
    ),
}  # fmt: skip

