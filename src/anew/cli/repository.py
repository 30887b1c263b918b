"""The repository that a command of `weights` works on."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .face import Face

if TYPE_CHECKING:
    from ..weights import Repository

__all__ = ["open_repository", "repository_at", "repository_option"]

F = TypeVar("F", bound=Callable[..., Any])


def repository_option(function: F) -> F:
    """Give a command `--repo`."""
    return click.option(
        "--repo",
        metavar="PATH",
        help="The repository: a folder, a bucket such as s3://bucket/weights, or a server, of which it can be read.",
    )(function)


def open_repository(
    face: Face, repo: str | None, *, init: bool = False, **options: Any
) -> Repository:
    """The repository a command works on: the one that `--repo` names, or that of the store."""
    from ..address import local_folder, parse_address
    from ..settings import load_settings
    from ..weights import Repository

    if repo:
        return repository_at(repo) or Repository(repo, init=init, **options)
    root = load_settings().root if face.root is None else face.root
    if parse_address(root, setting="root").kind == "server":
        found = repository_at(root)
        assert found is not None
        return found
    return Repository(os.path.join(local_folder(root), "weights"), init=init, **options)


def repository_at(address: str) -> Repository | None:
    """The repository of a server, which can be read; None if the address is not that of a server."""
    from ..address import parse_address
    from ..store import Store

    if parse_address(address, setting="repo").kind != "server":
        return None
    store = Store(address)
    click.get_current_context().call_on_close(store.close)
    return store.weights
