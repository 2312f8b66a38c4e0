"""Devices. There is one, the CPU; textbook code asks for it by name."""

KNOWN = ("cpu", "cuda", "mps", "xpu", "meta")


class device:  # noqa: N801, the name users write
    """device("cpu"), device("cuda:1"), device("cuda", 1): the name of a device.

    Naming one that minigrad does not have is allowed, so that code can ask for it; using it is the
    error. RuntimeError for a text that names none, TypeError for anything but a text.

        >>> from minigrad import device
        >>> device("cuda:1")
        device(type='cuda', index=1)
    """

    __slots__ = ("type", "index")

    def __init__(self, type, index=None):
        if isinstance(type, device):
            type, index = type.type, type.index
        if isinstance(type, int) and not isinstance(type, bool):
            raise RuntimeError(f"minigrad runs on the CPU: there is no accelerator, so no device {type}")
        if not isinstance(type, str):
            raise TypeError(f"device(): argument 'type' must be str, not {type.__class__.__name__}")
        name, colon, number = type.partition(":")
        if colon:
            if index is not None or not number.isdecimal():
                raise RuntimeError(f"Invalid device string: {type!r}")
            index = int(number)
        if name not in KNOWN:
            raise RuntimeError(f"Expected one of {', '.join(KNOWN)} device type at start of device string: {type!r} "
                               "(and minigrad runs on the CPU)")
        self.type, self.index = name, index

    def __repr__(self):
        return f"device(type={self.type!r}" + (")" if self.index is None else f", index={self.index})")

    def __str__(self):
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other):
        return isinstance(other, device) and str(self) == str(other)

    def __hash__(self):
        return hash(str(self))

    def __reduce__(self):
        return device, (self.type, self.index)


CPU = device("cpu")
