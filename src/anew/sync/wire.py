"""What the two sides of an upload say to each other: the questions and answers of the routes below `/api/v1/upload`.

Everything may be repeated without harm. Bytes of a segment go by their offset, contents of files by their BLAKE3, events
of the root's journal by their ids; each answer says what the server has now, and the client goes on from there.
"""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = [
    "DIGEST_CHARS",
    "MOST_BYTES",
    "MOST_ITEMS",
    "OLDEST",
    "PROTOCOL",
    "Accepted",
    "Arrived",
    "ArrivedAnswer",
    "ArrivedRequest",
    "Branch",
    "BranchRequest",
    "BranchesAnswer",
    "BranchesRequest",
    "Coding",
    "Filed",
    "Filing",
    "FilingAnswer",
    "FilingRequest",
    "Frame",
    "FramesAnswer",
    "FramesRequest",
    "Kept",
    "LackingAnswer",
    "LackingRequest",
    "Lease",
    "LeaseAnswer",
    "LeasesRequest",
    "Named",
    "NamingAnswer",
    "NamingRequest",
    "PackRequest",
    "PieceRequest",
    "ReadAnswer",
    "ReadRequest",
    "Renewed",
    "RootEventsAnswer",
    "RootEventsRequest",
    "SegmentAt",
    "Settled",
    "Stop",
    "Welcome",
    "Whole",
]

PROTOCOL = 1
"""The version of these questions and answers that this program speaks."""
OLDEST = 1
"""The oldest version that it still understands."""
MOST_BYTES = 8 << 20
"""Bytes of one frame or piece of a content, after it was decompressed."""
MOST_ITEMS = 5_000
"""Frames, experiments or names of one request."""
DIGEST_CHARS = 32
"""Characters of the checksum of a frame: the first half of its BLAKE3 in hexadecimal."""

Coding = Literal["", "zlib", "zstd"]


class Welcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a server says before anything is sent to it.

    Attributes:
        protocol: The newest version of the protocol that it speaks; `oldest` the oldest that it understands.
        root_id: The id of its root. A folder with the same id is that root, or a copy of it.
        format: The newest version of the record's format that it reads.
        codings: How frames may be compressed.
        events: How many events of its root's journal there are: fewer than before, and it was restored from a backup.
    """

    protocol: int
    oldest: int
    root_id: str
    format: int
    codings: tuple[Coding, ...] = ("", "zlib")
    events: int = 0


# -- what an experiment consists of -----------------------------------------------------------------


class Frame(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Bytes of one segment.

    Attributes:
        id: The experiment.
        name: The segment, such as `metrics/0001-main-7kq2.jsonl`.
        offset: Where they begin in it.
        data: The bytes, compressed as `coding` says.
        check: The first half of the BLAKE3 of the bytes, uncompressed, in hexadecimal.
        before: The bytes that stand before them on the client, a few; what the server has there must be equal.
        beside: They belong to a segment that is another one on the server: they are kept beside it.
    """

    id: str
    name: str
    offset: int
    data: bytes
    check: str
    coding: Coding = ""
    before: bytes = b""
    beside: bool = False


