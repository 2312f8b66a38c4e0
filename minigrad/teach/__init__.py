"""What shows how minigrad works, and is not needed to use it: `loops`, the textbook's loops."""

from . import loops
