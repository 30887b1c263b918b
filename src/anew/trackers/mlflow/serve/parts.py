"""Files that arrive in parts, at once and in any order: in one draft on this machine, or as blobs that other servers reach, until all are put together."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import threading
import time
from collections.abc import Iterator
from io import FileIO
from typing import Protocol

import blake3

from ....blobs.drafts import open_draft
from ....blobs.protocol import Blobs
from .problems import MlflowProblem, invalid, missing

__all__ = ["BlobUploads", "DraftUploads", "Part", "Upload", "Uploads"]

_MOST_PARTS = 10_000
_MOST_UPLOADS = 100
_SECONDS = 86_400.0
_PIECE = 1 << 20
_FOLDER = "uploads/parts"
_ID = re.compile(r"(\d{8})-[0-9a-f]{32}")
_TAG = re.compile(r"[0-9a-f]{64}")


class Part(Protocol):
    """A part on its way."""

    def write(self, data: bytes) -> None:
        """Take some bytes.

        Raises:
            MlflowProblem: They are more than its length said.
            OSError: They cannot be written.
        """
        ...

    def keep(self) -> str:
        """Take it as whole; its tag, which the client sends back in the end.

        Raises:
            MlflowProblem: It ends too early.
            OSError: It cannot be kept.
        """
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Upload(Protocol):
    """A file that arrives in parts.

    Attributes:
        path: Where to.
    """

    path: str

    def part(self, number: int, length: int) -> Part:
        """Make room for a part; one that is sent again takes the place of the one before.

        Raises:
            MlflowProblem: There is no part of that number.
        """
        ...

    def read(self, tags: dict[int, str]) -> Iterator[bytes]:
        """The parts in their order.

        Raises:
            MlflowProblem: One of them has not arrived, or is another one than its sender means.
        """
        ...


class Uploads(Protocol):
    """The uploads in parts that are under way. Any thread may call it."""

    def begin(self, who: str, path: str, count: int) -> str:
        """The id of a new upload, which nobody can guess.

        Raises:
            MlflowProblem: There can be none of so many parts, or too many are under way.
        """
        ...

    def of(self, who: str, upload_id: str) -> Upload:
        """An upload that somebody began.

        Raises:
            MlflowProblem: There is none, or somebody else began it.
        """
        ...

    def end(self, who: str, upload_id: str) -> None:
        """Forget an upload."""
        ...


# -- on this machine -------------------------------------------------------------------------------


class _DraftPart:
    def __init__(self, upload: _DraftUpload, number: int, start: int, length: int) -> None:
        self._upload, self._number = upload, number
        self._start, self._length = start, length
        self._at, self._hash = 0, blake3.blake3()

    def write(self, data: bytes) -> None:
        if self._at + len(data) > self._length:
            raise invalid("The part is longer than its header says.")
        self._hash.update(data)
        self._upload.write(data, self._start + self._at)
        self._at += len(data)

    def keep(self) -> str:
        if self._at != self._length:
            raise invalid("The part ends before it is whole.")
        tag = self._hash.hexdigest()
        self._upload.parts[self._number] = (self._start, self._length, tag)
        return tag

    def close(self) -> None:
        pass


class _DraftUpload:
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
        if not 1 <= number <= self.count:
            raise invalid(f"There is no part {number} of {self.count}.")
        with self._lock:
            start = self._end
            self._end += length
        return _DraftPart(self, number, start, length)

    def write(self, data: bytes, at: int) -> None:
        self.touched = time.monotonic()
        left = memoryview(data)
        while left:
            done = os.pwrite(self._file.fileno(), left, at)
            left, at = left[done:], at + done

    def read(self, tags: dict[int, str]) -> Iterator[bytes]:
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
        self._open.close()


class DraftUploads:
    """Uploads whose parts lie where they fit in one draft on this machine.

    One that nobody sends to for a day is forgotten, as all of them are when the server ends: the client then begins again.

    Args:
        folder: Where drafts lie; it is made when it is needed.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._uploads: dict[str, _DraftUpload] = {}
        self._lock = threading.Lock()

    def begin(self, who: str, path: str, count: int) -> str:
        """See `Uploads.begin`."""
        _check_count(count)
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
            self._uploads[upload_id] = _DraftUpload(who, path, count, self._folder)
        return upload_id

    def of(self, who: str, upload_id: str) -> Upload:
        """See `Uploads.of`."""
        found = self._uploads.get(upload_id)
        if found is None or found.who != who:
            raise _no_upload(upload_id)
        return found

    def end(self, who: str, upload_id: str) -> None:
        """See `Uploads.end`."""
        self.of(who, upload_id)
        with self._lock:
            found = self._uploads.pop(upload_id, None)
        if found is not None:
            found.close()


