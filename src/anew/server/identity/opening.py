"""What accounts lie in, by its address."""

from __future__ import annotations

from ...postgres import is_postgres
from .database import Database

__all__ = ["open_database"]


def open_database(where: str) -> Database:
    """The accounts of a folder, or those in the database of a group.

    Args:
        where: The folder of the experiments, or a `postgresql://` address.

    Raises:
        CorruptData: The accounts of the folder may be somebody else's.
        UnknownFormat: A newer version of Anew made them.
        MissingDependency: What the database needs is not installed.
        OSError: They cannot be opened.
    """
    if is_postgres(where):
        from .postgres import GroupDatabase

        return GroupDatabase(where)
    from .sqlite import FolderDatabase

    return FolderDatabase(where)
