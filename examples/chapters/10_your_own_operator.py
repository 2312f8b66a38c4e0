# %% [markdown]
# # 10. Your own operator
#
# What walks back through the graph is called **autograd**. It can go through whatever is made of operators that it
# knows. This chapter adds one that it does not know, shows how to be sure that its gradient is right, and what happens
# when it is not.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import minigrad as torch
from minigrad import teach
from minigrad.autograd import Function, GradcheckError, gradcheck, gradgradcheck
from minigrad.engine import Operator

PICTURES = Path("runs/chapters")
PICTURES.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# ## One class, two methods
#
# Softsign is y = x / (1 + |x|). It bends any number into the range from -1 to 1. Its slope is 1 / (1 + |x|)².
#
# - `forward` gets NumPy arrays and computes y. `apply` calls it, and writes the operator into the graph.
# - `backward` gets `g`, the gradient of y, and returns the gradient of x: by the chain rule, `g` times the slope.
#   It works on tensors, with operators, so it can be differentiated again.
# - `uses` says what to keep for `backward`: the gradient of input 0 needs input 0. (The README has one of two inputs.)

# %%
class Softsign(Operator):
    """y = x / (1 + |x|);  dx = g / (1 + |x|)^2."""

    uses = ((0,),)

    def forward(self, x):
        return x / (1 + np.abs(x))

    def backward(self, g):
        (x,) = self.inputs
        return (g / (1 + x.abs()) ** 2,)


x = torch.tensor([-3.0, 0.5, 1.0], dtype=torch.float64, requires_grad=True)
Softsign.apply(x).sum().backward()
print(Softsign.apply(x))

# %% [markdown]
# ## Is the rule right?
#
# A slope can be measured without any rule. Move x a little to both sides and see how far y moves.
# That is slow and not exact, but it does not use our `backward`. So it is a fair judge.

# %%
def slope(x, eps=1e-6):
    return (Softsign.apply(x + eps) - Softsign.apply(x - eps)) / (2 * eps)


print("measured:   ", slope(x.detach()))
print("by our rule:", x.grad)

# %% [markdown]
# `gradcheck` does this for each number of each input, and `gradgradcheck` does it for the gradient of the gradient.
# Both need float64. In float32, which keeps about 7 digits in place of 16, so small a step is lost in rounding.

# %%
print("gradcheck:", gradcheck(Softsign.apply, x), "gradgradcheck:", gradgradcheck(Softsign.apply, x))

# %% [markdown]
# ## A wrong rule is caught
#
# Here somebody forgot the square. The sign is right everywhere, so a network may still learn with it, only worse.
# The check prints two tables of slopes (such a table is a **Jacobian**), "numerical" as measured and "analytical" by
# the rule: a row for each number of x, a column for each number of y. They are 0 off the diagonal, since each y
# depends on its own x alone. In `10_slopes.png` the measured dots lie on our rule, and not on the careless one.

# %%
class Careless(Softsign):
    def backward(self, g):
        return (g / (1 + self.inputs[0].abs()),)


try:
    gradcheck(Careless.apply, x)
except GradcheckError as error:
    print(error)

points = torch.linspace(-4, 4, 33, dtype=torch.float64)
figure, axes = plt.subplots(figsize=(7, 3.8), layout="constrained")
for operator, name, style in ((Softsign, "our rule", "-"), (Careless, "the careless rule", "--")):
    x = points.clone().requires_grad_()
    operator.apply(x).sum().backward()
    axes.plot(points, x.grad, style, label=name)
axes.plot(points, slope(points), "ko", markersize=4, label="as measured")
axes.set(xlabel="x", ylabel="slope of softsign", title="Measured slopes tell a right rule from a wrong one")
axes.legend(frameon=False)
figure.savefig(PICTURES / "10_slopes.png", dpi=150)

# %% [markdown]
# ## PyTorch's form
#
# PyTorch has another form for the same thing, and it runs here too. Both methods see tensors, and `ctx`, the context,
# carries from `forward` to `backward` what is needed there.

# %%
class SoftsignFunction(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x / (1 + x.abs())

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g / (1 + x.abs()) ** 2


x = points.clone().requires_grad_()
print("the same numbers:", torch.equal(SoftsignFunction.apply(x), Softsign.apply(x)))
print("gradcheck:", gradcheck(SoftsignFunction.apply, x))

# %% [markdown]
# ## Exercises
#
# 1. Write the gradient rule of tanh, whose slope is 1 - tanh². `y` is what forward gave, `g` the gradient that arrives.
# 2. Write the judge yourself: move one number of `x` at a time, to both sides, as `slope` does.
# 3. Added to a tensor of shape (2, 3), an x of shape (3,) is repeated, once for each row. This is **broadcasting**.
#    Write the way back: `shape` is that of x, and `g` the gradient of what was repeated.

# %%
def my_tanh_backward(y, g): ...

teach.check("tanh_backward", my_tanh_backward)

def my_numeric_gradient(f, x, eps): ...

teach.check("numeric_gradient", my_numeric_gradient)

def my_unbroadcast(g, shape): ...

teach.check("unbroadcast", my_unbroadcast)

# %% [markdown]
# Next: the best judge of all, another library.