def _check_count(count: int) -> None:
    if not 1 <= count <= _MOST_PARTS:
        raise invalid(f"A file can be sent in 1 to {_MOST_PARTS} parts, not in {count}.")


def _no_upload(upload_id: str) -> MlflowProblem:
    return missing(f"There is no upload {upload_id:.40}: begin again.")


# -- as blobs --------------------------------------------------------------------------------------


class _BlobPart:
    def __init__(self, blobs: Blobs, folder: str, number: int, length: int) -> None:
        self._blobs, self._folder, self._number = blobs, folder, number
        self._length, self._at, self._hash = length, 0, blake3.blake3()
        self._open = contextlib.ExitStack()
        self._file, self._draft = self._open.enter_context(open_draft(blobs.scratch()))

    def write(self, data: bytes) -> None:
        if self._at + len(data) > self._length:
            raise invalid("The part is longer than its header says.")
        self._at += len(data)
        self._hash.update(data)
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]

    def keep(self) -> str:
        if self._at != self._length:
            raise invalid("The part ends before it is whole.")
        tag = self._hash.hexdigest()
        with contextlib.suppress(FileExistsError):  # it was sent before
            self._blobs.upload(_part_key(self._folder, self._number, tag), self._draft)
        return tag

    def close(self) -> None:
        self._open.close()


class _BlobUpload:
    def __init__(self, blobs: Blobs, folder: str, path: str, count: int) -> None:
        self._blobs, self._folder, self.path, self._count = blobs, folder, path, count

    def part(self, number: int, length: int) -> Part:
        if not 1 <= number <= self._count:
            raise invalid(f"There is no part {number} of {self._count}.")
        return _BlobPart(self._blobs, self._folder, number, length)

    def read(self, tags: dict[int, str]) -> Iterator[bytes]:
        wanted = []
        there = set(self._blobs.keys(self._folder))
        for number in range(1, self._count + 1):
            tag = tags.get(number, "").strip('"')
            key = _part_key(self._folder, number, tag) if _TAG.fullmatch(tag) else ""
            if key not in there:
                raise invalid(f"The part {number} of {self._count} has not arrived.")
            wanted.append(key)
        for key in wanted:
            at, size = 0, self._blobs.size(key)
            while at < size:
                data = self._blobs.read(key, at, min(4 * _PIECE, size - at))
                if not data:
                    raise OSError(f"A part ends after {at} bytes.")
                at += len(data)
                yield data


class BlobUploads:
    """Uploads whose parts are blobs, so that each part may come to another server.

    One that was begun two days ago is forgotten.

    Args:
        blobs: Where the parts lie.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def begin(self, who: str, path: str, count: int) -> str:
        """See `Uploads.begin`."""
        _check_count(count)
        old = time.strftime("%Y%m%d", time.gmtime(time.time() - 2 * _SECONDS))
        for key in self._blobs.keys(_FOLDER):
            if key.removeprefix(f"{_FOLDER}/")[:8] < old:
                self._blobs.delete(key)
        upload_id = f"{time.strftime('%Y%m%d', time.gmtime())}-{secrets.token_hex(16)}"
        about = json.dumps({"who": who, "path": path, "count": count}).encode()
        self._blobs.create(f"{_FOLDER}/{upload_id}/begun", about)
        return upload_id

    def of(self, who: str, upload_id: str) -> Upload:
        """See `Uploads.of`."""
        if not _ID.fullmatch(upload_id):
            raise _no_upload(upload_id)
        folder = f"{_FOLDER}/{upload_id}"
        try:
            about = json.loads(self._blobs.read(f"{folder}/begun"))
        except FileNotFoundError:
            raise _no_upload(upload_id) from None
        if about["who"] != who:
            raise _no_upload(upload_id)
        return _BlobUpload(self._blobs, folder, about["path"], about["count"])

    def end(self, who: str, upload_id: str) -> None:
        """See `Uploads.end`."""
        self.of(who, upload_id)
        for key in self._blobs.keys(f"{_FOLDER}/{upload_id}"):
            self._blobs.delete(key)


def _part_key(folder: str, number: int, tag: str) -> str:
    return f"{folder}/{number:05d}-{tag}"
