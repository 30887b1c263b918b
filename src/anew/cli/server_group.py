"""What the commands of `server` share that serve or look after the stores of a group."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .face import Face

if TYPE_CHECKING:
    from ..server.group.address import GroupAddress

__all__ = ["group_of", "on_group"]

F = TypeVar("F", bound=Callable[..., Any])


def on_group(command: F) -> F:
    """The options that say where a group's stores lie."""
    for add in (
        click.option(
            "--cache", metavar="DIR", help="A folder of this machine for copies of what is read from the bucket; or ANEW_SERVER_CACHE."
        ),
        click.option(
            "--series", metavar="URL", help="The ClickHouse server for the points of a group, as clickhouse://…; or ANEW_SERVER_SERIES. Without it, points are files in the bucket."
        ),
        click.option(
            "--blobs", metavar="ADDRESS", help="The bucket of a group's servers, such as s3://lab/anew, or a folder that all of them reach; or ANEW_SERVER_BLOBS."
        ),
        click.option(
            "--catalog", metavar="URL", help="The database of a group's servers, as postgresql://…; or ANEW_SERVER_CATALOG, which other users of this machine cannot see."
        ),
    ):  # fmt: skip
        command = add(command)
    return command


def group_of(
    face: Face,
    folder: str | None,
    catalog: str | None,
    blobs: str | None,
    cache: str | None,
    series: str | None,
) -> GroupAddress | None:
    """Where the stores of the group lie that a command is about; None if it is about a folder.

    What is said on the command line counts before the environment, so that a folder can be named where a group is set.

    Raises:
        UsageError: A folder and a group were given, or a half of a group.
    """
    from ..settings import server_catalog, server_links, server_series, server_stores

    named = folder is not None or face.root is not None
    if named and (catalog or blobs or series):
        raise click.UsageError(
            "Give either a folder, or --catalog and --blobs for the stores of a group."
        )
    if named:
        return None
    set_blobs, set_cache = server_stores()
    catalog, blobs = catalog or server_catalog(), blobs or set_blobs
    series = series or server_series()
    if not catalog and not blobs and not series:
        return None
    if not catalog or not blobs:
        raise click.UsageError("The stores of a group need both --catalog and --blobs.")
    from ..server.group.address import GroupAddress

    cache = cache or set_cache
    group = GroupAddress(catalog, blobs, series=series, links=server_links())
    return group._replace(cache=cache) if cache else group
