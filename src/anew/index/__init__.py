"""The sink that fills the stores: follows the journals, keeps the catalog and the series, takes out the trash.

What only some need is imported from its module: `trash`, `doctor`, `usage`, and `sink`, which loads what decodes points.
"""

from .index import Index, Progress, Refreshed, Row

__all__ = ["Index", "Progress", "Refreshed", "Row"]
