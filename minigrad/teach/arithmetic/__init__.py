"""One number and how it comes about: the sum of an output cell, of a gradient cell, a row of a matrix.

    explain         the public functions: which kind of sum it is
    calls           which function was called, and with what
    history         the same, read off the history of a result
    convs           a convolution of any kind as positions, for conv_sums, the sums of its cells and gradients
    formulas        the sums of everything else; gradient_sums, their gradients
    sums            a sum, written out and drawn
    matrix          a convolution as its matrix
"""
