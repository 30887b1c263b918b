"""What worker processes read, told to the program that they belong to.

The program listens on a socket that is named after its process and has no file (Linux only). A worker, forked or
spawned, connects once and sends the paths of the files that it opens, as it opens them: workers are often ended without a
chance to say anything at their end. What a worker has sent is kept by the system, also when it is gone. Nobody waits for
anybody: what cannot be sent at once is kept, and sent with the next.
"""

from __future__ import annotations

import os
import sys
import time

from .reads import on_new, reads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Listener", "collect", "listen", "report_if_worker", "reported"]

_AT_ONCE, _TOGETHER, _EVERY = 32, 64, 0.25
"""Files that are told one by one, then how many together, or after how many seconds."""
_MOST_PENDING = 4096
_MOST_WORKERS, _MOST_BYTES = 256, 4 << 20
_FOREIGN = (
    f"{os.sep}site-packages{os.sep}",
    f"{os.sep}dist-packages{os.sep}",
    os.path.join(sys.base_prefix, "lib") + os.sep,
)
_WORKER = ("multiprocessing", "loky", "forkserver")


def _name(pid: int) -> bytes:
    return b"\0anew-reads-%d" % pid


def _uid_of(connection: Any) -> int:
    """The user at the other end."""
    import _socket
    import struct

    size = struct.calcsize("3i")
    found = connection.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, size)
    return int(struct.unpack("3i", found)[1])


class Listener:
    """The program's end."""

    def __init__(self) -> None:
        import _socket

        self._socket = _socket.socket(
            _socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC
        )
        self._socket.bind(_name(os.getpid()))
        self._socket.listen(_MOST_WORKERS)
        # `socket.socket.accept` is made of it; importing that module takes longer than a start may.
        self._accept: Any = vars(_socket.socket)["_accept"].__get__(self._socket)
        self._open: list[tuple[Any, bytearray]] = []
        self.workers = 0

    def collect(self) -> None:
        """Take in what workers have sent so far."""
        import _socket

        while self.workers < _MOST_WORKERS:
            try:
                fd, _ = self._accept()
            except OSError:
                break
            connection = _socket.socket(fileno=fd)
            connection.setblocking(False)
            if _uid_of(connection) == os.getuid():
                self._open.append((connection, bytearray()))
                self.workers += 1
            else:
                connection.close()
        self._open = [one for one in self._open if self._receive(*one)]

    def _receive(self, connection: Any, rest: bytearray) -> bool:
        """Take in what is there; whether more may come."""
        taken = 0
        while taken < _MOST_BYTES:
            try:
                data = connection.recv(1 << 16)
            except OSError:
                break
            taken += len(data)
            rest += data
            *paths, last = rest.split(b"\0")
            rest[:] = last[:8192]
            now = time.time_ns()
            for path in paths:
                name = os.fsdecode(bytes(path))
                if name[:1] == "/":
                    reads().add(name, now if name.endswith((".py", ".pyc")) else 0)
            if not data:
                connection.close()
                return False
        return True

    def close(self) -> None:
        """Give up the descriptors."""
        for connection in (self._socket, *(one for one, _ in self._open)):
            connection.close()
        self._open = []


