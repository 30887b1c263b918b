"""An artifact that is put together: files, folders, references, tables and pictures."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import weakref
from urllib.parse import unquote

from .errors import ArtifactFinalizedError, UsageError
from .manifest import ArtifactManifestEntry, Manifest, checked, md5_of
from .media import Media
from .objects import read, written
from .plain import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .stored import Stored

__all__ = ["Draft", "plain_metadata"]

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_RESERVED_TYPES = ("job", "run_table")


class Draft:
    """The part of an artifact that adds to it and looks into it."""

    def __init__(
        self,
        name: str,
        type: str,
        description: str | None = None,
        metadata: dict[str, Any] | None = None,
        incremental: bool = False,
        use_as: str | None = None,
        _of_a_run: bool = False,
        **_: Any,
    ) -> None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise UsageError(
                "Artifact name may only contain alphanumeric characters, dashes, underscores, and dots, and begins "
                f"with none of the last. Invalid name: {name!r}"
            )
        if (type in _RESERVED_TYPES or type.startswith("wandb-")) and not _of_a_run:
            raise UsageError(
                f"Artifact type {type!r} is reserved for internal use. Please use a different type."
            )
        self._name, self._type = name, type
        self.description = description
        self._metadata = plain_metadata(metadata)
        self.incremental, self.use_as = incremental, use_as
        self.manifest = Manifest()
        self.tags: list[str] = []
        self._stored: Stored | None = None
        self._staging: str | None = None

    @property
    def base_name(self) -> str:
        """Its name without a version."""
        return self._name

    @property
    def stored(self) -> Stored | None:
        """Where it lies, once it is logged."""
        return self._stored

    def logged_as(self, stored: Stored) -> None:
        """It is logged now, and cannot be changed any more."""
        self._stored = stored

    def drop_staged(self) -> None:
        """Delete the copies that `add_file` made: the experiment has the files now."""
        if self._staging is not None:
            shutil.rmtree(self._staging, ignore_errors=True)

    def _draft(self, call: str) -> None:
        if self._stored is not None:
            raise ArtifactFinalizedError(call)

    def add_file(
        self,
        local_path: str | os.PathLike[str],
        name: str | None = None,
        is_tmp: bool | None = False,
        skip_cache: bool | None = False,
        policy: str | None = "mutable",
        overwrite: bool = False,
    ) -> ArtifactManifestEntry:
        """Add a file, as it is now; with the policy "immutable" it is read when the artifact is logged.

        Raises:
            ValueError: There is no such file, or another one under that path.
        """
        self._draft("add_file")
        source = os.fspath(local_path)
        if not os.path.isfile(source):
            raise UsageError(f"Path is not a file: {source!r}")
        return self._add(source, name or os.path.basename(source), policy, overwrite)

    def _add(
        self, source: str, name: str, policy: str | None = "mutable", overwrite: bool = False
    ) -> ArtifactManifestEntry:
        path = checked(name)
        if policy not in ("mutable", "immutable"):
            raise UsageError(
                f"Invalid policy {policy!r}. Policy may only be `mutable` or `immutable`."
            )
        digest, size = md5_of(source)
        if policy == "mutable":
            source = self._staged(source)
        return self._place(ArtifactManifestEntry(path, digest, size, local_path=source), overwrite)

    def _place(
        self, entry: ArtifactManifestEntry, overwrite: bool = False
    ) -> ArtifactManifestEntry:
        self.manifest.add_entry(entry, overwrite)
        return entry

    def _folder(self) -> str:
        if self._staging is None:
            self._staging = tempfile.mkdtemp(prefix="anew-artifact-")
            weakref.finalize(self, shutil.rmtree, self._staging, True)
        return self._staging

    def _staged(self, source: str) -> str:
        """A copy that later changes of the file do not reach."""
        target = os.path.join(self._folder(), f"{len(os.listdir(self._folder()))}")
        shutil.copyfile(source, target)
        return target

    def add_dir(
        self,
        local_path: str | os.PathLike[str],
        name: str | None = None,
        skip_cache: bool | None = False,
        policy: str | None = "mutable",
        merge: bool = False,
    ) -> None:
        """Add all files of a folder, under their paths in it (below `name`, if given).

        Raises:
            ValueError: There is no such folder.
        """
        self._draft("add_dir")
        folder = os.fspath(local_path)
        if not os.path.isdir(folder):
            raise UsageError(f"Path is not a directory: {folder!r}")
        for parent, folders, files in os.walk(folder, followlinks=True):
            folders.sort()
            for file in sorted(files):
                full = os.path.join(parent, file)
                inside = os.path.relpath(full, folder).replace(os.sep, "/")
                self._add(full, f"{name}/{inside}" if name else inside, policy, merge)

    @contextlib.contextmanager
    def new_file(
        self, name: str, mode: str = "x", encoding: str | None = None, policy: str = "mutable"
    ) -> Iterator[Any]:
        """Open a new file, which is added when it is closed: `with artifact.new_file("a.txt") as file:`."""
        self._draft("new_file")
        path = checked(name)
        if path in self.manifest.entries and "w" not in mode:
            raise UsageError(f"File with name {name!r} already exists in the artifact.")
        target = os.path.join(self._folder(), f"new-{len(os.listdir(self._folder()))}")
        text = None if "b" in mode else (encoding or "utf-8")
        with open(target, mode, encoding=text) as file:
            yield file
        self._add(target, path, "immutable", overwrite="w" in mode)

    def add_reference(
        self,
        uri: Any,
        name: str | os.PathLike[str] | None = None,
        checksum: bool = True,
        max_objects: int | None = None,
    ) -> list[ArtifactManifestEntry]:
        """Add a reference to what lies elsewhere; of `file://` its hash is kept (each file's, of a folder)."""
        self._draft("add_reference")
        if isinstance(uri, ArtifactManifestEntry):
            entry = ArtifactManifestEntry(
                str(name or uri.path), uri.digest, uri.size, uri.ref, uri.local_path, uri.extra
            )
            entry.file = uri.file
            return [self._place(entry)]
        if "://" not in str(uri):
            raise UsageError("References must be URIs. To reference a local file, use file://")
        scheme, _, rest = str(uri).partition("://")
        if scheme == "file":
            rest = rest if os.path.exists(rest) else unquote(rest)
        else:
            entry = ArtifactManifestEntry(
                checked(str(name or rest.rstrip("/").rpartition("/")[2])), uri, None, uri
            )
            return [self._place(entry)]
        if os.path.isdir(rest):
            found = []
            for parent, folders, files in os.walk(rest):
                folders.sort()
                for file in sorted(files):
                    full = os.path.join(parent, file)
                    inside = os.path.relpath(full, rest).replace(os.sep, "/")
                    found.append(
                        self._refer(full, f"{name}/{inside}" if name else inside, checksum)
                    )
            return found
        if not os.path.isfile(rest):
            raise UsageError(f'Path "{rest}" must be a valid file or directory path')
        return [self._refer(rest, str(name or os.path.basename(rest)), checksum)]

    def _refer(self, full: str, name: str, checksum: bool) -> ArtifactManifestEntry:
        ref = f"file://{full}"
        digest, size = md5_of(full) if checksum else (ref, os.path.getsize(full))
        return self._place(ArtifactManifestEntry(checked(name), digest, size, ref))

    def add(
        self, obj: Any, name: str | os.PathLike[str], overwrite: bool = False
    ) -> ArtifactManifestEntry:
        """Add a table or another medium under a name, which `get(name)` gives back.

        Raises:
            ValueError: It is none of these.
        """
        self._draft("add")
        if not isinstance(obj, Media):
            raise UsageError(
                f"add() takes a Table, an Image and the like, not {type(obj).__name__}."
            )
        entry = None
        for source, inside in written(obj, os.fspath(name), self._folder()):
            entry = self._add(source, inside, "immutable", overwrite)
        assert entry is not None
        return entry

    def remove(self, item: Any) -> None:
        """Take out a file, or all below a folder.

        Raises:
            FileNotFoundError: There is none.
        """
        self._draft("remove")
        path = item.path if isinstance(item, ArtifactManifestEntry) else os.fspath(item).rstrip("/")
        gone = [p for p in self.manifest.entries if p == path or p.startswith(f"{path}/")]
        if not gone:
            raise FileNotFoundError(f"No such file or directory: {path}")
        for one in gone:
            del self.manifest.entries[one]

    def get_entry(self, name: str | os.PathLike[str]) -> ArtifactManifestEntry:
        """One of its files.

        Raises:
            KeyError: There is none at that path.
        """
        entry = self.manifest.entries.get(os.fspath(name))
        if entry is None:
            raise KeyError(f"Path not contained in artifact: {os.fspath(name)}")
        return entry

    get_path = get_entry

    def get(self, name: str) -> Any:
        """A table or picture that was added with `add`; None if there is none of that name."""
        return read(self.manifest, name)

    def get_added_local_path_name(self, local_path: str) -> str | None:
        """The path in the artifact of a file that has the content of that one."""
        digest, _ = md5_of(local_path)
        return next((p for p, e in self.manifest.entries.items() if e.digest == digest), None)


def plain_metadata(metadata: Any) -> dict[str, Any]:
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        raise TypeError(f"Cannot parse {type(metadata)} as artifact metadata")
    found: dict[str, Any] = plain(metadata)
    return found
