"""`wandb.util`: the one function of it that programs use."""

from __future__ import annotations

from .opening import generate_id

__all__ = ["generate_id"]
