"""What a program already reports to other tools, recorded as well: `anew.capture()`."""

from .handle import Capture, capture

__all__ = ["Capture", "capture"]