class _Reporter:
    """A worker's end.

    Args:
        programs: The processes that may be the program, the likeliest first.
    """

    def __init__(self, programs: list[int]) -> None:
        self.programs = programs
        self._connection: Any = None
        self._pending: list[str] = []
        # What of the last path the system did not take.
        self._rest = b""
        self._told = 0
        self._tried = 0.0
        self._registered = False
        self._busy = False

    def new(self, path: str) -> None:
        """Tell of a file, now or with the next; what belongs to packages and the interpreter is left out."""
        if path.endswith(".so") or any(part in path for part in _FOREIGN):
            return
        if len(self._pending) < _MOST_PENDING:
            self._pending.append(path)
        if self._busy:  # what is imported to send
            return
        self._busy = True
        try:
            self._tell()
        finally:
            self._busy = False

    def _tell(self) -> None:
        if not self._registered:
            self._registered = True
            self._flush_at_the_end()
        waiting = len(self._pending)
        if self._told < _AT_ONCE or waiting >= _TOGETHER or time.monotonic() - self._tried > _EVERY:
            self.flush()

    def flush(self) -> None:
        """Send what is waiting, as far as it can be sent at once."""
        self._tried = time.monotonic()
        if self._connection is None and not self._connect():
            return
        while self._pending:
            part, self._pending = self._pending[:_TOGETHER], self._pending[_TOGETHER:]
            data = b"".join(os.fsencode(path)[:8192] + b"\0" for path in part)
            try:
                sent = self._connection.send(self._rest + data)
            except BlockingIOError:
                self._pending = part + self._pending
                return
            except OSError:  # the program is gone
                self._connection.close()
                self._connection, self._pending, self.programs = None, [], []
                return
            self._told += len(part)
            self._rest = (self._rest + data)[sent:]
            if self._rest:
                return

    def _connect(self) -> bool:
        import _socket

        for pid in self.programs:
            connection = _socket.socket(
                _socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC
            )
            try:
                connection.connect(_name(pid))
                if _uid_of(connection) == os.getuid():
                    self._connection, self.programs = connection, [pid]
                    return True
            except OSError:
                pass
            connection.close()
        return False

    def _flush_at_the_end(self) -> None:
        util = sys.modules.get("multiprocessing.util")
        if util is not None:  # a forked worker runs no other exit functions
            util.Finalize(None, self.close, exitpriority=0)
        import atexit

        atexit.register(self.close)

    def close(self) -> None:
        """Send what is waiting, at the end of the worker."""
        self.flush()
        self.forget()

    def forget(self) -> None:
        """Tell nobody anything any more."""
        self._pending, self.programs = [], []
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


_listener: Listener | None = None
_reporter: _Reporter | None = None
_heard = 0


def listen() -> bool:
    """Have the workers of this program be heard from now on; whether they can be."""
    global _listener
    if _listener is None:
        try:
            _listener = Listener()
        except (OSError, AttributeError):  # no such sockets here, or somebody has the name
            return False
        import atexit

        atexit.register(_stop_listening)
    return True


def _stop_listening() -> None:
    """At the end of the program; experiments that are still open end after this."""
    global _listener, _heard
    listener, _listener = _listener, None
    if listener is not None:
        listener.collect()
        listener.close()
        _heard = listener.workers


def collect() -> None:
    """Take in what workers have sent so far."""
    if _listener is not None:
        _listener.collect()


def reported() -> int:
    """How many worker processes have told what they read."""
    return _listener.workers if _listener is not None else _heard


def report_if_worker() -> None:
    """Have a process that a program spawned as its worker tell that program what it reads."""
    if sys.platform == "linux" and any(
        mark in word for word in sys.orig_argv[1:5] for mark in _WORKER
    ):
        _report_to(_above())


def _report_to(programs: list[int]) -> None:
    global _reporter
    _reporter = _Reporter(programs)
    on_new(_reporter.new)


def _above() -> list[int]:
    """The processes that started this one, the nearest first."""
    found: list[int] = []
    pid = os.getppid()
    while pid > 1 and len(found) < 16:
        found.append(pid)
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                stat = file.read()
            pid = int(stat[stat.rindex(b")") + 2 :].split()[1])
        except (OSError, ValueError, IndexError):
            break
    return found


def _after_fork_in_child() -> None:
    global _listener, _reporter
    listener, _listener = _listener, None
    if listener is not None:
        listener.close()
        _report_to([os.getppid()])
    elif _reporter is not None:
        programs = _reporter.programs
        _reporter.forget()
        _report_to(programs)


os.register_at_fork(after_in_child=_after_fork_in_child)
