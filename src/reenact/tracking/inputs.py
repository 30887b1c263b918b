"""`exp.inputs.add(path)`: the data an experiment reads, by hash, so that a re-run can tell whether it is the same.

Hashes are SHA-256, which every system can check, and are remembered by path, size, time and inode. Large data is hashed
in a thread of its own while the program goes on; the end of the experiment waits for it.
"""

from __future__ import annotations

import os
import time

from ..errors import InvalidName
from ..record.secrets import mask_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from typing import Any

    from ..journal.layout import RootLayout
    from .experiment import Experiment
    from .recording import Recording

__all__ = ["Inputs"]

_AT_ONCE = 32 << 20  # bytes hashed before `add` returns
_BLOCK = 1 << 20
_SETTLED = 2.0  # seconds after which a file's time can be trusted to show the next change
_LISTED = 100_000  # files of one experiment named in environment/inputs.sha256
_END_WAIT = 120.0


class Inputs:
    """The inputs of one experiment."""

    __slots__ = ("_experiment",)

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment

    def add(self, path: str | os.PathLike[str], name: str | None = None) -> None:
        """Declare a file or folder as input; its hash is recorded.

        Args:
            path: A file, or a folder (every file in it counts).
            name: What to call it; its path if not given.

        Raises:
            FileNotFoundError: There is nothing at that path.
            InvalidName: It is neither a file nor a folder.
            NotRunning: The experiment has not started, or has ended.
        """
        experiment = self._experiment
        if experiment._disabled:
            return
        recording = experiment._require_running("inputs.add")
        full = os.path.abspath(os.fspath(path))
        if not os.path.exists(full):
            raise FileNotFoundError(
                2,
                f"There is no input at {os.fspath(path)!r}; paths are relative to {os.getcwd()!r}",
            )
        if not (os.path.isfile(full) or os.path.isdir(full)):
            raise InvalidName(f"The input {full!r} is neither a file nor a folder.", name=full)
        if recording.inputs is None:
            recording.inputs = _Hashing(recording)
        recording.inputs.add(full, name or os.fspath(path))


class _Hashing:
    """Hashes inputs for one recording and keeps the list of them."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._cache = HashCache(recording.root)
        self._found: dict[str, dict[str, Any]] = dict(recording.captured.get("inputs", {}))
        self._sums: dict[str, str] = {}
        self._threads: list[threading.Thread] = []

    def add(self, full: str, name: str) -> None:
        files = list(_files(full))
        size = sum(stat.st_size for _, _, stat in files)
        if size <= _AT_ONCE:
            self._hash(full, name, files, size)
            return
        import threading

        thread = threading.Thread(
            target=self._hash, args=(full, name, files, size), name="reenact-inputs", daemon=True
        )
        thread.start()
        self._threads.append(thread)

    def _hash(
        self, full: str, name: str, files: list[tuple[str, str, os.stat_result]], size: int
    ) -> None:
        import hashlib

        fact: dict[str, Any] = {"path": full, "size": size}
        if os.path.isdir(full):
            fact["files"] = len(files)
        try:
            sums = [(relative, self._cache.sha256(path, stat)) for relative, path, stat in files]
        except OSError as error:
            fact["error"] = f"it could not be read: {error}"
        else:
            if os.path.isfile(full):
                fact["sha256"] = sums[0][1]
            else:
                listing = "".join(f"{digest}  {relative}\n" for relative, digest in sums)
                fact["sha256"] = hashlib.sha256(
                    listing.encode("utf-8", "surrogateescape")
                ).hexdigest()
            for (_, path, _), (_, digest) in zip(files, sums, strict=True):
                self._sums[path] = digest
            if any(_signature(os.stat(path)) != _signature(stat) for _, path, stat in files):
                fact["changed_while_hashed"] = True
        self._found[mask_text(name)] = fact
        self._recording.captures("inputs", self._found)
        self._write_sums()

    def _write_sums(self) -> None:
        """`environment/inputs.sha256`, as `sha256sum` writes it; paths in the repository relative to it."""
        from ..capture.shared import place

        root = (self._recording.captured.get("git") or {}).get("root") or self._code_root()
        lines = []
        for path in sorted(self._sums)[:_LISTED]:
            shown = os.path.relpath(path, root) if root else path
            if shown.startswith(".."):
                shown = path
            lines.append(f"{self._sums[path]}  {shown.replace(os.sep, '/')}\n")
        target = self._recording.layout.path("environment", "inputs.sha256")
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            place(self._recording.root, target, "".join(lines).encode("utf-8", "surrogateescape"))
        except OSError as error:
            self._recording.lose(f"the list of inputs was not written: {error}")

    def _code_root(self) -> str | None:
        capturer = self._recording.capturer
        repository = getattr(capturer, "_repository", None)
        return repository.root if repository is not None else None

    def finish(self) -> None:
        """Wait for what is still being hashed; say what could not be."""
        deadline = time.monotonic() + _END_WAIT
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                self._recording.say(
                    f"inputs are still being hashed after {_END_WAIT:.0f} s; a re-run cannot check them"
                )
                return


class HashCache:
    """SHA-256 of files, remembered under the root by path, size, time of change and inode."""

    def __init__(self, root: RootLayout) -> None:
        self._path = os.path.join(root.private, "hashes.tsv")
        self._known: dict[str, tuple[str, str]] | None = None

    def sha256(self, path: str, stat: os.stat_result | None = None) -> str:
        """The hash of a file.

        Raises:
            OSError: It cannot be read.
        """
        stat = stat or os.stat(path)
        signature = _signature(stat)
        key = path.replace("\t", " ").replace("\n", " ")
        known = self._read().get(key)
        if known is not None and known[0] == signature:
            return known[1]
        digest = _sha256(path)
        # A file changed a moment ago may change again without its time showing it.
        if time.time() - stat.st_mtime > _SETTLED and _signature(os.stat(path)) == signature:
            self._read()[key] = (signature, digest)
            self._append(f"{key}\t{signature}\t{digest}\n")
        return digest

    def _read(self) -> dict[str, tuple[str, str]]:
        if self._known is None:
            self._known = {}
            try:
                with open(self._path, encoding="utf-8", errors="surrogateescape") as file:
                    for line in file:
                        parts = line.rstrip("\n").split("\t")
                        if len(parts) == 3 and len(parts[2]) == 64:
                            self._known[parts[0]] = (parts[1], parts[2])
            except OSError:
                pass
        return self._known

    def _append(self, line: str) -> None:
        try:
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                os.write(fd, line.encode("utf-8", "surrogateescape"))
            finally:
                os.close(fd)
        except OSError:  # the cache is a convenience
            pass


def _signature(stat: os.stat_result) -> str:
    return f"{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ctime_ns}:{stat.st_ino}:{stat.st_dev}"


def _sha256(path: str) -> str:
    import hashlib

    found = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def _files(full: str) -> list[tuple[str, str, os.stat_result]]:
    """`(relative path, path, stat)` of a file, or of every file in a folder, in order."""
    if os.path.isfile(full):
        return [(os.path.basename(full), full, os.stat(full))]
    found = []
    for parent, folders, names in os.walk(full, followlinks=False):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(parent, name)
            if os.path.isfile(path):
                relative = os.path.relpath(path, full).replace(os.sep, "/")
                found.append((relative, path, os.stat(path)))
    return found
