"""Runs at Weights & Biases, or in its offline folders, that mirror experiments."""

from __future__ import annotations

from .target import WandBTarget

__all__ = ["WandBTarget"]
