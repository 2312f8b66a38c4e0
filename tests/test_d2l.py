"""What the chapters on convolution of "Dive into Deep Learning" (d2l.ai) do, with blocks at small size.

Each model and each loop is written once, for m = torch and m = minigrad: from the same seed both must
print the same text and find the same numbers, gradients and weights.
"""

import ast
import re
import struct
import subprocess
import sys

import numpy as np
import pytest
import torch

import minigrad
from minigrad.teach import d2l

LIBRARIES = (minigrad, torch)


def numbers(x):
    return x.detach().numpy() if hasattr(x, "detach") else np.asarray(x)


def same_in_both(function, capsys=None, **tolerance):
    """function(minigrad) and function(torch), each after manual_seed(0), give and print the same."""
    found = []
    for m in LIBRARIES:
        m.manual_seed(0)
        found.append((function(m), capsys.readouterr().out if capsys else ""))
    (mine, ours), (theirs, others) = found
    assert ours == others
    assert_same(mine, theirs, **{"rtol": 1e-5, "atol": 1e-6} | tolerance)
    return mine


def assert_same(mine, theirs, **tolerance):
    if isinstance(theirs, (list, tuple)) and not isinstance(theirs, torch.Size):
        assert len(mine) == len(theirs)
        for x, y in zip(mine, theirs):
            assert_same(x, y, **tolerance)
    elif isinstance(theirs, dict):
        assert mine.keys() == theirs.keys()
        assert_same(list(mine.values()), list(theirs.values()), **tolerance)
    elif isinstance(theirs, str):
        assert mine == theirs
    else:
        np.testing.assert_allclose(numbers(mine), numbers(theirs), **tolerance)


# ---- convolutional layers


def corr2d(m, X, K):
    h, w = K.shape
    Y = m.zeros((X.shape[0] - h + 1, X.shape[1] - w + 1))
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (X[i:i + h, j:j + w] * K).sum()
    return Y


def test_an_edge_detector_is_learned(capsys):
    def learn(m):
        X = m.ones((6, 8))
        X[:, 2:6] = 0
        Y = corr2d(m, X, m.tensor([[1.0, -1.0]]))
        print(X, Y, corr2d(m, X.t(), m.tensor([[1.0, -1.0]])))
        conv2d = m.nn.LazyConv2d(1, kernel_size=(1, 2), bias=False)
        X, Y, lr = X.reshape((1, 1, 6, 8)), Y.reshape((1, 1, 6, 7)), 3e-2
        for i in range(10):
            Y_hat = conv2d(X)
            l = (Y_hat - Y) ** 2
            conv2d.zero_grad()
            l.sum().backward()
            conv2d.weight.data[:] -= lr * conv2d.weight.grad
            if (i + 1) % 2 == 0:
                print(f"epoch {i + 1}, loss {l.sum():.3f}")
        return conv2d.weight.data.reshape((1, 2))

    same_in_both(learn, capsys, atol=1e-5)


def test_padding_and_stride():
    def shapes(m):
        def comp_conv2d(conv2d, X):
            X = X.reshape((1, 1) + X.shape)
            Y = conv2d(X)
            return Y.reshape(Y.shape[2:])

        X = m.rand(size=(8, 8))
        return [
            comp_conv2d(m.nn.LazyConv2d(1, **options), X)
            for options in (
                {"kernel_size": 3, "padding": 1},
                {"kernel_size": (5, 3), "padding": (2, 1)},
                {"kernel_size": 3, "padding": 1, "stride": 2},
                {"kernel_size": (3, 5), "padding": (0, 1), "stride": (3, 4)},
            )
        ]

    mine = same_in_both(shapes)
    assert [tuple(y.shape) for y in mine] == [(8, 8), (8, 8), (4, 4), (2, 2)]


def test_channels(capsys):
    def channels(m):
        def corr2d_multi_in(X, K):
            return sum(corr2d(m, x, k) for x, k in zip(X, K))

        def corr2d_multi_in_out(X, K):
            return m.stack([corr2d_multi_in(X, k) for k in K], 0)

        def corr2d_multi_in_out_1x1(X, K):
            c_i, h, w = X.shape
            c_o = K.shape[0]
            X = X.reshape((c_i, h * w))
            K = K.reshape((c_o, c_i))
            return m.matmul(K, X).reshape((c_o, h, w))

        X = m.tensor([[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]],
                      [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]])
        K = m.tensor([[[0.0, 1.0], [2.0, 3.0]], [[1.0, 2.0], [3.0, 4.0]]])
        print(corr2d_multi_in(X, K))
        K = m.stack((K, K + 1, K + 2), 0)
        print(K.shape, corr2d_multi_in_out(X, K))
        X = m.normal(0, 1, (3, 3, 3))
        K = m.normal(0, 1, (2, 3, 1, 1))
        Y1, Y2 = corr2d_multi_in_out_1x1(X, K), corr2d_multi_in_out(X, K)
        assert float(m.abs(Y1 - Y2).sum()) < 1e-5, "equivalence of 1x1 convolution and matrix product"
        return Y1

    same_in_both(channels, capsys)


