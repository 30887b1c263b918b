"""Sign-on by OpenID Connect: the authorization code flow with PKCE, against the one provider that the server was started with.

Nothing that a request says decides where the server connects to: the issuer is set by who starts the server, and what its discovery
document names must be encrypted like the issuer itself. No redirect is followed.

See OpenID Connect Core 1.0, section 3.1, and RFC 9700 for what is checked.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from ...errors import InvalidSetting, MissingDependency, NotAllowed

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import OAuth2Client

__all__ = ["Identity", "Provider", "SignOn", "Started"]

_PATIENCE = 600.0
"""Seconds that somebody may take to log in at the provider."""
_MOST_WAITING = 10_000
_TIMEOUT = 10.0
_LEEWAY = 60
_DISCOVERED = 3600.0
_MOST_DOCUMENT = 1 << 20
_ALGORITHMS = (
    "RS256",
    "PS256",
    "ES256",
    "RS384",
    "RS512",
    "ES384",
    "ES512",
    "PS384",
    "PS512",
    "EdDSA",
)


@dataclass(frozen=True)
class Provider:
    """Who says who somebody is.

    Attributes:
        issuer: Its address, as its tokens name it.
        client: What it calls this server.
        secret: What this server shows it; "" for a public client.
        url: The address that this server is reached by; the provider sends people back to `url` + `callback`.
    """

    issuer: str
    client: str
    secret: str
    url: str

    callback = "/api/v1/login/oidc/callback"

    def __repr__(self) -> str:
        return f"Provider({self.issuer!r}, {self.client!r})"

    @property
    def back(self) -> str:
        """Where the provider sends people back to."""
        return self.url.rstrip("/") + self.callback


@dataclass(frozen=True)
class Identity:
    """Who somebody is, as a provider says; `name` is what they may be called here."""

    issuer: str
    subject: str
    name: str


@dataclass(frozen=True)
class Started:
    """A sign-on that has begun: where to send the browser, and the secret that it has to bring back."""

    address: str
    secret: str


@dataclass(frozen=True)
class _Waiting:
    secret: str
    verifier: str
    nonce: str
    user: str
    until: float


class _Document(msgspec.Struct, frozen=True):
    """What is used of a provider's discovery document."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None


