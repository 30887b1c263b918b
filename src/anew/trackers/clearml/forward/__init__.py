"""Tasks on a ClearML server, or offline sessions, that mirror experiments."""

from __future__ import annotations

from .target import ClearMLTarget

__all__ = ["ClearMLTarget"]