# ---- pooling


def test_pooling_by_loops_and_by_layers(capsys):
    def pooling(m):
        def pool2d(X, pool_size, mode="max"):
            p_h, p_w = pool_size
            Y = m.zeros((X.shape[0] - p_h + 1, X.shape[1] - p_w + 1))
            for i in range(Y.shape[0]):
                for j in range(Y.shape[1]):
                    if mode == "max":
                        Y[i, j] = X[i: i + p_h, j: j + p_w].max()
                    elif mode == "avg":
                        Y[i, j] = X[i: i + p_h, j: j + p_w].mean()
            return Y

        X = m.tensor([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]])
        print(pool2d(X, (2, 2)), pool2d(X, (2, 2), "avg"))
        X = m.arange(16, dtype=m.float32).reshape((1, 1, 4, 4))
        print(X, m.nn.MaxPool2d(3)(X), m.nn.MaxPool2d(3, padding=1, stride=2)(X))
        print(m.nn.MaxPool2d((2, 3), stride=(2, 3), padding=(0, 1))(X))
        X = m.cat((X, X + 1), 1)
        print(X, m.nn.MaxPool2d(3, padding=1, stride=2)(X), m.nn.AvgPool2d(kernel_size=2, stride=2)(X))

    def pool_gradient(m):
        X = m.randn(4, 4, requires_grad=True)
        (m.nn.functional.max_pool2d(X[None], 3, 1) * X[1:3, 1:3]).sum().backward()
        return X.grad

    same_in_both(lambda m: pooling(m) or 0, capsys)
    same_in_both(pool_gradient)


# ---- the networks


def init_cnn(m):
    def init(module):
        if type(module) == m.nn.Linear or type(module) == m.nn.Conv2d:  # noqa: E721, as the book has it
            m.nn.init.xavier_uniform_(module.weight)

    return init


def lenet(m):
    n = m.nn
    return n.Sequential(
        n.LazyConv2d(6, kernel_size=5, padding=2), n.Sigmoid(), n.AvgPool2d(kernel_size=2, stride=2),
        n.LazyConv2d(16, kernel_size=5), n.Sigmoid(), n.AvgPool2d(kernel_size=2, stride=2), n.Flatten(),
        n.LazyLinear(120), n.Sigmoid(), n.LazyLinear(84), n.Sigmoid(), n.LazyLinear(10))


def alexnet(m):
    n = m.nn
    return n.Sequential(
        n.LazyConv2d(8, kernel_size=11, stride=4, padding=1), n.ReLU(), n.MaxPool2d(kernel_size=3, stride=2),
        n.LazyConv2d(6, kernel_size=5, padding=2), n.ReLU(), n.LazyConv2d(6, kernel_size=3, padding=1), n.ReLU(),
        n.MaxPool2d(kernel_size=3, stride=2), n.Flatten(), n.LazyLinear(20), n.ReLU(), n.Dropout(p=0.5),
        n.LazyLinear(10))


def vgg(m, arch=((1, 4), (2, 6))):
    n = m.nn

    def vgg_block(num_convs, out_channels):
        layers = []
        for _ in range(num_convs):
            layers.append(n.LazyConv2d(out_channels, kernel_size=3, padding=1))
            layers.append(n.ReLU())
        layers.append(n.MaxPool2d(kernel_size=2, stride=2))
        return n.Sequential(*layers)

    blocks = [vgg_block(num_convs, out_channels) for num_convs, out_channels in arch]
    return n.Sequential(*blocks, n.Flatten(), n.LazyLinear(16), n.ReLU(), n.Dropout(0.5), n.LazyLinear(10))


