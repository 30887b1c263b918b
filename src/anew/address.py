"""Where something is: the only reader of the texts that name a store, a repository or a server.

| text | kind | what it names |
|---|---|---|
| `runs`, `../runs`, `/data/runs` | folder | a path; a relative one starts at the working directory |
| `~/runs`, `~alice/runs` | folder | a path below somebody's home folder |
| `file:///data/my%20runs` | folder | the same as a URL; the host is empty or `localhost` |
| `https://server/path` | server | a server, below the path at which a proxy serves it |
| `s3://bucket/prefix` | bucket | part of a bucket; also `gs://` and `az://` |
| `memory:` | memory | nothing outside this process |

The writer, the reader, the command line and the weights all read addresses here, so one text means one place for
all of them. Whatever fits none of these forms is refused, and never taken for the name of a folder. Two texts that
name one place make equal addresses, and `str(address)` reads back as the same address.
"""

from __future__ import annotations

import os
import re

from .errors import InvalidSetting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal, NoReturn

    Kind = Literal["folder", "server", "bucket", "memory"]
    Refuse = Callable[[str], NoReturn]

__all__ = ["Address", "local_folder", "parse_address"]

_BUCKETS = ("s3", "gs", "az")
_SERVERS = {"http": "80", "https": "443"}
_KNOWN = ("file", *_SERVERS, *_BUCKETS, "memory")
_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_PORT = re.compile(r"[0-9]{1,5}(?=/|\Z)")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:@/\[\]%<>\"{}|^`]+)(?::([0-9]*))?")
_PERCENT = re.compile(rb"%(..?|\Z)", re.DOTALL)
# What comes before the last "@" may be a password, and what follows "?" or "#" a token.
_PRIVATE = re.compile(r"(\s*[A-Za-z][A-Za-z0-9+.-]*:/{0,2})?.*@([^?#@]*).*", re.DOTALL)
_REMOTE = re.compile(r"[^/]+@[^/]+:")
_UNRESERVED = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@"
)


