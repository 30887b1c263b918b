"""The address of a registry of models, which is kept and has no effect here: there is no registry."""

from __future__ import annotations

import os

from .places import get_tracking_uri

__all__ = ["get_registry_uri", "set_registry_uri"]

_VARIABLE = "MLFLOW_REGISTRY_URI"


def set_registry_uri(uri: str) -> None:
    """Keep an address, also for the programs that this one starts; nothing is sent there."""
    if uri:
        os.environ[_VARIABLE] = uri
    else:
        os.environ.pop(_VARIABLE, None)


def get_registry_uri() -> str:
    """The address that was set, or that of the tracking."""
    return os.environ.get(_VARIABLE) or get_tracking_uri()
