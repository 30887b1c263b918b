"""The repository that a command of `weights` works on."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .face import Face

if TYPE_CHECKING:
    from ..weights import Repository

__all__ = ["open_repository", "repository_option"]

F = TypeVar("F", bound=Callable[..., Any])


def repository_option(function: F) -> F:
    """Give a command `--repo`."""
    return click.option(
        "--repo",
        metavar="PATH",
        help="The repository: a folder, or a bucket such as s3://bucket/weights.",
    )(function)


def open_repository(
    face: Face, repo: str | None, *, init: bool = False, **options: Any
) -> Repository:
    """The repository a command works on."""
    from ..weights import Repository

    return Repository(_where(face, repo), init=init, **options)


def _where(face: Face, repo: str | None) -> str:
    if repo:
        return repo
    from ..address import local_folder, parse_address
    from ..errors import InvalidSetting
    from ..settings import load_settings

    if face.root is not None and parse_address(face.root, setting="root").kind == "server":
        raise InvalidSetting(
            "A server does not give out its repository of weights. Use `anew weights` on the machine of the server, "
            "or name a repository that both machines reach with --repo, such as --repo s3://bucket/weights.",
            setting="root",
        )
    root = local_folder(load_settings().root if face.root is None else face.root)
    return os.path.join(root, "weights")
