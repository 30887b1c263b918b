"""Logged files, and values beyond numbers, as they are read."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import blake3

from ..errors import CorruptData, NotFound

__all__ = ["FileView", "ValueView"]

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class FileView:
    """One logged file.

    Attributes:
        prefix: The logical folder it was logged under, such as "models".
        path: Where it lies.
        size: Bytes; `hash` is the BLAKE3 of its content.
        time: When it was logged, seconds since the epoch.
    """

    id: str
    name: str
    prefix: str
    path: Path
    size: int
    hash: str
    step: int | None
    time: float
    metadata: dict[str, Any] = field(default_factory=dict)

    def __fspath__(self) -> str:
        return str(self.path)

    def open(self) -> IO[bytes]:
        """The file, opened for reading bytes.

        Raises:
            NotFound: The file is gone.
        """
        try:
            return self.path.open("rb")
        except FileNotFoundError as error:
            raise NotFound(
                f"The file {self.name!r} was logged but is no longer at {self.path}.",
                name=self.name,
            ) from error

    def read_bytes(self, *, check: bool = True) -> bytes:
        """The content.

        Raises:
            CorruptData: It does not have the hash it was logged with (unless `check` is False).
            NotFound: The file is gone.
        """
        with self.open() as file:
            data = file.read()
        if check:
            self._compare(blake3.blake3(data).hexdigest())
        return data

    def read_text(self, encoding: str = "utf-8") -> str:
        """The content as text; raises as `read_bytes`, and UnicodeDecodeError."""
        return self.read_bytes().decode(encoding)

    def save(self, to: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Copy it to a path or into a folder, checking its hash; returns where it is.

        Raises:
            FileExistsError: There is a file already, and `overwrite` is False.
            CorruptData: The content is not what was logged; nothing is left behind.
            NotFound: The file is gone.
        """
        target = Path(to)
        if target.is_dir() or str(to).endswith(("/", os.sep)):
            target = target / os.path.basename(self.name)
        if target.exists() and not overwrite:
            raise FileExistsError(f"{target} is there already; overwrite=True replaces it.")
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part-{os.getpid()}")
        hasher = blake3.blake3()
        try:
            with self.open() as source, part.open("xb") as copy:
                while block := source.read(_BLOCK):
                    hasher.update(block)
                    copy.write(block)
            self._compare(hasher.hexdigest())
            shutil.copymode(self.path, part)
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)
        return target

    def _compare(self, found: str) -> None:
        if self.hash and found != self.hash.removeprefix("blake3:"):
            raise CorruptData(
                f"{self.path} is not what was logged: its hash is {found[:16]}…, not "
                f"{self.hash[:16]}…. It was changed or damaged since.",
                path=str(self.path),
            )


@dataclass(frozen=True, slots=True)
class ValueView:
    """One logged value beyond numbers: an image, a table, a histogram …

    Small ones are in `data`; larger ones in the file at `path`.
    """

    name: str
    kind: str
    step: int | None
    time: float
    path: Path | None
    data: Any
    metadata: dict[str, Any] = field(default_factory=dict)

    def read_bytes(self) -> bytes:
        """The file's content.

        Raises:
            NotFound: The value has no file, or it is gone.
        """
        if self.path is None:
            raise NotFound(
                f"The value {self.name!r} has no file; it is in `.data`.", name=self.name
            )
        try:
            return self.path.read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"The file of {self.name!r} is gone: {self.path}.") from error
