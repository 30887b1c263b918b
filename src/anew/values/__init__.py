"""Values that are not numbers: one kind per file."""

from .audio import Audio
from .figure import Figure
from .histogram import Histogram
from .image import Image
from .kinds import KINDS, as_value, as_values, load
from .table import Table
from .text import Text
from .value import Saved
from .video import Video

__all__ = [
    "KINDS",
    "Audio",
    "Figure",
    "Histogram",
    "Image",
    "Saved",
    "Table",
    "Text",
    "Video",
    "as_value",
    "as_values",
    "load",
]
