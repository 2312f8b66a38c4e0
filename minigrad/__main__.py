"""`python -m minigrad` prints what a report about a problem should begin with."""

from .config import show_config

show_config()
