# %% [markdown]
# # 9. LeNet-5 on real digits, layer by layer
#
# In the nineties LeNet-5 read the amounts on bank cheques. Ours is a younger relative, with ReLU and max pooling. It
# learns from 4,000 digits that people wrote by hand. 1,000 others are held out, to see whether it can read.

# %%
from pathlib import Path

import minigrad as torch
from minigrad import nn, optim, teach
from minigrad.data import DataLoader, digits
from minigrad.nn import functional as F

PICTURES = Path("runs/chapters")
PICTURES.mkdir(parents=True, exist_ok=True)
_ = torch.manual_seed(0)  # random numbers, but the same in each run
torch.set_num_threads(1)  # for so small a network, one core is as good as many

# %% [markdown]
# ## The network
#
# `F.max_pool2d(x, 2, 2)` is the pooling of chapter 7: half as high, half as wide, and the largest numbers are kept.
# `view` lays all channels out in one row for the dense layers. The last layer gives ten **scores**, one for each
# digit. `Softmax` makes probabilities of them, and `argmax` takes the most probable digit.

# %%
class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5, 1)
        self.conv2 = nn.Conv2d(20, 20, 5, 1)
        self.fc1 = nn.Linear(20*5*5, 500)
        self.fc2 = nn.Linear(500, 10)

    def forward(self, x):
        x = self.conv1(x)
        x = F.relu(x)
        x = F.max_pool2d(x, 2, 2)
        x = self.conv2(x)
        x = F.relu(x)
        x = F.max_pool2d(x, 2, 2)
        x = x.view(-1, 20*5*5)
        x = F.relu(self.fc1(x))
        x = self.fc2(x)
        x = nn.Softmax(dim=1)(x)
        return torch.argmax(x, dim=1)


lenet = LeNet5()
print(teach.summary(lenet, (1, 1, 32, 32)))

# %% [markdown]
# Most of the work is in the second convolution, most of the parameters are in the first dense layer. The last line is a
# warning, of which more below. But first: our digits are 28 x 28, and the network is made for 32 x 32. What happens?

# %%
train_set, (images, labels) = digits(train=True), digits(train=False).tensors
try:
    lenet(images[:1])
except RuntimeError as error:
    print(error)

# %% [markdown]
# The error shows the shapes on the way. We take the second cure: two empty pixels on each side. Also, networks learn
# best from numbers around 0. So we subtract the mean of the pixels and divide by how far they spread.

# %%
mean, spread = train_set.tensors[0].mean(), train_set.tensors[0].std()
def prepare(images):
    return (F.pad(images, (2, 2, 2, 2)) - mean) / spread

guesses = lenet(prepare(images))
print(f"read right before training, by guessing: {(guesses == labels).float().mean().item():.1%}")

# %% [markdown]
# ## Why this class cannot learn
#
# It returns the most probable digit. A small step of a weight moves the probabilities a little, but the answer stays
# the same, or jumps. So there is no slope that learning could follow: `argmax` has no gradient, and backward says so.

# %%
lenet.conv1.weight.data += 1e-6
print((lenet(prepare(images)) != guesses).sum().item(), "of", len(images), "answers changed by a small step")
try:
    guesses.backward()
except RuntimeError as error:
    print(error)

# %% [markdown]
# So we stop at the scores. The loss, `F.cross_entropy(scores, labels)`, makes the probabilities itself. It is the mean
# of -log(probability of the right digit): near 0 if the network is sure and right, large if it is sure and wrong.

# %%
class Reader(LeNet5):
    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2, 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2, 2)
        return self.fc2(F.relu(self.fc1(x.view(-1, 20*5*5))))


reader = Reader()
optimizer = optim.SGD(reader.parameters(), lr=0.03, momentum=0.9)  # chapter 4's steps, plus 0.9 of the last one
for epoch in range(2):  # an epoch: once through all digits
    for batch, answers in DataLoader(train_set, batch_size=64, shuffle=True):  # 64 at a time, in random order
        loss = F.cross_entropy(reader(prepare(batch)), answers)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    right = (reader(prepare(images)).argmax(1) == labels).float().mean().item()
    print(f"epoch {epoch + 1}: loss of the last batch {loss.item():.3f}, held-out digits read right: {right:.1%}")

# %% [markdown]
# ## What the layers make of a digit
#
# `09_feature_maps.png` has three kernels of the first layer, and below each the map that it makes of the digit: dark
# where it finds what it looks for. Each cell of the small map, of the second layer, has seen 14 x 14 pixels.

# %%
with torch.no_grad():  # only look: no graph
    maps1 = F.relu(reader.conv1(prepare(images[500:501])))[0]
    maps2 = F.relu(reader.conv2(F.max_pool2d(maps1, 2, 2)))
found = {f"kernel {i}": reader.conv1.weight[i, 0] for i in (0, 4, 6)} | {"map of conv2": maps2[7].round(decimals=1)}
picture = teach.show(digit=images[500, 0], **found, **{f"map {i}": maps1[i] for i in (0, 4, 6)})
picture.save(PICTURES / "09_feature_maps.png")
picture

# %% [markdown]
# ## Exercises
#
# 1. Write the share of the digits that are read right, from the scores and the labels (the right digits).
# 2. Write how many numbers reach `fc1` when the images are n x n.
# 3. Write `cross_entropy` yourself. Scores may be as large as 1000, and exp(1000) is too large for a float.

# %%
def my_accuracy(scores, labels): ...

teach.check("accuracy", my_accuracy)

def my_flat_features(n): ...

teach.check("flat_features", my_flat_features)

def my_cross_entropy(scores, labels): ...

teach.check("cross_entropy", my_cross_entropy)

# %% [markdown]
# Next: an operator that minigrad does not have.
