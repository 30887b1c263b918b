"""The lock among readers that update an index or send to another tracker."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..record.plain import parse_json
from .liveness import boot_id, host_name, pid_space, process_started, runs

__all__ = ["locked", "renew"]

STALE_SECONDS = 120.0
_UNSUPPORTED = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})


@contextmanager
def locked(path: str, wait: float) -> Iterator[bool]:
    """Hold the lock for the block; yields whether it was acquired within `wait` seconds.

    The kernel's lock on the file goes with the process, however that ends. Where the file system has none,
    a file that says who holds it stands in; one whose process is gone, or which was not touched for two
    minutes, counts for nothing.

    Raises:
        OSError: The file cannot be made.
    """
    os.makedirs(os.path.dirname(path), exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
    try:
        kernel = _try_kernel(fd)
        if kernel is None:
            with _held_file(path + ".held", wait) as held:
                yield held
            return
        until = time.monotonic() + wait
        while not kernel and time.monotonic() < until:
            time.sleep(0.02)
            kernel = _try_kernel(fd)
        yield bool(kernel)
    finally:
        os.close(fd)  # which lets go of the lock


def _try_kernel(fd: int) -> bool | None:
    """Whether the lock is ours now; None where there are no such locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return None
        raise
    return True


@contextmanager
def _held_file(path: str, wait: float) -> Iterator[bool]:
    until = time.monotonic() + wait
    while True:
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            break
        except FileExistsError:
            if _is_stale(path):
                _take_away(path)
                continue
        if time.monotonic() >= until:
            yield False
            return
        time.sleep(0.05)
    pid = os.getpid()
    holder = {
        "host": host_name(), "boot": boot_id(), "space": pid_space(),
        "pid": pid, "started": process_started(pid),
    }  # fmt: skip
    os.write(fd, json.dumps(holder).encode())
    try:
        yield True
    finally:
        mine = os.fstat(fd)
        os.close(fd)
        try:
            if os.path.samestat(mine, os.stat(path)):
                os.remove(path)
        except FileNotFoundError:
            pass  # it was taken for stale and away


def renew(path: str) -> None:
    """Show that the lock's holder is still working; the holder calls this from time to time."""
    try:
        os.utime(path + ".held")
    except OSError:
        pass  # the kernel holds it, or the file system sets no times


def _is_stale(path: str) -> bool:
    try:
        silent_for = time.time() - os.stat(path).st_mtime
        with open(path, "rb") as file:
            holder = parse_json(file.read() or b"{}")
    except FileNotFoundError:
        return False
    except ValueError:
        holder = None
    if not isinstance(holder, dict):
        return silent_for > STALE_SECONDS
    here = {"host": host_name(), "boot": boot_id(), "space": pid_space()}
    if all(holder.get(name) == value for name, value in here.items()):
        found = runs(int(holder["pid"]), int(holder.get("started") or 0))
        if found is not None:
            return not found
    return silent_for > STALE_SECONDS


def _take_away(path: str) -> None:
    """Remove a stale file: by renaming it, which only one of several that found it so can do."""
    grave = f"{path}.{os.getpid()}"
    try:
        os.rename(path, grave)
        os.remove(grave)
    except FileNotFoundError:
        return
