"""`minigrad.utils.data`, where textbook code looks for what is in `minigrad.data`."""

from . import data