def nin(m):
    n = m.nn

    def nin_block(out_channels, kernel_size, strides, padding):
        return n.Sequential(
            n.LazyConv2d(out_channels, kernel_size, strides, padding), n.ReLU(),
            n.LazyConv2d(out_channels, kernel_size=1), n.ReLU(),
            n.LazyConv2d(out_channels, kernel_size=1), n.ReLU())

    return n.Sequential(
        nin_block(6, kernel_size=5, strides=2, padding=0), n.MaxPool2d(3, stride=2),
        nin_block(8, kernel_size=3, strides=1, padding=1), n.Dropout(0.5),
        nin_block(10, kernel_size=3, strides=1, padding=1), n.AdaptiveAvgPool2d((1, 1)), n.Flatten())


def googlenet(m):
    n, F = m.nn, m.nn.functional

    class Inception(n.Module):
        def __init__(self, c1, c2, c3, c4, **kwargs):
            super().__init__(**kwargs)
            self.b1_1 = n.LazyConv2d(c1, kernel_size=1)
            self.b2_1 = n.LazyConv2d(c2[0], kernel_size=1)
            self.b2_2 = n.LazyConv2d(c2[1], kernel_size=3, padding=1)
            self.b3_1 = n.LazyConv2d(c3[0], kernel_size=1)
            self.b3_2 = n.LazyConv2d(c3[1], kernel_size=5, padding=2)
            self.b4_1 = n.MaxPool2d(kernel_size=3, stride=1, padding=1)
            self.b4_2 = n.LazyConv2d(c4, kernel_size=1)

        def forward(self, x):
            b1 = F.relu(self.b1_1(x))
            b2 = F.relu(self.b2_2(F.relu(self.b2_1(x))))
            b3 = F.relu(self.b3_2(F.relu(self.b3_1(x))))
            b4 = F.relu(self.b4_2(self.b4_1(x)))
            return m.cat((b1, b2, b3, b4), dim=1)

    return n.Sequential(
        n.Sequential(n.LazyConv2d(4, kernel_size=7, stride=2, padding=3), n.ReLU(),
                     n.MaxPool2d(kernel_size=3, stride=2, padding=1)),
        n.Sequential(Inception(2, (2, 3), (1, 2), 2), Inception(3, (2, 4), (2, 3), 2),
                     n.MaxPool2d(kernel_size=3, stride=2, padding=1), n.AdaptiveAvgPool2d((1, 1)), n.Flatten()),
        n.LazyLinear(10))


def residual(m):
    n, F = m.nn, m.nn.functional

    class Residual(n.Module):
        def __init__(self, num_channels, use_1x1conv=False, strides=1):
            super().__init__()
            self.conv1 = n.LazyConv2d(num_channels, kernel_size=3, padding=1, stride=strides)
            self.conv2 = n.LazyConv2d(num_channels, kernel_size=3, padding=1)
            if use_1x1conv:
                self.conv3 = n.LazyConv2d(num_channels, kernel_size=1, stride=strides)
            else:
                self.conv3 = None
            self.bn1 = n.LazyBatchNorm2d()
            self.bn2 = n.LazyBatchNorm2d()

        def forward(self, X):
            Y = F.relu(self.bn1(self.conv1(X)))
            Y = self.bn2(self.conv2(Y))
            if self.conv3:
                X = self.conv3(X)
            Y += X
            return F.relu(Y)

    return Residual


def resnet(m, arch=((2, 4), (1, 6))):
    n = m.nn

    def block(num_residuals, num_channels, first_block=False):
        blk = []
        for i in range(num_residuals):
            if i == 0 and not first_block:
                blk.append(residual(m)(num_channels, use_1x1conv=True, strides=2))
            else:
                blk.append(residual(m)(num_channels))
        return n.Sequential(*blk)

    b1 = n.Sequential(n.LazyConv2d(4, kernel_size=7, stride=2, padding=3), n.LazyBatchNorm2d(), n.ReLU(),
                      n.MaxPool2d(kernel_size=3, stride=2, padding=1))
    net = n.Sequential(b1)
    for i, b in enumerate(arch):
        net.add_module(f"b{i + 2}", block(*b, first_block=(i == 0)))
    net.add_module("last", n.Sequential(n.AdaptiveAvgPool2d((1, 1)), n.Flatten(), n.LazyLinear(10)))
    return net


