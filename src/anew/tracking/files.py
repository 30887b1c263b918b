"""`exp.files(prefix)`: files copied into the experiment, streamed, hashed and never overwritten."""

from __future__ import annotations

import os

from ..errors import InvalidName, InvalidValue, NotFound
from ..journal.permissions import set_mode
from ..journal.root import make_private
from ..record.ids import new_id
from ..record.names import check_file_name, stored_path
from ..record.plain import to_plain
from ..record.secrets import mask_source, mask_text
from .contents import figure_bytes, file_bytes, is_data
from .logged import LoggedFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    import builtins
    from collections.abc import Mapping
    from io import FileIO
    from typing import Any

    from ..blobs.linked import LinkedFiles
    from .life import Life

__all__ = ["Files"]

_BLOCK = 1 << 20
_LOOKED_AT = 256 << 10  # bytes of a text file, for secrets
_CODE = frozenset({".py", ".ipynb", ".js", ".ts", ".sh", ".r", ".jl"})
_TEXTS = _CODE | {
    ".cfg", ".conf", ".config", ".env", ".ini", ".json", ".jsonl", ".key", ".log", ".md", ".netrc", ".npmrc", ".pem",
    ".properties", ".toml", ".txt", ".xml", ".yaml", ".yml",
}  # fmt: skip


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
        keep_last: int | None = None,
        keep_best: str | None = None,
        mode: str | None = None,
    ) -> list[LoggedFile] | LoggedFile:
        """Keep a copy of a file (a folder: of every file in it), or of bytes, data or a figure.

        Files are copied in blocks, hashed while they are copied, and put in place whole. A content that the store has
        already is not stored again; so the files are read-only. A name is kept as it is,
        also one that is hidden or that some file system cannot hold. Links are followed; what is no file, and a link
        to nothing, is told and left out. Everything is checked before the first file is copied.

        Data (a mapping, list, array or tensor) is written in the format of the name's ending: `.json` (also without an
        ending), `.jsonl`, `.yaml`, `.pt`, `.pth`, `.ckpt`, `.bin` (by `torch.save`), `.safetensors`, `.npz` and `.npy`.

        Args:
            source: A path, or (with a `name`) bytes, data or a matplotlib figure.
            name: What the file is called; the source's own name if not given. Slashes make folders.
            step: The step it belongs to.
            metadata: Anything to be kept with it.
            keep_last: It is a checkpoint: free those under this prefix that are older than the last so many. Files that
                were saved without `keep_last` and `keep_best` are never freed; the record of a freed one stays.
            keep_best: It is a checkpoint: keep the one at whose step this metric is best, and the newest. With
                `keep_last`, both rules keep.
            mode: "min" if small values of that metric are better, "max" if large ones are; by its name if not given.

        Checkpoints whose names differ in numbers only (`epoch-1.pt`, `epoch-2.pt`) are one series, and those of one step
        are one checkpoint. Each rank keeps and frees its own.

        Returns:
            The logged file; for a folder, a list of them.

        Raises:
            FileNotFoundError: There is no such file.
            InvalidName: The name leads outside, or is empty.
            InvalidValue: The source is of a kind that cannot be saved, or not in the format of the name's ending; or
                `keep_last` or `mode` is none of those that can be.
        """
        retention = None
        if not (keep_last is None and keep_best is None and mode is None):
            from .checkpoints import Retention

            retention = Retention(keep_last, keep_best, mode)
        if name is not None and not isinstance(name, (str, os.PathLike)):
            raise InvalidName(
                f"The name of a file must be a string, not {type(name).__name__}.", name=name
            )
        if name is not None:
            name = os.fspath(name)
        if self._life.disabled:
            return LoggedFile("", self.prefix, name or "", "", 0, "", step, {})
        recording = self._life.require("files.save")
        checkpoint = retention.scores(self._life, step) if retention else None
        saved = self._save(source, name, _About(step, metadata, checkpoint))
        if retention and saved:
            retention.apply(self._life, recording, self.prefix)
        return saved

    def _save(
        self, source: Any, name: str | None, about: _About
    ) -> builtins.list[LoggedFile] | LoggedFile:
        if isinstance(source, (bytes, bytearray, memoryview)):
            return self._keep_bytes(bytes(source), _needs(name, "bytes"), about)
        if isinstance(source, (str, os.PathLike)):
            path = os.fspath(source)
            if os.path.isdir(path):
                return self._keep_folder(path, name, about)
            name = check_file_name(name or os.path.basename(path))
            if not os.path.exists(path):
                raise FileNotFoundError(
                    2, f"There is no file at {path!r}. Paths are relative to {_here()!r}"
                )
            if not os.path.isfile(path):
                raise InvalidValue(f"{path!r} is neither a file nor a folder.", key=name)
            return self._keep_file(path, name, about)
        if hasattr(source, "savefig"):
            name = check_file_name(name or "figure.png")
            return self._keep_bytes(figure_bytes(source, name), name, about)
        if is_data(source):
            name = check_file_name(_needs(name, "data"))
            return self._keep_bytes(file_bytes(source, name), name, about)
        raise InvalidValue(
            f"files.save takes a path, bytes, data or a figure, not {type(source).__name__}. "
            "Save it to a file first, then pass the path.",
            key=name,
        )

    def save_text(
        self, text: str, name: str, *, masked: bool = False, **options: Any
    ) -> LoggedFile:
        """Keep a text as a UTF-8 file.

        Args:
            masked: Replace what looks like a secret first, as in everything that is recorded without being given.
            options: As for `save`.
        """
        if not isinstance(text, str):
            raise InvalidValue(
                f"files.save_text takes a text, not {type(text).__name__}; files.save takes bytes and data.",
                key=name if isinstance(name, str) else None,
            )
        if masked:
            text = mask_text(text)
        saved = self.save(text.encode("utf-8", "backslashreplace"), name, **options)
        assert isinstance(saved, LoggedFile)
        return saved

    def list(self, pattern: str = "*") -> list[LoggedFile]:
        """The files saved by this process under this prefix whose names match the glob pattern."""
        from fnmatch import fnmatch

        return [
            file
            for file in self._life.files
            if self._is_under(file) and fnmatch(file.name, pattern)
        ]

    def latest(self, pattern: str = "*") -> LoggedFile | None:
        """The newest file under this prefix, or None: also one that an earlier opening saved, to go on from.

        Of a folder that was saved whole, the folder. A file whose bytes are not those that were saved (the machine lost
        power while it was written) is passed over.

        Args:
            pattern: A glob pattern for its name.
        """
        from .checkpoints import whole

        files = self._there(pattern)
        for newest in reversed(files):
            found = whole(newest, files)
            parts = [one for one in files if whole(one, files).path == found.path]
            broken = [one.name for one in parts if not _is_intact(one)]
            if not broken:
                return found
            self._life.say(f"the file {broken[0]!r} is damaged or gone; an older one is used")
        return None

    def best(
        self, metric: str | None = None, *, pattern: str = "*", mode: str | None = None
    ) -> LoggedFile | None:
        """The file under this prefix that was saved when a metric was best, or None.

        Args:
            metric: The metric; the one that checkpoints were saved with (`keep_best`) if not given.
            pattern: A glob pattern for the file's name.
            mode: "min" if small values are better, "max" if large ones are; by the metric's name if not given.

        Raises:
            InvalidValue: No metric is given, and the checkpoints do not say one.
        """
        from .checkpoints import best_file, whole

        files = self._there(pattern)
        if not files and metric is None:
            return None
        found = best_file(self._life, files, metric, mode)
        return None if found is None else whole(found, files)

    def _there(self, pattern: str) -> builtins.list[LoggedFile]:
        from fnmatch import fnmatch

        from .checkpoints import saved_files

        return [
            one
            for one in saved_files(self._life)
            if self._is_under(one)
            and (fnmatch(one.name, pattern) or fnmatch(one.folder or "", pattern))
        ]

    def _is_under(self, file: LoggedFile) -> bool:
        inside = self.prefix + "/"
        return not self.prefix or file.prefix == self.prefix or file.prefix.startswith(inside)

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
        _copy_out(found[-1].path, target, expect=found[-1].hash)
        return target

    # -- keeping ----------------------------------------------------------------------------------

    def _place(self, name: str, save: str) -> tuple[str, str]:
        """The path relative to the experiment's folder, and the full path, of a file of one call of `save`."""
        prefix = self.prefix and stored_path(self.prefix)
        relative = "/".join(p for p in ("files", prefix, save, stored_path(name)) if p)
        full = os.path.join(self._life.folder, *relative.split("/"))
        os.makedirs(os.path.dirname(full), exist_ok=True)
        return relative, full

    def _keep_folder(
        self, folder: str, name: str | None, about: _About
    ) -> builtins.list[LoggedFile]:
        base = check_file_name(name or os.path.basename(os.path.abspath(folder)))
        found, left_out = _walk(folder, skip=self._life.folder)
        named = [(full, check_file_name(f"{base}/{relative}")) for relative, full in found]
        for why in left_out:
            self._life.require("files.save").lose(f"not saved with the folder {folder!r}: {why}")
        about.folder = base
        return [self._keep_file(full, inside, about) for full, inside in named]

    def _keep_file(self, source: str, name: str, about: _About) -> LoggedFile:
        try:
            relative, full = self._place(name, about.save)
            size, digest = _keep_copy(source, full, self._contents())
        except OSError as error:
            return self._not_kept(name, source, about, error)
        return self._record(name, relative, full, size, digest, about)

    def _keep_bytes(self, data: bytes, name: str, about: _About) -> LoggedFile:
        from blake3 import blake3

        name = check_file_name(name)
        try:
            relative, full = self._place(name, about.save)
            digest = blake3(data).hexdigest()
            contents = self._contents()
            with contents.draft(full) as (file, draft):
                _write_all(file, memoryview(data))
                set_mode(draft, os.fstat(file.fileno()).st_mode & 0o777 & ~0o222)
                contents.put(draft, full, digest)
        except OSError as error:
            return self._not_kept(name, "", about, error)
        return self._record(name, relative, full, len(data), digest, about)

    def _tell_of_secrets(self, file: LoggedFile) -> None:
        """Warn of a text file that seems to hold a secret: files are kept as they are given."""
        ending = os.path.splitext(file.name)[1].lower() or os.path.basename(file.name).lower()
        if ending not in _TEXTS and not os.path.basename(file.name).lower().startswith(".env"):
            return
        try:
            with open(file.path, "rb") as source:
                text = source.read(_LOOKED_AT).decode("utf-8", "replace")
        except OSError:
            return
        if mask_source(text, code=ending in _CODE) != text:
            self._life.say(
                f"warning: the file {file.name!r} seems to contain a secret. It was saved unchanged, as all files are, and everyone who can "
                "see the experiment can read it."
            )

    def _contents(self) -> LinkedFiles:
        from ..blobs.linked import LinkedFiles

        root = self._life.require("files.save").root
        return LinkedFiles(root.contents, lambda folder: make_private(root, folder))

    def _not_kept(self, name: str, source: str, about: _About, error: OSError) -> LoggedFile:
        """A disk that fails must not stop the training: count the file, hand back one that is false."""
        self._life.require("files.save").lose(f"the file {name!r} was not saved: {error}")
        return LoggedFile("", self.prefix, name, source, 0, "", about.step, {})

    def _record(
        self, name: str, relative: str, full: str, size: int, digest: str, about: _About
    ) -> LoggedFile:
        # A name of undecodable bytes is no text; the record has it with these bytes escaped.
        name = name.encode("utf-8", "backslashreplace").decode()
        folder = about.folder and about.folder.encode("utf-8", "backslashreplace").decode()
        logged = LoggedFile(
            about.save if folder is None else new_id(), self.prefix, name, full, size, digest, about.step, to_plain(about.metadata),
            folder, about.checkpoint,
        )  # fmt: skip
        self._life.files.append(logged)
        self._tell_of_secrets(logged)
        fields = {
            "file_id": logged.file_id, "prefix": self.prefix, "name": name, "path": relative,
            "size": size, "hash": digest, "step": about.step, "metadata": logged.metadata or None,
            "folder": folder, "checkpoint": about.checkpoint,
        }  # fmt: skip
        recording = self._life.require("files.save")
        recording.event("file", **{k: v for k, v in fields.items() if v is not None})
        return logged