class SignOn:
    """Sign-ons at one provider; any thread may call.

    Raises:
        InvalidSetting: The issuer or this server has no encrypted address.
    """

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        _encrypted(provider.issuer, provider.issuer)
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()
        self._guard = threading.Lock()
        self._found: tuple[float, _Document] | None = None

    def begin(self, user: str = "") -> Started:
        """Begin a sign-on.

        Args:
            user: The account that the identity is to be connected with; "" to log in.

        Raises:
            NotAllowed: The provider does not answer as one does.
        """
        found = self._discovered()
        state, secret, verifier, nonce = (secrets.token_urlsafe(32) for _ in range(4))
        with self._client() as client:
            address, _ = client.create_authorization_url(
                found.authorization_endpoint, state=state, code_verifier=verifier, nonce=nonce
            )
        with self._guard:
            self._waiting[state] = _Waiting(secret, verifier, nonce, user, time.time() + _PATIENCE)
            while len(self._waiting) > _MOST_WAITING:
                self._waiting.popitem(last=False)
        return Started(address, secret)

    def finish(self, state: str, secret: str, code: str) -> tuple[Identity, str]:
        """Who has signed on, and the account to connect the identity with ("" to log in).

        Args:
            state: As the provider sent it back.
            secret: As the browser brought it back: whoever is given somebody else's answer does not have it.
            code: What the provider gives tokens for, once.

        Raises:
            NotAllowed: The sign-on was not begun here, took too long, or the provider does not vouch for anybody.
        """
        with self._guard:
            waiting = self._waiting.pop(state, None)
        if (
            waiting is None
            or waiting.until < time.time()
            or not hmac.compare_digest(waiting.secret.encode(), secret.encode(errors="replace"))
        ):
            raise NotAllowed("This sign-on was not begun here, or took too long. Try again.")
        return self._identified(code, waiting), waiting.user

    def _identified(self, code: str, waiting: _Waiting) -> Identity:
        from authlib.common.errors import AuthlibBaseError
        from authlib.oidc.core import CodeIDToken
        from httpx2 import HTTPError
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        found = self._discovered()
        try:
            with self._client() as client:
                given = client.fetch_token(
                    found.token_endpoint,
                    code=code,
                    code_verifier=waiting.verifier,
                    grant_type="authorization_code",
                )
                keys = KeySet.import_key_set(self._json(client, found.jwks_uri))
                token = jwt.decode(given["id_token"], keys, algorithms=list(_ALGORITHMS))
                claims = CodeIDToken(
                    token.claims,
                    token.header,
                    options={
                        "iss": {"essential": True, "value": found.issuer},
                        "aud": {"essential": True, "value": self.provider.client},
                        "nonce": {"essential": True, "value": waiting.nonce},
                    },
                    params={
                        "nonce": waiting.nonce,
                        "client_id": self.provider.client,
                        "access_token": given.get("access_token"),
                    },
                )
                claims.validate(leeway=_LEEWAY)
                told = dict(token.claims)
                if found.userinfo_endpoint and not (
                    told.get("preferred_username") or told.get("email")
                ):
                    shown = {"Authorization": f"Bearer {given['access_token']}"}
                    more = self._json(client, found.userinfo_endpoint, shown)
                    if more.get("sub") == told["sub"]:
                        told = {**more, **told}
        except (AuthlibBaseError, JoseError, HTTPError, KeyError, ValueError, TypeError) as error:
            # What it says may hold what is secret.
            raise NotAllowed(
                f"{self.provider.issuer} does not vouch for anybody ({type(error).__name__}). Try again."
            ) from None
        return Identity(found.issuer, str(told["sub"]), _name(told))

    def _client(self) -> OAuth2Client:
        try:
            from authlib.integrations.httpx_client import OAuth2Client
        except ModuleNotFoundError as error:
            raise MissingDependency.of("Sign-on", error.name or "authlib", "server") from None
        return OAuth2Client(
            self.provider.client,
            self.provider.secret or None,
            scope="openid profile email",
            redirect_uri=self.provider.back,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if self.provider.secret else "none",
            timeout=_TIMEOUT,
            follow_redirects=False,
        )

    def _discovered(self) -> _Document:
        """The provider's discovery document, asked for again now and then."""
        from httpx2 import HTTPError

        known = self._found
        if known is not None and known[0] > time.time():
            return known[1]
        issuer = self.provider.issuer
        try:
            with self._client() as client:
                address = issuer.rstrip("/") + "/.well-known/openid-configuration"
                found = msgspec.convert(self._json(client, address), _Document)
            if found.issuer.rstrip("/") != issuer.rstrip("/"):
                raise ValueError("another issuer")
            for one in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
                _encrypted(one, issuer)
            if found.userinfo_endpoint is not None:
                _encrypted(found.userinfo_endpoint, issuer)
        except (HTTPError, ValueError) as error:
            raise NotAllowed(
                f"{issuer} does not answer as a provider of sign-on ({type(error).__name__})."
            ) from None
        self._found = (time.time() + _DISCOVERED, found)
        return found

    @staticmethod
    def _json(client: Any, address: str, headers: dict[str, str] | None = None) -> Any:
        answer = client.request("GET", address, headers=headers or {}, withhold_token=True)
        answer.raise_for_status()
        if len(answer.content) > _MOST_DOCUMENT:
            raise ValueError("a document without end")
        return msgspec.json.decode(answer.content)


def _name(told: dict[str, Any]) -> str:
    """What somebody may be called, out of what a provider says; an address counts only if it was checked."""
    for claim in ("preferred_username", "email"):
        value = told.get(claim)
        if (
            isinstance(value, str)
            and value.strip()
            and (claim != "email" or told.get("email_verified") is True)
        ):
            return value.strip()
    return str(told["sub"])


def _encrypted(address: str, issuer: str) -> None:
    """Refuse what others could read or change on the way; on this machine nobody is on the way.

    Raises:
        InvalidSetting: It is not encrypted.
    """
    parts, home = urlsplit(address), urlsplit(issuer)
    near = {"localhost", "127.0.0.1", "::1"}
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and parts.hostname in near and home.hostname in near:
        return
    raise InvalidSetting(
        f"The provider of sign-on must have an address with https://, not {address!r}.",
        setting="oidc",
    )