def resnext(m):
    n, F = m.nn, m.nn.functional

    class ResNeXtBlock(n.Module):
        def __init__(self, num_channels, groups, bot_mul, use_1x1conv=False, strides=1):
            super().__init__()
            bot_channels = int(round(num_channels * bot_mul))
            self.conv1 = n.LazyConv2d(bot_channels, kernel_size=1, stride=1)
            self.conv2 = n.LazyConv2d(bot_channels, kernel_size=3, stride=strides, padding=1,
                                      groups=bot_channels // groups)
            self.conv3 = n.LazyConv2d(num_channels, kernel_size=1, stride=1)
            self.bn1, self.bn2, self.bn3 = n.LazyBatchNorm2d(), n.LazyBatchNorm2d(), n.LazyBatchNorm2d()
            self.conv4 = n.LazyConv2d(num_channels, kernel_size=1, stride=strides) if use_1x1conv else None
            self.bn4 = n.LazyBatchNorm2d() if use_1x1conv else None

        def forward(self, X):
            Y = F.relu(self.bn1(self.conv1(X)))
            Y = F.relu(self.bn2(self.conv2(Y)))
            Y = self.bn3(self.conv3(Y))
            if self.conv4:
                X = self.bn4(self.conv4(X))
            return F.relu(Y + X)

    return n.Sequential(ResNeXtBlock(8, 2, 1, use_1x1conv=True, strides=2), ResNeXtBlock(8, 4, 0.5),
                        n.AdaptiveAvgPool2d(1), n.Flatten(), n.LazyLinear(10))


def densenet(m):
    n = m.nn

    def conv_block(num_channels):
        return n.Sequential(n.LazyBatchNorm2d(), n.ReLU(), n.LazyConv2d(num_channels, kernel_size=3, padding=1))

    def transition_block(num_channels):
        return n.Sequential(n.LazyBatchNorm2d(), n.ReLU(), n.LazyConv2d(num_channels, kernel_size=1),
                            n.AvgPool2d(kernel_size=2, stride=2))

    class DenseBlock(n.Module):
        def __init__(self, num_convs, num_channels):
            super().__init__()
            self.net = n.Sequential(*[conv_block(num_channels) for _ in range(num_convs)])

        def forward(self, X):
            for blk in self.net:
                Y = blk(X)
                X = m.cat((X, Y), dim=1)
            return X

    return n.Sequential(DenseBlock(2, 3), transition_block(4), DenseBlock(2, 2), n.LazyBatchNorm2d(), n.ReLU(),
                        n.AdaptiveAvgPool2d((1, 1)), n.Flatten(), n.LazyLinear(10))


def batch_norm(m):
    """Batch normalisation by hand."""
    n = m.nn

    def normalize(X, gamma, beta, moving_mean, moving_var, eps, momentum):
        if not m.is_grad_enabled():
            X_hat = (X - moving_mean) / m.sqrt(moving_var + eps)
        else:
            assert len(X.shape) in (2, 4)
            if len(X.shape) == 2:
                mean = X.mean(dim=0)
                var = ((X - mean) ** 2).mean(dim=0)
            else:
                mean = X.mean(dim=(0, 2, 3), keepdim=True)
                var = ((X - mean) ** 2).mean(dim=(0, 2, 3), keepdim=True)
            X_hat = (X - mean) / m.sqrt(var + eps)
            moving_mean = (1.0 - momentum) * moving_mean + momentum * mean
            moving_var = (1.0 - momentum) * moving_var + momentum * var
        Y = gamma * X_hat + beta
        return Y, moving_mean.data, moving_var.data

    class BatchNorm(n.Module):
        def __init__(self, num_features, num_dims):
            super().__init__()
            shape = (1, num_features) if num_dims == 2 else (1, num_features, 1, 1)
            self.gamma = n.Parameter(m.ones(shape))
            self.beta = n.Parameter(m.zeros(shape))
            self.moving_mean = m.zeros(shape)
            self.moving_var = m.ones(shape)

        def forward(self, X):
            if self.moving_mean.device != X.device:
                self.moving_mean = self.moving_mean.to(X.device)
                self.moving_var = self.moving_var.to(X.device)
            Y, self.moving_mean, self.moving_var = normalize(
                X, self.gamma, self.beta, self.moving_mean, self.moving_var, eps=1e-5, momentum=0.1)
            return Y

    return BatchNorm


def lenet_with_batch_norm(m):
    n, BatchNorm = m.nn, batch_norm(m)
    return n.Sequential(
        n.LazyConv2d(6, kernel_size=5), BatchNorm(6, num_dims=4), n.Sigmoid(), n.AvgPool2d(kernel_size=2, stride=2),
        n.LazyConv2d(8, kernel_size=5), BatchNorm(8, num_dims=4), n.Sigmoid(), n.AvgPool2d(kernel_size=2, stride=2),
        n.Flatten(), n.LazyLinear(20), BatchNorm(20, num_dims=2), n.Sigmoid(), n.LazyLinear(10))


def lenet_with_lazy_batch_norm(m):
    n = m.nn
    return n.Sequential(
        n.LazyConv2d(6, kernel_size=5), n.LazyBatchNorm2d(), n.Sigmoid(), n.AvgPool2d(kernel_size=2, stride=2),
        n.Flatten(), n.LazyLinear(20), n.LazyBatchNorm1d(), n.Sigmoid(), n.LazyLinear(10))


NETWORKS = {
    lenet: (1, 28, 28), alexnet: (1, 64, 64), vgg: (1, 16, 16), nin: (1, 32, 32), googlenet: (1, 24, 24),
    resnet: (1, 24, 24), resnext: (3, 12, 12), densenet: (2, 12, 12), lenet_with_batch_norm: (1, 28, 28),
    lenet_with_lazy_batch_norm: (1, 14, 14),
}


def try_gpu(m, i=0):
    if m.cuda.device_count() >= i + 1:
        return m.device(f"cuda:{i}")
    return m.device("cpu")


@pytest.mark.parametrize("make", NETWORKS, ids=lambda make: make.__name__)
def test_network(make, capsys):
    """Summary, initial weights, loss, gradients, a few steps of SGD, and the accuracy, as in PyTorch."""
    def life(m):
        net = make(m)
        X = m.randn(*(4, *NETWORKS[make]))
        for layer in net:  # layer_summary
            X = layer(X)
            print(layer.__class__.__name__, "output shape:\t", X.shape)
        net.apply(init_cnn(m))
        print(net)
        found = [net.state_dict()]
        net.double()
        if make is lenet_with_batch_norm:
            for layer in net:
                if hasattr(layer, "moving_mean"):
                    layer.moving_mean, layer.moving_var = layer.moving_mean.double(), layer.moving_var.double()
        device = try_gpu(m)
        net.to(device)
        X, y = m.rand(8, *NETWORKS[make], dtype=m.float64), m.randint(0, 10, (8,))
        loss, optimizer = m.nn.CrossEntropyLoss(), m.optim.SGD(net.parameters(), lr=0.1)
        net.train()
        for _ in range(3):
            optimizer.zero_grad()
            l = loss(net(X.to(device)), y.to(device))
            l.backward()
            found.append([l, [p.grad.clone() for p in net.parameters()]])
            optimizer.step()
        net.eval()
        with m.no_grad():
            Y_hat = net(X)
        predictions = Y_hat.argmax(axis=1).type(y.dtype)
        compare = (predictions == y.reshape(-1)).type(m.float32)
        print(f"accuracy {float(compare.mean()):.2f}", next(iter(net.parameters())).device)
        return [*found, net.state_dict(), Y_hat, compare]

    same_in_both(life, capsys, rtol=1e-5, atol=1e-7)  # the first statistics are float32


def test_batch_norm_by_hand_is_the_layer():
    def both(m):
        by_hand, layer = batch_norm(m)(3, num_dims=4), m.nn.BatchNorm2d(3)
        X = m.randn(4, 3, 5, 5)
        assert m.abs(by_hand(X) - layer(X)).max() < 1e-4
        assert m.abs(by_hand.moving_mean.reshape(-1) - layer.running_mean).max() < 1e-5
        return by_hand.gamma.reshape((-1,)), by_hand.beta.reshape((-1,)), layer.running_mean

    same_in_both(both)


def test_a_residual_block_on_its_own():
    def block(m):
        return [residual(m)(3)(m.randn(4, 3, 6, 6)),
                residual(m)(6, use_1x1conv=True, strides=2)(m.randn(4, 3, 6, 6))]

    mine = same_in_both(block, rtol=1e-4, atol=1e-5)
    assert [y.shape for y in mine] == [(4, 3, 6, 6), (4, 6, 3, 3)]


class Accumulator:
    """Sums over several variables."""

    def __init__(self, n):
        self.data = [0.0] * n

    def add(self, *args):
        self.data = [a + float(b) for a, b in zip(self.data, args)]

    def __getitem__(self, i):
        return self.data[i]


def test_training_on_digits_in_batches():
    """The book's first edition: an Accumulator, evaluate_accuracy, batches from a DataLoader."""
    digits = minigrad.data.digits()
    images, labels = (x[:200].numpy() for x in digits.tensors)

    def accuracy(y_hat, y):
        if len(y_hat.shape) > 1 and y_hat.shape[1] > 1:
            y_hat = y_hat.argmax(axis=1)
        cmp = y_hat.type(y.dtype) == y
        return float(cmp.type(y.dtype).sum())

    def train(m):
        data = m.utils.data
        batches = data.DataLoader(data.TensorDataset(m.from_numpy(images), m.from_numpy(labels)), batch_size=50)
        net = m.nn.Sequential(
            m.nn.Conv2d(1, 6, kernel_size=5, padding=2), m.nn.ReLU(), m.nn.AvgPool2d(kernel_size=2, stride=2),
            m.nn.Flatten(), m.nn.Linear(6 * 14 * 14, 10))

        def init_weights(module):
            if type(module) in (m.nn.Linear, m.nn.Conv2d):
                m.nn.init.xavier_uniform_(module.weight)

        net.apply(init_weights)
        optimizer, loss = m.optim.SGD(net.parameters(), lr=0.1), m.nn.CrossEntropyLoss()
        history = []
        for _ in range(4):
            metric = Accumulator(3)
            net.train()
            for X, y in batches:
                optimizer.zero_grad()
                y_hat = net(X)
                l = loss(y_hat, y)
                l.backward()
                optimizer.step()
                with m.no_grad():
                    metric.add(l * X.shape[0], accuracy(y_hat, y), X.shape[0])
            net.eval()
            with m.no_grad():
                right = sum(accuracy(net(X), y) for X, y in batches)
            history.append([metric[0] / metric[2], right / len(labels)])
        return history

    history = same_in_both(train, rtol=1e-3)
    assert history[-1][1] > 0.8 and history[-1][0] < history[0][0] / 2


BOOK = """
# %% The network
%matplotlib inline
import torch
from torch import nn
from d2l import torch as d2l
torch.manual_seed(1)

class Reshape(torch.nn.Module):
    def forward(self, x):
        return x.view(-1, 1, 28, 28)

net = torch.nn.Sequential(Reshape(), nn.Conv2d(1, 6, kernel_size=5, padding=2), nn.Sigmoid(),
                          nn.AvgPool2d(kernel_size=2, stride=2), nn.Conv2d(6, 16, kernel_size=5), nn.Sigmoid(),
                          nn.AvgPool2d(kernel_size=2, stride=2), nn.Flatten(), nn.Linear(16 * 5 * 5, 120),
                          nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10))

# %% The data
train_iter, test_iter = d2l.load_data_fashion_mnist(batch_size=16)
next(iter(d2l.load_data_fashion_mnist(8, resize=56)[1]))[0].shape

# %% Training, by a function of one's own
def train(net, train_iter, test_iter, num_epochs, lr, device):
    def init_weights(m):
        if type(m) == nn.Linear or type(m) == nn.Conv2d:
            nn.init.xavier_uniform_(m.weight)
    net.apply(init_weights)
    net.to(device)
    optimizer, loss = torch.optim.SGD(net.parameters(), lr=lr), nn.CrossEntropyLoss()
    animator = d2l.Animator(xlabel='epoch', xlim=[1, num_epochs], legend=['train loss', 'train acc', 'test acc'])
    timer, num_batches = d2l.Timer(), len(train_iter)
    for epoch in range(num_epochs):
        metric = d2l.Accumulator(3)
        net.train()
        for i, (X, y) in enumerate(train_iter):
            timer.start()
            optimizer.zero_grad()
            X, y = X.to(device), y.to(device)
            y_hat = net(X)
            l = loss(y_hat, y)
            l.backward()
            optimizer.step()
            with torch.no_grad():
                metric.add(l * X.shape[0], d2l.accuracy(y_hat, y), X.shape[0])
            timer.stop()
        animator.add(epoch + 1, (metric[0] / metric[2], metric[1] / metric[2], None))
        animator.add(epoch + 1, (None, None, d2l.evaluate_accuracy_gpu(net, test_iter)))
    assert len(timer.cumsum()) == num_batches * num_epochs and timer.cumsum()[-1] <= timer.sum() * 1.001
    return animator.Y

torch.manual_seed(0)
train(net, train_iter, test_iter, 2, 0.9, d2l.try_gpu())

# %% and by the book's
torch.manual_seed(0)
d2l.train_ch6(net, train_iter, test_iter, 2, 0.9, d2l.try_gpu())
"""


def test_the_older_edition_trains_lenet(tmp_path):
    """Its chapter on LeNet, on a few images of noise, prints what PyTorch finds."""
    numbers = np.random.default_rng(0)
    folder = tmp_path / "data" / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    parts = {}
    for prefix, count in (("train", 70), ("t10k", 30)):
        images, labels = (numbers.integers(0, n, size, dtype=np.uint8)
                          for n, size in ((256, (count, 28, 28)), (10, (count,))))
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            header = struct.pack(f">i{array.ndim}i", 0x0800 + array.ndim, *array.shape)
            (folder / f"{prefix}-{name}-ubyte").write_bytes(header + array.tobytes())
        scaled = torch.tensor(images[:, None] / np.float32(255))
        parts[prefix] = torch.utils.data.TensorDataset(scaled, torch.tensor(labels.astype(np.int64)))
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "lenet.py").write_text(BOOK)
    done = subprocess.run([sys.executable, "-m", "minigrad.run", "lenet.py"], cwd=tmp_path / "book", text=True,
                          capture_output=True, timeout=60)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    shape, curves, device, *epochs, speed = done.stdout.splitlines()
    assert shape == "torch.Size([8, 1, 56, 56])" and device == "training on cpu"
    assert re.fullmatch(r"[\d.]+ examples/sec on cpu", speed)

    n = torch.nn
    torch.manual_seed(1)
    net = n.Sequential(
        n.Conv2d(1, 6, kernel_size=5, padding=2), n.Sigmoid(), n.AvgPool2d(2, 2), n.Conv2d(6, 16, kernel_size=5),
        n.Sigmoid(), n.AvgPool2d(2, 2), n.Flatten(), n.Linear(400, 120), n.Sigmoid(), n.Linear(120, 84), n.Sigmoid(),
        n.Linear(84, 10))  # fmt: skip
    train, test = (torch.utils.data.DataLoader(parts[p], 16, shuffle=p == "train") for p in parts)
    curves_of_both = []
    for _ in range(2):
        torch.manual_seed(0)
        net.apply(init_cnn(torch))
        optimizer, history = torch.optim.SGD(net.parameters(), lr=0.9), []
        for _ in range(2):
            sums = np.zeros(2)
            for X, y in train:
                optimizer.zero_grad()
                y_hat = net(X)
                l = n.functional.cross_entropy(y_hat, y)
                l.backward()
                optimizer.step()
                sums += [l.item() * len(y), (y_hat.argmax(1) == y).sum().item()]
            with torch.no_grad():
                right = sum((net(X).argmax(1) == y).sum().item() for X, y in test)
            history.append([*sums / 70, right / 30])
        curves_of_both.append(history)
    np.testing.assert_allclose(np.transpose(ast.literal_eval(curves)), curves_of_both[0], rtol=1e-4)
    found = [[float(x) for x in re.findall(r"\d\.\d+", line)] for line in epochs]
    np.testing.assert_allclose(found, curves_of_both[1], atol=1e-3)


