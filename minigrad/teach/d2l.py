"""What the cells of "Dive into Deep Learning" (Zhang, Lipton, Li, Smola; d2l.ai) take from its package
d2l, as far as the chapters on convolutional networks need it: `from d2l import torch as d2l` means
this module under `python -m minigrad.run`.

Hyperparameters that store themselves, a Module with a loss and a board of what it measured, a Trainer,
data in batches, and the book's own functions: corr2d, Residual, init_cnn ... And what these chapters take from
it in the edition before 1.0: Accumulator, Animator, train_ch6, load_data_fashion_mnist ... Nothing is
downloaded and nothing is drawn while a model trains: `board`, or an Animator, holds the points, and each epoch
prints a line. Names that are not here raise AttributeError.
"""

import inspect
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

import minigrad as torch
from minigrad import nn
from minigrad.nn import functional as F

from .d2l_pictures import Animator, _pyplot, plot, set_figsize, show_images, use_svg_display  # noqa: F401


def __getattr__(name):
    if name == "plt":  # only then, because it draws and nothing else needs it
        return _pyplot()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def add_to_class(Class):
    """A decorator: the function becomes a method of `Class`, so that a class can grow over many cells."""

    def wrapper(function):
        setattr(Class, function.__name__, function)

    return wrapper


class HyperParameters:
    """Objects whose arguments become attributes."""

    def save_hyperparameters(self, ignore=()):
        """Store the arguments of the method that calls this, except `self` and those in `ignore`."""
        frame = inspect.currentframe().f_back
        names = inspect.getargvalues(frame).locals
        left_out = {"self", "__class__", *ignore}
        self.hparams = {k: v for k, v in names.items() if k not in left_out and not k.startswith("_")}
        for name, value in self.hparams.items():
            setattr(self, name, value)


class ProgressBoard(HyperParameters):
    """The points that were measured: board.data["train_loss"] is a list of (epoch, value)."""

    def __init__(self, xlabel=None, ylabel=None, display=True, **options):
        self.save_hyperparameters(ignore=["options"])
        self.data, self._waiting = defaultdict(list), defaultdict(list)

    def draw(self, x, y, label, every_n=1):
        """Note a point; every_n of them are averaged into one."""
        waiting = self._waiting[label]
        waiting.append((float(x), float(y)))
        if len(waiting) == every_n:
            self.data[label].append(tuple(np.mean(waiting, axis=0).tolist()))
            waiting.clear()


class Module(nn.Module, HyperParameters):
    """A model: `net`, `loss`, what a training and a validation step do, and its optimiser."""

    def __init__(self, plot_train_per_epoch=2, plot_valid_per_epoch=1):
        super().__init__()
        self.save_hyperparameters()
        self.board = ProgressBoard()

    def loss(self, y_hat, y):
        raise NotImplementedError(f"{type(self).__name__} has no loss")

    def forward(self, X):
        if not hasattr(self, "net"):
            raise NotImplementedError(f"{type(self).__name__} has no `net`: set it in __init__")
        return self.net(X)

    def plot(self, key, value, train):
        """Note a value at the present moment of the training, in epochs."""
        if not hasattr(self, "trainer"):
            raise RuntimeError("this model has no trainer: Trainer.fit sets it")
        trainer = self.trainer
        batches = trainer.num_train_batches if train else trainer.num_val_batches
        per_epoch = self.plot_train_per_epoch if train else self.plot_valid_per_epoch
        x = trainer.train_batch_idx / trainer.num_train_batches if train else trainer.epoch + 1
        every = max(1, int(batches / per_epoch))
        self.board.draw(x, value.item(), f"{'train' if train else 'val'}_{key}", every)

    def training_step(self, batch):
        loss = self.loss(self(*batch[:-1]), batch[-1])
        self.plot("loss", loss, train=True)
        return loss

    def validation_step(self, batch):
        self.plot("loss", self.loss(self(*batch[:-1]), batch[-1]), train=False)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.lr)

    def apply_init(self, inputs, init=None):
        """Run the network once, so that its lazy layers know their sizes, then apply `init` to them."""
        self.forward(*inputs)
        if init is not None:
            self.net.apply(init)