class _About:
    """What one call of `save` says of all its files; `save` is the folder that they lie in."""

    __slots__ = ("checkpoint", "folder", "metadata", "save", "step")

    def __init__(
        self,
        step: int | None,
        metadata: Mapping[str, Any] | None,
        checkpoint: dict[str, float] | None,
    ) -> None:
        self.step = step
        self.metadata = dict(metadata or {})
        self.checkpoint = checkpoint
        self.folder: str | None = None
        self.save = new_id()


def _needs(name: str | None, what: str) -> str:
    if not name:
        raise InvalidValue(
            f"Saving {what} needs a name: files.save(data, name='results.json').", key="name"
        )
    return name


def _here() -> str:
    try:
        return os.getcwd()
    except OSError:
        return "a folder that is gone"


def _walk(folder: str, skip: str) -> tuple[list[tuple[str, str]], list[str]]:
    """`(relative, full)` of the files in a folder, linked ones too, and what is left out with the reason.

    The experiment's own folder is never taken into itself, and a link never leads into a folder around it.
    """
    found: list[tuple[str, str]] = []
    left_out: list[str] = []
    skipped = os.path.realpath(skip)

    def visit(at: str, relative: str, around: tuple[str, ...]) -> None:
        try:
            names = sorted(os.listdir(at))
        except OSError as error:
            left_out.append(f"{at}: {error.strerror or error}")
            return
        for name in names:
            full, inside = os.path.join(at, name), f"{relative}{name}"
            if os.path.isdir(full):
                real = os.path.realpath(full)
                if real in around:
                    left_out.append(f"{full} links to a folder that it lies in")
                elif real != skipped:
                    visit(full, inside + "/", (*around, real))
            elif os.path.isfile(full):
                found.append((inside, full))
            else:
                left_out.append(
                    f"{full} is "
                    + (
                        "a link to nothing"
                        if not os.path.exists(full)
                        else "neither a file nor a folder"
                    )
                )

    visit(folder, "", (os.path.realpath(folder),))
    return found, left_out


