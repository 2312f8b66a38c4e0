"""What textbook code asks about graphics processors before it goes on without one: there are none."""


def is_available():
    """Whether there is a CUDA device: False."""
    return False


def device_count():
    """How many CUDA devices there are: 0."""
    return 0


def manual_seed_all(seed):
    """Seed all CUDA devices, of which there are none; `minigrad.manual_seed` is what counts."""


def empty_cache():
    """Give memory of CUDA devices back: none is held."""


def memory_allocated(device=None):
    """How many bytes tensors take on a CUDA device: 0."""
    return 0


manual_seed, max_memory_allocated = manual_seed_all, memory_allocated
