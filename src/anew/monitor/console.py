"""Console capture: saving what a program prints in the experiment's folder.

`sys.stdout` and `sys.stderr` are replaced by tees that write to the original first and then to the file
of every experiment open at that moment. Output of C libraries and of other programs goes past these
objects and is not seen here.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock, get_ident

from ..descriptors import open_apart
from .folding import LineFolder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

__all__ = ["ConsoleCapture"]

_STREAMS = ("stdout", "stderr")


class ConsoleCapture:
    """Keeps what is printed between `start` and `stop` in a file of complete lines.

    Each completed line is in the file when the call that printed it returns, by one `os.write`; so a
    killed process leaves all its complete lines. Progress bars are folded to their last state, escape
    codes are taken out (see `monitor.folding`). Any number of captures may be open, each with a file of
    its own, and may be stopped in any order. Logging handlers that write to the console are led through
    the tee for that time.

    Nothing here raises into a print: what cannot be kept is told to `on_trouble`. What a signal handler of the program
    raises meanwhile is the program's, and reaches it.

    Args:
        path: The file, made with its folder if it is not there, appended to if it is.
        on_trouble: Called with the number of lines lost (0 if the file could not be opened) and the reason.
        mask: Given whole lines, what of them may be kept.
    """

    def __init__(
        self,
        path: str,
        on_trouble: Callable[[int, str], object] | None = None,
        mask: Callable[[str], str] | None = None,
    ) -> None:
        self.path = path
        self._mask = mask
        self._on_trouble = on_trouble
        self._tees: list[_Tee] = []
        self._fd = -1
        self._torn = False
        self._after_fork()

    def _in_child(self) -> None:
        """Begin anew after a fork: with the same file, but not by the parent's descriptor, which a daemon closes."""
        self._after_fork()
        if self._fd >= 0:
            try:
                self._fd = _open(self.path)
            except OSError:
                self._fd = -1

    def _after_fork(self) -> None:
        # A forked child writes to the same file, whole lines at a time, but has printed nothing yet; a
        # thread that held the lock is not in the child.
        self._pid = os.getpid()
        self._lock = RLock()
        self._folders = (LineFolder(), LineFolder())
        self._waiting: list[tuple[int, str]] = []
        self._draining = False
        self._telling = 0  # the thread that is reporting trouble: what it prints is not captured

    @property
    def running(self) -> bool:
        """Whether what is printed now is kept."""
        return self._fd >= 0

    def start(self) -> None:
        """Keep what is printed from now on; does nothing if it is kept already."""
        if self._fd >= 0:
            return
        try:
            self._fd = _open(self.path)
        except OSError as error:
            self._tell(
                0, f"console output cannot be saved to {self.path}: {error.strerror or error}"
            )
            return
        self._after_fork()
        for index, name in enumerate(_STREAMS):
            self._tees.append(_tee_of(name, index))
            self._tees[-1].captures = (*self._tees[-1].captures, self)

    def stop(self) -> None:
        """Stop capturing and restore the streams; an unfinished line is saved as it is."""
        if self._fd < 0:
            return
        for name, tee in zip(_STREAMS, self._tees, strict=True):
            tee.captures = tuple(c for c in tee.captures if c is not self)
            if not tee.captures:
                _remove(name, tee)
        self._tees = []
        if self._pid != os.getpid():
            self._in_child()
        with self._lock:
            try:
                self._append("".join(folder.flush() for folder in self._folders))
            finally:
                fd, self._fd = self._fd, -1
                try:
                    if fd >= 0:
                        os.close(fd)
                except OSError as error:  # what is lost on closing was acknowledged: say so
                    self._tell(0, f"closing {self.path}: {error.strerror or error}")

    def _take(self, index: int, text: str) -> None:
        """Take in what one of the two streams wrote."""
        if self._pid != os.getpid():
            self._in_child()
        if self._telling == get_ident():
            return
        # A signal handler or a destructor may print while this very thread is in the loop below.
        self._waiting.append((index, text))
        with self._lock:
            if self._draining:
                return
            try:
                self._draining = True
                while self._waiting:
                    at, written = self._waiting.pop(0)
                    self._append(self._folders[at].feed(written))
            finally:
                self._draining = False

    def _append(self, lines: str) -> None:
        if lines and self._mask is not None:
            lines = self._mask(lines)
        if not lines or self._fd < 0:
            return
        data = lines.encode("utf-8", "backslashreplace")
        if self._torn:
            data = b"\n" + data
        try:
            written = os.write(self._fd, data)
            self._torn = written < len(data)
            while self._torn:
                data = data[written:]
                written = os.write(self._fd, data)
                self._torn = written < len(data)
        except OSError as error:
            if not _is_own(error):
                raise
            self._tell(max(1, data.count(b"\n")), f"{self.path}: {error.strerror or error}")

    def _tell(self, lines: int, reason: str) -> None:
        if self._on_trouble is None:
            return
        self._telling = get_ident()
        try:
            self._on_trouble(lines, reason)
        except Exception:  # noqa: BLE001  (a print must not fail over a report)
            pass
        finally:
            self._telling = 0


