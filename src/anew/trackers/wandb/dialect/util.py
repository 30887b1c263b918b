"""`wandb.util`: the functions of it that programs use."""

from __future__ import annotations

import json
from typing import Any

from .opening import generate_id
from .plain import plain

__all__ = ["generate_id", "json_dumps_safer"]


def json_dumps_safer(obj: Any, **kwargs: Any) -> str:
    """`obj` as JSON, with arrays, tensors, sets and dates in it."""
    return json.dumps(obj, default=plain, **kwargs)
