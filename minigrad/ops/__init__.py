"""The operators: one class each, `forward` on arrays and `backward` on tensors side by side.

| file | what is in it |
|---|---|
| `elementwise.py` | arithmetic, comparisons, exp, log, relu, where ... and broadcasting |
| `reduce.py` | sum, mean, var, max, argmax, prod ... |
| `shape.py` | reshape, permute, expand, cat, stack, flip, pad |
| `index.py` | `x[...]` for reading and for writing |
| `inplace.py` | what happens to the history of a tensor that is written in place |
| `matmul.py` | matrix products and the linear layer |
| `conv.py` | convolution of any number of dimensions, and its two gradients |
| `pool.py` | max and average pooling |
| `loss.py` | softmax, cross-entropy and their kind |
| `create.py` | tensors from data, constants and random numbers |
"""