def _open(path: str) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
    try:
        fd = open_apart(path, flags)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        fd = open_apart(path, flags)
    try:
        size = os.fstat(fd).st_size
        if size:  # an earlier process may have been killed in the middle of a line
            os.lseek(fd, size - 1, os.SEEK_SET)
            if os.read(fd, 1) != b"\n":
                os.write(fd, b"\n")
    except OSError:
        pass
    return fd


def _is_own(error: BaseException) -> bool:
    """Whether an exception comes from this package; otherwise a signal handler of the program raised it just now."""
    traceback = error.__traceback__
    while traceback is not None:
        module = str(traceback.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        if module != __package__.partition(".")[0] and module not in sys.stdlib_module_names:
            return False
        traceback = traceback.tb_next
    return True


def _stream(name: str) -> Any:
    return getattr(sys, name)


class _Tee:
    """Stands in for a text stream: writes to it, then hands the text to the captures.

    Everything else is asked of, and set on, the original stream; None (no console) takes anything. Only a method that
    the tee has itself is replaced on the tee: a cell of IPython puts a `write` of its own over the one it found, which
    is the tee's, and puts that back in the end. On the original stream it would call itself for ever.
    """

    captures: tuple[ConsoleCapture, ...]
    index: int
    original: Any

    def __init__(self, original: Any, index: int) -> None:
        object.__setattr__(self, "original", original)
        object.__setattr__(self, "index", index)
        object.__setattr__(self, "captures", ())

    def write(self, text: str) -> int:
        result = len(text) if self.original is None else self.original.write(text)
        if isinstance(text, str):
            for capture in self.captures:
                try:
                    capture._take(self.index, text)
                except Exception as error:
                    if not _is_own(error):  # a print must not fail over its record
                        raise
                    capture._tell(1, f"{type(error).__name__}: {error}")
        return result

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if self.original is not None:
            self.original.flush()

    def __getattr__(self, name: str) -> Any:
        if self.original is None:
            if name in _OF_NO_CONSOLE:
                return _OF_NO_CONSOLE[name]
            raise AttributeError(f"there is no console, so it has no {name!r}")
        return getattr(self.original, name)

    def __setattr__(self, name: str, value: object) -> None:
        if name in _OWN:
            object.__setattr__(self, name, value)
        else:
            setattr(self.original, name, value)

    def __delattr__(self, name: str) -> None:
        if name in _OWN:
            object.__delattr__(self, name)
        else:
            delattr(self.original, name)

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy, here or in another process, is what the console is there.
        return _stream, (_STREAMS[self.index],)

    def __iter__(self) -> Any:
        return iter(self.original)

    def __repr__(self) -> str:
        return f"<anew console tee of {self.original!r}>"


_OWN = frozenset(("captures", "write", "writelines", "flush"))


def _no_fileno() -> int:
    import io

    raise io.UnsupportedOperation("fileno: there is no console")


_OF_NO_CONSOLE: dict[str, Any] = {
    "closed": False,
    "encoding": "utf-8",
    "errors": "backslashreplace",
    "fileno": _no_fileno,
    "isatty": lambda: False,
    "readable": lambda: False,
    "writable": lambda: True,
}


def _tee_of(name: str, index: int) -> _Tee:
    stream = getattr(sys, name)
    if isinstance(stream, _Tee):
        return stream
    tee = _Tee(stream, index)
    setattr(sys, name, tee)
    if stream is not None:
        _redirect_logging(stream, tee)
    return tee


def _remove(name: str, tee: _Tee) -> None:
    # Somebody may have put a stream of their own over the tee; then the tee stays below it, passing on.
    if getattr(sys, name) is tee:
        setattr(sys, name, tee.original)
    if tee.original is not None:
        _redirect_logging(tee, tee.original)


def _redirect_logging(old: Any, new: Any) -> None:
    """Have the logging handlers that write to `old` write to `new`: they keep the stream they began with."""
    logging = sys.modules.get("logging")
    if logging is None:
        return
    for reference in list(getattr(logging, "_handlerList", ())):
        handler = reference() if callable(reference) else reference
        if isinstance(handler, logging.StreamHandler) and getattr(handler, "stream", None) is old:
            try:
                handler.setStream(new)
            except Exception:  # noqa: BLE001  (a handler of another kind: its output is not kept)
                continue
