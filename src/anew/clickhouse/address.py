"""The address of a ClickHouse server, as `clickhouse://user:password@host:8123/database?secure=1`."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from ..errors import InvalidSetting

__all__ = ["ClickHouseAddress", "is_clickhouse"]

_SCHEME = "clickhouse"
_YES, _NO = frozenset({"1", "true", "yes"}), frozenset({"0", "false", "no"})


def is_clickhouse(url: str) -> bool:
    """Whether an address is that of a ClickHouse server."""
    return url.startswith(f"{_SCHEME}://")


class ClickHouseAddress(NamedTuple):
    """Where a ClickHouse server answers over HTTP, and the database in it.

    `user` and `password` are in no message; `shown` is the address without them.
    """

    host: str
    port: int
    database: str
    user: str
    password: str
    secure: bool

    @classmethod
    def of(cls, url: str, *, setting: str = "series") -> ClickHouseAddress:
        """Read an address. Without a port it is 8123, or 8443 with `?secure=1`; without a database, `default`.

        Raises:
            InvalidSetting: It is no address of a ClickHouse server. The message does not repeat it, because it may have a password.
        """
        try:
            parts = urlsplit(url)
            port, query = parts.port, dict(parse_qsl(parts.query, keep_blank_values=True))
        except ValueError:
            raise _invalid(setting) from None
        database = unquote(parts.path.strip("/")) or "default"
        secure = query.pop("secure", "0").lower()
        wrong = parts.scheme != _SCHEME or not parts.hostname or bool(query) or bool(parts.fragment)
        if wrong or "/" in database or secure not in _YES | _NO:
            raise _invalid(setting)
        safe = secure in _YES
        return cls(
            parts.hostname or "", port or (8443 if safe else 8123), database,
            unquote(parts.username or "default"), unquote(parts.password or ""), safe,
        )  # fmt: skip

    @property
    def shown(self) -> str:
        """The address without what is secret in it, for messages."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{_SCHEME}://{host}:{self.port}/{self.database}"

    def __repr__(self) -> str:
        return self.shown


def _invalid(setting: str) -> InvalidSetting:
    return InvalidSetting(
        "The address of a ClickHouse server has the form clickhouse://USER:PASSWORD@HOST:8123/DATABASE, with ?secure=1 for "
        "HTTPS. User, password, port and database may be left out.",
        setting=setting,
    )
