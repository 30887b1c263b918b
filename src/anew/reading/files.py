"""Logged files, and values beyond numbers, as they are read."""

from __future__ import annotations

import io
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Any, Literal, Self

from ..errors import CorruptData, InvalidValue, NotFound
from ..query.content import ContentQuestion
from ..record.checkpoints import Candidate, best_of
from ..record.direction import direction
from ..record.facts import FileFact, ValueFact
from ..record.plain import from_plain
from .source import Source

__all__ = [
    "FileView",
    "FileViews",
    "FolderView",
    "Stored",
    "ValueView",
    "candidates",
    "curves",
    "inside",
    "metric_of",
]

_BLOCK = 1 << 20


def inside(folder: str, relative: str, experiment_id: str) -> str:
    """A path that a record gives, as a path on this machine.

    Raises:
        CorruptData: It does not stay in the experiment's folder.
    """
    parts = relative.split("/")
    if os.path.isabs(relative) or ".." in parts or "\0" in relative or "\\" in relative:
        raise CorruptData(
            f"The journal of {experiment_id} names the file {relative!r}, which lies outside its "
            "folder. The file was not opened.",
            path=relative,
        )
    return os.path.join(folder, *parts)


class Stored:
    """Bytes that an experiment keeps, wherever they are.

    Args:
        name: The path within the experiment's folder; of a capture its name.
    """

    __slots__ = ("_id", "_kind", "_name", "_prefix", "_source")

    def __init__(
        self,
        source: Source,
        experiment_id: str,
        prefix: str,
        kind: Literal["file", "value", "capture"],
        name: str,
    ) -> None:
        self._source = source
        self._id = experiment_id
        self._prefix = prefix
        self._kind = kind
        self._name = name

    @property
    def name(self) -> str:
        """The path within the experiment's folder; of a capture its name."""
        return self._name

    @property
    def experiment(self) -> str:
        """The id of the experiment."""
        return self._id

    @property
    def path(self) -> Path:
        """Where they are on this machine.

        Raises:
            NotFound: The store is on another machine.
            CorruptData: The record names a place outside of the experiment's folder.
        """
        return Path(inside(str(self._source.folder(self._prefix)), self._name, self._id))

    @property
    def local_path(self) -> Path | None:
        """As `path`; None where the store is on another machine."""
        return None if self._source.root is None else self.path

    def open(self) -> IO[bytes]:
        """The bytes, to be read from their beginning or from anywhere.

        Raises:
            NotFound: They are gone.
            CorruptData: The record names a place outside of the experiment's folder.
        """
        raw = _Raw(self)
        raw.readinto(bytearray(1))  # what is gone is told now
        raw.seek(0)
        return io.BufferedReader(raw, _BLOCK)

    def read(self) -> bytes:
        """All of the bytes; raises as `open`."""
        with self.open() as file:
            return file.read()

    def part(self, start: int, length: int) -> tuple[bytes, int]:
        """Some of the bytes, and how many there are in all."""
        answer = self._source.backend.open(
            ContentQuestion(
                id=self._id, kind=self._kind, name=self._name, start=start, length=length
            )
        )
        return answer.data, answer.size


