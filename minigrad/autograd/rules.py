"""What every operator computes, and the rule of its gradient, as one writes them on a blackboard.

The rules that run are those of `minigrad/ops`; these are their texts, for `backward_steps`. z is the output,
g its gradient, dx the gradient of the input x. `·` is a product element by element, `@` one of matrices, `*` a
cross-correlation. The inputs stand in the order in which the operator takes them.
"""

import re

from ..ops import conv, elementwise, loss, reduce

RULES = {
    # ---- arithmetic
    "Add": "z = x + y;  dx = g,  dy = g",
    "Sub": "z = x - y;  dx = g,  dy = -g",
    "Mul": "z = x · y;  dx = g · y,  dy = g · x",
    "Div": "z = x / y;  dx = g / y,  dy = -g · x / y²",
    "Pow": "z = x^y;  dx = g · y · x^(y-1),  dy = g · z · log x",
    "Remainder": "z = x - y · floor(x / y);  dx = g,  dy = -g · floor(x / y)",
    "FloorDivide": "z = floor(x / y);  it has no gradient",
    elementwise.FloorDiv: "z = floor(x / y);  dx = 0,  dy = 0: a staircase is flat",
    elementwise.TruncDiv: "z = x / y rounded towards 0;  dx = 0,  dy = 0: a staircase is flat",
    "Maximum": "z = the larger of x and y;  dx = g where x is larger,  dy = g where y is, half each where equal",
    "Minimum": "z = the smaller of x and y;  dx = g where x is smaller,  dy = g where y is, half each where equal",
    "Keep": "z = x, which is kept;  dx = g, as if it depended on x",
    "Flat": "z = x, a gradient, as if it depended on y;  dx = g,  dy = 0",
    "Clone": "z = a copy of x;  dx = g",
    "Where": "z = x where the condition c holds, else y;  dc = 0,  dx = g where c holds,  dy = g elsewhere",
    "Clamp": "z = x kept between a and b;  dx = g where x is inside,  da = g where x < a,  db = g where x > b",
    "ToCopy": "z = x in another dtype;  dx = g, in x's dtype",
    # ---- functions of one number
    "Neg": "z = -x;  dx = -g",
    "Abs": "z = |x|;  dx = g · sign x",
    "Exp": "z = e^x;  dx = g · z",
    "Exp2": "z = 2^x;  dx = g · z · log 2",
    "Expm1": "z = e^x - 1;  dx = g · (z + 1)",
    "Log": "z = log x;  dx = g / x",
    "Log2": "z = log x to base 2;  dx = g / (x · log 2)",
    "Log10": "z = log x to base 10;  dx = g / (x · log 10)",
    "Log1P": "z = log(1 + x);  dx = g / (1 + x)",
    "Sqrt": "z = √x;  dx = g / (2 · z)",
    "Rsqrt": "z = 1 / √x;  dx = -g · z³ / 2",
    "Reciprocal": "z = 1 / x;  dx = -g · z²",
    "Sin": "z = sin x;  dx = g · cos x",
    "Cos": "z = cos x;  dx = -g · sin x",
    "Tan": "z = tan x;  dx = g · (1 + z²)",
    "Tanh": "z = tanh x;  dx = g · (1 - z²)",
    "Sigmoid": "z = 1 / (1 + e^-x);  dx = g · z · (1 - z)",
    "Erf": "z = erf x;  dx = g · 2/√π · e^(-x²)",
    "Sign": "z = the sign of x;  dx = 0: a staircase is flat",
    "Floor": "z = x rounded down;  dx = 0: a staircase is flat",
    "Ceil": "z = x rounded up;  dx = 0: a staircase is flat",
    "Trunc": "z = x rounded towards 0;  dx = 0: a staircase is flat",
    "Round": "z = x rounded;  dx = 0: a staircase is flat",
    # ---- activations
    "Relu": "z = max(x, 0);  dx = g where z > 0, else 0",
    "ReluGrad": "z = x where y > 0, else 0;  dx = g where y > 0, else 0",
    "LeakyRelu": "z = x where x > 0, else a · x;  dx = g where x > 0, else a · g",
    "Elu": "z = x where x > 0, else a · (e^x - 1);  dx = g where x > 0, else g · a · e^x",
    "Gelu": "z = x · Φ(x), Φ the normal distribution function;  dx = g · (Φ(x) + x · Φ'(x))",
    "Silu": "z = x · s, s = sigmoid x;  dx = g · s · (1 + x · (1 - s))",
    "Softplus": "z = log(1 + e^(b·x)) / b;  dx = g · sigmoid(b·x)",
    "LogSigmoid": "z = log sigmoid x;  dx = g · sigmoid(-x)",
    "Hardtanh": "z = x kept between two bounds;  dx = g where x is inside, else 0",
    # ---- shapes: the same numbers in other places
    "View": "z = x in another shape;  dx = g in x's shape",
    "Permute": "z = x with its dimensions in another order;  dx = g in the old order",
    "Expand": "z = x, repeated;  dx = g, summed over what was repeated",
    "SumTo": "z = x, summed to a smaller shape;  dx = g, repeated",
    "Cat": "z = the inputs one after the other;  each gets its piece of g",
    "Flip": "z = x flipped;  dx = g flipped",
    "Roll": "z = x rolled;  dx = g rolled back",
    "GetItem": "z = x[index];  dx = zeros, with g added at the index",
    "AddItem": "z = zeros, with x added at the index;  dx = g[index]",
    "SetItem": "z = x with y written at the index;  dx = g, but 0 at the index,  dy = g[index]",
    "CopySlices": "z = x with y written into a view of it;  dx = g, but 0 in the view,  dy = g in the view",
    "ConstantPadNd": "z = x with a border;  dx = g without the border",
    "Im2Col": "z = the windows of x, each as a column;  dx = zeros, with g added where each window lies",
    "Col2Im": "z = zeros, with the columns of x added where each window lies;  dx = the windows of g",
    # ---- reductions
    "Sum": "z = the sum of x;  dx = g, repeated",
    "Mean": "z = the sum of x / n;  dx = g / n, repeated",
    "Var": "z = the sum of (x - mean)² / (n - 1);  dx = g · 2 · (x - mean) / (n - 1)",
    "Std": "z = √x, x a variance;  dx = g / (2 · z)",
    "Extremum": "z = the largest (smallest) of x;  dx = g at the elements that reach it, shared evenly",
    "Logsumexp": "z = log of the sum of e^x;  dx = g · e^(x - z)",
    "Cumsum": "z = x[0] + ... + x[i];  dx = g[i] + ... + g[n]",
    "LinalgVectorNorm": "z = x^(1/p), x a sum of p-th powers;  dx = g · z^(1-p) / p",
    # ---- matrices, convolution, pooling
    "Mm": "z = x @ y;  dx = g @ y^T,  dy = x^T @ g",
    "Addmm": "z = x @ w^T + b;  dx = g @ w,  dw = g^T @ x,  db = the sum of g's rows",
    "Convolution": "z = x * w + b;  dx = g * flipped w, padded,  dw = x * g, over the batch,  "
                   "db = the sum of g over each channel",
    conv.ConvInputGrad: "z = x times the transposed convolution matrix of w;  dx = g * w,  dw = g * x, over the batch",
    "ConvolutionWeight": "z = x * y, over the batch;  dx = y times the transposed matrix of g,  dy = x * g",
    "MaxPool": "z = the largest of each window of x;  dx = zeros, with g added where the largest stood",
    "MaxPoolScatter": "z = zeros, with x added where the largest stood;  dx = g at these places",
    "MaxPoolGather": "z = x where the largest stood;  dx = zeros, with g added at these places",
    # ---- normalisation and losses
    "Normalise": "z = (x - mean) / s;  dx = (g - mean of g - z · mean of g·z) / s",
    "Softmax": "z = e^x / sum of e^x;  dx = z · (g - sum of g·z)",
    "LogSoftmax": "z = x - log of the sum of e^x;  dx = g - softmax x · sum of g",
    "CrossEntropy": "z = log of the sum of e^x - x[label], its mean;  dx = g · (softmax x - one-hot label) / n",
    "BinaryCrossEntropy": "z = -y · log x - (1 - y) · log(1 - x);  dx = g · (x - y) / (x · (1 - x)),  "
                          "dy = g · (log(1 - x) - log x)",
    "SmoothL1Loss": "z = x² / (2·beta) near 0, else |x| - beta / 2;  dx = g · x / beta near 0, else g · sign x",
    "Once": "z = x, a gradient;  it has no derivative of its own",
    "AccumulateGrad": "a leaf: its gradient is added to .grad",
}  # fmt: skip


def rule_of(operator):
    """The text of an operator's rule; of one that stands in no table, the first line of its docstring."""
    kind = type(operator)
    found = RULES.get(kind) or RULES.get(kind.__name__)
    if found is None:
        text = getattr(operator, "function", kind).__doc__ or ""  # `function` is that of an autograd.Function
        found = text.strip().partition("\n")[0].rstrip(".") or "the rule of its own `backward`"
    if isinstance(operator, reduce.Extremum):
        found = found.replace("largest (smallest)", "largest" if "max" in operator.kind else "smallest")
    elif isinstance(operator, loss.CrossEntropy) and (operator.each or operator.scale == 1):
        found = found.replace(", its mean", "" if operator.each else ", its sum").replace(" / n", "")
    return found


def letters(rule, count):
    """What a rule calls the inputs of its operator: the x of "dx = g"."""
    named = re.findall(r"\bd(\w) = ", rule)
    return named if len(named) == count else (named + [f"{i + 1}" for i in range(len(named), count)])[:count]
