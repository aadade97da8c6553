"""From source to tested, signed, installable releases on six platforms, and back again."""

__version__ = "0.1.0"
