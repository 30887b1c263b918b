"""Recording what a program already reports to other tools: `anew.capture()`."""

from .handle import Capture, capture

__all__ = ["Capture", "capture"]
