"""What the layers of a model do to shapes and positions, seen in one run of it.

    runs            one run, watched; fields, what each cell in it sees of the input
    receptive       receptive fields
    equivariance    whether a shifted input gives the shifted output
    summary         the layers with their shapes, parameters and multiply-adds
"""
