"""The sink that fills the stores: follows the journals, keeps the catalog and the series, takes out the trash."""

from .index import Index, Progress, Refreshed

__all__ = ["Index", "Progress", "Refreshed"]
