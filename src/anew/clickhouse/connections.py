"""Requests to one ClickHouse server over HTTP: with bound parameters, tried again where that is safe, ended when they take too long."""

from __future__ import annotations

import http.client
import re
import ssl
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from ..errors import TookTooLong
from .address import ClickHouseAddress
from .error import ClickHouseError

__all__ = ["ClickHouse"]

CONNECT_SECONDS = 5.0
QUERY_SECONDS = 30.0
"""How long a question may take for which nobody says how long."""
INSERT_SECONDS = 30.0
_GRACE = 3.0
"""Seconds after which an answer is not waited for any more, although the engine should have ended the query by itself."""
_TRIES = 3
_PAUSE = 0.5
_KEPT = 8
_MOST_SAID = 2000
_TOOK_TOO_LONG = frozenset({159, 160})
_PASSING = frozenset({202, 209, 210, 242, 252, 319, 425, 999})
"""Codes of errors that pass: too many queries, network errors between servers, too many parts, a replica that is read-only."""
_CODE = re.compile(r"Code: (\d+)")

Value = str | int | Sequence[str] | Sequence[int]


class _Answer(NamedTuple):
    status: int
    code: int
    data: bytes


class ClickHouse:
    """A ClickHouse server. Any thread may use it.

    All that is sent may be sent twice: questions change nothing, and rows have keys of their own. So whatever was interrupted is
    tried again, up to three times within about two seconds.

    Args:
        address: Where it answers, and who asks.
    """

    def __init__(self, address: ClickHouseAddress) -> None:
        self.address = address
        self._context = ssl.create_default_context() if address.secure else None
        self._idle: list[http.client.HTTPConnection] = []
        self._guard = threading.Lock()
        self._closed = False

    def ask(
        self,
        query: str,
        values: Mapping[str, Value] | None = None,
        *,
        seconds: float | None = None,
        settings: Mapping[str, str] | None = None,
        database: bool = True,
    ) -> bytes:
        """Send a query; its answer.

        Args:
            query: The text, with a mark such as `{ids:Array(String)}` where a value goes.
            values: The values, by name. They are sent beside the text.
            seconds: How long it may take. The engine ends it then.
            settings: Settings of the engine for this query.
            database: Whether it is about the database of the address.

        Raises:
            TookTooLong: It took longer.
            ClickHouseError: The server cannot be reached, or refuses the query.
        """
        allowed = QUERY_SECONDS if seconds is None else max(0.05, seconds)
        fields = {"query": query, **{f"param_{k}": _said(v) for k, v in (values or {}).items()}}
        kind, body = _form(fields)
        chosen = {
            "max_execution_time": f"{allowed:.3f}",
            "cancel_http_readonly_queries_on_client_close": "1",
            # An error in the middle of an answer then has a status of its own.
            "wait_end_of_query": "1",
            **(settings or {}),
        }
        try:
            return self._send(chosen, kind, body, allowed, database)
        except TookTooLong as error:
            if seconds is None:  # nobody's time is over: the engine is slow
                raise ClickHouseError(str(error), code=159) from None
            raise

    def insert(self, statement: str, data: bytes) -> None:
        """Send rows.

        Args:
            statement: The text up to the data, such as `INSERT INTO t (a, b) FORMAT Native`.

        Raises:
            ClickHouseError: The server cannot be reached, or refuses them. Some rows may have been taken.
        """
        # Rows that were deleted may come again, word for word: a replicated table would take them for a repetition.
        chosen = {"query": statement, "insert_deduplicate": "0", "wait_end_of_query": "1"}
        try:
            self._send(chosen, "application/octet-stream", data, INSERT_SECONDS, True)
        except TookTooLong as error:
            raise ClickHouseError(str(error), code=159) from None

    def ping(self) -> None:
        """See that the server answers, and knows who asks.

        Raises:
            ClickHouseError: It does not.
        """
        self.ask("SELECT 1", seconds=CONNECT_SECONDS, database=False)

    def close(self) -> None:
        """Close the connections that nobody uses now."""
        with self._guard:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    # -- requests ---------------------------------------------------------------------------------------

    def _send(
        self, settings: Mapping[str, str], kind: str, body: bytes, seconds: float, database: bool
    ) -> bytes:
        settings = {"database": self.address.database, **settings} if database else settings
        headers = {
            "Content-Type": kind,
            "X-ClickHouse-User": self.address.user,
            "X-ClickHouse-Key": self.address.password,
        }
        wrong, pause = "", 0.0
        for attempt in range(_TRIES):
            time.sleep(pause)
            pause = _PAUSE * (attempt + 1)
            path = f"/?{urlencode({**settings, 'query_id': uuid.uuid4().hex})}"
            try:
                answer = self._request(path, headers, body, seconds, afresh=attempt > 0)
            except TimeoutError:
                raise TookTooLong(
                    f"ClickHouse at {self.address.shown} did not answer within {seconds:.1f} seconds."
                ) from None
            except ConnectionRefusedError as error:
                raise self._unreachable(error) from None
            except (ConnectionError, http.client.HTTPException) as error:
                wrong = f"the connection broke off ({type(error).__name__})"
                pause *= attempt  # one that was kept for long may have been closed meanwhile
                continue
            except OSError as error:
                raise self._unreachable(error) from None
            if answer.status == 200 and not answer.code:
                return answer.data
            said = answer.data[:_MOST_SAID].decode(errors="replace").strip()
            if answer.code in _TOOK_TOO_LONG:
                raise TookTooLong(
                    f"ClickHouse ended a query that took longer than {seconds:.1f} seconds. Ask for fewer experiments, metrics or "
                    "points."
                )
            wrong = f"HTTP status {answer.status}: {said}"
            if answer.code not in _PASSING and not (answer.status >= 500 and not answer.code):
                raise ClickHouseError(
                    f"ClickHouse at {self.address.shown} refused a query with {wrong}",
                    code=answer.code,
                )
        raise ClickHouseError(
            f"ClickHouse at {self.address.shown} cannot be used now: {wrong}", code=0
        )

    def _unreachable(self, error: OSError) -> ClickHouseError:
        reason = error.strerror or str(error) or type(error).__name__
        return ClickHouseError(f"ClickHouse at {self.address.shown} cannot be reached: {reason}")

    def _request(
        self, path: str, headers: Mapping[str, str], body: bytes, seconds: float, *, afresh: bool
    ) -> _Answer:
        connection = None if afresh else self._free()
        connection = connection or self._connect()
        try:
            if connection.sock is None:
                _connected(connection)
            connection.sock.settimeout(seconds + _GRACE)
            connection.request("POST", path, body, dict(headers))
            response = connection.getresponse()
            if response.length is None and not response.chunked:
                raise ConnectionError("The answer broke off in its head.")
            data = response.read()
            if response.length:
                raise ConnectionError("The answer broke off before its end.")
        except BaseException:  # whatever it is about now, nobody reads the answer
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            self._keep(connection)
        said = response.getheader("X-ClickHouse-Exception-Code") or ""
        if not said and response.status != 200:
            match = _CODE.search(data[:_MOST_SAID].decode(errors="replace"))
            said = match[1] if match else ""
        return _Answer(response.status, int(said) if said.isdecimal() else 0, data)

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self.address.host, self.address.port
        if self._context is None:
            return http.client.HTTPConnection(host, port, timeout=CONNECT_SECONDS)
        return http.client.HTTPSConnection(
            host, port, timeout=CONNECT_SECONDS, context=self._context
        )

    def _free(self) -> http.client.HTTPConnection | None:
        with self._guard:
            return self._idle.pop() if self._idle else None

    def _keep(self, connection: http.client.HTTPConnection) -> None:
        with self._guard:
            if not self._closed and len(self._idle) < _KEPT:
                self._idle.append(connection)
                return
        connection.close()


def _connected(connection: http.client.HTTPConnection) -> None:
    try:
        connection.connect()
    except TimeoutError:  # which is not that of a question
        raise OSError(f"no connection within {CONNECT_SECONDS:g} seconds") from None


_ESCAPED = str.maketrans(
    {"\\": "\\\\", "'": "\\'", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0", "\b": "\\b", "\f": "\\f"}
)  # fmt: skip


def _said(value: Value) -> str:
    """A value as the engine reads it beside a query."""
    if isinstance(value, str):
        return value.translate(_ESCAPED)
    if isinstance(value, int):
        return str(value)
    each = [f"'{one.translate(_ESCAPED)}'" if isinstance(one, str) else str(one) for one in value]
    return f"[{','.join(each)}]"


def _form(fields: Mapping[str, str]) -> tuple[str, bytes]:
    """Fields as a form, so that long lists need no long address: its content type, and the body."""
    mark = uuid.uuid4().hex
    pieces = [
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    return f"multipart/form-data; boundary={mark}", b"".join([*pieces, f"--{mark}--\r\n".encode()])