def test_pictures_of_the_older_edition(monkeypatch):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    monkeypatch.setattr(pyplot, "rcParams", pyplot.rcParams.copy())
    pyplot.switch_backend("agg")
    d2l.use_svg_display()
    d2l.set_figsize((2, 1))
    assert list(pyplot.rcParams["figure.figsize"]) == [2, 1]
    assert d2l.plt is pyplot and not hasattr(d2l, "absent")
    x = minigrad.arange(3.0)
    axes, squares = pyplot.gca(), [[0, 1, 2], [0, 1, 4]]
    for arguments, curves in [((x,), squares[:1]), ((x, x**2), squares[1:]), ((x, [x, x**2]), squares),
                              (([x, x], [x, x**2]), squares), ((minigrad.stack([x, x**2]),), squares),
                              (([0, 1, 2.0], [0, 1, 4.0], "x", "y", ["a"], [0, 3]), squares[1:])]:  # fmt: skip
        d2l.plot(*arguments)
        assert [line.get_ydata().tolist() for line in axes.lines] == curves
        assert [line.get_xdata().tolist() for line in axes.lines] == [[0, 1, 2]] * len(curves)
    animator = d2l.Animator("epoch", legend=["loss", "accuracy"], xlim=[1, 2], figsize=(3, 2))
    animator.add(1, (0.5, None))
    animator.add(2, (x[1], 0.75))
    assert animator.X == [[1, 2], [2]] and animator.Y == [[0.5, 1], [0.75]]
    animator.show()
    assert [line.get_xdata().tolist() for line in axes.lines] == [[1, 2], [2]] and axes.get_xlabel() == "epoch"
    shown = d2l.show_images(minigrad.rand(3, 4, 5), 2, 2, titles=["a", "b", "c"])
    assert [ax.get_title() for ax in shown] == ["a", "b", "c", ""] and shown[0].images[0].get_array().shape == (4, 5)
    pyplot.close("all")


