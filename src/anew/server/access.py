"""Who may call: the one place where each request is admitted or refused, by the row of its route."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request

from .callers import Caller, Role
from .replies import JSON, MSGPACK, Denied
from .routes import Route

__all__ = ["Access"]

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Access:
    """What a server asks of every request.

    A folder that is served without accounts has one caller: whoever reaches it acts as the user who started it.

    Attributes:
        user: That user.
        hosts: Names that the server goes by, beside those of this machine itself.
        addresses: Whether it may also be called by any address, as it is where a network is trusted.
        role: What callers may do.
    """

    user: str
    hosts: frozenset[str] = frozenset()
    addresses: bool = False
    role: Role = Role.OWNER

    def admit(self, request: Request, route: Route) -> Caller:
        """Who calls.

        Raises:
            Denied: The request does not name this server, comes from a page of another site, or may not call this route.
        """
        self._check_host(request.headers.get("host", ""))
        if route.method != "GET":
            self._check_origin(request)
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            # A form on a page of another site can send everything but these, and no credential of a program.
            taken = (JSON,) if route.foreign else (JSON, MSGPACK)
            if route.foreign and "authorization" in request.headers:
                taken += ("", *(("multipart/form-data",) if route.form else ()))
            if kind not in taken:
                raise Denied(415, "UnsupportedMediaType", f"Send a body of {JSON} or {MSGPACK}.")
        caller = Caller(self.user, self.role)
        if caller.role < route.role:
            raise Denied(
                403,
                "Forbidden",
                f"This server lets nobody do that: it needs the role {route.role.name.lower()}.",
            )
        return caller

    def _check_host(self, host: str) -> None:
        """A page of another site that has its name point here (DNS rebinding) sends that name."""
        try:
            name = "" if set(host) & set("@/?#\\") else urlsplit(f"//{host}").hostname or ""
        except ValueError:
            name = ""
        if name in _LOCAL or name in self.hosts:
            return
        if self.addresses:
            try:
                ipaddress.ip_address(name)
            except ValueError:
                pass
            else:
                return
        raise Denied(
            421,
            "MisdirectedRequest",
            "This server does not go by the name that the request has in its Host header. Start it with "
            "--allow-host NAME if it is to.",
        )

    @staticmethod
    def _check_origin(request: Request) -> None:
        origin = request.headers.get("origin")
        site = request.headers.get("sec-fetch-site")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            raise Denied(403, "CrossOrigin", "Pages of other sites may not call this server.")
        if site is not None and site not in ("same-origin", "none"):
            raise Denied(403, "CrossOrigin", "Pages of other sites may not call this server.")
