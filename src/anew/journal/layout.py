"""All paths of a store.

The root holds the experiments (a folder each, its path under the root is the prefix), a derived
catalog, and `.anew/`. Inside an experiment every writer has files of its own, named after it:

    journal/0001-main-7kq2.jsonl       events of the writer "0001-main-7kq2"
    metrics/0001-main-7kq2.jsonl       its points; further parts are 0001-main-7kq2.2.jsonl, …
    metrics/0001-main-7kq2.parquet     a sealed part, in place of the .jsonl
    logs/logs-0001-main-7kq2.jsonl     its messages; logs.jsonl leads to those of the newest lead writer
    logs/train-0001-main-7kq2.log      its console; so does train.log
"""

from __future__ import annotations

import errno
import os

from ..record.ids import new_id
from ..record.names import RESERVED, natural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "ExperimentLayout",
    "RootLayout",
    "is_experiment",
    "is_missing",
    "is_orphaned",
    "is_text",
    "logged_path",
    "number_of",
    "part_name",
    "split_part",
    "would_hide",
    "writer_name",
]


class RootLayout:
    """The paths of a store's root folder."""

    __slots__ = ("root",)

    def __init__(self, root: str) -> None:
        self.root = os.path.abspath(root)

    @property
    def catalog(self) -> str:
        """The SQLite catalog, derived."""
        return os.path.join(self.root, "experiments.db")

    @property
    def private(self) -> str:
        """The folder for what is derived or tiny."""
        return os.path.join(self.root, ".anew")

    @property
    def journal(self) -> str:
        """The folder of the root's own journal, a file per author: truth, as the experiments are."""
        return os.path.join(self.private, "root")

    @property
    def series(self) -> str:
        """Parquet parts of segments still being written, derived; a folder per experiment id."""
        return os.path.join(self.private, "series")

    @property
    def packs(self) -> str:
        """Copies of the points of many experiments in Parquet, derived."""
        return os.path.join(self.private, "packs")

    @property
    def shared(self) -> str:
        """Captures stored once and hard-linked into experiments, named by their hash."""
        return os.path.join(self.private, "shared")

    def claim(self, opening: str) -> str:
        """The file that says which training an opening from outside belongs to; it is removed with its end."""
        return os.path.join(self.private, "claims", opening)

    @property
    def contents(self) -> str:
        """The contents of logged files, likewise."""
        return os.path.join(self.shared, "files")

    @property
    def trash(self) -> str:
        """Deleted experiments, a folder per experiment id."""
        return os.path.join(self.private, "trash")

    @property
    def uploads(self) -> str:
        """Contents that clients are sending, in part or whole, and that no experiment names yet."""
        return os.path.join(self.private, "uploads")

    @property
    def conflicts(self) -> str:
        """What clients sent for a place that holds other bytes, a folder per experiment id: kept, and never read."""
        return os.path.join(self.private, "conflicts")

    @property
    def sync(self) -> str:
        """What is remembered of the servers that this root was sent to, derived."""
        return os.path.join(self.private, "sync")

    @property
    def server(self) -> str:
        """What a server keeps for itself, closed to others: accounts. It is no part of the store: it is never exported, synced or served."""
        return os.path.join(self.private, "server")

    @property
    def lock(self) -> str:
        """The lock that readers take to bring the index up to date."""
        return os.path.join(self.private, "index.lock")

    @property
    def weights(self) -> str:
        """The repository of model weights."""
        return os.path.join(self.root, "weights")

    def links(self) -> list[str]:
        """Those of the store's own folders and files that are symbolic links, which they must not be.

        A folder that was unpacked into the root can hold such a link: what is written there, and removed again, would be
        somebody's files elsewhere.
        """
        own = (
            self.private, self.journal, self.series, self.packs, self.shared, self.contents,
            self.trash, self.server, self.uploads, self.conflicts, self.sync, self.lock, self.catalog,
        )  # fmt: skip
        return [path for path in own if os.path.islink(path)]

    def experiment(self, prefix: str) -> ExperimentLayout:
        """The folder of the experiment with that (checked) prefix."""
        return ExperimentLayout(os.path.join(self.root, prefix.replace("/", os.sep)))

    def prefix_of(self, folder: str) -> str:
        """The prefix of an experiment's folder: its path under the root."""
        inside = self.root + os.sep
        if folder.startswith(inside):  # as every path is that is made of a prefix
            return folder[len(inside) :].replace(os.sep, "/")
        return os.path.relpath(folder, self.root).replace(os.sep, "/")

    def walk(self, unreadable: dict[str, OSError] | None = None) -> Iterator[str]:
        """The prefixes of all experiment folders below the root, found by looking at every folder.

        Args:
            unreadable: Is given the prefixes of folders that cannot be listed, with the reason; they are passed
                over. So are folders whose names are no text, or that lost their journal.

        Raises:
            OSError: The root itself cannot be read.
        """
        stack = [self.root]
        while stack:
            folder = stack.pop()
            inside = is_experiment(folder)
            prefix = self.prefix_of(folder)
            if not is_text(prefix):
                if unreadable is not None:
                    unreadable[prefix] = OSError(errno.EILSEQ, _NO_TEXT, folder)
                continue
            if inside and folder != self.root:
                yield prefix
            elif unreadable is not None and is_orphaned(folder):
                unreadable[prefix] = OSError(errno.ENOENT, _ORPHANED, folder)
            try:
                with os.scandir(folder) as entries:
                    stack += [e.path for e in entries if self.may_hold(e, folder, inside)]
            except OSError as error:
                if folder == self.root:
                    raise
                if unreadable is not None and not isinstance(error, FileNotFoundError):
                    unreadable[prefix] = error

    def may_hold(self, entry: os.DirEntry[str], folder: str, in_experiment: bool) -> bool:
        """Whether an entry of a folder is a folder that is, or may hold, an experiment.

        A link counts if it leads out of the root: people keep a project on another disk. One that leads to what is in
        the root is another name for what is shown anyway, and one that leads to a folder around the root would never end.

        Args:
            in_experiment: Whether `folder` is an experiment's.
        """
        name = entry.name
        if name.startswith(".") or (in_experiment and name in OWN_FOLDERS):
            return False
        if folder == self.root and name == "weights":
            return False
        if not entry.is_symlink():
            return entry.is_dir(follow_symlinks=False)
        if not os.path.isdir(entry.path):  # which also says so of a link to itself
            return False
        real, root = os.path.realpath(entry.path), os.path.realpath(self.root)
        return not os.path.join(real, "").startswith(os.path.join(root, "")) and not os.path.join(
            root, ""
        ).startswith(os.path.join(real, ""))


