"""Tokens for servers: where they are kept, and which one goes with an address.

The variable `ANEW_TOKEN` comes first. Otherwise it is the token that `anew login` kept: in the keyring of the system, if
the package `keyring` is installed and finds one, else in `~/.config/anew/credentials.json`, which only its owner may read.
A token is never part of an address, and never sent to another server than the one it was kept for.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from .address import parse_address
from .errors import InvalidSetting, InvalidValue
from .settings import token_in_environment, user_folder

__all__ = ["forget_token", "keep_token", "token_for", "token_source"]

_SERVICE = "anew"
_MOST = 1 << 20


def token_for(address: str, environ: Mapping[str, str] | None = None) -> str | None:
    """The token to show a server; None where there is none.

    Args:
        address: Its URL; one with a path also has the token that was kept for the server itself.
        environ: Stands for `os.environ`.
    """
    environ = os.environ if environ is None else environ
    given = token_in_environment(environ)
    if given:
        return given
    for server in _servers(address):
        found = _from_file(environ).get(server) or _from_keyring(server)
        if found:
            return found
    return None


def token_source(address: str, environ: Mapping[str, str] | None = None) -> str:
    """Where the token for a server comes from, for people; "" without one."""
    environ = os.environ if environ is None else environ
    if token_in_environment(environ):
        return "the variable ANEW_TOKEN"
    for server in _servers(address):
        if _from_file(environ).get(server):
            return _file(environ)
        if _from_keyring(server):
            return "the keyring"
    return ""


def keep_token(address: str, token: str, environ: Mapping[str, str] | None = None) -> str:
    """Keep a token for a server; where it is kept.

    Raises:
        InvalidSetting: It is no server.
        InvalidValue: It is no token: it is empty, or has white space or control characters in it.
        OSError: The file cannot be written.
    """
    environ = os.environ if environ is None else environ
    server = _server(address)
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidValue(
            "This is not a token: a token is one line of letters, digits and signs, without spaces.",
            key="token",
        )
    if _to_keyring(server, token):
        _rewrite(environ, server, None)
        return "the keyring"
    _rewrite(environ, server, token)
    return _file(environ)


def forget_token(address: str, environ: Mapping[str, str] | None = None) -> bool:
    """Remove the token kept for a server; whether there was one.

    Raises:
        InvalidSetting: It is no server.
        OSError: The file cannot be written.
    """
    environ = os.environ if environ is None else environ
    server = _server(address)
    known = server in _from_file(environ)
    if known:
        _rewrite(environ, server, None)
    return _out_of_keyring(server) or known


def _server(address: str) -> str:
    found = parse_address(address, setting="root")
    if found.kind != "server":
        raise InvalidSetting(
            f"{found} is not the address of a server, which begins with https:// or http://.",
            setting="root",
        )
    return found.location


def _servers(address: str) -> Iterator[str]:
    """A server's address, and those above it: that of the machine itself last."""
    server = _server(address)
    parts = urlsplit(server)
    top = f"{parts.scheme}://{parts.netloc}"
    while len(server) > len(top):
        yield server
        server = server.rpartition("/")[0]
    yield top


# -- the file ----------------------------------------------------------------------------------------


def _file(environ: Mapping[str, str]) -> str:
    return os.path.join(user_folder(environ), "credentials.json")


def _from_file(environ: Mapping[str, str]) -> dict[str, str]:
    try:
        with open(_file(environ), "rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                with contextlib.suppress(OSError):
                    os.fchmod(file.fileno(), 0o600)  # copied here by something that did not care
            found = json.loads(file.read(_MOST))
        return {str(k): str(v["token"]) for k, v in found["servers"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _rewrite(environ: Mapping[str, str], server: str, token: str | None) -> None:
    """Write the file with the token of a server set, or removed."""
    path = _file(environ)
    tokens = _from_file(environ)
    if token is None:
        if tokens.pop(server, None) is None:
            return
    else:
        tokens[server] = token
    text = json.dumps({"servers": {k: {"token": v} for k, v in sorted(tokens.items())}}, indent=1)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    draft = f"{path}.{os.getpid()}"
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(fd, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.replace(draft, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise


# -- the keyring -------------------------------------------------------------------------------------


def _keyring() -> Any:
    """The package, or None where it is not installed or has nowhere to keep anything."""
    if find_spec("keyring") is None:
        return None
    try:
        keyring = import_module("keyring")

        return keyring if keyring.get_keyring().priority >= 1 else None
    except Exception:  # noqa: BLE001  (its backends raise what they like; the file is always there)
        return None


def _from_keyring(server: str) -> str:
    ring = _keyring()
    try:
        return str(ring.get_password(_SERVICE, server) or "") if ring is not None else ""
    except Exception:  # noqa: BLE001  (locked, or no session: as if there were none)
        return ""


def _to_keyring(server: str, token: str) -> bool:
    ring = _keyring()
    if ring is None:
        return False
    try:
        ring.set_password(_SERVICE, server, token)
    except Exception:  # noqa: BLE001  (then the file keeps it)
        return False
    return True


def _out_of_keyring(server: str) -> bool:
    ring = _keyring()
    try:
        if ring is None or not ring.get_password(_SERVICE, server):
            return False
        ring.delete_password(_SERVICE, server)
    except Exception:  # noqa: BLE001
        return False
    return True
