"""Where an alert tells what it found: how a destination is written, and what others may see of it."""

from __future__ import annotations

from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from ..errors import InvalidValue

__all__ = ["Destination", "hidden", "parse_destination"]

Kind = Literal["mail", "post", "slack", "name"]


class Destination(NamedTuple):
    """A destination that was read.

    Attributes:
        kind: "mail", "post" (a request with JSON), "slack" (a request as Slack takes it), or "name" for one that whoever sends knows.
        at: The mail address, the URL or the name.
        host, port, target: Of a URL: what is connected to, and what is asked for there.
        secure: Of a URL: whether it is encrypted.
    """

    kind: Kind
    at: str
    host: str = ""
    port: int = 0
    target: str = ""
    secure: bool = False


def parse_destination(text: str) -> Destination:
    """A destination as it is written: a mail address, `mailto:` and one, an `http(s)` URL, `slack:` and a URL, or `@name`.

    Raises:
        InvalidValue: It is none of these.
    """
    if text.startswith("@"):
        if not text[1:] or any(ch.isspace() or ch == "=" or not ch.isprintable() for ch in text):
            raise InvalidValue(f"{text!r} is no name of a destination, such as @ops.", key="to")
        return Destination("name", text[1:])
    if text.startswith("mailto:") or ("@" in text and "://" not in text):
        return Destination("mail", _mail(text.removeprefix("mailto:")))
    return _request(text)


def _mail(at: str) -> str:
    name, _, host = at.rpartition("@")
    plain = at.isascii() and at.isprintable() and not any(ch in at for ch in ',;:<>()?"\\ ')
    if not (plain and name and host) or "@" in name:
        raise InvalidValue(
            f"{at!r} is no address for mail: write one, such as me@example.org, without a name.",
            key="to",
        )
    return at


def _request(text: str) -> Destination:
    kind: Kind = "slack" if text.startswith("slack:") else "post"
    at = text.removeprefix("slack:")
    try:
        url = urlsplit(at)
        host, port = url.hostname or "", url.port
        host.encode("idna")
    except ValueError as error:  # a port or an address that is none, or a name that is too long
        raise InvalidValue(f"{text!r} is no URL: {error}.", key="to") from None
    if url.scheme not in ("http", "https") or not host or port == 0:
        raise InvalidValue(
            f"{text!r} is no destination: write a mail address, an http(s) URL, slack: and a URL, or @name.",
            key="to",
        )
    if url.username is not None or not at.isascii() or not at.isprintable() or " " in at:
        raise InvalidValue(
            f"The URL of {hidden(text)} has a user, a space or a letter that URLs write as %….",
            key="to",
        )
    secure = url.scheme == "https"
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return Destination(kind, at, host, port or (443 if secure else 80), target, secure)


def hidden(to: str) -> str:
    """A destination without what would let others use it: the path of a URL may be a credential, and a mail address is somebody's own."""
    kind, separator, rest = to.partition("://")
    if separator:
        return f"{kind}://{rest.partition('/')[0].rpartition('@')[2]}/…"
    name, at, host = to.removeprefix("mailto:").rpartition("@")
    return f"…@{host}" if at and name else to