class Classifier(Module):
    """A Module whose outputs are the scores of classes."""

    def validation_step(self, batch):
        Y_hat = self(*batch[:-1])
        self.plot("loss", self.loss(Y_hat, batch[-1]), train=False)
        self.plot("acc", self.accuracy(Y_hat, batch[-1]), train=False)

    def accuracy(self, Y_hat, Y, averaged=True):
        """The share of right classes, or a 1 for each right one."""
        right = (Y_hat.reshape(-1, Y_hat.shape[-1]).argmax(dim=1) == Y.reshape(-1)).float()
        return right.mean() if averaged else right

    def loss(self, Y_hat, Y, averaged=True):
        scores = Y_hat.reshape(-1, Y_hat.shape[-1])
        return F.cross_entropy(scores, Y.reshape(-1), reduction="mean" if averaged else "none")

    def layer_summary(self, X_shape):
        """Print the shape of the output of every layer of `net`."""
        X = torch.randn(*X_shape)
        for layer in self.net:
            X = layer(X)
            print(type(layer).__name__, "output shape:\t", X.shape)


class DataModule(HyperParameters):
    """Data in batches, to train and to validate."""

    def __init__(self, root="../data", num_workers=0):
        self.save_hyperparameters()

    def get_dataloader(self, train):
        raise NotImplementedError(f"{type(self).__name__} has no get_dataloader")

    def train_dataloader(self):
        return self.get_dataloader(train=True)

    def val_dataloader(self):
        return self.get_dataloader(train=False)

    def get_tensorloader(self, tensors, train, indices=slice(None)):  # noqa: B008
        dataset = torch.data.TensorDataset(*(x[indices] for x in tensors))
        return torch.data.DataLoader(dataset, self.batch_size, shuffle=train)


