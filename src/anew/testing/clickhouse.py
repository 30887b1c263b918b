"""A ClickHouse server for tests, benchmarks and demonstrations, with data that nobody needs afterwards.

No package has a ClickHouse server of today, but `chdb-core` has its engine. A process of its own (`python -m anew.testing.clickhouse`) puts that
engine behind ClickHouse's HTTP interface: sockets, time limits, errors, bound parameters, settings and data are those of the engine. What
the interface adds is written here as the documentation of ClickHouse describes it: users, `query_id`, the codes of errors, the end of a
query whose client has gone.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from ..errors import MissingDependency

__all__ = ["PASSWORD", "USER", "ClickHouseServer"]

USER, PASSWORD = "anew", "only-on-loopback"
_STARTS_WITHIN = 120.0
_CODE = re.compile(r"Code: (\d+)")
_INSERT = re.compile(r"\s*(INSERT\s.*?)\s+FORMAT\s+(\w+)\s*", re.IGNORECASE | re.DOTALL)
_NAME = re.compile(r"\w+")
_NOT_SETTINGS = frozenset(
    {
        "query",
        "query_id",
        "database",
        "wait_end_of_query",
        "cancel_http_readonly_queries_on_client_close",
    }
)


class ClickHouseServer:
    """ClickHouse on a free port of this machine, with the data in a folder.

    Args:
        folder: Where the data go. It is made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of a database that always exists."""
        return self._url("default")

    def start(self) -> None:
        """Start the server; its data and its port are those of the last start, if there was one.

        Raises:
            MissingDependency: chdb-core is not installed.
        """
        if importlib.util.find_spec("chdb") is None:
            raise MissingDependency(
                "a ClickHouse server for tests needs chdb-core: pip install chdb-core"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or _free_port()
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(self.folder / "data"), str(self.port)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        (self.folder / "address").write_text(f"{self._process.pid} {self.port}")
        until = time.monotonic() + _STARTS_WITHIN
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(
                    f"no ClickHouse server: {(self.folder / 'log').read_text()[-2000:]}"
                )
            time.sleep(0.05)

    def attach(self) -> None:
        """Use the server that another process started with this folder."""
        self.port = int((self.folder / "address").read_text().split()[1])

    def stop(self) -> None:
        """Stop the server; its data stay."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server at once, as a crash would; `start` brings it back."""
        self._end(signal.SIGKILL)

    def leave(self) -> None:
        """Let it outlive this process, for others that use it and end it."""
        if self._process is not None:
            # Nobody here waits for it, and none has to be warned of that.
            self._process.returncode = 0
            self._process = None

    def remove(self) -> None:
        """Stop the server and remove its data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def make_database(self) -> str:
        """The address of an empty database of its own."""
        from ..clickhouse import ClickHouse, ClickHouseAddress

        name = f"d{uuid.uuid4().hex[:12]}"
        server = ClickHouse(ClickHouseAddress.of(self.url))
        server.ask("CREATE DATABASE {name:Identifier}", {"name": name}, database=False)
        server.close()
        return self._url(name)

    def _url(self, database: str) -> str:
        return f"clickhouse://{USER}:{quote(PASSWORD)}@127.0.0.1:{self.port}/{database}"

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ping", timeout=5) as answer:
                return bool(answer.read() == b"Ok.\n")
        except OSError:
            return False

    def _end(self, how: signal.Signals) -> None:
        if not (self.folder / "address").exists():
            return
        pid = int((self.folder / "address").read_text().split()[0])
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)
        if self._process is not None:
            self._process.wait()
            self._process = None
        (self.folder / "address").unlink()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


# -- the process ------------------------------------------------------------------------------------------


class _Refused(Exception):
    """What is answered instead of a result."""

    def __init__(self, status: int, code: int, said: str) -> None:
        super().__init__(said)
        self.status = status
        self.code = code


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    data = ""

    def do_GET(self) -> None:
        self._handle(b"")

    def do_POST(self) -> None:
        self._handle(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged: addresses and queries are those of tests."""

    def _handle(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        given = dict(parse_qsl(parts.query, keep_blank_values=True))
        query_id = given.get("query_id") or str(uuid.uuid4())
        if parts.path == "/ping":
            self._reply(200, b"Ok.\n", query_id)
            return
        try:
            self._check_user(given)
            kind = self.headers.get("Content-Type") or ""
            if kind.startswith("multipart/form-data"):
                given |= _fields(kind, body)
                body = b""
            self._reply(200, self._run(given, body, query_id), query_id)
        except _Refused as refused:
            self._reply(refused.status, f"{refused}\n".encode(), query_id, refused.code)

    def _check_user(self, given: dict[str, str]) -> None:
        user = given.pop("user", None) or self.headers.get("X-ClickHouse-User") or "default"
        password = given.pop("password", None) or self.headers.get("X-ClickHouse-Key") or ""
        if (user, password) != (USER, PASSWORD):
            raise _Refused(
                403, 516, f"Code: 516. DB::Exception: {user}: Authentication failed: password is incorrect, or there is no user "
                "with such name. (AUTHENTICATION_FAILED)",
            )  # fmt: skip

    def _run(self, given: Mapping[str, str], body: bytes, query_id: str) -> bytes:
        from chdb.session import Session

        query = given.get("query", "")
        if not query or (body and not _INSERT.fullmatch(query)):
            query, body = f"{query}\n{body.decode()}".strip(), b""
        session = Session(self.data)
        try:
            if _NAME.fullmatch(given.get("database", "default")) is None:
                raise _Refused(404, 81, "Code: 81. DB::Exception: Database does not exist. (UNKNOWN_DATABASE)")  # fmt: skip
            session.query(f"USE `{given.get('database', 'default')}`")
            for name, value in given.items():
                if name not in _NOT_SETTINGS and _NAME.fullmatch(name):
                    session.query(f"SET {name} = {_literal(name, value)}")
            insert = _INSERT.fullmatch(query)
            if insert is not None:
                into = session.send_insert(insert[1], insert[2])
                into.append(body)
                into.finish()
                return b""
            with self._watched(query_id):
                marked = f"/* {query_id} */ {query}"
                return bytes(session.query(marked, "TabSeparated").bytes() or b"")
        except (RuntimeError, ValueError) as error:
            said = str(error)
            match = _CODE.search(said)
            code = int(match[1]) if match else 1002
            raise _Refused(404 if code in (60, 81) else 500, code, said) from None
        finally:
            session.close()

    @contextlib.contextmanager
    def _watched(self, query_id: str) -> Iterator[None]:
        """End a query when its client has gone."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.05):
                readable, _, _ = select.select([self.connection], [], [], 0)
                with contextlib.suppress(OSError):
                    if readable and not self.connection.recv(1, socket.MSG_PEEK):
                        self._end(query_id)
                        return

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()

    def _end(self, query_id: str) -> None:
        from chdb.session import Session

        if re.fullmatch(r"[\w-]+", query_id):
            session = Session(self.data)
            session.query(f"KILL QUERY WHERE query LIKE '/* {query_id} */%' ASYNC")
            session.close()

    def _reply(self, status: int, data: bytes, query_id: str, code: int = 0) -> None:
        with contextlib.suppress(ConnectionError):
            self.send_response(status)
            self.send_header("X-ClickHouse-Query-Id", query_id)
            if code:
                self.send_header("X-ClickHouse-Exception-Code", str(code))
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)


def _fields(kind: str, body: bytes) -> dict[str, str]:
    """The fields of a form."""
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    found: dict[str, str] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            found[name] = payload.decode()
    return found


def _literal(name: str, value: str) -> str:
    """A value in SQL: of a parameter a text, of a setting a number where it is one."""
    if not name.startswith("param_") and re.fullmatch(r"-?[\d.]+", value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def _serve(folder: str, port: int) -> None:
    """Answer until somebody ends the process."""
    from chdb.session import Session

    first = Session(folder)  # the data stay open between requests
    first.query("SELECT 1")
    _Handler.data = folder
    with _Server(("127.0.0.1", port), _Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