def _is_intact(file: LoggedFile) -> bool:
    """Whether the bytes of a file are those that were saved."""
    from ..blobs.linked import hash_file

    try:
        return os.path.getsize(file.path) == file.size and hash_file(file.path) == file.hash
    except OSError:
        return False


def _keep_copy(source: str, target: str, contents: LinkedFiles) -> tuple[int, str]:
    """Copy a file, or link to its content if that is stored; the target appears whole. Returns size and BLAKE3 hash."""
    # Files are read-only: what one program wrote would show in all that share the content.
    mode = os.stat(source).st_mode & 0o777 & ~0o222
    linked = contents.link(source, target, mode)
    if linked is not None:
        return linked
    with open(source, "rb", buffering=0) as reading, contents.draft(target) as (writing, draft):
        size, digest = _copy_hashed(reading, writing)
        set_mode(draft, mode)
        contents.put(draft, target, digest)
    return size, digest


def _copy_out(source: str, target: str, expect: str) -> None:
    """Copy a file to where it is the user's own and can be written to, verifying its hash; it appears whole or not at all."""
    temporary = f"{target}.{new_id()}.part"
    try:
        with (
            open(source, "rb", buffering=0) as reading,
            open(temporary, "wb", buffering=0) as writing,
        ):
            _, found = _copy_hashed(reading, writing)
        if found != expect:
            from ..errors import CorruptData

            raise CorruptData(
                f"{source} has changed since it was saved: its hash differs.", path=source
            )
        set_mode(temporary, (os.stat(source).st_mode & 0o777) | 0o200)
        os.replace(temporary, target)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def _copy_hashed(reading: FileIO, writing: FileIO) -> tuple[int, str]:
    """Copy in blocks, hashing; the size and BLAKE3 hash of what was copied."""
    from blake3 import blake3

    digest, size = blake3(), 0
    buffer = memoryview(bytearray(_BLOCK))
    while count := reading.readinto(buffer):
        digest.update(buffer[:count])
        _write_all(writing, buffer[:count])
        size += count
    return size, digest.hexdigest()


def _write_all(file: FileIO, data: memoryview) -> None:
    while data:
        data = data[file.write(data) :]
