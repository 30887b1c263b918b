"""What is in an artifact: files by their paths, each with its hash, and references to what lies elsewhere."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil

from anew.errors import CorruptData

from .errors import CommError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["ArtifactManifestEntry", "Manifest", "checked", "md5_of"]


class ArtifactManifestEntry:
    """One file of an artifact, or a reference to something elsewhere.

    Attributes:
        path: Where it is in the artifact.
        digest: Its MD5, in base64; of a reference to something that cannot be read here, the reference itself.
        size: Bytes; `ref` the reference, `local_path` where it lies, `file` the file in the store, once it is logged.
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
        self.file: Any = None  # the file in the store, once it is logged

    def download(self, root: str | os.PathLike[str] | None = None, **_: Any) -> str:
        """Copy it into a folder, checked against its hash; returns where it is.

        Raises:
            CorruptData: It is not what was logged.
        """
        target = os.path.join(
            os.fspath(root or os.path.join("artifacts", "files")), *self.path.split("/")
        )
        if self.file is not None:
            return str(self.file.save(target, overwrite=True))
        source = self.local_path
        if self.ref is not None and self.ref.startswith("file://"):
            source = self.ref.removeprefix("file://")
        if source is None or not os.path.isfile(source):
            raise CommError(
                f"The file {self.path!r} is a reference to {self.ref!r}, which is not downloaded."
            )
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if self.ref is None and md5_of(source)[0] != self.digest:
            raise CorruptData(f"{source} has changed since it was logged.", path=source)
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

    def __len__(self) -> int:
        return len(self.entries)

    def add_entry(self, entry: ArtifactManifestEntry, overwrite: bool = False) -> None:
        """Add a file.

        Raises:
            ValueError: Its path leads outside, or another file is there.
        """
        path = checked(entry.path)
        before = self.entries.get(path)
        if before is not None and before.digest != entry.digest and not overwrite:
            raise UsageError(f"Cannot add the same path twice: {path!r}")
        self.entries[path] = entry

    def digest(self) -> str:
        """The MD5 of all paths and digests, as wandb makes it."""
        hasher = hashlib.md5(b"wandb-artifact-manifest-v1\n", usedforsecurity=False)
        for path, entry in sorted(self.entries.items()):
            hasher.update(f"{path}:{entry.digest}\n".encode())
        return hasher.hexdigest()


def md5_of(path: str) -> tuple[str, int]:
    """The MD5 of a file in base64, as wandb has it, and its size."""
    hasher, size = hashlib.md5(usedforsecurity=False), 0
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            hasher.update(block)
            size += len(block)
    return base64.b64encode(hasher.digest()).decode(), size


def checked(name: str | os.PathLike[str]) -> str:
    """A path inside of an artifact.

    Raises:
        ValueError: It leads outside.
    """
    path = os.fspath(name).replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts or path.startswith("/") or ".." in parts or "\0" in path or ":" in parts[0][1:2]:
        raise UsageError(f"Invalid artifact path: {os.fspath(name)!r}")
    return "/".join(parts)
