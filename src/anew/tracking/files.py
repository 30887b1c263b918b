"""`exp.files(prefix)`: files copied into the experiment, streamed, hashed and never overwritten."""

from __future__ import annotations

import os

from ..errors import InvalidValue, NotFound
from ..record.ids import new_id
from ..record.names import check_file_name
from ..record.plain import to_plain
from .logged import LoggedFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .life import Life

__all__ = ["Files"]

_BLOCK = 1 << 20


class Files:
    """Files under one prefix. The same name may be saved again: every save is kept, with its own id."""

    __slots__ = ("_life", "prefix")

    def __init__(self, life: Life, prefix: str) -> None:
        self._life = life
        self.prefix = check_file_name(prefix) if prefix else ""

    def save(
        self,
        source: Any,
        name: str | None = None,
        *,
        step: int | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> list[LoggedFile] | LoggedFile:
        """Keep a copy of a file (a folder: of every file in it), or of bytes, a text or plain data.

        Files are copied in blocks, hashed while they are copied, and put in place whole. Bytes need a `name`;
        a mapping or list is written as JSON, a matplotlib figure as an image.

        Args:
            source: A path, bytes, or (with a `name`) plain data or a figure.
            name: What the file is called; the source's own name if not given. Slashes make folders.
            step: The step it belongs to.
            metadata: Anything to be kept with it.

        Returns:
            The logged file; for a folder, a list of them.

        Raises:
            FileNotFoundError: There is no such file.
            InvalidName: The name leads outside, or cannot be a file's.
            InvalidValue: The source is of a kind that cannot be saved.
        """
        if self._life.disabled:
            return LoggedFile("", self.prefix, name or "", "", 0, "", step, {})
        self._life.require("files.save")
        if isinstance(source, (bytes, bytearray, memoryview)):
            return self._keep_bytes(bytes(source), _needs(name, "bytes"), step, metadata)
        if isinstance(source, (str, os.PathLike)):
            path = os.fspath(source)
            if os.path.isdir(path):
                base = name or os.path.basename(os.path.abspath(path))
                return [
                    self._keep_file(full, f"{base}/{relative}", step, metadata)
                    for relative, full in _walk(path, skip=self._life.folder)
                ]
            return self._keep_file(path, name or os.path.basename(path), step, metadata)
        if hasattr(source, "savefig"):
            return self._keep_figure(source, name or "figure.png", step, metadata)
        if isinstance(source, (dict, list, tuple)):
            import json

            text = json.dumps(to_plain(source), indent=2, ensure_ascii=False)
            return self._keep_bytes(text.encode(), _needs(name, "data"), step, metadata)
        raise InvalidValue(
            f"files.save takes a path, bytes, plain data or a figure, not {type(source).__name__}. "
            "Save it to a file first, then pass the path.",
            key=name,
        )

    def save_text(self, text: str, name: str, **options: Any) -> LoggedFile:
        """Keep a text as a UTF-8 file."""
        saved = self.save(text.encode(), name, **options)
        assert isinstance(saved, LoggedFile)
        return saved

    def list(self, pattern: str = "*") -> list[LoggedFile]:
        """The files saved by this process under this prefix whose names match the glob pattern."""
        from fnmatch import fnmatch

        inside = self.prefix + "/" if self.prefix else ""
        return [
            file
            for file in self._life.files
            if (not inside or file.prefix == self.prefix or file.prefix.startswith(inside))
            and fnmatch(file.name, pattern)
        ]

    def download(self, name: str, to: str | os.PathLike[str]) -> str:
        """Copy the newest file of that name to a path, verifying its hash; returns the path.

        Raises:
            NotFound: No file of that name was saved here.
            CorruptData: The bytes are not those that were saved.
        """
        found = self.list(name)
        if not found:
            raise NotFound(f"There is no file {name!r} under {self.prefix!r}.", name=name)
        target = os.fspath(to)
        if os.path.isdir(target):
            target = os.path.join(target, os.path.basename(found[-1].name))
        _copy_hashed(found[-1].path, target, expect=found[-1].hash)
        return target

    # -- keeping ----------------------------------------------------------------------------------

    def _place(self, name: str) -> tuple[str, str, str]:
        """A fresh id, the path relative to the experiment's folder, and the full path."""
        name = check_file_name(name)
        file_id = new_id()
        parts = [part for part in ("files", self.prefix, file_id, name) if part]
        relative = "/".join(parts)
        full = os.path.join(self._life.folder, *relative.split("/"))
        os.makedirs(os.path.dirname(full), exist_ok=True)
        return file_id, relative, full

    def _keep_file(
        self, source: str, name: str, step: int | None, metadata: Mapping[str, Any] | None
    ) -> LoggedFile:
        if not os.path.isfile(source):
            raise FileNotFoundError(
                2, f"There is no file at {source!r}. Paths are relative to {os.getcwd()!r}"
            )
        try:
            file_id, relative, full = self._place(name)
            size, digest = _copy_hashed(source, full)
        except OSError as error:
            return self._not_kept(name, source, step, error)
        return self._record(file_id, name, relative, full, size, digest, step, metadata)

    def _keep_bytes(
        self, data: bytes, name: str, step: int | None, metadata: Mapping[str, Any] | None
    ) -> LoggedFile:
        from blake3 import blake3

        try:
            file_id, relative, full = self._place(name)
            temporary = full + ".part"
            with open(temporary, "wb") as file:
                file.write(data)
            os.replace(temporary, full)
        except OSError as error:
            return self._not_kept(name, "", step, error)
        return self._record(
            file_id, name, relative, full, len(data), blake3(data).hexdigest(), step, metadata
        )

    def _keep_figure(
        self, figure: Any, name: str, step: int | None, metadata: Mapping[str, Any] | None
    ) -> LoggedFile:
        import io

        buffer = io.BytesIO()
        figure.savefig(buffer, format=os.path.splitext(name)[1][1:] or "png")
        return self._keep_bytes(buffer.getvalue(), name, step, metadata)

    def _not_kept(self, name: str, source: str, step: int | None, error: OSError) -> LoggedFile:
        """A disk that fails must not stop the training: count the file, hand back one that is false."""
        self._life.require("files.save").lose(f"the file {name!r} was not saved: {error}")
        return LoggedFile("", self.prefix, name, source, 0, "", step, {})

    def _record(
        self,
        file_id: str,
        name: str,
        relative: str,
        full: str,
        size: int,
        digest: str,
        step: int | None,
        metadata: Mapping[str, Any] | None,
    ) -> LoggedFile:
        logged = LoggedFile(
            file_id, self.prefix, name, full, size, digest, step, to_plain(dict(metadata or {}))
        )
        self._life.files.append(logged)
        fields = {
            "file_id": file_id, "prefix": self.prefix, "name": name, "path": relative,
            "size": size, "hash": digest, "step": step, "metadata": logged.metadata or None,
        }  # fmt: skip
        recording = self._life.require("files.save")
        recording.event("file", **{k: v for k, v in fields.items() if v is not None})
        return logged


def _needs(name: str | None, what: str) -> str:
    if not name:
        raise InvalidValue(
            f"Saving {what} needs a name: files.save(data, name='results.json').", key="name"
        )
    return name


def _walk(folder: str, skip: str) -> list[tuple[str, str]]:
    """`(relative, full)` of the files in a folder; the experiment's own folder is never taken into itself."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(
            f
            for f in folders
            if os.path.realpath(os.path.join(parent, f)) != os.path.realpath(skip)
        )
        for name in sorted(names):
            full = os.path.join(parent, name)
            if os.path.isfile(full):
                found.append((os.path.relpath(full, folder).replace(os.sep, "/"), full))
    return found


def _copy_hashed(source: str, target: str, expect: str | None = None) -> tuple[int, str]:
    """Copy in blocks, hashing; the target appears whole or not at all. Returns size and BLAKE3 hash."""
    from blake3 import blake3

    digest, size = blake3(), 0
    temporary = f"{target}.{new_id()}.part"
    try:
        with open(source, "rb") as reading, open(temporary, "wb") as writing:
            while block := reading.read(_BLOCK):
                digest.update(block)
                writing.write(block)
                size += len(block)
        if expect is not None and digest.hexdigest() != expect:
            from ..errors import CorruptData

            raise CorruptData(
                f"{source} has changed since it was saved: its hash differs.", path=source
            )
        os.chmod(temporary, os.stat(source).st_mode & 0o777)
        os.replace(temporary, target)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
    return size, digest.hexdigest()