class Address:
    """Where something is, read once and the same for everybody; it cannot be changed.

    Attributes:
        kind: "folder", "server", "bucket" or "memory".
        location: The absolute path of a folder; otherwise the URL, in one spelling.
    """

    __slots__ = ("kind", "location")

    kind: Kind
    location: str

    def __init__(self, kind: Kind, location: str) -> None:
        object.__setattr__(self, "kind", kind)
        object.__setattr__(self, "location", location)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("An address cannot be changed; read another one with parse_address.")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("An address cannot be changed; read another one with parse_address.")

    def __reduce__(self) -> tuple[type[Address], tuple[Kind, str]]:
        return Address, (self.kind, self.location)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Address):
            return NotImplemented
        return (self.kind, self.location) == (other.kind, other.location)

    def __hash__(self) -> int:
        return hash((self.kind, self.location))

    def __str__(self) -> str:
        return self.location

    def __repr__(self) -> str:
        return f"Address({self.kind!r}, {self.location!r})"

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of this machine."""
        return self.kind == "folder"


def parse_address(
    where: str | os.PathLike[str], *, base: str | None = None, setting: str | None = None
) -> Address:
    """The address that a text or path names.

    Args:
        where: One of the forms that the module lists.
        base: The absolute folder that a relative path starts at; the working directory if not given.
        setting: The setting that it comes from, for the error.

    Raises:
        InvalidSetting: It has none of these forms. Nothing was looked up or made; user names, passwords and
            queries of a URL are not repeated in the message.
    """
    try:
        text = os.fsdecode(where)
    except TypeError:
        raise InvalidSetting(
            f"An address is a path or a URL, not {type(where).__name__}.", setting=setting
        ) from None

    def refuse(reason: str) -> NoReturn:
        raise InvalidSetting(f"The address {_shown(text)!r} {reason}", setting=setting)

    if not text.strip():
        refuse("is empty. Write '.' for the working directory.")
    if "\0" in text:
        refuse("has a NUL character in it.")
    if text.startswith("/"):
        return Address("folder", _absolute(text))
    found = _SCHEME.match(text)
    if found is not None:
        scheme, rest = found[1].lower(), found[2]
        if len(scheme) == 1:
            refuse("begins like a Windows drive; write './' before the name of a folder.")
        if scheme in _KNOWN or rest.startswith("/"):
            if scheme not in _KNOWN:
                refuse(
                    f"has the unknown scheme {scheme!r}; known are {', '.join(_KNOWN)}, and paths."
                )
            return _from_url(scheme, rest, refuse, found.start(1) > 0)
        if _PORT.match(rest):
            refuse(
                f"could be a host with a port or a folder. Write 'http://{_shown(text)}' for a server, or "
                f"'./{_shown(text)}' for a folder."
            )
    if _REMOTE.match(text):
        refuse("is a folder on another machine. Mount its file system here and give the path.")
    if "\\" in text:
        refuse("has a backslash in it; the parts of a path are separated by '/'.")
    if text.startswith("~"):
        path = os.path.expanduser(text)
        if not path.startswith("/"):
            user = text[1:].partition("/")[0]
            refuse(
                f"is below the home folder of {user or 'the user'!r}, which is not known. "
                f"Write './{_shown(text)}' for a folder of that name."
            )
        return Address("folder", _absolute(path))
    if base is None:
        try:
            base = os.getcwd()
        except OSError:
            refuse("is relative to the working directory, which was deleted.")
    return Address("folder", _absolute(os.path.join(base, text)))


def local_folder(
    where: str | os.PathLike[str],
    *,
    what: str = "root",
    base: str | None = None,
    setting: str | None = "root",
) -> str:
    """The absolute path of a folder of this machine, for what can be nowhere else.

    Args:
        where: A path or a `file://` URL.
        what: What the folder is for, as the error calls it.
        base: As in `parse_address`.
        setting: As in `parse_address`.

    Raises:
        InvalidSetting: It is no address, or the address of a server, a bucket or memory.
    """
    address = parse_address(where, base=base, setting=setting)
    if address.kind == "folder":
        return address.location
    reason = {
        "server": "is a server, and this needs a folder of this machine",
        "bucket": "is a bucket, which can only hold weights",
        "memory": "is in memory, which no other process could read",
    }[address.kind]
    raise InvalidSetting(
        f"The {what} {address.location!r} {reason}. Give a folder: a path, or a URL such as file:///data/runs.",
        setting=setting,
    )


def _from_url(scheme: str, rest: str, refuse: Refuse, indented: bool) -> Address:
    if indented:
        refuse("begins with a space.")
    if "\\" in rest:
        refuse("has a backslash in it; the parts of a URL are separated by '/'.")
    if "?" in rest or "#" in rest:
        refuse("has a query or a fragment. In a name, write %3F for '?' and %23 for '#'.")
    has_host = rest.startswith("//")
    host, slash, path = rest[2:].partition("/") if has_host else ("", "", rest)
    if "@" in host:
        refuse(
            "contains a user name. Credentials cannot be part of an address; set them in the environment."
        )
    if scheme == "memory":
        if host or path.strip("/"):
            refuse("names a place in memory; write 'memory:' alone.")
        return Address("memory", "memory:")
    if scheme == "file":
        if host.lower() not in ("", "localhost"):
            refuse(f"is on the machine {host!r}. A file URL must name a folder on this machine.")
        path = slash + path
        if not path.startswith("/"):
            refuse("does not give an absolute path; a file URL looks like file:///data/runs.")
        decoded = _decoded(path, refuse)
        if re.match(r"/+[A-Za-z]:(/|\Z)", decoded):
            refuse("names a Windows drive; write file:///path for a folder of this machine.")
        return Address("folder", _absolute(decoded))
    if not has_host:
        refuse(f"needs two slashes after {scheme + ':'!r}.")
    parts = [_decoded(part, refuse) for part in path.strip("/").split("/")] if path else []
    parts = [] if parts == [""] else parts
    if any(part in ("", ".", "..") for part in parts):
        refuse("has an empty part, or '.' or '..', after the server or bucket.")
    names = "".join(f"/{_encoded(part)}" for part in parts)
    if scheme in _BUCKETS:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", host):
            refuse(
                "has no valid bucket name. A bucket name consists of letters, digits, '.', '-' and '_'."
            )
        return Address("bucket", f"{scheme}://{host}{names}")
    server = _HOST.fullmatch(host)
    if server is None:
        refuse("names no server.")
    port = server[2] or ""
    if port and not 0 < int(port) < 65536:
        refuse(f"has the port {port}; ports go from 1 to 65535.")
    port = "" if not port or int(port) == int(_SERVERS[scheme]) else f":{int(port)}"
    location = f"{scheme}://{server[1].lower()}{port}{names}"
    return Address("server", location)


def _absolute(path: str) -> str:
    # POSIX lets two slashes at the start mean something else; no system that we run on makes use of it.
    return os.path.abspath("/" + path.lstrip("/"))


def _decoded(text: str, refuse: Refuse) -> str:
    """Percent-encoding resolved; what stands for a slash or NUL, or for nothing, is refused."""

    def byte(found: re.Match[bytes]) -> bytes:
        try:
            value = bytes.fromhex(found[1].decode("ascii"))
        except ValueError:
            value = b""
        if len(found[1]) != 2 or len(value) != 1:
            refuse(
                "has a '%' that two hexadecimal digits do not follow; write %25 for a literal '%'."
            )
        if value in (b"/", b"\0"):
            refuse(f"has {found[0].decode()!r} in it, which a file name cannot contain.")
        return value

    return os.fsdecode(_PERCENT.sub(byte, os.fsencode(text)))


def _encoded(name: str) -> str:
    return "".join(
        chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in os.fsencode(name)
    )


def _shown(text: str) -> str:
    """A text as far as it may be printed: without the user, password or query of a URL."""
    text = re.split("[?#]", text, maxsplit=1)[0] if "@" not in text else text
    return _PRIVATE.sub(r"\1...@\2", text)
