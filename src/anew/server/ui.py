"""The page for one user: the application of a server, on this machine alone."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import uvicorn

from ..address import Address
from ..errors import InvalidSetting, NotFound
from .access import Access
from .app import make_app
from .callers import Role
from .identity.local import LocalUser
from .place import PATIENCE, Place
from .running import Served, listening

__all__ = ["free_port", "origin_of", "serve_page"]

_HOST = "127.0.0.1"
_TRIED = 20
"""Ports after the one asked for that are tried."""


def serve_page(
    address: Address,
    *,
    port: int = 5700,
    user: str = "",
    origins: Sequence[str] = (),
    read_only: bool = False,
    ready: Callable[[str], None] = print,
) -> None:
    """Serve the page of a folder or of a server until the process is told to stop (SIGINT, SIGTERM).

    Only this machine reaches it. If the port is taken, the next one that is free is used.

    Args:
        address: The store. A folder that is not there yet is shown as soon as it is.
        user: Who made an edit.
        origins: Where the page is opened from, such as `https://hub.example.org`, where a proxy stands between.
        read_only: Let nobody change anything.
        ready: Called with the link once requests are answered: it lets one browser in, once.

    Raises:
        NotFound: The address is a file, or no store can be there.
        InvalidSetting: No port is free, or an origin is not a URL.
        OSError: The server cannot be reached.
    """
    known = frozenset(origin_of(one) for one in origins)
    place = _place(address, user)
    try:
        made = free_port(port)
    except BaseException:
        place.close()
        raise
    try:
        role = Role.READER if read_only else Role.OWNER
        hosts = frozenset(urlsplit(one).hostname or "" for one in known)
        identities = LocalUser(user)
        access = Access(user, hosts, role=role, identities=identities, origins=known)
        config = uvicorn.Config(
            make_app(place, access), log_config=None, access_log=False, lifespan="on", server_header=False,
            timeout_graceful_shutdown=1, ws="none", proxy_headers=False, http="h11", loop="asyncio",
        )  # fmt: skip
        url = f"http://{_HOST}:{made.getsockname()[1]}/"
        Served(config, place, lambda: ready(f"{url}#link={identities.link()}")).run([made])
    finally:
        made.close()


def _place(address: Address, user: str) -> Place:
    if address.kind == "server":
        from ..credentials import token_for
        from ..reading.remote.opening import open_server

        server = open_server(address.location, token=token_for(address.location))
        server.backend.about()  # an address that nobody answers at is said before a browser opens
        return Place(
            server.backend, server.upkeep, server.close, analyst=server.analyst, showing=server.reports.showing
        )  # fmt: skip
    if address.kind != "folder":
        raise NotFound(
            f"{address} is not a folder or a server, so its experiments cannot be shown."
        )
    if os.path.exists(address.location) and not os.path.isdir(address.location):
        raise NotFound(f"{address} is not a folder.", name=str(address))
    from ..reading.local.opening import open_folder

    folder = open_folder(address.location, user=user, patience=PATIENCE)
    return Place(folder.backend, folder.upkeep, folder.close)


def free_port(port: int) -> socket.socket:
    """A socket that listens at the port, or at the next one that is free."""
    last: InvalidSetting | None = None
    for one in range(port, min(port + _TRIED, 65535) + 1) if port else (0,):
        try:
            return listening(_HOST, one)
        except InvalidSetting as error:
            last = error
    assert last is not None
    raise last


def origin_of(text: str) -> str:
    """An origin as browsers send it.

    Raises:
        InvalidSetting: It is not a URL of a server.
    """
    try:
        found = urlsplit(text.strip())
        port = found.port
    except ValueError:
        found, port = urlsplit(""), None
    if found.scheme not in ("http", "https") or not found.hostname:
        raise InvalidSetting(
            f"{text!r} is not an origin. Give the beginning of the URL that the browser shows, such as https://hub.example.org.",
            setting="origin",
        )
    name = f"[{found.hostname}]" if ":" in found.hostname else found.hostname
    default = {"http": 80, "https": 443}[found.scheme]
    return f"{found.scheme}://{name}" + (f":{port}" if port not in (None, default) else "")