class Resized(torch.data.Dataset):
    """Images (1, 28, 28) and labels in another size, each made when it is asked for: all would take too much memory."""

    def __init__(self, dataset, size):
        self.dataset, (self.rows, self.columns) = dataset, (np.arange(n) * 28 // n for n in size)

    def __getitem__(self, i):
        image, label = self.dataset[i]
        return torch.from_numpy(image.numpy().take(self.rows, 1).take(self.columns, 2)), label

    def __len__(self):
        return len(self.dataset)


class Images(DataModule):
    """Images (1, *resize) and labels: what FashionMNIST and Digits share. A larger size repeats pixels."""

    def __init__(self, batch_size=64, resize=(28, 28), root="../data"):
        super().__init__(root)
        self.save_hyperparameters()
        self.train, self.val = self.read(train=True), self.read(train=False)
        if tuple(resize) != (28, 28):
            self.train, self.val = Resized(self.train, resize), Resized(self.val, resize)

    def get_dataloader(self, train):
        return torch.data.DataLoader(self.train if train else self.val, self.batch_size, shuffle=train)


class FashionMNIST(Images):
    """60,000 and 10,000 pictures of clothes, from the four files in `root`/FashionMNIST/raw."""

    labels = ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"]

    def read(self, train):
        return torch.data.MNIST(Path(self.root, "FashionMNIST", "raw"), train)

    def text_labels(self, indices):
        return [self.labels[int(i)] for i in indices]


class Digits(Images):
    """4,000 and 1,000 handwritten digits that need no download: minigrad's own addition to the book."""

    def read(self, train):
        return torch.data.digits(train)


class Trainer(HyperParameters):
    """Runs the epochs: training steps, then the validation without gradients."""

    def __init__(self, max_epochs, num_gpus=0, gradient_clip_val=0):
        self.save_hyperparameters()  # num_gpus is the most that would be used: there are none

    def prepare_data(self, data):
        self.train_dataloader, self.val_dataloader = data.train_dataloader(), data.val_dataloader()
        self.num_train_batches = len(self.train_dataloader)
        self.num_val_batches = 0 if self.val_dataloader is None else len(self.val_dataloader)

    def prepare_model(self, model):
        model.trainer = self
        self.model = model

    def prepare_batch(self, batch):
        return batch

    def fit(self, model, data):
        self.prepare_data(data)
        self.prepare_model(model)
        self.optim = model.configure_optimizers()
        self.epoch = self.train_batch_idx = self.val_batch_idx = 0
        while self.epoch < self.max_epochs:
            self.fit_epoch()
            self.epoch += 1
            last = {name: points[-1][1] for name, points in model.board.data.items()}
            print(f"epoch {self.epoch}", *(f"{name} {value:.3f}" for name, value in last.items()), sep=", ")

    def fit_epoch(self):
        self.model.train()
        for batch in self.train_dataloader:
            loss = self.model.training_step(self.prepare_batch(batch))
            self.optim.zero_grad()
            loss.backward()
            if self.gradient_clip_val > 0:
                self.clip_gradients(self.gradient_clip_val, self.model)
            self.optim.step()
            self.train_batch_idx += 1
        self.model.eval()
        for batch in self.val_dataloader or ():
            with torch.no_grad():
                self.model.validation_step(self.prepare_batch(batch))
            self.val_batch_idx += 1

    def clip_gradients(self, grad_clip_val, model):
        nn.utils.clip_grad_norm_([p for p in model.parameters() if p.grad is not None], grad_clip_val)


# ---- the chapters' functions


def corr2d(X, K):
    """Two-dimensional cross-correlation, by the definition: each output is the sum over one window."""
    h, w = K.shape
    Y = torch.zeros((X.shape[0] - h + 1, X.shape[1] - w + 1))
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (X[i:i + h, j:j + w] * K).sum()
    return Y


def corr2d_multi_in(X, K):
    """The sum over the channels of their cross-correlations."""
    return sum(corr2d(x, k) for x, k in zip(X, K))


def init_cnn(module):
    """Xavier's initial weights for the linear and the convolutional layers."""
    if type(module) in (nn.Linear, nn.Conv2d):
        nn.init.xavier_uniform_(module.weight)


class Residual(nn.Module):
    """relu(x + f(x)), f being two 3x3 convolutions; a 1x1 convolution where x has another shape than f(x)."""

    def __init__(self, num_channels, use_1x1conv=False, strides=1):
        super().__init__()
        self.conv1 = nn.LazyConv2d(num_channels, kernel_size=3, padding=1, stride=strides)
        self.conv2 = nn.LazyConv2d(num_channels, kernel_size=3, padding=1)
        self.conv3 = nn.LazyConv2d(num_channels, kernel_size=1, stride=strides) if use_1x1conv else None
        self.bn1, self.bn2 = nn.LazyBatchNorm2d(), nn.LazyBatchNorm2d()

    def forward(self, X):
        Y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(X)))))
        return F.relu(Y + (X if self.conv3 is None else self.conv3(X)))


class LeNet(Classifier):
    """LeNet-5 as the book has it: sigmoids and average pooling."""

    def __init__(self, lr=0.1, num_classes=10):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(
            nn.LazyConv2d(6, kernel_size=5, padding=2), nn.Sigmoid(), nn.AvgPool2d(kernel_size=2, stride=2),
            nn.LazyConv2d(16, kernel_size=5), nn.Sigmoid(), nn.AvgPool2d(kernel_size=2, stride=2), nn.Flatten(),
            nn.LazyLinear(120), nn.Sigmoid(), nn.LazyLinear(84), nn.Sigmoid(), nn.LazyLinear(num_classes))


class Timer:
    """A list of how long things took, in seconds."""

    def __init__(self):
        self.times = []
        self.start()

    def start(self):
        self.tik = time.time()

    def stop(self):
        self.times.append(time.time() - self.tik)
        return self.times[-1]

    def avg(self):
        return self.sum() / len(self.times)

    def sum(self):
        return sum(self.times)

    def cumsum(self):
        return np.cumsum(self.times).tolist()


# ---- the edition before 1.0


