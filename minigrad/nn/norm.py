"""The layers that keep a signal in range, or behave differently in training: normalisation and dropout."""

from ..dtypes import int64
from ..ops import create
from ..ops.common import int_argument, size_argument
from . import functional as F
from . import init
from .simple import Simple, Weighted


class Affine(Weighted):
    """What normalising layers share: a weight that starts as ones and a bias that starts as zeros, or neither."""

    def make_affine(self, shape, affine, bias, device, dtype):
        self.make_parameters(shape if affine else None, shape if affine and bias else None, device, dtype)

    def reset_parameters(self):
        for tensor, number in ((self.weight, 1.0), (self.bias, 0.0)):
            if tensor is not None:
                init.constant_(tensor, number)


class BatchNorm(Affine, shown="{num_features}, eps={eps}, momentum={momentum}, affine={affine}, bias={bias}, "
                              "track_running_stats={track_running_stats}"):
    """`functional.batch_norm` with its running statistics: by the batch in training, by them after `eval()`.

    weight and bias (num_features), unless affine is False; buffers running_mean, running_var (num_features) and
    num_batches_tracked, unless track_running_stats is False: then every input is normalised by itself. momentum None
    makes the running statistics the plain averages of all batches.
    ValueError for an input of another number of dimensions, RuntimeError for another number of channels.
    """

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None,
                 dtype=None, *, bias=True):
        super().__init__()
        self.num_features = int_argument(num_features, "num_features", type(self).__name__)
        self.eps, self.momentum, self.affine, self.track_running_stats = eps, momentum, affine, track_running_stats
        tracked = track_running_stats or None
        self.register_buffer("running_mean", tracked and create.empty(num_features, device=device, dtype=dtype))
        self.register_buffer("running_var", tracked and create.empty(num_features, device=device, dtype=dtype))
        self.register_buffer("num_batches_tracked", tracked and create.tensor(0, dtype=int64))
        self.make_affine((num_features,), affine, bias, device, dtype)

    def reset_running_stats(self):
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self):
        self.reset_running_stats()
        super().reset_parameters()

    def forward(self, input):
        if input.ndim not in self.ranks:
            ranks = "D or ".join(map(str, self.ranks))
            raise ValueError(f"expected {ranks}D input (got {input.ndim}D input of shape {list(input.shape)})")
        momentum = self.momentum or 0.0
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            momentum = 1 / self.num_batches_tracked.item() if self.momentum is None else momentum
        use = not self.training or self.track_running_stats
        running = (self.running_mean, self.running_var) if use else (None, None)
        training = self.training or running == (None, None)
        return F.batch_norm(input, *running, self.weight, self.bias, training, momentum, self.eps)


class BatchNorm1d(BatchNorm, ranks=(2, 3)):
    """Batch normalisation of inputs (N, C) or (N, C, L): `functional.batch_norm` with running statistics.

    By the batch in training, by the running statistics after `eval()`; see `BatchNorm` for arguments and errors.

        >>> from minigrad import nn, ones
        >>> norm = nn.BatchNorm1d(3, momentum=0.5)
        >>> norm(ones(5, 3)).sum(), norm.running_mean, norm.eval()(ones(5, 3)).shape
        (tensor(0., grad_fn=<SumBackward0>), tensor([0.5000, 0.5000, 0.5000]), torch.Size([5, 3]))
    """


class BatchNorm2d(BatchNorm, ranks=(4,)):
    """Batch normalisation of inputs (N, C, H, W): `functional.batch_norm` with running statistics.

    By the batch in training, by the running statistics after `eval()`; see `BatchNorm` for arguments and errors.

        >>> from minigrad import nn, ones
        >>> norm = nn.BatchNorm2d(3, momentum=0.5)
        >>> norm(ones(5, 3, 2, 2)).sum(), norm.running_mean, norm.eval()(ones(5, 3, 2, 2)).shape
        (tensor(0., grad_fn=<SumBackward0>), tensor([0.5000, 0.5000, 0.5000]), torch.Size([5, 3, 2, 2]))
    """


class BatchNorm3d(BatchNorm, ranks=(5,)):
    """Batch normalisation of inputs (N, C, D, H, W): `functional.batch_norm` with running statistics.

    By the batch in training, by the running statistics after `eval()`; see `BatchNorm` for arguments and errors.

        >>> from minigrad import nn, ones
        >>> norm = nn.BatchNorm3d(3, momentum=0.5)
        >>> norm(ones(5, 3, 2, 2, 2)).sum(), norm.running_mean, norm.eval()(ones(5, 3, 2, 2, 2)).shape
        (tensor(0., grad_fn=<SumBackward0>), tensor([0.5000, 0.5000, 0.5000]), torch.Size([5, 3, 2, 2, 2]))
    """


class LayerNorm(Affine, shown="{normalized_shape}, eps={eps}, elementwise_affine={elementwise_affine}, bias={bias}"):
    """`functional.layer_norm` with a weight and a bias of the shape normalized_shape, an int or several.

        >>> from minigrad import nn, tensor
        >>> nn.LayerNorm(2)(tensor([[1.0, 3.0], [0.0, 8.0]])).round()
        tensor([[-1.,  1.],
                [-1.,  1.]], grad_fn=<RoundBackward0>)
    """

    def __init__(self, normalized_shape, eps=1e-5, elementwise_affine=True, bias=True, device=None, dtype=None):
        super().__init__()
        self.normalized_shape = size_argument((normalized_shape,), "LayerNorm", "normalized_shape")
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self.make_affine(self.normalized_shape, elementwise_affine, bias, device, dtype)

    def forward(self, input):
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)


class Dropout(Simple, function=F.dropout, p=0.5, inplace=False, shown=("p", "inplace")):
    """In training, each element 0 with probability p and the others divided by 1 - p.

        >>> from minigrad import nn, ones
        >>> drop = nn.Dropout(p=1.0)
        >>> drop(ones(2)).flatten(), drop.eval()(ones(2)).flatten()
        (tensor([0., 0.]), tensor([1., 1.]))
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if not 0 <= self.p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {self.p}")

    def forward(self, input):
        return self._function(input, self.p, self.training, self.inplace)


class Dropout2d(Dropout, function=F.dropout2d, p=0.5, inplace=False, shown=("p", "inplace")):
    """In training, each channel of (N, C, H, W) 0 with probability p and the others divided by 1 - p.

        >>> from minigrad import nn, ones
        >>> drop = nn.Dropout2d(p=1.0)
        >>> drop(ones(1, 1, 1, 2)).flatten(), drop.eval()(ones(1, 1, 1, 2)).flatten()
        (tensor([0., 0.]), tensor([1., 1.]))
    """
