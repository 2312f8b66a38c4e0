"""LeNet-5 learns to read handwritten digits.

    python examples/lenet5.py                  4,000 digits to learn from, 1,000 held out
    python examples/lenet5.py --data DIR       all of MNIST, from its four IDX files in DIR
    python examples/lenet5.py --download DIR   the same, fetching the files into DIR first
    python examples/lenet5.py --resume         goes on where the last run stopped

The checkpoint and the pictures are in runs/lenet5 afterwards. Ctrl-C may come at any time; the
checkpoint of an earlier run is kept, under another name.
The network is of: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to
document recognition", 1998; with 20 channels, ReLU and max pooling, as it is taught today.
"""

import argparse
import itertools
import sys
from pathlib import Path

import pictures
from tqdm import tqdm

import minigrad
from minigrad import nn, optim, random
from minigrad.data import MNIST, DataLoader, digits
from minigrad.nn import functional as F

MNIST_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
MNIST_SHA256 = {  # of the files as they are there, with .gz
    "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5)
        self.conv2 = nn.Conv2d(20, 20, 5)
        self.fc1 = nn.Linear(20 * 5 * 5, 500)
        self.fc2 = nn.Linear(500, 10)

    def forward(self, x):  # N x 1 x 32 x 32
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)  # 20 x 28 x 28, then 20 x 14 x 14
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)  # 20 x 10 x 10, then 20 x 5 x 5
        x = x.view(-1, 20 * 5 * 5)
        x = F.relu(self.fc1(x))
        # Ten scores, not probabilities: cross_entropy applies softmax itself, without overflow,
        # and the largest score is at the largest probability.
        return self.fc2(x)


def prepare(images):
    """A border of two empty pixels, then mean 0 and deviation 1 (those of MNIST's pixels)."""
    return (F.pad(images, (2, 2, 2, 2)) - 0.1307) / 0.3081


