"""The sink that fills the stores: follows the journals, keeps the catalog and the series, takes out the trash."""

from .doctor import Finding, examine
from .footprint import Weighing, Weight, own_entries
from .index import Index, Progress, Refreshed, Row
from .sink import IndexSink
from .trash import Freed, Trash, Trashed

__all__ = [
    "Finding",
    "Freed",
    "Index",
    "IndexSink",
    "Progress",
    "Refreshed",
    "Row",
    "Trash",
    "Trashed",
    "Weighing",
    "Weight",
    "examine",
    "own_entries",
]
