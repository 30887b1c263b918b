"""Who may call: the one place where each request is admitted or refused, by the row of its route."""

from __future__ import annotations

import functools
import ipaddress
from base64 import b64decode
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.requests import Request

from .callers import Caller, Role
from .identity.audit import Audit
from .identity.credentials import TOKEN
from .identity.oidc import SignOn
from .identity.protocol import Identities
from .meters import Meters
from .replies import JSON, MSGPACK, Denied
from .routes import Route

__all__ = ["COOKIE", "Access", "cookie_of", "counted_as", "shown_token"]

COOKIE = "anew_session"
"""The cookie that has the secret of a session; its name goes on with the port where the address has one."""
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def cookie_of(request: Request) -> str:
    """The name of the cookie: browsers give all ports of a machine the same cookies, and each may have a page of its own."""
    port = request.headers.get("host", "").rpartition("]")[2].rpartition(":")[2]
    return f"{COOKIE}_{port}" if port.isdecimal() else COOKIE


def shown_token(authorization: str) -> str | None:
    """The token in an `Authorization` header: by itself, or as the password of somebody whose name says nothing."""
    scheme, _, shown = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return shown.strip()
    if scheme.lower() != "basic":
        return None
    try:
        return b64decode(shown.strip(), validate=True).decode().partition(":")[2]
    except ValueError:
        return None


@functools.lru_cache(64)
def _name_in(host: str) -> str:
    """The name in a Host header; "" if there is none."""
    try:
        return "" if set(host) & set("@/?#\\") else urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


@dataclass(frozen=True)
class Access:
    """What a server asks of every request, whatever route it is for.

    A caller shows a token (`Authorization: Bearer …`) or a session (the cookie of `cookie_of`). Without either they are nobody, who may
    call only what anyone may; or, where nobody has an account yet, the user who started the server.

    Attributes:
        user: That user.
        hosts: Names that the server goes by, beside those of this machine itself.
        addresses: Whether it may also be called by any address, as it is where a network is trusted.
        role: The most that callers may do, whatever roles they have.
        identities: Who there is; None for a folder that is served without accounts.
        audit: Where it is written down who did what; None where nobody has an account.
        sign_on: A provider that vouches for people.
        meters: What callers have had lately, and how much they may have.
        origins: Where else pages may come from that call it, such as `https://hub.example.org` for a proxy that sends
            another Host than the browser's.
    """

    user: str
    hosts: frozenset[str] = frozenset()
    addresses: bool = False
    role: Role = Role.OWNER
    identities: Identities | None = None
    audit: Audit | None = None
    sign_on: SignOn | None = None
    meters: Meters = field(default_factory=Meters)
    origins: frozenset[str] = frozenset()

    def admit(self, request: Request, route: Route) -> Caller:
        """Who calls.

        Raises:
            Denied: The request does not name this server, comes from a page of another site, shows no credential or one
                that does not hold, or may not call this route.
        """
        self._check_host(request.headers.get("host", ""))
        if route.method != "GET":
            self._check_origin(request)
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            # A form on a page of another site can send everything but these, and no credential of a program.
            taken: tuple[str, ...] = (JSON,) if route.foreign else (JSON, MSGPACK)
            # A page of another site can send no DELETE, and PUT nothing, without asking first, which is refused.
            if route.foreign and route.method == "DELETE":
                taken += ("",)
            if route.foreign and "authorization" in request.headers:
                taken += ("", *(("multipart/form-data",) if route.form else ()))
            if kind not in taken and not (route.raw and route.method == "PUT"):
                raise Denied(415, "UnsupportedMediaType", f"Send a body of {JSON} or {MSGPACK}.")
        caller = self.caller(request)
        if caller is None and route.foreign and self._is_unmarked(request):
            caller = self._starter()
        self.meters.admit(counted_as(request, caller), "" if caller is None else caller.project)
        if caller is None:
            if route.role is Role.ANYONE:
                return Caller("", Role.ANYONE)
            raise Denied(401, "NotAllowed", _who(request))
        caller = caller.capped(self.role)
        if caller.role < route.role or (route.admin and not caller.admin):
            needed = (
                "an account that looks after the server"
                if route.admin
                else f"the role {route.role.name.lower()}"
            )
            raise Denied(
                403,
                "NotAllowed",
                f"{caller.name or 'You'} may not do that here: it needs {needed}.",
            )
        return caller

    def caller(self, request: Request) -> Caller | None:
        """Who shows what the request shows; None for nobody, and for whoever shows what does not hold."""
        if self.identities is None:
            return self._starter()
        shown = request.headers.get("authorization")
        if shown is not None:  # a token that was revoked must not fall back to anything
            token = shown_token(shown)
            return None if token is None else self.identities.of_token(token)
        secret = request.cookies.get(cookie_of(request))
        found = None if secret is None else self.identities.of_session(secret)
        if found is None and self.identities.open:
            return self._starter()
        return found

    def note(self, caller: Caller, action: str, project: str, target: str) -> None:
        """Write down that somebody did something."""
        if self.audit is not None:
            self.audit.note(caller.name, caller.key, action, project, target)

    def charge(self, request: Request, caller: Caller, size: int) -> None:
        """Count bytes that a caller has sent or is sent."""
        self.meters.charge(counted_as(request, caller), size, caller.project)

    def worked(self, request: Request, caller: Caller, seconds: float) -> None:
        """Count the time that an answer to a caller took."""
        self.meters.worked(counted_as(request, caller), seconds, caller.project)

    def _is_unmarked(self, request: Request) -> bool:
        """Whether a request shows a token that was never one of ours, where nobody needs one: other trackers' clients always have one."""
        token = shown_token(request.headers.get("authorization", "")) or ""
        return self.identities is not None and self.identities.open and not token.startswith(TOKEN)

    def _starter(self) -> Caller:
        return Caller(
            self.user, self.role, admin=self.role is Role.OWNER, user=self.user, key="local"
        )

    def _check_host(self, host: str) -> None:
        """A page of another site that has its name point here (DNS rebinding) sends that name."""
        name = _name_in(host)
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
            "This server does not go by the name that the request has in its Host header. If it is to, start "
            "`anew server` with --allow-host NAME, and `anew ui` with --origin URL.",
        )

    def _check_origin(self, request: Request) -> None:
        origin = request.headers.get("origin")
        site = request.headers.get("sec-fetch-site")
        other = (
            "Pages of other sites may not call this server. If a proxy stands between, start `anew ui` with --origin URL, "
            "the beginning of the address that the browser shows."
        )
        own = origin is None or urlsplit(origin).netloc == request.headers.get("host")
        if not own and origin not in self.origins:
            raise Denied(403, "CrossOrigin", other)
        if site is not None and site not in ("same-origin", "none"):
            raise Denied(403, "CrossOrigin", other)


def counted_as(request: Request, caller: Caller | None) -> str:
    """What limits are counted by: what a caller shows, or where somebody is who shows nothing."""
    if caller is not None and caller.key:
        return caller.key
    return f"from {request.client.host if request.client else ''}"


def _who(request: Request) -> str:
    """What to say to somebody who is nobody."""
    if "authorization" in request.headers:
        return (
            "This server does not know the token that was sent: it was revoked, has expired, or is that of another server. "
            "Programs take it from ANEW_TOKEN, or from what `anew login` keeps."
        )
    return "This server wants to know who calls. Log in, or send a token: programs take it from ANEW_TOKEN."