class Named(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file of an experiment that is no segment.

    Attributes:
        path: In the experiment's folder, with forward slashes.
        hash: The BLAKE3 of its content, in hexadecimal; `size` its bytes.
        executable: Whether it may be run.
        data: Its content, where that is short and the server may not have it.
    """

    path: str
    hash: str
    size: int
    executable: bool = False
    data: bytes | None = None


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """All of a small experiment.

    Attributes:
        frames: All of its segments, each from its first byte on.
        names: Its files.
    """

    frames: tuple[Frame, ...]
    names: tuple[Named, ...] = ()


# -- experiments ------------------------------------------------------------------------------------


class Filing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An experiment that is to be sent.

    Attributes:
        id: Its id, which it keeps.
        prefix: Where it is filed on the client. One that the server has already stays where it is.
        known: The digest of an earlier answer; if it is still right, the answer is just "same".
        hashes: Whether to tell the hashes of the segments that are there.
        whole: All of it, where that is little. It is taken at once if the server does not have the experiment, and
            passed over if it does.
    """

    id: str
    prefix: str
    known: str = ""
    hashes: bool = False
    whole: Whole | None = None


class FilingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Experiments that a client is about to send. `root_id` is that of its root."""

    root_id: str
    filings: tuple[Filing, ...]


class SegmentAt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A segment on the server.

    Attributes:
        name: Its path in the experiment's folder, also of a sealed part that of its text.
        size: Its bytes; of a sealed part those of the text that it stands for.
        hash: The BLAKE3 of these bytes, if it was asked for or is on record; otherwise empty.
        sealed: Whether it was turned into columns.
    """

    name: str
    size: int
    hash: str = ""
    sealed: bool = False


class Filed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where an experiment is on the server and what of it is there.

    Attributes:
        status: "filed"; "same" where `known` is still right; "deleted" where it was deleted there, which sending it does
            not undo; "refused" with a reason.
        prefix: Where it is filed there; another one than was asked for if that was taken.
        digest: Stands for the names and sizes of its segments.
        taken: Whether all that came along was taken. The segments are not told then.
    """

    id: str
    status: Literal["filed", "same", "deleted", "refused"]
    prefix: str = ""
    digest: str = ""
    segments: tuple[SegmentAt, ...] = ()
    reason: str = ""
    taken: bool = False


class FilingAnswer(msgspec.Struct, frozen=True):
    """The answers in the order of the question."""

    filed: tuple[Filed, ...]


# -- segments ---------------------------------------------------------------------------------------


class FramesRequest(msgspec.Struct, frozen=True):
    """Frames of any number of segments and experiments; those of one segment in their order."""

    frames: tuple[Frame, ...]


class Accepted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a frame.

    Attributes:
        status: "ok": it is there, and was perhaps there before. "gap": bytes before it are missing. "diverged": other bytes
            are there, which stay; these were kept beside. "damaged": it arrived with errors. "sealed": the segment was turned
            into columns. "unknown": there is no such experiment; "deleted" or "refused" as of `Filed`.
        size: The bytes of the segment now.
    """

    status: Literal["ok", "gap", "diverged", "damaged", "sealed", "unknown", "deleted", "refused"]
    size: int = 0
    reason: str = ""


class FramesAnswer(msgspec.Struct, frozen=True):
    """The answers in the order of the frames."""

    accepted: tuple[Accepted, ...]


class ReadRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of a segment on the server: `length` at most, from `start` on."""

    id: str
    name: str
    start: int = 0
    length: int = MOST_BYTES


class ReadAnswer(msgspec.Struct, frozen=True):
    """The bytes; fewer than were asked for only at the end."""

    data: bytes


# -- files ------------------------------------------------------------------------------------------


class NamingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Names for contents, in one experiment or several: `names[i]` belong to the experiment `ids[i]`."""

    ids: tuple[str, ...]
    names: tuple[tuple[Named, ...], ...]


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a name.

    Attributes:
        status: "ok": the file is there. "missing": the server does not have the content. "diverged": a file of that name
            with another content is there, which stays; this one was kept beside. "damaged": the content does not have this
            hash. Otherwise as of `Accepted`.
    """

    status: Literal["ok", "missing", "diverged", "damaged", "unknown", "deleted", "refused"]
    reason: str = ""


class NamingAnswer(msgspec.Struct, frozen=True):
    """The answers in the order of the question."""

    kept: tuple[tuple[Kept, ...], ...]


class Arrived(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How much of a content the server has: `size` bytes of it have arrived; `whole` when it is complete and was verified."""

    size: int = 0
    whole: bool = False


class ArrivedRequest(msgspec.Struct, frozen=True):
    """Asks what there is of some contents, by their BLAKE3 in hexadecimal."""

    hashes: tuple[str, ...]


class ArrivedAnswer(msgspec.Struct, frozen=True):
    """The answers in the order of the hashes."""

    contents: tuple[Arrived, ...]


class PieceRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A piece of a large content. The last one completes it: the whole is then verified.

    Attributes:
        hash: The BLAKE3 of the whole; `total` its bytes.
        offset: Where the piece begins; what the server has must reach up to there.
        check: As of a frame.
    """

    hash: str
    total: int
    offset: int
    data: bytes
    check: str
    coding: Coding = ""


# -- weights ----------------------------------------------------------------------------------------


class BranchesRequest(msgspec.Struct, frozen=True):
    """Asks which versions of weights experiments have."""

    ids: tuple[str, ...]


class Branch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The weights of an experiment: the commits that its branch is at, and what was kept beside it.

    `status` is as of `Accepted`.
    """

    id: str
    status: Literal["ok", "unknown", "refused"]
    commits: tuple[str, ...] = ()


class BranchesAnswer(msgspec.Struct, frozen=True):
    """The answers in the order of the question."""

    branches: tuple[Branch, ...]


class LackingRequest(msgspec.Struct, frozen=True):
    """Asks which objects of weights are to be sent for an experiment, by their keys (see `docs/internals/weights-format.md`)."""

    id: str
    keys: tuple[bytes, ...]


class LackingAnswer(msgspec.Struct, frozen=True):
    """Those that the server does not have, or not of this sender."""

    keys: tuple[bytes, ...]


class PackRequest(msgspec.Struct, frozen=True):
    """Says that a pack of objects has arrived whole, as a content: its BLAKE3, and its bytes."""

    id: str
    hash: str
    size: int


class BranchRequest(msgspec.Struct, frozen=True):
    """Moves the branch of an experiment to a commit, all of whose objects have arrived."""

    id: str
    commit: str


# -- the rest ---------------------------------------------------------------------------------------


class RootEventsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Events of the root's journal, as the lines that they are there.

    Attributes:
        author: The name of the file that they stand in, without `.jsonl`.
        lines: Whole lines.
    """

    author: str
    lines: bytes


class RootEventsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How many events were new, and how many nobody may send: they are about single experiments or the root itself."""

    taken: int
    refused: int = 0


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """Says that writers of an experiment are alive."""

    id: str
    writers: tuple[str, ...]


class LeasesRequest(msgspec.Struct, frozen=True):
    """Signs of life of any number of experiments."""

    leases: tuple[Lease, ...]


class Stop(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody wants an experiment to stop: who, when (seconds since the epoch) and why."""

    by: str
    at: float
    why: str = ""


class Renewed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a lease.

    Attributes:
        status: "ok"; otherwise as of `Accepted`.
        stop: That the experiment is to stop, if somebody asked for it since its newest opening.
    """

    status: Literal["ok", "unknown", "deleted", "refused"]
    stop: Stop | None = None


class LeaseAnswer(msgspec.Struct, frozen=True):
    """The answers in the order of the question."""

    renewed: tuple[Renewed, ...]


class Settled(msgspec.Struct, frozen=True):
    """Everything that was accepted before the question came is on the disk now."""

    seconds: float = 0.0
