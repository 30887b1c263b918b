"""Files that arrive in parts, at once and in any order: each part lies where it fits in one draft until all are put together."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Iterator
from io import FileIO

import blake3

from ....blobs.drafts import open_draft
from .problems import MlflowProblem, invalid, missing

__all__ = ["Part", "Upload", "Uploads"]

_MOST_PARTS = 10_000
_MOST_UPLOADS = 100
_SECONDS = 86_400.0
_PIECE = 1 << 20


class Part:
    """A part on its way."""

    def __init__(self, upload: Upload, number: int, start: int, length: int) -> None:
        self._upload, self._number = upload, number
        self._start, self._length = start, length
        self._at, self._hash = 0, blake3.blake3()

    def write(self, data: bytes) -> None:
        """Take some bytes.

        Raises:
            MlflowProblem: They are more than its length said.
            OSError: They cannot be written.
        """
        if self._at + len(data) > self._length:
            raise invalid("The part is longer than its header says.")
        self._hash.update(data)
        self._upload.write(data, self._start + self._at)
        self._at += len(data)

    def keep(self) -> str:
        """Take it as whole; its tag, which the client sends back in the end."""
        if self._at != self._length:
            raise invalid("The part ends before it is whole.")
        tag = self._hash.hexdigest()
        self._upload.parts[self._number] = (self._start, self._length, tag)
        return tag


class Upload:
    """A file that arrives in parts.

    Attributes:
        who: Who sends it; `path` is where to.
        parts: Where each part that has arrived lies in the draft, how long it is, and its tag.
    """

    def __init__(self, who: str, path: str, count: int, folder: str) -> None:
        self.who, self.path, self.count = who, path, count
        self.touched = time.monotonic()
        self.parts: dict[int, tuple[int, int, str]] = {}
        self._open = contextlib.ExitStack()
        self._file: FileIO
        self._file, self._draft = self._open.enter_context(open_draft(folder))
        self._end = 0
        self._lock = threading.Lock()

    def part(self, number: int, length: int) -> Part:
        """Make room for a part; one that is sent again takes the place of the one before."""
        if not 1 <= number <= self.count:
            raise invalid(f"There is no part {number} of {self.count}.")
        with self._lock:
            start = self._end
            self._end += length
        return Part(self, number, start, length)

    def write(self, data: bytes, at: int) -> None:
        """Write bytes at a place."""
        self.touched = time.monotonic()
        left = memoryview(data)
        while left:
            done = os.pwrite(self._file.fileno(), left, at)
            left, at = left[done:], at + done

    def read(self, tags: dict[int, str]) -> Iterator[bytes]:
        """The parts in their order.

        Raises:
            MlflowProblem: One of them has not arrived, or is another one than its sender means.
        """
        for number in range(1, self.count + 1):
            if number not in self.parts or tags.get(number, "").strip('"') != self.parts[number][2]:
                raise invalid(f"The part {number} of {self.count} has not arrived.")
        with open(self._draft, "rb") as file:
            for number in range(1, self.count + 1):
                start, length, _ = self.parts[number]
                file.seek(start)
                for at in range(0, length, _PIECE):
                    yield file.read(min(_PIECE, length - at))

    def close(self) -> None:
        """Remove the draft."""
        self._open.close()


class Uploads:
    """The uploads in parts that are under way. Any thread may use them.

    One that nobody sends to for a day is forgotten, as all of them are when the server ends: the client then begins again.

    Args:
        folder: Where drafts lie; it is made when it is needed.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._uploads: dict[str, Upload] = {}
        self._lock = threading.Lock()

    def begin(self, who: str, path: str, count: int) -> str:
        """The id of a new upload, which nobody can guess."""
        if not 1 <= count <= _MOST_PARTS:
            raise invalid(f"A file can be sent in 1 to {_MOST_PARTS} parts, not in {count}.")
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        with self._lock:
            old = time.monotonic() - _SECONDS
            for id_ in [id_ for id_, one in self._uploads.items() if one.touched < old]:
                self._uploads.pop(id_).close()
            if len(self._uploads) >= _MOST_UPLOADS:
                raise MlflowProblem(
                    "REQUEST_LIMIT_EXCEEDED", "Too many files are being sent in parts."
                )
            upload_id = secrets.token_hex(16)
            self._uploads[upload_id] = Upload(who, path, count, self._folder)
        return upload_id

    def of(self, who: str, upload_id: str) -> Upload:
        """An upload that somebody began.

        Raises:
            MlflowProblem: There is none, or somebody else began it.
        """
        found = self._uploads.get(upload_id)
        if found is None or found.who != who:
            raise missing(f"There is no upload {upload_id:.40}: begin again.")
        return found

    def end(self, who: str, upload_id: str) -> None:
        """Forget an upload."""
        self.of(who, upload_id)
        with self._lock:
            found = self._uploads.pop(upload_id, None)
        if found is not None:
            found.close()
