"""Running the server: one process on one folder, until it is told to stop."""

from __future__ import annotations

import errno
import ipaddress
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from types import FrameType

import anyio.to_thread
import uvicorn

from ..errors import InvalidSetting, NotFound
from ..reading.local.opening import open_folder
from .access import Access
from .alerting import Alerting
from .app import make_app
from .callers import Role
from .connections import Connection, room_for_connections
from .group.address import GroupAddress
from .identity.accounts import Accounts
from .identity.local import LocalUser
from .identity.oidc import Provider, SignOn
from .intake.folder import FolderIntake
from .limits import Limits
from .meters import Meters
from .moving.folder import unfinished_move
from .observing import Observer, to_standard_error
from .place import PATIENCE, Place

__all__ = ["Served", "is_loopback", "listening", "place_of", "serve"]

_MOST_SECONDS = 10.0
"""Seconds that one question to the catalog may take, where limits do not say less."""
_LAST = 5
"""Seconds that answers under way have to end when the server stops."""
_PREPARED = 0.1
"""Seconds after which a server that has begun prepares for charts: the document of the page comes before."""


class Served(uvicorn.Server):
    """A server that says when it is ready, and ends what waits for changes when it is told to stop."""

    def __init__(
        self,
        config: uvicorn.Config,
        place: Place,
        ready: Callable[[], None],
        alerting: Alerting | None = None,
    ) -> None:
        super().__init__(config)
        self._place = place
        self._ready = ready
        self._alerting = alerting
        self._preparing = threading.Timer(_PREPARED, place.prepare)
        self._preparing.daemon = (
            True  # a first look may take minutes, and keeps no server from stopping
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, then say so."""
        await super().startup(sockets)
        if self.started:
            if self._alerting is not None:
                self._alerting.start()
            self._ready()
            self._preparing.start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what is under way. What takes too long is cut off without a word: a traceback for it would read like a fault."""
        # Both ask the store, which is about to be closed.
        if self._alerting is not None:
            await anyio.to_thread.run_sync(self._alerting.close)
        if self._preparing.is_alive():
            self._preparing.cancel()
            await anyio.to_thread.run_sync(self._preparing.join, 1.0)
        said = logging.getLogger("uvicorn.error")
        level = said.level
        said.setLevel(logging.CRITICAL)
        try:
            await super().shutdown(sockets)
        finally:
            said.setLevel(level)

    def stop(self) -> None:
        """Stop soon; any thread may ask for it."""
        self._place.live.close()
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at a signal; at a second Ctrl-C without waiting for what is under way."""
        self._place.live.close()
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = (
            True  # and not by the signal once more, as uvicorn does: to stop is no failure
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes one that is free.

    Raises:
        InvalidSetting: The address cannot be used.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        made = socket.socket(family, kind, protocol)
    except OSError as error:
        raise InvalidSetting(
            f"The server cannot listen on {host!r}: {error.strerror}.", setting="host"
        ) from None
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(1024)
    except OSError as error:
        made.close()
        raise InvalidSetting(
            f"The server cannot listen on {host} port {port}: {error.strerror}. Another program may listen there; "
            "--port chooses another port.",
            setting="port",
        ) from None
    return made


def _said(url: str, link: str | None) -> None:
    print(link or url)


def serve(
    root: str | GroupAddress,
    *,
    host: str = "127.0.0.1",
    port: int = 5700,
    user: str = "",
    names: Sequence[str] = (),
    trust_network: bool = False,
    read_only: bool = False,
    verbose: bool = False,
    alone: bool = False,
    provider: Provider | None = None,
    limits: Limits | None = None,
    ready: Callable[[str, str | None], None] = _said,
) -> None:
    """Serve a folder or a group's stores until the process is told to stop (SIGINT, SIGTERM).

    Args:
        root: The folder of the experiments, or where the stores of a group lie.
        user: Who starts the server: the author of edits as long as there are no accounts, and what the first one is called.
        names: Names that the server goes by, beside `localhost` and the address it listens on.
        trust_network: Listen beyond this machine also while there are no accounts, so that anybody on the network can read and
            change everything.
        read_only: Let nobody change anything.
        verbose: Print a line per request.
        alone: Serve one user, as a page for a folder does: whoever opens the link is `user`, and nobody else is let in. Accounts are
            neither asked nor made.
        provider: Who else says who somebody is, where people sign on elsewhere.
        limits: How much callers may ask for, and projects hold.
        ready: Called once requests are answered, with the URL and with one that holds a link of one use: it makes the first
            account, or lets the one user in. None when there are accounts.

    Raises:
        NotFound: There is no such folder.
        InvalidSetting: It would listen beyond this machine without being told to, or cannot listen there; or a group's bucket has
            experiments that its database does not know.
        CorruptData: The accounts in the folder may be somebody else's.
        UnknownFormat: A newer version of Anew made the tables of a group.
        OSError: A group's database or bucket cannot be reached.
    """
    if isinstance(root, str) and not os.path.isdir(root):
        raise NotFound(f"There is no folder {root}, so there is nothing to serve.", name=root)
    near = is_loopback(host)
    identities = LocalUser(user) if alone else _accounts(root, user, near or trust_network)
    made = None
    try:
        if not near and not trust_network:
            _check_accounts(identities, host)
        made = listening(host, port)
        room_for_connections()
        limits = limits or Limits()
        place = place_of(root, user, limits)
        if verbose:
            place.observer = Observer(to_standard_error)
        access = Access(
            user,
            _names_of(host, names, near=near),
            not near,
            Role.READER if read_only else Role.OWNER,
            identities,
            identities.audit if isinstance(identities, Accounts) else None,
            None if provider is None else SignOn(provider),
            Meters(limits),
        )
        config = uvicorn.Config(
            make_app(place, access), log_config=None, access_log=False, lifespan="on", server_header=False, date_header=True,
            timeout_graceful_shutdown=_LAST, ws="none", proxy_headers=False, backlog=1024,
            http=Connection,
        )  # fmt: skip
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{made.getsockname()[1]}"
        link = _link(identities)
        alerting = None if read_only else Alerting(place.whole(), place.alone)
        server = Served(config, place, lambda: ready(url, link and f"{url}/#link={link}"), alerting)
        server.run([made])
    finally:
        if made is not None:
            made.close()
        if isinstance(identities, Accounts):
            identities.close()


def place_of(root: str | GroupAddress, user: str, limits: Limits) -> Place:
    """What is served.

    Raises:
        InvalidSetting: A store is being moved there, or it cannot be a group's; see `open_group`.
    """
    place = _opened(root, user, min(_MOST_SECONDS, limits.answer_seconds))
    place.limit(limits)
    return place


def _opened(root: str | GroupAddress, user: str, seconds: float) -> Place:
    if isinstance(root, str):
        source = unfinished_move(root)
        if source is not None:
            raise InvalidSetting(
                f"A store is being moved from {source} to {root}. Wait for that, or run the same `anew server migrate` again if it was cut "
                "short: it goes on from there.",
                setting="root",
            )
        folder = open_folder(root, user=user, seconds=seconds, patience=PATIENCE)
        intake = FolderIntake(folder.root)
        return Place(folder.backend, folder.upkeep, folder.close, intake, folder.within)
    from .group.opening import open_group  # a folder needs no PostgreSQL

    group = open_group(root, user=user, seconds=seconds)
    return Place(
        group.backend, group.upkeep, group.close, group.intake, group.within, weights=group.weights, lacking=group.lacking,
        alone=lambda: group.stores.worker.leases.alone("alerts"), records=group.records,
        cache=root.cache,
    )  # fmt: skip


def _check_accounts(identities: Accounts | LocalUser | None, host: str) -> None:
    """See that somebody has to be known to be let in.

    Raises:
        InvalidSetting: Nobody has an account.
    """
    if identities is None or identities.open or _is_new(identities):
        raise InvalidSetting(
            f"Listening on {host} lets everybody on the network read all experiments, and change them unless it is "
            "read-only: this server has no accounts yet. Start it on 127.0.0.1 and open the link that it prints, or make an account with "
            "`anew server user add NAME --admin`. Pass --trust-network if everybody is meant to be let in.",
            setting="host",
        )


def _names_of(host: str, names: Sequence[str], *, near: bool) -> frozenset[str]:
    """The names that a server goes by: those given, that of the address it listens on, and beyond this machine those of the machine."""
    known = {host.lower(), *(name.lower() for name in names)}
    if not near:
        known |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    return frozenset(known)


def _accounts(root: str | GroupAddress, user: str, trusting: bool) -> Accounts | None:
    """The accounts of a folder or a group; None where nothing can be written, so that there can be none."""
    try:
        at = root if isinstance(root, str) else root.catalog
        return Accounts(at, first=user, trusting=trusting)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC):
            raise
        return None


def _is_new(identities: Accounts | LocalUser) -> bool:
    return isinstance(identities, Accounts) and identities.empty


def _link(identities: Accounts | LocalUser | None) -> str | None:
    """The secret of the link to print at the start."""
    if isinstance(identities, LocalUser):
        return identities.link()
    if identities is None or identities.users():
        return None
    return identities.first_link()
