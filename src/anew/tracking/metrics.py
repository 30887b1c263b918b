"""`exp.metrics(group)`: metrics whose names share a first part."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .points import LogMetrics

__all__ = ["MetricGroup"]


class MetricGroup:
    """Logs under `<group>/<name>`; one call is one row."""

    __slots__ = ("_log", "_names", "name")

    def __init__(self, log: LogMetrics, name: str) -> None:
        self._log = log
        self._names: dict[str, str] = {}
        self.name = name

    def log(
        self,
        metrics: Mapping[str, Any] | None = None,
        /,
        *,
        step: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> None:
        """Log one row: `exp.metrics("train").log(loss=0.5, epoch=1)`.

        Raises:
            InvalidValue: A value is not a number; the message names its key.
            NotRunning: The experiment has not started, or has ended.
        """
        names = self._names
        row = {}
        for key, value in (metrics or {}).items():
            row[names.get(key) or self._name(key)] = value
        for key, value in more.items():
            row[names.get(key) or self._name(key)] = value
        self._log(row, step, metadata=metadata)

    def _name(self, key: str) -> str:
        name = self._names[key] = f"{self.name}/{key}" if self.name else key
        return name

    def __repr__(self) -> str:
        return f"MetricGroup({self.name!r})"
