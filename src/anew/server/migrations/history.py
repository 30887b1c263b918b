"""The versions that some tables have been through, oldest first."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ...errors import UnknownFormat

__all__ = ["TABLE", "History", "Version"]

TABLE = "alembic_version"
"""The table with the version that the others have: one row of one column, `version_num`."""


class Version(Protocol):
    """A module that brings the tables one version further. Once it was released, it is never changed.

    It is also a revision of Alembic, which loads it by its path: so it imports nothing of this package, and its `upgrade` executes the
    statements of the engine that it runs on.
    """

    @property
    def __file__(self) -> str | None: ...

    @property
    def revision(self) -> str:
        """The name of the version: `v1`, `v2`, …"""
        ...

    @property
    def down_revision(self) -> str | None:
        """The name of the one before; None for the first."""
        ...

    @property
    def STATEMENTS(self) -> Mapping[str, Sequence[str]]:
        """What to execute, by the engine: `sqlite`, `postgresql`."""
        ...


@dataclass(frozen=True)
class History:
    """The versions of some tables.

    Attributes:
        what: What the tables hold, for messages: "accounts".
        versions: Oldest first.
    """

    what: str
    versions: Sequence[Version]

    @property
    def newest(self) -> str:
        """The name of the version that this program works with."""
        return self.versions[-1].revision

    @property
    def folder(self) -> str:
        """Where the modules lie."""
        return os.path.dirname(os.path.abspath(self.versions[0].__file__ or ""))

    def after(self, version: str | None, where: str) -> Sequence[Version]:
        """The versions that follow on one; all of them for tables that are not there yet.

        Args:
            where: The file or the database, for the message.

        Raises:
            UnknownFormat: This program does not know the version: a newer one made it.
        """
        if version is None:
            return self.versions
        names = [one.revision for one in self.versions]
        if version not in names:
            raise UnknownFormat(
                f"The {self.what} in {where} have the version {version}, and this version of Anew knows them up to {self.newest}. Install "
                "a newer Anew, or restore a backup."
            )
        return self.versions[names.index(version) + 1 :]
