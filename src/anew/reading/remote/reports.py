"""What a server tells of reports beyond their texts."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from .calls import Calls

if TYPE_CHECKING:
    from ...reports.showing import Showing

__all__ = ["RemoteReports"]


class RemoteReports:
    """Reads the reports of a server there."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def showing(self, experiment: str) -> tuple[Showing, ...]:
        """See `Reports.showing`."""
        from ...reports.showing import Showing

        found: tuple[Showing, ...]
        path = f"/reports?experiment={quote(experiment, safe='')}"
        found = self._calls.call("GET", path, None, tuple[Showing, ...])
        return found
