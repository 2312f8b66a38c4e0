"""The operators, a class each or a row of a table: `forward` on arrays and `backward` on tensors side by side.

| file | what is in it |
|---|---|
| `elementwise.py` | arithmetic, where, clamp, maximum ... and broadcasting |
| `unary.py` | exp, log, relu, floor ...: functions of one number; the activations |
| `compare.py` | comparisons and logic |
| `table.py` | how an operator is made from a formula and its derivatives |
| `reduce.py` | sum, mean, var, amax, norm, cumsum, all ... |
| `sort.py` | max, argmax, sort, topk ... |
| `shape.py` | reshape, permute, expand, split ...: views of the same memory |
| `arrange.py` | cat, stack, flip, roll, repeat, tril ...: copies |
| `index.py` | `x[...]` for reading and for writing, gather, scatter ... |
| `inplace.py`, `fill.py` | what happens to the history of a tensor that is written in place; fill_, copy_ ... |
| `matmul.py`, `einsum.py` | matrix products and the linear layer; sums of products by letters |
| `conv.py` | convolution of 1 to 3 dimensions, and its two gradients |
| `pad.py`, `fold.py` | borders; windows as columns and back |
| `pool.py` | max and average pooling, adaptive pooling |
| `norm.py`, `dropout.py` | batch and layer normalisation; dropout |
| `loss.py` | softmax, cross-entropy and their kind |
| `create.py` | tensors from data, constants and random numbers |
"""
