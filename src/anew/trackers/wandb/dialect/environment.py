"""`wandb.env`: what the environment says, and two things that it can be made to say."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

__all__ = [
    "get_entity",
    "get_project",
    "is_offline",
    "is_quiet",
    "is_silent",
    "set_entity",
    "set_project",
]

_Environment = MutableMapping[str, str]


def _of(name: str, default: str | None, env: _Environment | None) -> str | None:
    return (os.environ if env is None else env).get(name, default)


def _is_set(name: str) -> bool:
    return os.environ.get(name, "").lower() in ("true", "1", "yes", "on")


def get_project(default: str | None = None, env: _Environment | None = None) -> str | None:
    """`WANDB_PROJECT`."""
    return _of("WANDB_PROJECT", default, env)


def get_entity(default: str | None = None, env: _Environment | None = None) -> str | None:
    """`WANDB_ENTITY`."""
    return _of("WANDB_ENTITY", default, env)


def set_project(value: str, env: _Environment | None = None) -> None:
    """Set the project of the runs that follow, also of programs that are started."""
    (os.environ if env is None else env)["WANDB_PROJECT"] = value or "uncategorized"


def set_entity(value: str, env: _Environment | None = None) -> None:
    """Set the entity of the runs that follow, also of programs that are started."""
    (os.environ if env is None else env)["WANDB_ENTITY"] = value


def is_offline(env: _Environment | None = None) -> bool:
    """Whether `WANDB_MODE` is offline."""
    return _of("WANDB_MODE", "", env) in ("offline", "dryrun")


def is_quiet() -> bool:
    """Whether `WANDB_QUIET` is set."""
    return _is_set("WANDB_QUIET")


def is_silent() -> bool:
    """Whether `WANDB_SILENT` is set."""
    return _is_set("WANDB_SILENT")
