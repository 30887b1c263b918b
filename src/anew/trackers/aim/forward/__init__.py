"""Runs in an Aim repository, or on an Aim server, that mirror experiments."""

from __future__ import annotations

from .target import AimTarget

__all__ = ["AimTarget"]
