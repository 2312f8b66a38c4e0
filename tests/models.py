"""Models written once for both libraries: m is minigrad or torch."""


def lenet(m):
    """LeNet-5 as courses write it, in either library."""

    class LeNet5(m.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = m.nn.Conv2d(1, 20, 5, 1)
            self.conv2 = m.nn.Conv2d(20, 20, 5, 1)
            self.fc1 = m.nn.Linear(20 * 5 * 5, 500)
            self.fc2 = m.nn.Linear(500, 10)

        def forward(self, x):
            f = m.nn.functional
            x = f.max_pool2d(f.relu(self.conv1(x)), 2, 2)
            x = f.max_pool2d(f.relu(self.conv2(x)), 2, 2)
            return self.fc2(f.relu(self.fc1(x.view(-1, 20 * 5 * 5))))

    return LeNet5()


def mlp(m):
    n = m.nn
    return n.Sequential(n.Flatten(), n.Linear(784, 64), n.Tanh(), n.Linear(64, 10, bias=False))


def tree(m):
    """A model with all that can be registered: nested, shared, empty, a buffer, a list."""
    n = m.nn

    class Block(n.Module):
        def __init__(self, width):
            super().__init__()
            self.scale = n.Parameter(m.ones(width))
            self.linear = n.Linear(width, width)
            self.register_buffer("count", m.zeros(2))
            self.register_buffer("scratch", m.zeros(3), persistent=False)
            self.skip = None

    class Tree(n.Module):
        def __init__(self):
            super().__init__()
            self.blocks = n.ModuleList([Block(2), Block(3)])
            self.body = n.Sequential(n.Conv2d(1, 2, (3, 2), groups=1, bias=False), n.ReLU(), Block(4))
            self.again = self.blocks[0]  # the same module under two names
            self.tied = self.blocks[1].linear.weight  # the same parameter under two names
            self.register_parameter("nothing", None)
            self.last = n.Parameter(m.zeros(()))

    return Tree()