class _Raw(io.RawIOBase):
    """The bytes as a file that can be read and sought in."""

    def __init__(self, stored: Stored) -> None:
        super().__init__()
        self._stored = stored
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data, _ = self._stored.part(self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        begin = (0, self._at, self._stored.part(0, 0)[1] if whence == os.SEEK_END else 0)[whence]
        self._at = max(0, begin + offset)
        return self._at

    def tell(self) -> int:
        return self._at


class FileView:
    """One logged file.

    Attributes:
        prefix: The logical folder it was logged under, such as "models".
        size: Bytes; `hash` is the BLAKE3 of its content.
        time: When it was logged, seconds since the epoch.
        folder: The name of the folder that it was saved with, if a whole folder was.
        checkpoint: Of a checkpoint the values that metrics had when it was saved; None for any other file.
        freed_at: When its bytes were given back, by `keep_last`, `keep_best` or `gc`; None while they are there.
    """

    __slots__ = (
        "_stored",
        "checkpoint",
        "folder",
        "freed_at",
        "hash",
        "id",
        "metadata",
        "name",
        "prefix",
        "size",
        "step",
        "time",
    )

    id: str
    name: str
    prefix: str
    size: int
    hash: str
    step: int | None
    time: float
    metadata: dict[str, Any]
    folder: str | None
    checkpoint: dict[str, float] | None
    freed_at: float | None

    def __init__(self, fact: FileFact, stored: Stored, freed_at: float | None = None) -> None:
        self._stored = stored
        self.folder, self.checkpoint, self.freed_at = fact.folder, fact.checkpoint, freed_at
        self.id, self.name, self.prefix = fact.id, fact.name, fact.prefix
        self.size, self.hash, self.step, self.time = fact.size, fact.hash, fact.step, fact.time
        self.metadata = from_plain(fact.metadata)

    def __repr__(self) -> str:
        return f"FileView({self.name!r}, prefix={self.prefix!r}, size={self.size})"

    @property
    def experiment(self) -> str:
        """The id of the experiment that logged it."""
        return self._stored.experiment

    @property
    def path(self) -> Path:
        """Where it lies on this machine.

        Raises:
            NotFound: The store is on another machine; `open`, `read_bytes` and `save` work there too.
            CorruptData: The record names a place outside of the experiment's folder.
        """
        return self._stored.path

    @property
    def local_path(self) -> Path | None:
        """As `path`; None where the store is on another machine."""
        return self._stored.local_path

    def __fspath__(self) -> str:
        return str(self.path)

    def open(self) -> IO[bytes]:
        """The file, opened for reading bytes.

        Raises:
            NotFound: The file is gone, or was freed.
        """
        self._check_there()
        return self._stored.open()

    def read_bytes(self, *, check: bool = True) -> bytes:
        """The content.

        Raises:
            CorruptData: It does not have the hash it was logged with (unless `check` is False).
            NotFound: The file is gone, or was freed.
        """
        self._check_there()
        data = self._stored.read()
        if check:
            import blake3

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
            raise FileExistsError(f"{target} already exists. Pass overwrite=True to replace it.")
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part-{os.getpid()}")
        import blake3

        hasher = blake3.blake3()
        try:
            with self.open() as source, part.open("xb") as copy:
                while block := source.read(_BLOCK):
                    hasher.update(block)
                    copy.write(block)
            self._compare(hasher.hexdigest())
            self._keep_mode(part)
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)
        return target

    @property
    def save_id(self) -> str:
        """Names the call that saved it: the files of a folder have one."""
        return "/".join(self._stored.name.split("/")[: -(self.name.count("/") + 1)])

    def _check_there(self) -> None:
        if self.freed_at is not None:
            raise NotFound(
                f"The file {self.name!r} was freed to give back its {self.size} bytes; the record that it was saved is kept.",
                name=self.name,
            )

    def _keep_mode(self, copy: Path) -> None:
        """Give a copy the permissions of the file, where they are to be had; a copy can be written to."""
        try:
            shutil.copymode(self.path, copy)
            copy.chmod(copy.stat().st_mode | 0o200)
        except (NotFound, OSError):  # it is on another machine, or permissions cannot be set here
            return

    def _compare(self, found: str) -> None:
        if self.hash and found != self.hash.removeprefix("blake3:"):
            raise CorruptData(
                f"The file {self.name!r} was changed or damaged after it was logged: its hash is "
                f"{found[:16]}…, not "
                f"{self.hash[:16]}…. It was changed or damaged since.",
                path=self.name,
            )


