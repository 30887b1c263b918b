"""What a program already reports to other tools, recorded as well: `reenact.capture()`."""

from .handle import Capture, capture

__all__ = ["Capture", "capture"]
