"""The address of a registry of models, which is kept and has no effect: there is no registry."""

from __future__ import annotations

from .places import get_tracking_uri

__all__ = ["get_registry_uri", "set_registry_uri"]

_uri: str | None = None


def set_registry_uri(uri: str) -> None:
    """Keep an address; nothing is sent there."""
    global _uri
    _uri = uri or None


def get_registry_uri() -> str:
    """The address that was set, or that of the tracking."""
    return _uri or get_tracking_uri()
