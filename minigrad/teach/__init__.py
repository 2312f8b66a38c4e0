"""What shows how minigrad works, and is not needed to use it.

    loops    convolution and pooling as the textbook's loops
    d2l      what the cells of "Dive into Deep Learning" take from its package, for `minigrad.run`
"""

from . import loops