OWN_FOLDERS = RESERVED
_NO_TEXT = "its name is not valid UTF-8, so it is not shown: rename it"
_ORPHANED = "its journal is missing or is not a folder, so it is not shown"
OWN_FILES = frozenset({"metadata.json", "config.yaml", "params.json", "reproduce.sh", "FAILED.txt"})


def is_text(path: str) -> bool:
    """Whether a path is valid Unicode: one that is not cannot be kept, sent or shown."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_missing(error: OSError, path: str) -> bool:
    """Whether an error says that nothing lies at a path: not even the way there, which may end in a file or a link to itself."""
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return True
    return error.errno == errno.ELOOP and not os.path.lexists(path)


def is_experiment(folder: str) -> bool:
    """Whether a folder holds an experiment: it has a journal."""
    return os.path.isdir(os.path.join(folder, "journal"))


def would_hide(folder: str) -> str | None:
    """The experiment that would be seen no more if one were made in a folder, where that keeps things of its own; its path."""
    for name in sorted(OWN_FOLDERS) if not is_experiment(folder) and os.path.isdir(folder) else ():
        for at, _, _ in os.walk(os.path.join(folder, name)):
            if is_experiment(at):
                return at
    return None


def is_orphaned(folder: str) -> bool:
    """Whether a folder was an experiment's and has no journal any more: only the document for people is there."""
    return not is_experiment(folder) and all(
        os.path.lexists(os.path.join(folder, name)) for name in ("metadata.json", "metrics")
    )


class ExperimentLayout:
    """The paths of one experiment's folder."""

    __slots__ = ("folder",)

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def path(self, *parts: str) -> str:
        """A path inside the folder."""
        return os.path.join(self.folder, *parts)

    @property
    def metadata(self) -> str:
        return self.path("metadata.json")

    @property
    def config(self) -> str:
        return self.path("config.yaml")

    @property
    def params(self) -> str:
        return self.path("params.json")

    @property
    def failed(self) -> str:
        return self.path("FAILED.txt")

    def events(self, writer: str) -> str:
        return self.path("journal", f"{writer}.jsonl")

    def points(self, writer: str, part: int = 1) -> str:
        return self.path("metrics", f"{part_name(writer, part)}.jsonl")

    def sealed(self, writer: str, part: int = 1) -> str:
        return self.path("metrics", f"{part_name(writer, part)}.parquet")

    def logs(self, writer: str) -> str:
        return self.path("logs", f"logs-{writer}.jsonl")

    def console(self, writer: str) -> str:
        return self.path("logs", f"train-{writer}.log")

    def writers(self) -> list[str]:
        """The names of the writers that have opened this experiment, oldest number first; what is no text is none."""
        try:
            names = os.listdir(self.path("journal"))
        except OSError as error:
            if is_missing(error, self.path("journal")):
                return []
            raise
        return sorted(name[:-6] for name in names if name.endswith(".jsonl") and is_text(name))

    def sizes(self, writers: Iterable[str]) -> dict[str, int]:
        """The bytes of these writers' events now; those that have none are left out."""
        sizes = {}
        for writer in writers:
            try:
                sizes[writer] = os.stat(self.events(writer)).st_size
            except FileNotFoundError:
                continue
        return sizes


def logged_path(folder: str, relative: str) -> str | None:
    """The path of a logged file from what a record says of it; None if that is not among the experiment's files, or is
    a link or behind one that leads elsewhere."""
    parts = relative.split("/")
    if parts[0] != "files" or ".." in parts or "" in parts or "\0" in relative or "\\" in relative:
        return None
    files = os.path.realpath(os.path.join(folder, "files"))
    path = os.path.join(folder, *parts)
    real = os.path.realpath(os.path.dirname(path))
    inside = real.startswith(os.path.join(files, "")) or real == files
    own = os.path.realpath(folder) == os.path.dirname(files)
    return path if inside and own and not os.path.islink(path) else None


def writer_name(number: int, label: str) -> str:
    """A name for a writer. Its last four letters are random: two copies of a folder never name two writers alike."""
    return f"{number:04d}-{label}-{new_id()[:4]}"


def number_of(writer: str) -> int:
    """The number that a writer's name begins with; 0 if it has none."""
    return natural(writer.partition("-")[0]) or 0


def part_name(writer: str, part: int) -> str:
    """The stem of a writer's points file: the first part has the writer's name alone."""
    return writer if part == 1 else f"{writer}.{part}"


def split_part(stem: str) -> tuple[str, int]:
    """The inverse of `part_name`."""
    writer, dot, text = stem.rpartition(".")
    number = natural(text)
    return (writer, number) if dot and number and part_name(writer, number) == stem else (stem, 1)
