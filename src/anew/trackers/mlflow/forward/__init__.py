"""Runs on an MLflow server, or in a store that MLflow reads without one, that mirror experiments."""

from __future__ import annotations

from .target import MLflowTarget

__all__ = ["MLflowTarget"]
