"""`wandb.Artifact`: files under a name, in versions."""

from __future__ import annotations

import hashlib
import os

from ..names import iso_time
from .active import current, open_run
from .downloads import File, Files
from .draft import Draft, plain_metadata
from .errors import ArtifactNotLoggedError, CommError, UnsupportedError, UsageError
from .linking import link
from .manifest import ArtifactManifestEntry, md5_of
from .plain import warn_once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .stored import Stored

__all__ = ["Artifact"]


class Artifact(Draft):
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
        self._metadata = plain_metadata(metadata)

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
        """How many files; of an artifact that is logged."""
        self._logged("file_count")
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
        return iso_time(self._logged("created_at").time)

    @property
    def id(self) -> str:
        """The id of this version."""
        stored = self._logged("id")
        return f"{stored.experiment}:{self._name}:{stored.version}"

    @property
    def updated_at(self) -> str:
        """When it was logged, in UTC: a version does not change."""
        return iso_time(self._logged("updated_at").time)

    @property
    def commit_hash(self) -> str:
        """A hash of this version: of its content and its place."""
        self._logged("commit_hash")
        return hashlib.md5(f"{self.id} {self.digest}".encode(), usedforsecurity=False).hexdigest()

    @property
    def ttl(self) -> None:
        """None: versions stay as long as the experiment that logged them."""
        self._logged("ttl")

    @property
    def source_entity(self) -> str:
        """Whose project it was logged in."""
        return self._logged("source_entity").project.rpartition("/")[0]

    @property
    def source_project(self) -> str:
        """The project it was logged in."""
        return self._logged("source_project").project.rpartition("/")[2]

    source_name = name
    source_version = version
    source_qualified_name = qualified_name

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
            if entry.file is None and entry.ref is not None and not entry.ref.startswith("file://"):
                warn_once(f"The reference {entry.ref} is recorded, but the file is not downloaded.")
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
        self._logged("files")
        chosen = [e for p, e in self.manifest.entries.items() if names is None or p in names]
        return Files([File(entry.path, entry.file, entry) for entry in chosen])

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
            if entry.file is not None:
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
            self._stored.keep_aliases()
            return
        run = current()
        if run is not None:
            run.log_artifact(self)
            return
        with open_run(project=project, job_type="auto", settings=settings) as own:
            own.log_artifact(self)

    def new_draft(self) -> Artifact:
        """An artifact of the same name and content, to be changed and logged as the next version."""
        self._logged("new_draft")
        draft = Artifact(self._name, self._type, self.description, dict(self._metadata))
        for path, entry in self.manifest.entries.items():
            local = str(entry.file.path) if entry.file is not None else entry.local_path
            draft.manifest.entries[path] = ArtifactManifestEntry(
                path, entry.digest, entry.size, entry.ref, local, entry.extra
            )
        return draft

    def link(self, target_path: str, aliases: Any = None) -> Artifact:
        """Make it the next version of a registered model, whose name is the last part of the path; aliases are the model's.

        A version that is linked again stays the version that it is.
        """
        if self._stored is None:
            self.save()
        stored = self._logged("link")
        if stored.experiment:  # a disabled run has nothing to link
            link(stored, self._name, self.qualified_name, target_path, aliases)
        return self

    def delete(self, delete_aliases: bool = False) -> None:
        """Not supported."""
        self._logged("delete")
        raise UnsupportedError(
            "A version of an artifact belongs to the experiment that logged it and cannot be deleted alone. Delete that experiment to remove it."
        )

    unlink = delete

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Artifact) and (self.name, self.digest) == (
            other.name,
            other.digest,
        )

    __hash__ = object.__hash__

    def json_encode(self) -> dict[str, Any]:
        """What it is, as plain data."""
        self._logged("json_encode")
        return {
            "id": self.id, "_type": "artifactVersion", "name": self.name, "type": self.type, "version": self.version,
            "digest": self.digest, "description": self.description, "metadata": self.metadata, "aliases": self.aliases,
        }  # fmt: skip

    def get_entry(self, name: str | os.PathLike[str]) -> ArtifactManifestEntry:
        """One of its files, once it is logged.

        Raises:
            KeyError: There is none at that path.
        """
        self._logged("get_entry")
        return super().get_entry(name)

    get_path = get_entry

    def get(self, name: str) -> Any:
        """A table or picture that was added with `add`, once it is logged; None if there is none of that name."""
        self._logged("get")
        return super().get(name)

    def __getitem__(self, name: str) -> Any:
        return self.get(name)

    def __setitem__(self, name: str, item: Any) -> None:
        self.add(item, name)

    def __repr__(self) -> str:
        return f"<Artifact {self.qualified_name if self._stored else self.name}>"
