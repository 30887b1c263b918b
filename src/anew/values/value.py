"""The interface of every kind of value, and writing its file to disk."""

from __future__ import annotations

import os

from ..errors import InvalidValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO, ClassVar, Protocol

    class Value(Protocol):
        """A value that can be logged and is not a number.

        Made where it is logged, checked when it is made, saved once. Holds on to what it was given until then.
        """

        kind: ClassVar[str]

        def save(self, folder: str, stem: str) -> Saved:
            """Write what does not fit into a record to `folder`, in files whose names begin with `stem`.

            A file is there whole or not at all.

            Raises:
                OSError: It could not be written.
            """
            ...


__all__ = [
    "MAX_INLINE",
    "Saved",
    "check_caption",
    "copy_file",
    "inline_size",
    "read_source",
    "write_file",
]

MAX_INLINE = 16 * 1024


class Saved:
    """Where a value is kept: a file (`path`, relative to the folder given), or `data` in the record itself.

    `metadata` is plain JSON about it: sizes, units, the caption.
    """

    __slots__ = ("data", "metadata", "path")

    def __init__(
        self, path: str | None = None, data: Any = None, metadata: dict[str, Any] | None = None
    ) -> None:
        self.path = path
        self.data = data
        self.metadata = metadata or {}

    def __repr__(self) -> str:
        return f"Saved(path={self.path!r}, data={self.data!r}, metadata={self.metadata!r})"


def write_file(folder: str, name: str, write: Callable[[BinaryIO], object]) -> str:
    """Have `write` fill a new file of that name, seen by others only when it is whole; returns the name."""
    os.makedirs(folder, exist_ok=True)
    temporary = os.path.join(folder, f".{name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    try:
        with open(temporary, "xb") as file:
            write(file)
        os.replace(temporary, os.path.join(folder, name))
    except BaseException:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise
    return name


def copy_file(folder: str, name: str, source: str | bytes) -> str:
    """A new file with the bytes given, or those of the file at a path."""
    if isinstance(source, bytes):
        return write_file(folder, name, lambda file: file.write(source))

    def copy(file: BinaryIO) -> None:
        import shutil

        with open(source, "rb") as original:
            shutil.copyfileobj(original, file, 1 << 20)

    return write_file(folder, name, copy)


def read_source(source: object, what: str) -> tuple[str | bytes, bytes]:
    """A path or bytes handed over as a value, with its first bytes.

    Raises:
        InvalidValue: There is no such file, or it is empty.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        content = bytes(source)
        head = content[:64]
    else:
        path = os.fspath(source)  # type: ignore[call-overload]
        try:
            with open(path, "rb") as file:
                head = file.read(64)
        except OSError as error:
            raise InvalidValue(
                f"The {what} {path!r} cannot be read: {error.strerror or error}."
            ) from error
        content = os.fspath(path)
    if not head:
        raise InvalidValue(f"The {what} is empty.")
    return content, head


def inline_size(data: Any) -> int | None:
    """How many bytes of a record the data takes; None if it has no plain JSON form."""
    from ..record.encode import encode

    try:
        return len(encode(data))
    except (TypeError, ValueError):
        return None


def check_caption(caption: object) -> dict[str, Any]:
    """The caption as metadata, nothing if there is none."""
    if caption is None:
        return {}
    if not isinstance(caption, str):
        raise InvalidValue(
            f"A caption must be a string, not {type(caption).__name__}.", key="caption"
        )
    return {"caption": caption}