class FolderView:
    """A folder that was saved whole, such as a checkpoint of several files.

    Attributes:
        files: Its files, in the order they were saved; their names begin with the folder's.
    """

    __slots__ = ("files", "name", "prefix", "size", "step", "time")

    def __init__(self, files: Sequence[FileView]) -> None:
        last = files[-1]
        self.files = tuple(files)
        self.name, self.prefix = last.folder or last.name, last.prefix
        self.step, self.time = last.step, last.time
        self.size = sum(one.size for one in files)

    def __repr__(self) -> str:
        return f"FolderView({self.name!r}, prefix={self.prefix!r}, files={len(self.files)}, size={self.size})"

    @property
    def path(self) -> Path:
        """Where it lies on this machine; raises as that of a file."""
        last = self.files[-1]
        return last.path.parents[last.name.count("/") - self.name.count("/") - 1]

    def __fspath__(self) -> str:
        return str(self.path)

    def save(self, to: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Copy it to a path, which becomes the folder, checking all hashes; raises as that of a file."""
        for one in self.files:
            one.save(Path(to, one.name.removeprefix(self.name).lstrip("/")), overwrite=overwrite)
        return Path(to)


class FileViews(tuple[FileView, ...]):
    """Logged files in the order they were logged: those whose bytes are there.

    `files("models")` are those under that prefix.

    Args:
        freed: Those whose bytes were given back.
        curve: Gives the values of a metric by step.
        better: Says which values of a metric are better.
    """

    _freed: tuple[FileView, ...]
    _curve: Callable[[str], Mapping[int, float]]
    _better: Callable[[str], Literal["min", "max"]]

    def __new__(
        cls,
        files: Iterable[FileView],
        freed: Iterable[FileView] = (),
        curve: Callable[[str], Mapping[int, float]] = lambda metric: {},
        better: Callable[[str], Literal["min", "max"]] = direction,
    ) -> Self:
        made = super().__new__(cls, files)
        made._freed, made._curve, made._better = tuple(freed), curve, better
        return made

    @property
    def freed(self) -> tuple[FileView, ...]:
        """Those whose bytes were given back: what is known of them is still there."""
        return self._freed

    def __call__(self, prefix: str = "") -> FileViews:
        """Those under a prefix."""
        if not prefix:
            return self
        inside = (prefix, prefix.rstrip("/") + "/")

        def chosen(files: Iterable[FileView]) -> Iterator[FileView]:
            return (one for one in files if f"{one.prefix}/".startswith(inside[1]))

        return FileViews(chosen(self), chosen(self._freed), self._curve, self._better)

    def latest(self, pattern: str = "*") -> FileView | FolderView | None:
        """The newest file whose name fits a pattern, or None; of a folder that was saved whole, the folder."""
        found = self._that_fit(pattern)
        return self._whole(found[-1]) if found else None

    def best(
        self,
        metric: str | None = None,
        *,
        pattern: str = "*",
        mode: Literal["min", "max"] | None = None,
    ) -> FileView | FolderView | None:
        """The file that was saved when a metric was best, the first of equal ones; None if there is none.

        Args:
            metric: The metric; the one that checkpoints were saved with (`keep_best`) if not given.
            mode: "min" or "max"; by the metric's goal, or else its name, if not given.

        Raises:
            InvalidValue: No metric is given, and the checkpoints do not say one.
        """
        found = self._that_fit(pattern)
        if not found:
            return None
        metric = metric_of(found) if metric is None else metric
        given = candidates(found, self._curve(metric), metric)
        winner = best_of(given, mode or self._better(metric))
        return None if winner is None else self._whole(found[given.index(winner)])

    def _that_fit(self, pattern: str) -> list[FileView]:
        return [
            one
            for one in self
            if fnmatchcase(one.name, pattern) or fnmatchcase(one.folder or "", pattern)
        ]

    def _whole(self, file: FileView) -> FileView | FolderView:
        if file.folder is None:
            return file
        return FolderView(
            [one for one in self if one.folder == file.folder and one.save_id == file.save_id]
        )


def metric_of(files: Iterable[FileView]) -> str:
    """The metric that checkpoints were saved with.

    Raises:
        InvalidValue: There is none, or several.
    """
    known = sorted({name for one in files for name in one.checkpoint or ()})
    if len(known) == 1:
        return known[0]
    said = f"They were saved with {', '.join(known)}." if known else "They were saved with none."
    raise InvalidValue(
        f"Say which metric decides which checkpoint is the best. {said}", key="metric"
    )


def candidates(
    files: Iterable[FileView], curve: Mapping[int, float], metric: str
) -> list[Candidate]:
    """The files as the rule sees them: with the metric's value at their step, or else when they were saved."""
    return [
        Candidate(
            one.folder or one.name,
            one.save_id,
            one.step,
            curve[one.step]
            if one.step is not None and one.step in curve
            else (one.checkpoint or {}).get(metric),
        )
        for one in files
    ]


def curves(source: Source, ids: Sequence[str], metric: str) -> dict[str, dict[int, float]]:
    """The last finite value of a metric at each step, by experiment."""
    from ..query.points import PointsQuestion  # which loads numpy

    found = source.series(PointsQuestion(ids=tuple(ids), metrics=(metric,), order="written"))
    return {
        one.id: {
            step: value
            for step, value in zip(one.steps.tolist(), one.values.tolist(), strict=True)
            if math.isfinite(value)
        }
        for one in found
    }


class ValueView:
    """One logged value beyond numbers: an image, a table, a histogram …

    Small ones are in `data`; larger ones are a file, which `read_bytes` reads.
    """

    __slots__ = ("_stored", "data", "kind", "metadata", "name", "step", "time")

    name: str
    kind: str
    step: int | None
    time: float
    data: Any
    metadata: dict[str, Any]

    def __init__(self, fact: ValueFact, stored: Stored | None) -> None:
        self._stored = stored
        self.name, self.kind, self.step, self.time = fact.name, fact.kind, fact.step, fact.time
        self.data = from_plain(fact.data)
        self.metadata = from_plain(fact.metadata)

    def __repr__(self) -> str:
        return f"ValueView({self.name!r}, kind={self.kind!r}, step={self.step})"

    @property
    def stored(self) -> Stored | None:
        """The bytes of its file, wherever they are; None for a value without one."""
        return self._stored

    @property
    def path(self) -> Path | None:
        """Where its file lies on this machine; None for a value without one.

        Raises:
            NotFound: The store is on another machine; `read_bytes` works there too.
            CorruptData: The record names a place outside of the experiment's folder.
        """
        return None if self._stored is None else self._stored.path

    @property
    def local_path(self) -> Path | None:
        """As `path`; None also where the store is on another machine."""
        return None if self._stored is None else self._stored.local_path

    def read_bytes(self) -> bytes:
        """The file's content.

        Raises:
            NotFound: The value has no file, or it is gone.
        """
        if self._stored is None:
            raise NotFound(
                f"The value {self.name!r} has no file; it is in `.data`.", name=self.name
            )
        return self._stored.read()
