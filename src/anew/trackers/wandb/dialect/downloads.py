"""Files of a run or an artifact, as the `Api` gives them."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Sequence

from .errors import CommError
from .logged import logged_files
from .manifest import checked
from .plain import nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["File", "Files", "files_of"]


class File:
    """One file.

    Attributes:
        name: Its path in the run or the artifact.
    """

    def __init__(self, name: str, view: Any, entry: Any = None) -> None:
        self.name = name
        self._view, self._entry = view, entry

    @property
    def size(self) -> int:
        """Bytes."""
        return int((self._view or self._entry).size or 0)

    @property
    def digest(self) -> str:
        """Its hash."""
        return str(self._entry.digest if self._entry is not None else self._view.hash)

    @property
    def mimetype(self) -> str | None:
        """What kind of file its name says it is."""
        return mimetypes.guess_type(self.name)[0]

    @property
    def url(self) -> str:
        """Where it lies."""
        return f"file://{self._view.path}" if self._view is not None else str(self._entry.ref)

    direct_url = path_uri = url

    @property
    def updated_at(self) -> str:
        """When it was kept, in UTC."""
        from ..names import iso_time

        return iso_time(self._view.time)

    updatedAt = updated_at

    def download(
        self,
        root: str | os.PathLike[str] = ".",
        replace: bool = False,
        exist_ok: bool = False,
        api: Any = None,
    ) -> Any:
        """Copy it to its path in a folder, checked against its hash; the copy, opened for reading.

        Raises:
            ValueError: There is a file already; `replace` replaces it, `exist_ok` gives it as it is.
            CorruptData: It is not what was kept.
        """
        target = os.path.join(os.fspath(root), *checked(self.name).split("/"))
        if os.path.exists(target) and not replace:
            if exist_ok:
                return open(target, encoding="utf-8")
            raise FileThere(
                f"File already exists: {target}. Use replace=True to overwrite it, or exist_ok=True to take it."
            )
        if self._view is None:
            self._entry.download(root)
        else:
            self._view.save(target, overwrite=True)
        return open(target, encoding="utf-8", errors="replace")

    def __repr__(self) -> str:
        return f"<File {self.name} ({self.size} bytes)>"


class FileThere(CommError, ValueError, FileExistsError):
    """There is a file already where another one was to be put."""


class Files(Sequence[File]):
    """Several files."""

    def __init__(self, files: list[File]) -> None:
        self._files = files

    def __getitem__(self, index: Any) -> Any:
        return self._files[index]

    def __len__(self) -> int:
        return len(self._files)

    def __repr__(self) -> str:
        return f"<Files {len(self)}>"


def files_of(view: Any, names: list[str] | None = None, pattern: str | None = None) -> Files:
    """The newest file of each name that an experiment kept, but those of artifacts.

    Args:
        names: Only these.
        pattern: Only names that this meets, with `*` and `?`, or with `%` as in SQL.
    """
    from fnmatch import fnmatch

    found = {one.name: File(one.name, one) for one in logged_files(view)}
    for file in view.files:
        if file.prefix == "artifacts" or file.prefix.startswith("artifacts/"):
            continue
        own = str(file.metadata.get("name") or file.name)
        name = f"{file.prefix}/{own}" if file.prefix else own
        found[name] = File(name, file)
    glob = None if pattern is None else pattern.replace("%", "*")
    return Files(
        [
            file
            for name, file in found.items()
            if (names is None or name in names) and (glob is None or fnmatch(name, glob))
        ]
    )


def file_of(view: Any, name: str) -> File:
    """One file of an experiment.

    Raises:
        CommError: It kept none of that name.
    """
    found = {file.name: file for file in files_of(view)}
    if name not in found:
        raise CommError(
            f"The run {view.name!r} has no file {name!r}.{nearest(name, found)}", name=name
        )
    return found[name]
