"""`wandb.Artifact`: files under a name, in versions."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import shutil
import tempfile
import weakref

from reenact.errors import CorruptData

from .errors import (
    ArtifactFinalizedError,
    ArtifactNotLoggedError,
    CommError,
    UnsupportedError,
    UsageError,
)
from .media import Media
from .plain import plain, warn_once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from .stored import Stored

__all__ = ["Artifact", "ArtifactManifestEntry", "Manifest", "md5_of"]

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_RESERVED_TYPES = ("job", "run_table")


class ArtifactManifestEntry:
    """One file of an artifact, or a reference to something elsewhere.

    Attributes:
        path: Where it is in the artifact.
        digest: Its MD5, in base64; of a reference to something that cannot be read here, the reference itself.
        size: Bytes; `ref` the reference, `local_path` where it lies.
    """

    def __init__(
        self,
        path: str,
        digest: str,
        size: int | None = None,
        ref: str | None = None,
        local_path: str | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        self.path, self.digest, self.size = path, digest, size
        self.ref, self.local_path, self.extra = ref, local_path, extra or {}
        self._file: Any = None  # the file in the store, once it is logged

    def download(self, root: str | os.PathLike[str] | None = None, **_: Any) -> str:
        """Copy it into a folder, checked against its hash; returns where it is.

        Raises:
            CorruptData: It is not what was logged.
        """
        target = os.path.join(
            os.fspath(root or os.path.join("artifacts", "files")), *self.path.split("/")
        )
        if self._file is not None:
            return str(self._file.save(target, overwrite=True))
        source = self.local_path
        if self.ref is not None and self.ref.startswith("file://"):
            source = self.ref.removeprefix("file://")
        if source is None or not os.path.isfile(source):
            raise CommError(
                f"The file {self.path!r} is a reference to {self.ref!r}, which is not read here."
            )
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if self.ref is None and md5_of(source)[0] != self.digest:
            raise CorruptData(
                f"{source} is not what was logged: it was changed since.", path=source
            )
        shutil.copyfile(source, target)
        return target

    def ref_target(self) -> str:
        """What it refers to.

        Raises:
            ValueError: It is a file, and no reference.
        """
        if self.ref is None:
            raise UsageError("Only reference entries support ref_target().")
        return self.ref

    ref_url = ref_target

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ArtifactManifestEntry) and (
            (self.path, self.digest, self.ref) == (other.path, other.digest, other.ref)
        )

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        ref = f", ref={self.ref!r}" if self.ref else ""
        return f"ArtifactManifestEntry(path={self.path!r}, digest={self.digest!r}, size={self.size!r}{ref})"


class Manifest:
    """What is in an artifact."""

    version = 1

    def __init__(self) -> None:
        self.entries: dict[str, ArtifactManifestEntry] = {}

    def digest(self) -> str:
        """The MD5 of all paths and digests, as wandb makes it."""
        hasher = hashlib.md5(b"wandb-artifact-manifest-v1\n", usedforsecurity=False)
        for path, entry in sorted(self.entries.items()):
            hasher.update(f"{path}:{entry.digest}\n".encode())
        return hasher.hexdigest()


class Artifact:
    """Files under a name, such as a data set or a model; `run.log_artifact` keeps a version of it.

    Args:
        name: Letters, digits, dashes, underscores and dots.
        type: What it is: "dataset", "model" …
        description: What there is to say about it.
        metadata: Facts about it.

    Raises:
        ValueError: The name or the type cannot be.
        TypeError: The metadata are no mapping.
    """

    def __init__(
        self,
        name: str,
        type: str,
        description: str | None = None,
        metadata: dict[str, Any] | None = None,
        incremental: bool = False,
        use_as: str | None = None,
        **_: Any,
    ) -> None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise UsageError(
                "Artifact name may only contain alphanumeric characters, dashes, underscores, and dots, and begins "
                f"with none of the last. Invalid name: {name!r}"
            )
        if type in _RESERVED_TYPES or type.startswith("wandb-"):
            raise UsageError(
                f"Artifact type {type!r} is reserved for internal use. Please use a different type."
            )
        self._name, self._type = name, type
        self.description = description
        self._metadata = _metadata(metadata)
        self.incremental, self.use_as = incremental, use_as
        self.manifest = Manifest()
        self.tags: list[str] = []
        self._stored: Stored | None = None
        self._staging: str | None = None

    # -- what it is --------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Its name; with the version once it is logged."""
        return f"{self._name}:{self._stored.version}" if self._stored else self._name

    @property
    def type(self) -> str:
        """What it is."""
        return self._type

    @property
    def metadata(self) -> dict[str, Any]:
        """Facts about it."""
        return self._metadata

    @metadata.setter
    def metadata(self, metadata: dict[str, Any]) -> None:
        self._metadata = _metadata(metadata)

    @property
    def digest(self) -> str:
        """A hash of all that is in it."""
        return self.manifest.digest()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size or 0 for entry in self.manifest.entries.values())

    @property
    def file_count(self) -> int:
        """How many files."""
        return len(self.manifest.entries)

    @property
    def state(self) -> str:
        """PENDING, or COMMITTED once it is logged."""
        return "PENDING" if self._stored is None else "COMMITTED"

    def is_draft(self) -> bool:
        """Whether it is not logged yet."""
        return self._stored is None

    def _logged(self, name: str) -> Stored:
        if self._stored is None:
            raise ArtifactNotLoggedError(name)
        return self._stored

    @property
    def version(self) -> str:
        """`v0`, `v1` …; an artifact that is logged has one."""
        return self._logged("version").version

    @property
    def aliases(self) -> list[str]:
        """What it is also called; change the list and `save()`."""
        return self._logged("aliases").aliases

    @aliases.setter
    def aliases(self, aliases: Sequence[str]) -> None:
        self._logged("aliases").aliases = list(aliases)

    @property
    def qualified_name(self) -> str:
        """`entity/project/name:version`."""
        return f"{self._logged('qualified_name').project}/{self.name}"

    @property
    def entity(self) -> str:
        """Whose project it is in."""
        return self._logged("entity").project.rpartition("/")[0]

    @property
    def project(self) -> str:
        """The project it is in."""
        return self._logged("project").project.rpartition("/")[2]

    @property
    def created_at(self) -> str:
        """When it was logged, in UTC."""
        from .reading import iso_time

        return iso_time(self._logged("created_at").time)

    @property
    def id(self) -> str:
        """The id of this version."""
        stored = self._logged("id")
        return f"{stored.experiment}:{self._name}:{stored.version}"

    source_name = name
    source_version = version
    source_qualified_name = qualified_name

    # -- what is in it -----------------------------------------------------------------------------

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
        path = _checked(name)
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
        before = self.manifest.entries.get(entry.path)
        if before is not None and before.digest != entry.digest and not overwrite:
            raise UsageError(f"Cannot add the same path twice: {entry.path!r}")
        self.manifest.entries[entry.path] = entry
        return entry

    def _folder(self) -> str:
        if self._staging is None:
            self._staging = tempfile.mkdtemp(prefix="reenact-artifact-")
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
        path = _checked(name)
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
            entry._file = uri._file
            return [self._place(entry)]
        if "://" not in str(uri):
            raise UsageError("References must be URIs. To reference a local file, use file://")
        scheme, _, rest = str(uri).partition("://")
        if scheme != "file":
            entry = ArtifactManifestEntry(
                _checked(str(name or rest.rstrip("/").rpartition("/")[2])), uri, None, uri
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
        return self._place(ArtifactManifestEntry(_checked(name), digest, size, ref))

    def add(
        self, obj: Any, name: str | os.PathLike[str], overwrite: bool = False
    ) -> ArtifactManifestEntry:
        """Add a table or another medium under a name, which `get(name)` gives back.

        Raises:
            ValueError: It is none of these.
        """
        from .stored import written

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
        from .stored import read

        return read(self, name)

    def get_added_local_path_name(self, local_path: str) -> str | None:
        """The path in the artifact of a file that has the content of that one."""
        digest, _ = md5_of(local_path)
        return next((p for p, e in self.manifest.entries.items() if e.digest == digest), None)

    # -- once it is logged -------------------------------------------------------------------------

    def wait(self, timeout: int | None = None) -> Artifact:
        """It is there as soon as `log_artifact` returns."""
        self._logged("wait")
        return self

    def finalize(self) -> None:
        """Accepted; logging it does."""

    def download(
        self,
        root: str | os.PathLike[str] | None = None,
        allow_missing_references: bool = False,
        skip_cache: bool | None = None,
        path_prefix: str | os.PathLike[str] | None = None,
        multipart: bool | None = None,
    ) -> str:
        """Copy all files into a folder (`./artifacts/name:version`), checked against their hashes; the folder.

        Raises:
            CorruptData: One is not what was logged.
        """
        self._logged("download")
        folder = os.fspath(root) if root is not None else os.path.join(".", "artifacts", self.name)
        os.makedirs(folder, exist_ok=True)
        for path, entry in self.manifest.entries.items():
            if path_prefix is not None and not path.startswith(os.fspath(path_prefix)):
                continue
            if (
                entry._file is None
                and entry.ref is not None
                and not entry.ref.startswith("file://")
            ):
                warn_once(f"The reference {entry.ref} is kept, and not downloaded.")
                continue
            try:
                entry.download(folder)
            except CommError:
                if not allow_missing_references:
                    raise
        return folder

    def file(self, root: str | None = None) -> str:
        """The path of its only file, copied into a folder.

        Raises:
            ValueError: It has several, or none.
        """
        self._logged("file")
        if len(self.manifest.entries) != 1:
            raise UsageError(
                "This artifact contains more than one file, call `.download()` to get all files or call "
                '.get_entry("filename").download()'
            )
        folder = root if root is not None else os.path.join(".", "artifacts", self.name)
        return next(iter(self.manifest.entries.values())).download(folder)

    def files(
        self, names: list[str] | None = None, per_page: int = 50, start: str | None = None
    ) -> Any:
        """Its files, or those of the names."""
        from .downloads import File, Files

        self._logged("files")
        chosen = [e for p, e in self.manifest.entries.items() if names is None or p in names]
        return Files([File(entry.path, entry._file, entry) for entry in chosen])

    def checkout(self, root: str | None = None) -> str:
        """Download it, and remove from the folder what is not in it."""
        folder = self.download(root)
        for parent, _, files in os.walk(folder):
            for file in files:
                full = os.path.join(parent, file)
                if os.path.relpath(full, folder).replace(os.sep, "/") not in self.manifest.entries:
                    os.unlink(full)
        return folder

    def verify(self, root: str | None = None) -> None:
        """Compare a downloaded folder with the artifact.

        Raises:
            ValueError: A file differs, is missing, or is one too many.
        """
        self._logged("verify")
        folder = root if root is not None else os.path.join(".", "artifacts", self.name)
        for parent, _, files in os.walk(folder):
            for file in files:
                inside = os.path.relpath(os.path.join(parent, file), folder).replace(os.sep, "/")
                if inside not in self.manifest.entries:
                    raise UsageError(
                        f"Found file {inside} which is not a member of artifact {self.name}"
                    )
        for path, entry in self.manifest.entries.items():
            if entry._file is not None:
                full = os.path.join(folder, *path.split("/"))
                if not os.path.isfile(full) or md5_of(full)[0] != entry.digest:
                    raise UsageError(f"Digest mismatch for file: {path}")

    def logged_by(self) -> Any:
        """The run that logged it, as `Api().run` gives it; None if it was deleted."""
        return self._logged("logged_by").logged_by()

    def used_by(self) -> list[Any]:
        """The runs that used it."""
        return self._logged("used_by").used_by(self.qualified_name)

    def save(self, project: str | None = None, settings: Any = None) -> None:
        """Log a draft with the current run; of a logged one, keep the aliases as they are now."""
        if self._stored is not None:
            self._stored.keep_aliases(self)
            return
        from . import runs
        from .starting import init

        run = runs.current()
        if run is not None:
            run.log_artifact(self)
            return
        with init(project=project, job_type="auto", settings=settings) as own:
            own.log_artifact(self)

    def new_draft(self) -> Artifact:
        """An artifact of the same name and content, to be changed and logged as the next version."""
        self._logged("new_draft")
        draft = Artifact(self._name, self._type, self.description, dict(self._metadata))
        for path, entry in self.manifest.entries.items():
            local = str(entry._file.path) if entry._file is not None else entry.local_path
            draft.manifest.entries[path] = ArtifactManifestEntry(
                path, entry.digest, entry.size, entry.ref, local, entry.extra
            )
        return draft

    def link(self, target_path: str, aliases: Any = None) -> Any:
        """Not supported."""
        raise UnsupportedError(
            "There is no registry to link an artifact to; give it an alias instead."
        )

    def delete(self, delete_aliases: bool = False) -> None:
        """Not supported."""
        raise UnsupportedError(
            "A version of an artifact is a part of the experiment that logged it, and stays as long as that one."
        )

    unlink = delete

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Artifact) and (self.name, self.digest) == (
            other.name,
            other.digest,
        )

    __hash__ = object.__hash__

    def __getitem__(self, name: str) -> Any:
        return self.get(name)

    def __setitem__(self, name: str, item: Any) -> None:
        self.add(item, name)

    def __repr__(self) -> str:
        return f"<Artifact {self.qualified_name if self._stored else self.name}>"


def md5_of(path: str) -> tuple[str, int]:
    """The MD5 of a file in base64, as wandb has it, and its size."""
    hasher, size = hashlib.md5(usedforsecurity=False), 0
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            hasher.update(block)
            size += len(block)
    return base64.b64encode(hasher.digest()).decode(), size


def _checked(name: str | os.PathLike[str]) -> str:
    """A path inside of an artifact.

    Raises:
        ValueError: It leads outside.
    """
    path = os.fspath(name).replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts or path.startswith("/") or ".." in parts or "\0" in path or ":" in parts[0][1:2]:
        raise UsageError(f"Invalid artifact path: {os.fspath(name)!r}")
    return "/".join(parts)


def _metadata(metadata: Any) -> dict[str, Any]:
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        raise TypeError(f"Cannot parse {type(metadata)} as artifact metadata")
    found: dict[str, Any] = plain(metadata)
    return found