def test_images_in_another_size():
    data, small = d2l.Digits(batch_size=4, resize=(56, 42)), d2l.Digits(batch_size=4)
    (X, y), (x, labels) = next(iter(data.val_dataloader())), next(iter(small.val_dataloader()))
    assert X.shape == (4, 1, 56, 42) and X.dtype is minigrad.float32 and y.tolist() == labels.tolist()
    np.testing.assert_array_equal(X.numpy(), x.numpy().repeat(2, 2)[..., np.arange(42) * 2 // 3])
    assert data.train[0][0].shape == (1, 56, 42) and len(data.train) == 4000


def test_arrays_in_batches():
    X, y = minigrad.arange(6.0).reshape(3, 2), minigrad.arange(3)
    batches = list(d2l.load_array((X, y), 2, is_train=False))
    assert [[x.tolist() for x in batch] for batch in batches] == [[[[0, 1], [2, 3]], [0, 1]], [[[4, 5]], [2]]]
    assert len(d2l.load_array((X, y), 2)) == 2
    assert d2l.accuracy(minigrad.tensor([[0.1, 0.9], [0.8, 0.2]]), minigrad.tensor([1, 1])) == 1
    assert d2l.accuracy(minigrad.tensor([1, 0]), minigrad.tensor([1, 0])) == 2


# ---- what the chapters on tensors, which these build on, take for granted


def test_data_manipulation(capsys):
    def cells(m):
        x = m.arange(12, dtype=m.float32)
        print(x, x.numel(), x.shape, len(x))
        X = x.reshape(3, 4)
        print(X, X[-1], X[1:3], m.zeros((2, 3, 4)), m.ones((2, 3, 4)))
        X[1, 2] = 17
        X[:2, :] = 12
        print(X, m.exp(x - 12), m.tensor([[2, 1, 4, 3], [1, 2, 3, 4]]))
        a, b = m.tensor([1.0, 2, 4, 8]), m.tensor([2, 2, 2, 2])
        print(a + b, a - b, a * b, a / b, a**b)
        Y = m.tensor([[2.0, 1, 4, 3], [1, 2, 3, 4], [4, 3, 2, 1]])
        print(m.cat((X, Y), dim=0), m.cat((X, Y), dim=1), X == Y, X.sum())
        print(m.arange(3).reshape((3, 1)) + m.arange(2).reshape((1, 2)))
        Z = m.zeros_like(Y)
        before = id(Z)
        Z[:] = X + Y
        X += Y
        print(id(Z) == before, type(X.numpy()).__name__, m.tensor([3.5]).item(), float(a[0]), int(a[1]))
        print(X.sum(axis=0), X.sum(axis=1, keepdims=True), X.mean(axis=0), X.cumsum(axis=0), X.T)
        print(m.dot(x[:3], m.ones(3)), m.mv(X, x[:4]), m.mm(X, Y.T), m.norm(m.tensor([3.0, -4.0])))
        print(m.abs(a).sum(), m.norm(m.ones((4, 9))), a.clone(), x.std() > 0)

    same_in_both(lambda m: cells(m) or 0, capsys)


def test_autograd_cells(capsys):
    def cells(m):
        x = m.arange(4.0)
        x.requires_grad_(True)
        print(x.grad)
        y = 2 * m.dot(x, x)
        y.backward()
        print(x, y, x.grad, x.grad == 4 * x)
        x.grad.zero_()
        (x * x).backward(gradient=m.ones(len(x)))
        print(x.grad)
        x.grad.zero_()
        u = (x * x).detach()
        (u * x).sum().backward()
        print(x.grad == u)

        def f(a):
            b = a * 2
            while b.norm() < 1000:
                b = b * 2
            return b if b.sum() > 0 else 100 * b

        a = m.randn(size=(), requires_grad=True)
        d = f(a)
        d.backward()
        print(a.grad == d / a)

    same_in_both(lambda m: cells(m) or 0, capsys)
