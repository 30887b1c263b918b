"""`autolog` and the sampling of the system: what MLflow does when it is asked, and Anew by other means."""

from __future__ import annotations

import warnings
from typing import Any

from .places import sampling

__all__ = [
    "autolog",
    "disable_system_metrics_logging",
    "enable_system_metrics_logging",
    "set_system_metrics_sampling_interval",
]

_told = False


def autolog(*args: Any, **options: Any) -> None:
    """Nothing: frameworks are recorded by `anew.capture()` and the integrations, which a warning says once."""
    global _told
    if not _told and not options.get("disable"):
        _told = True
        if not options.get("silent"):
            warnings.warn(
                "mlflow.autolog() records nothing here; anew.capture() and anew.integrations do.",
                stacklevel=2,
            )


def set_system_metrics_sampling_interval(interval: float | None) -> None:
    """Seconds between samples of CPU, memory and GPU in the runs that follow."""
    sampling["interval"] = interval


def enable_system_metrics_logging() -> None:
    """Sample CPU, memory and GPU in the runs that follow, which is so by itself."""
    sampling["interval"] = None


def disable_system_metrics_logging() -> None:
    """Sample no CPU, memory and GPU in the runs that follow."""
    sampling["interval"] = 0
