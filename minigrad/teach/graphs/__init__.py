"""The graph behind a result, and the walk back through it.

    backward        the steps of backward, and the graph, as pictures
    tape            the graph as boxes and arrows; tape_drawing draws them
"""