def train(model, optimizer, loader, bar):
    """One epoch, which the bar shows; returns the mean loss and the accuracy."""
    loss_sum = right = seen = 0
    for images, labels in loader:
        scores = model(prepare(images))
        loss = F.cross_entropy(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

        seen += len(labels)
        loss_sum += loss.item() * len(labels)
        right += (scores.argmax(1) == labels).sum().item()
        bar.set_postfix(loss=f"{loss_sum / seen:.4f}", refresh=False)
        bar.update(len(labels))
    return loss_sum / seen, right / seen


@minigrad.no_grad()
def evaluate(model, dataset):
    """The mean loss, the accuracy, and the probabilities, an array (N, 10)."""
    scores = [model(prepare(images)) for images, _ in DataLoader(dataset, batch_size=500)]
    scores, labels = minigrad.cat(scores), dataset.tensors[1]
    accuracy = (scores.argmax(1) == labels).sum().item() / len(labels)
    return F.cross_entropy(scores, labels).item(), accuracy, F.softmax(scores, 1).numpy()


def draw(model, dataset, history, folder):
    """All pictures of a trained model, on digits that it has not seen."""
    images, labels = dataset.tensors[0].numpy()[:, 0], dataset.tensors[1].numpy()
    probabilities = evaluate(model, dataset)[2]
    pictures.save_curves(history, folder / "curves.png")
    pictures.save_filters(model.conv1.weight.detach().numpy(), folder / "filters.png")
    pictures.save_confusion(labels, probabilities.argmax(1), folder / "confusion.png")
    pictures.save_mistakes(images, labels, probabilities, folder / "mistakes.png")
    with minigrad.no_grad():
        maps1 = F.relu(model.conv1(prepare(dataset.tensors[0][:1])))
        maps2 = F.relu(model.conv2(F.max_pool2d(maps1, 2)))
    maps = {"after conv1": maps1[0].numpy(), "after conv2": maps2[0].numpy()}
    pictures.save_feature_maps(images[0], maps, folder / "feature_maps.png")


def download(folder, url=MNIST_URL):
    """Fetch the four files of MNIST unless they are there, and compare their checksums."""
    import pooch

    for name, sha256 in MNIST_SHA256.items():
        file = f"{name}.gz"
        pooch.retrieve(url + file, f"sha256:{sha256}", file, folder, progressbar=True)


def positive_int(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, not {text!r}")
    return int(text)


def number_from_0(text):
    if not float(text) >= 0:
        raise argparse.ArgumentTypeError(f"must be 0 or larger, not {text}")
    return float(text)


def parse_arguments(parser):
    """The arguments and, with --resume, the checkpoint, whose arguments are then the defaults."""
    parser.add_argument("--data", metavar="DIR", help="train on the four IDX files of MNIST in DIR")
    parser.add_argument("--download", metavar="DIR", help="the same, fetching them into DIR first")
    parser.add_argument("--epochs", type=positive_int, default=10)
    parser.add_argument("--batch-size", type=positive_int, default=64)
    parser.add_argument("--lr", type=number_from_0, default=0.03, help="learning rate of the first epoch")
    parser.add_argument("--momentum", type=number_from_0, default=0.9)
    parser.add_argument("--seed", type=int, default=0, help="of the weights and the shuffling")
    parser.add_argument("--threads", type=positive_int, help="default: one for each core")
    parser.add_argument("--output", metavar="DIR", type=Path, default=Path("runs/lenet5"))
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    args = parser.parse_args()
    if not args.resume:
        return args, None
    path = args.output / "checkpoint.safetensors"
    try:
        checkpoint = minigrad.load(path)
    except (OSError, ValueError) as error:
        parser.error(f"cannot resume: {error}")
    if not isinstance(checkpoint, dict) or not {"arguments", "history"} <= checkpoint.keys():
        parser.error(f"cannot resume: {path} is not a checkpoint of this program")
    parser.set_defaults(**checkpoint["arguments"])
    return parser.parse_args(), checkpoint


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    args, checkpoint = parse_arguments(parser)
    history = checkpoint["history"] if checkpoint else []
    try:
        run(args, checkpoint, history)
    except OSError as error:  # of --data, --download or --output
        parser.error(str(error))
    except KeyboardInterrupt:
        saved = "The checkpoint holds all finished epochs; go on with --resume"
        print("\nStopped.", saved if history else "No epoch was finished: nothing of this run is saved")
        sys.exit(130)


def run(args, checkpoint, history):
    """Train, and draw; `history`, a dict of four numbers for each epoch, grows by what is saved."""
    path = args.output / "checkpoint.safetensors"
    args.output.mkdir(parents=True, exist_ok=True)
    names = (path.with_stem(f"checkpoint-{n}") for n in itertools.count(1))
    kept = next(name for name in names if not name.exists())  # for the checkpoint of an earlier run
    if path.exists() and not checkpoint:
        print(f"{path} is of an earlier run, with which --resume would go on.")
        print(f"It becomes {kept.name} when the first epoch of this one is finished.", flush=True)
    if args.threads:
        minigrad.set_num_threads(args.threads)
    if args.download:
        download(args.download)
    folder = args.download or args.data
    train_set = MNIST(folder, train=True) if folder else digits(train=True)
    held_out = MNIST(folder, train=False) if folder else digits(train=False)

    minigrad.manual_seed(args.seed)
    loader = DataLoader(train_set, args.batch_size, shuffle=True)
    model = LeNet5()
    optimizer = optim.SGD(model.parameters(), lr=args.lr, momentum=args.momentum)
    if checkpoint:
        model.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        random.default_generator.set_state(checkpoint["random"])

    def save_checkpoint(history):
        """Everything the next epoch depends on: a resumed run gives the same numbers."""
        elsewhere = ("output", "resume", "threads")  # they change no number
        arguments = {name: x for name, x in vars(args).items() if name not in elsewhere}
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
        state |= {"random": random.default_generator.get_state()}
        state |= {"history": history, "arguments": arguments}
        minigrad.save(state, path)

    with tqdm(unit=" images", unit_scale=True, leave=False) as bar:
        for epoch in range(len(history), args.epochs):
            # Long steps find the valley, ever shorter ones settle in it.
            lr = args.lr * (1 - epoch / args.epochs)
            optimizer.param_groups[0].update(lr=lr, momentum=args.momentum)
            title = f"epoch {epoch + 1:2}/{args.epochs}"
            bar.set_description(title, refresh=False)
            bar.reset(len(train_set))
            loss, accuracy = train(model, optimizer, loader, bar)
            held_out_loss, held_out_accuracy, _ = evaluate(model, held_out)
            numbers = {"train loss": loss, "train accuracy": accuracy,
                       "held-out loss": held_out_loss, "held-out accuracy": held_out_accuracy}  # fmt: skip
            if not checkpoint and not history and path.exists():
                path.rename(kept)
            save_checkpoint([*history, numbers])
            history.append(numbers)
            bar.clear()
            print(f"{title}  loss {loss:.4f}  held-out accuracy {held_out_accuracy:.2%}", flush=True)
    draw(model, held_out, history, args.output)
    print(f"The checkpoint and the pictures are in {args.output}")


if __name__ == "__main__":
    main()
