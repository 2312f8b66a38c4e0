"""What shows how minigrad works, and is not needed to use it.

    arithmetic/    explain, explain_grad, matrix: the sum of one output cell or gradient cell, written out; the
                   matrix of a convolution, weights by name
    models/        receptive_field, equivariance, summary: what the layers of a model see and do
    graphs/        backward_steps, graph: backward one operator at a time; a picture of values and gradients
    exercises/     check, exercises: judge an attempt at an exercise, and name the misconception
    page/          the page of `python -m minigrad.teach`, on which a convolution can be watched and changed;
                   animate: the same as a film, of your own tensors
    ladder         from a dense layer to a convolution: weights, bytes, and layers that agree
    shapes         solve: the sizes of a convolution, for any unknown, in PyTorch's and d2l's terms
    show           matrices side by side
    watch          warnings for mistakes that raise no error
    loops          convolution and pooling as the textbook's loops
    d2l            what the cells of "Dive into Deep Learning" take from its package, for `minigrad.run`

All of them stand on explanation (text, picture, file), drawing (grids of numbers and colours), notation (how
numbers and elements are written), arguments (checks) and geometry (what each window sees, as a table).
"""

from . import loops
from .arithmetic.explain import explain, explain_grad
from .arithmetic.matrix import matrix
from .exercises import check, exercises
from .graphs.backward import backward_steps, graph
from .ladder import ladder
from .models.equivariance import equivariance
from .models.receptive import receptive_field
from .models.summary import summary
from .page.animate import animate
from .shapes import solve
from .show import show
from .watch import TeachingWarning, watch
