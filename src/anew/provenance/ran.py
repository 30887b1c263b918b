"""What ran: the modules that a program loaded from outside its interpreter and packages, and the files that it read.

Known at the end of a program, of its workers as well. Paths in the repository are relative to it, others absolute. Hashes are of modules and of
small files, up to bounds that keep the end quick; of larger files size and time are recorded.
"""

from __future__ import annotations

import os
import stat
import sys
import time

from ..monitor.reads import Reads, forget, opened, reads
from ..monitor.sampled import child_processes, mapped, open_for_reading
from ..monitor.workers import collect, listen, reported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["ImportTimes", "Looking", "what_ran"]

_MODULES, _FILES = 2000, 500
_ENTRIES = 20_000
"""Files of folders that are listed, of all folders together."""
_MAPS_SECONDS, _LONGEST_WAIT = 5.0, 60.0
_NATIVE = (
    "h5py", "tables", "netCDF4", "lmdb", "pyarrow", "polars", "duckdb", "rasterio", "cv2", "av", "decord", "soundfile", "tensorflow",
)  # fmt: skip
"""Packages whose native code opens files by itself: what they read and closed between two looks is not known."""
_SMALL, _HASHED = 1 << 20, 32 << 20
"""Bytes of a file that is hashed, and of all that are."""
_SYSTEM = (
    "/proc/",
    "/sys/",
    "/etc/",
    "/usr/",
    "/lib/",
    "/lib64/",
    "/bin/",
    "/sbin/",
    "/run/",
)
_PACKAGES = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class ImportTimes:
    """Size and time of each module's file as it was when it was looked at first: what is another later was not what ran."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int]] = {}

    def look(self) -> None:
        """Look at the modules that are there now, those of packages and of the interpreter left out."""
        for path in _module_files():
            if path not in self._seen:
                found = _stat(path)
                if found is not None:
                    self._seen[path] = found.st_size, found.st_mtime_ns

    def changed(self, path: str, found: os.stat_result, seen: Reads, imported: int | None) -> bool:
        """Whether a module's file is another than when it was seen first, or was written after it was imported.

        Args:
            seen: What has been opened.
            imported: When the module was opened; None where that was not seen, so before anything was.
        """
        first = self._seen.get(path)
        if first is not None and first != (found.st_size, found.st_mtime_ns):
            return True
        if path in seen.written:  # by the program itself, and then imported
            return False
        if imported is None:
            imported = seen.began if first is not None else found.st_mtime_ns
        return imported < found.st_mtime_ns <= time.time_ns()  # a clock elsewhere may be ahead


def what_ran(root: str | None, store: str, times: ImportTimes) -> dict[str, Any]:
    """The modules and the files read, as the record has them.

    Args:
        root: The top of the repository; paths in it are relative.
        store: The folder of the store, whose own files are none of the program's.
    """
    _look()
    seen = reads().copy()
    left = _HASHED
    modules: dict[str, str | None] = {}
    changed: list[str] = []
    imported = _worker_modules(seen)
    paths = sorted({*_module_files(), *imported})
    for path in paths[:_MODULES]:
        found = _stat(path)
        name = _placed(path, root)
        if found is None:
            modules[name] = None
            continue
        if times.changed(path, found, seen, imported.get(path)):
            changed.append(name)
        if found.st_size <= left:
            left -= found.st_size
            modules[name] = _sha256(path, found)
        else:
            modules[name] = None
    facts: dict[str, Any] = {"modules": modules}
    if len(paths) > _MODULES:
        facts["modules_count"] = len(paths)
    if changed:
        facts["changed"] = changed
    if packages := _loaded_packages():
        facts["packages"] = packages
    if workers := reported():
        facts["workers"] = workers
    if blind := [name for name in _NATIVE if name in sys.modules]:
        facts["not_covered"] = blind
    return facts | _files(root, store, seen, set(paths), left)


class Looking:
    """Looks now and then what is open and mapped, and takes in what workers tell, while experiments are open.

    The first looks come soon, and then ever less often: native code mostly opens its data at the start.
    """

    def __init__(self) -> None:
        self._handle: Any = None
        self._open = 0
        self._next = self._wait = 0.0

    def begin(self) -> None:
        """An experiment is open."""
        self._open += 1
        if self._handle is None:
            listen()
            self._wait = 1.0
            self._next = time.monotonic() + self._wait
            from ..monitor.ticker import process_ticker

            self._handle = process_ticker().add(self._tick, 1.0, name="looking at what is read")

    def end(self) -> None:
        """An experiment has ended."""
        self._open -= 1
        if self._open <= 0 and self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _tick(self) -> None:
        collect()
        if time.monotonic() >= self._next:
            self._wait = min(self._wait * 2, _LONGEST_WAIT)
            self._next = time.monotonic() + self._wait
            _sample()


def _sample() -> None:
    processes: list[int | str] = ["self", *child_processes()]
    for pid in processes:
        for path in (*open_for_reading(pid), *mapped(pid)):
            opened(path)


def _look() -> None:
    """Look once more, at the end."""
    collect()
    for path in open_for_reading():
        opened(path)
    now = time.monotonic()
    if (
        now - _known.mapped_at > _MAPS_SECONDS
    ):  # a process that ends many experiments does not look for each
        _known.mapped_at = now
        for path in mapped():
            opened(path)


def _files(
    root: str | None, store: str, seen: Reads, modules: set[str], left: int
) -> dict[str, Any]:
    files: dict[str, list[Any]] = {}
    total = 0
    foreign: list[str] = []
    outside = (*_outside(), store.rstrip(os.sep) + os.sep)
    for path in seen.files:
        if path in modules:
            continue
        if not _is_data(path, outside):
            foreign.append(path)
            continue
        found = _stat(path)
        if found is None or not stat.S_ISREG(found.st_mode):
            continue
        total += 1
        if len(files) >= _FILES:
            continue
        digest = None
        if found.st_size <= min(_SMALL, left):
            left -= found.st_size
            digest = _sha256(path, found)
        files[_placed(path, root)] = [found.st_size, found.st_mtime, digest]
    forget(foreign)
    facts: dict[str, Any] = {"read": files}
    if total > len(files):
        facts["read_count"] = total
    folders = [folder for folder in sorted(seen.folders) if _is_data(folder + os.sep, outside)]
    if folders:
        room = _ENTRIES
        facts["read_folders"] = {}
        for folder in folders[:_FILES]:
            count, size, digest = _listed(folder, room)
            room -= count
            facts["read_folders"][_placed(folder, root)] = [count, size, digest]
    return facts


def _listed(folder: str, most: int) -> tuple[int, int, str | None]:
    """How many files a folder has, their bytes, and a hash of their names and sizes; no hash where they are more than `most`."""
    import hashlib

    found: list[tuple[str, int]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if len(found) >= most:
                    return len(found), sum(size for _, size in found), None
                try:
                    if entry.is_file():
                        found.append((entry.name, entry.stat().st_size))
                except OSError:
                    continue
    except OSError:
        return 0, 0, None
    text = "".join(f"{size} {name}\0" for name, size in sorted(found))
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    return len(found), sum(size for _, size in found), digest


def _is_data(path: str, outside: tuple[str, ...]) -> bool:
    return not (
        path.startswith(outside)
        or _is_installed(path)
        or path.endswith((".py", ".pyc", ".so"))
        or f"{os.sep}.git{os.sep}" in path + os.sep
    )


def _worker_modules(seen: Reads) -> dict[str, int]:
    """The modules among what was opened, by the path of their source, with when they were: those of workers are not in `sys.modules`."""
    outside = _outside()
    found: dict[str, int] = {}
    for path, at in seen.files.items():
        if not at or path.startswith(outside) or _is_installed(path):
            continue
        if path.endswith(".pyc"):
            folder, _, name = path.rpartition(os.sep)
            above, _, cache = folder.rpartition(os.sep)
            if cache != "__pycache__":
                continue
            path = os.path.join(above, name.split(".", 1)[0] + ".py")
        found[path] = min(at, found.get(path, at))
    return found


class _Known:
    """What is worked out once in a process: where neither data nor code of the program lies, and the hashes of files."""

    def __init__(self) -> None:
        self.prefixes: tuple[str, str] | None = None
        self.mapped_at = -_MAPS_SECONDS
        self.outside: tuple[str, ...] = ()
        self.hashes: dict[str, tuple[tuple[int, int, int], str | None]] = {}
        self.modules: tuple[tuple[int, str] | None, list[str]] = (None, [])
        self.packages: tuple[tuple[int, str] | None, list[str]] = (None, [])


_known = _Known()


def _outside() -> tuple[str, ...]:
    """Where the system, the interpreter and Anew lie."""
    if _known.prefixes != (sys.prefix, sys.base_prefix):
        _known.prefixes = sys.prefix, sys.base_prefix
        prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
        parts = ("lib" + os.sep, "bin" + os.sep)
        inside = tuple(os.path.join(prefix, part) for prefix in prefixes for part in parts)
        _known.outside = (*_SYSTEM, _OURS, *inside)
    return _known.outside


def _module_files() -> list[str]:
    """The files of the modules that come neither from the interpreter, nor from a package, nor from Anew."""
    state = len(sys.modules), next(reversed(sys.modules), "")
    if _known.modules[0] == state:
        return _known.modules[1]
    outside = _outside()
    found: dict[str, None] = {}
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if not isinstance(path, str) or not path or path.startswith(outside):
            continue
        if not os.path.isabs(path) and not os.path.exists(path):
            continue  # `torch.ops` says that its file is "_ops.py", which lies nowhere
        if not _is_installed(path):
            found[_absolute(path)] = None
    _known.modules = state, sorted(found)
    return _known.modules[1]


def _loaded_packages() -> list[str]:
    """The names of the modules that were loaded from installed packages, in lower case; not what is inside them."""
    state = len(sys.modules), next(reversed(sys.modules), "")
    if _known.packages[0] != state:
        found = set()
        for name, module in list(sys.modules.items()):
            if "." not in name and name[:1] != "_":
                # What a module answers by itself for a name that it lacks may be anything, and may import.
                inside = getattr(module, "__dict__", None) or {}
                path = inside.get("__file__") or next(iter(inside.get("__path__") or ()), None)
                if isinstance(path, str) and _is_installed(path):
                    found.add(name.lower())
        _known.packages = state, sorted(found)
    return _known.packages[1]


def _is_installed(path: str) -> bool:
    return any(part in path for part in _PACKAGES)


def _absolute(path: str) -> str:
    try:
        return os.path.abspath(path)
    except OSError:  # the working directory was deleted
        return path


def _placed(path: str, root: str | None) -> str:
    if root and path.startswith(root.rstrip(os.sep) + os.sep):
        return path[len(root.rstrip(os.sep)) + 1 :].replace(os.sep, "/")
    return path


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None


def _sha256(path: str, found: os.stat_result) -> str | None:
    """The hash of a file's content: what was hashed before, and has not changed since, is not opened again."""
    known = _known.hashes.get(path)
    if known is not None and known[0] == _state(found):
        return known[1]
    import hashlib

    try:
        with open(path, "rb") as file:
            state = _state(os.fstat(file.fileno()))
            digest = hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return None
    if len(_known.hashes) < _MODULES + _FILES:
        _known.hashes[path] = state, digest
    return digest


def _state(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_size, found.st_mtime_ns, found.st_ino
