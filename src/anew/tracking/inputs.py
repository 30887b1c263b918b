"""`exp.inputs.add(path)`: the data an experiment reads, by hash, so that a re-run can tell whether it is the same.

Hashes are SHA-256, which every system can check, and are remembered by path, size, time and inode. Large data is hashed
in a thread of its own while the program goes on; the end of the experiment waits for it.
"""

from __future__ import annotations

import os
import time

from ..errors import InvalidName
from ..provenance.hashing import HashCache, hash_input, input_files, signature
from ..provenance.shared import place
from ..record.secrets import mask_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from typing import Any

    from ..provenance.hashing import InputFiles
    from .life import Life
    from .recording import Recording

__all__ = ["Inputs"]

_AT_ONCE = 32 << 20  # bytes hashed before `add` returns
_LISTED = 100_000  # files of one experiment named in environment/inputs.sha256
_END_WAIT = 120.0


class Inputs:
    """The inputs of one experiment."""

    __slots__ = ("_life",)

    def __init__(self, life: Life) -> None:
        self._life = life

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
        if self._life.disabled:
            return
        recording = self._life.require("inputs.add")
        full = os.path.abspath(os.fspath(path))
        if not os.path.exists(full):
            raise FileNotFoundError(
                2,
                f"There is no input at {os.fspath(path)!r}. Paths are relative to {os.getcwd()!r}",
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
        found = input_files(full)
        size = sum(stat.st_size for _, _, stat in found)
        if size <= _AT_ONCE:
            self._hash(full, name, found)
            return
        import threading

        thread = threading.Thread(
            target=self._hash, args=(full, name, found), name="anew-inputs", daemon=True
        )
        thread.start()
        self._threads.append(thread)

    def _hash(self, full: str, name: str, files: InputFiles) -> None:
        try:
            fact, sums = hash_input(full, files, self._cache)
        except OSError as error:
            fact, sums = {"path": full, "error": f"it could not be read: {error}"}, {}
        self._sums |= sums
        if any(_signature_now(path) != signature(stat) for _, path, stat in files):
            fact["changed_while_hashed"] = True
        self._found = {**self._found, mask_text(name): fact}
        self._recording.captures("inputs", self._found)
        self._write_sums()

    def _write_sums(self) -> None:
        """`environment/inputs.sha256`, as `sha256sum` writes it; paths in the repository relative to it."""
        root = (self._recording.captured.get("git") or {}).get("root") or self._code_root()
        lines = []
        for path in sorted(self._sums)[:_LISTED]:
            shown = os.path.relpath(path, root) if root else path
            if shown.startswith(".."):
                shown = path
            lines.append(f"{self._sums[path]}  {shown.replace(os.sep, '/')}\n")
        target = self._recording.capture_path("environment/inputs.sha256")
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            place(self._recording.root, target, "".join(lines).encode("utf-8", "surrogateescape"))
        except OSError as error:
            self._recording.lose(f"the list of inputs was not written: {error}")

    def _code_root(self) -> str | None:
        capturer = self._recording.capturer
        repository = getattr(capturer, "repository", None)
        return repository.root if repository is not None else None

    def finish(self) -> None:
        """Wait for inputs still being hashed, and report those that could not be."""
        deadline = time.monotonic() + _END_WAIT
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                self._recording.say(
                    f"inputs were still being hashed after {_END_WAIT:.0f} s, so a re-run cannot check them"
                )
                return


def _signature_now(path: str) -> str:
    try:
        return signature(os.stat(path))
    except OSError:
        return ""