class Accumulator:
    """n sums side by side: add(1, 2.5) adds to the first two; metric[0] is the first."""

    def __init__(self, n):
        self.data = [0.0] * n

    def add(self, *args):
        self.data = [total + float(x) for total, x in zip(self.data, args)]

    def __getitem__(self, i):
        return self.data[i]


def load_array(data_arrays, batch_size, is_train=True):
    """Batches of the tensors in `data_arrays`, shuffled to train."""
    return torch.data.DataLoader(torch.data.TensorDataset(*data_arrays), batch_size, shuffle=is_train)


def load_data_fashion_mnist(batch_size, resize=None):
    """Batches to train and to test with. FileNotFoundError unless ../data/FashionMNIST/raw has the four files."""
    sides = resize if isinstance(resize, (list, tuple)) else [resize or 28] * 2
    data = FashionMNIST(batch_size, sides)
    return data.train_dataloader(), data.val_dataloader()


def accuracy(y_hat, y):
    """How many predictions are right, of classes or of scores of classes."""
    predicted = y_hat.argmax(dim=1) if y_hat.ndim > 1 and y_hat.shape[1] > 1 else y_hat
    return float((predicted.type(y.dtype) == y).sum())


def evaluate_accuracy_gpu(net, data_iter, device=None):
    """The share of right predictions in all batches; `net` is left in its evaluation mode."""
    if isinstance(net, nn.Module):
        net.eval()
    metric = Accumulator(2)
    with torch.no_grad():
        for *X, y in data_iter:
            metric.add(accuracy(net(*X), y), y.numel())
    return metric[0] / metric[1]


evaluate_accuracy = evaluate_accuracy_gpu


def train_ch6(net, train_iter, test_iter, num_epochs, lr, device):
    """Train a classifier by SGD, from Xavier's initial weights on."""
    net.apply(init_cnn)
    print("training on", device)
    net.to(device)
    optimizer, loss, timer = torch.optim.SGD(net.parameters(), lr=lr), nn.CrossEntropyLoss(), Timer()
    for epoch in range(num_epochs):
        metric = Accumulator(3)  # loss, right predictions, samples
        net.train()
        timer.start()
        for X, y in train_iter:
            optimizer.zero_grad()
            y_hat = net(X)
            l = loss(y_hat, y)
            l.backward()
            optimizer.step()
            metric.add(l.item() * len(y), accuracy(y_hat.detach(), y), len(y))
        timer.stop()
        train_l, train_acc = metric[0] / metric[2], metric[1] / metric[2]
        test_acc = evaluate_accuracy_gpu(net, test_iter)
        print(f"epoch {epoch + 1}, loss {train_l:.3f}, train acc {train_acc:.3f}, test acc {test_acc:.3f}")
    print(f"{metric[2] * num_epochs / timer.sum():.1f} examples/sec on {device}")


# ---- devices: there is one


def cpu():
    return torch.device("cpu")


def num_gpus():
    return 0


def try_gpu(i=0):
    return cpu()


def try_all_gpus():
    return [cpu()]


# ---- PyTorch's functions under the book's names

SAME = """abs arange argmax cos exp eye float32 float64 int32 int64 linspace log matmul normal ones ones_like
    rand randn sigmoid sin stack tanh tensor zeros zeros_like"""
OTHER = {"batch_matmul": torch.bmm, "concat": torch.cat, "expand_dims": torch.unsqueeze, "reduce_mean": torch.mean,
         "reduce_sum": torch.sum, "transpose": torch.t}

for _name in SAME.split():
    globals()[_name] = getattr(torch, _name)
globals().update(OTHER)
nn_Module = nn.Module


def numpy(x):
    """The numbers alone, as an ndarray."""
    return x.detach().numpy()


def size(x, *dims):
    """The number of elements, or the size of one dimension."""
    return x.size(*dims) if dims else x.numel()


def reshape(x, *shape):
    return x.reshape(*shape)


def to(x, *args, **kwargs):
    return x.to(*args, **kwargs)


def astype(x, dtype):
    return x.to(dtype)
