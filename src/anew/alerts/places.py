"""Connecting only to where a request may go: no address of a private network, and no second look-up of a name."""

from __future__ import annotations

import ipaddress
import socket
import time

from ..errors import NotAllowed

__all__ = ["connect", "is_public"]

_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public(text: str) -> bool:
    """Whether an address belongs to the public internet; one that carries another one inside is judged by that as well."""
    try:
        given: Ip = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return all(
        one.is_global
        and not (one.is_multicast or one.is_reserved)
        and not (isinstance(one, ipaddress.IPv6Address) and one.is_site_local)
        for one in _meant(given)
    )


def _meant(given: Ip) -> list[Ip]:
    if isinstance(given, ipaddress.IPv4Address):
        return [given]
    if given.ipv4_mapped is not None:
        return [given.ipv4_mapped]
    inner: list[Ip] = [one for one in (given.sixtofour, *(given.teredo or ())) if one is not None]
    if given in _NAT64:
        return [ipaddress.IPv4Address(int(given) & 0xFFFFFFFF)]
    return [given, *inner]


def connect(host: str, port: int, *, private: bool, timeout: float) -> socket.socket:
    """A connection to a host. Its name is looked up once, and what was found is what is connected to.

    Args:
        private: Whether it may be an address of a private network, or of this machine.
        timeout: Seconds that trying its addresses may take in all, and each wait later.

    Raises:
        NotAllowed: One of its addresses is private.
        OSError: The name is not known, or nobody answers.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if not private and not all(is_public(str(one[4][0])) for one in found):
        raise NotAllowed(
            f"{host} is an address of a private network. Whoever runs what sends alerts can allow that with ANEW_ALERT_PRIVATE=1."
        )
    failed: OSError | None = None
    end = time.monotonic() + timeout
    for family, kind, protocol, _, address in found:
        made = socket.socket(family, kind, protocol)
        made.settimeout(max(0.01, end - time.monotonic()))
        try:
            made.connect(address)
            made.settimeout(timeout)
        except OSError as error:
            made.close()
            failed = error
        else:
            return made
    raise failed or OSError(f"{host} has no address.")
