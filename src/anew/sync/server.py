"""A server that is sent experiments: each route of the upload as a method."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from blake3 import blake3

from ..errors import InvalidSetting, UnknownFormat
from ..reading.remote.calls import Calls
from ..record.events import FORMAT_VERSION
from .wire import (
    DIGEST_CHARS,
    OLDEST,
    PROTOCOL,
    Accepted,
    Arrived,
    ArrivedAnswer,
    ArrivedRequest,
    Branch,
    BranchesAnswer,
    BranchesRequest,
    BranchRequest,
    Coding,
    Filed,
    Filing,
    FilingAnswer,
    FilingRequest,
    Frame,
    FramesAnswer,
    FramesRequest,
    Kept,
    LackingAnswer,
    LackingRequest,
    Lease,
    LeaseAnswer,
    LeasesRequest,
    Named,
    NamingAnswer,
    NamingRequest,
    PackRequest,
    PieceRequest,
    ReadAnswer,
    ReadRequest,
    Renewed,
    RootEventsAnswer,
    RootEventsRequest,
    Settled,
    Welcome,
)

__all__ = ["Receiver", "Server"]

_WORTH = 512
"""Bytes from which compressing is worth its time."""


class Receiver(ABC):
    """The other side of an upload. Everything it is asked may be asked again.

    All methods raise OSError when the other side cannot be reached or cannot write, and AnewError when it refuses.

    Args:
        where: What it is, for messages.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.coding: Coding = ""
        """How what is sent is compressed."""

    @abstractmethod
    def post(self, route: str, question: Any, kind: Any) -> Any:
        """The answer, of this kind, to a question of a route below `/upload`."""

    def file(self, root_id: str, filings: Sequence[Filing]) -> tuple[Filed, ...]:
        """Make room for experiments, and learn what of them is there."""
        answer: FilingAnswer = self.post(
            "experiments", FilingRequest(root_id=root_id, filings=tuple(filings)), FilingAnswer
        )
        return answer.filed

    def frame(
        self, id: str, name: str, offset: int, data: bytes, before: bytes, *, beside: bool
    ) -> Frame:
        """A frame of these bytes, compressed where that is worth it."""
        coding, packed = self._packed(data)
        return Frame(
            id=id, name=name, offset=offset, data=packed, check=_check(data), coding=coding, before=before, beside=beside
        )  # fmt: skip

    def append(self, frames: Sequence[Frame]) -> tuple[Accepted, ...]:
        """Send frames."""
        answer: FramesAnswer = self.post("segments", FramesRequest(tuple(frames)), FramesAnswer)
        return answer.accepted

    def read(self, id: str, name: str, start: int, length: int) -> bytes:
        """Bytes of a segment."""
        asked = ReadRequest(id=id, name=name, start=start, length=length)
        answer: ReadAnswer = self.post("read", asked, ReadAnswer)
        return answer.data

    def name(
        self, ids: Sequence[str], names: Sequence[Sequence[Named]]
    ) -> tuple[tuple[Kept, ...], ...]:
        """Give names to contents."""
        asked = NamingRequest(ids=tuple(ids), names=tuple(tuple(one) for one in names))
        answer: NamingAnswer = self.post("names", asked, NamingAnswer)
        return answer.kept

    def arrived(self, content: str) -> Arrived:
        """How much of a content has arrived."""
        answer: ArrivedAnswer = self.post("arrived", ArrivedRequest((content,)), ArrivedAnswer)
        return answer.contents[0]

    def piece(self, content: str, total: int, offset: int, data: bytes) -> Accepted:
        """Send a piece of a content."""
        coding, packed = self._packed(data)
        asked = PieceRequest(
            hash=content, total=total, offset=offset, data=packed, check=_check(data), coding=coding
        )
        answer: Accepted = self.post("pieces", asked, Accepted)
        return answer

    def branches(self, ids: Sequence[str]) -> tuple[Branch, ...]:
        """Which versions of weights experiments have there."""
        answer: BranchesAnswer = self.post(
            "weights/branches", BranchesRequest(tuple(ids)), BranchesAnswer
        )
        return answer.branches

    def lacking(self, id: str, keys: Sequence[bytes]) -> tuple[bytes, ...]:
        """Which objects of weights have to be sent."""
        asked = LackingRequest(id, tuple(keys))
        answer: LackingAnswer = self.post("weights/lacking", asked, LackingAnswer)
        return answer.keys

    def take_pack(self, id: str, content: str, size: int) -> Kept:
        """Have a pack of objects taken that was sent as a content."""
        answer: Kept = self.post("weights/take", PackRequest(id, content, size), Kept)
        return answer

    def move_branch(self, id: str, commit: str) -> Kept:
        """Move the branch of an experiment to a commit whose objects have arrived."""
        answer: Kept = self.post("weights/move", BranchRequest(id, commit), Kept)
        return answer

    def events(self, author: str, lines: bytes) -> RootEventsAnswer:
        """Send events of the root's journal."""
        asked = RootEventsRequest(author=author, lines=lines)
        answer: RootEventsAnswer = self.post("events", asked, RootEventsAnswer)
        return answer

    def lease(self, leases: Sequence[Lease]) -> tuple[Renewed, ...]:
        """Say that writers are alive."""
        answer: LeaseAnswer = self.post("leases", LeasesRequest(tuple(leases)), LeaseAnswer)
        return answer.renewed

    def settle(self) -> None:
        """Wait until everything that was accepted is on the server's disk."""
        self.post("settle", {}, Settled)

    def _packed(self, data: bytes) -> tuple[Coding, bytes]:
        if not self.coding or len(data) < _WORTH:
            return "", data
        if self.coding == "zstd":
            import zstandard

            packed = zstandard.ZstdCompressor(level=1).compress(data)
        else:
            packed = zlib.compress(data, 1)
        return (self.coding, packed) if len(packed) < len(data) else ("", data)


class Server(Receiver):
    """A server that is sent experiments over HTTP; broken connections are tried again.

    Args:
        calls: What carries questions there.
        compress: Whether to compress what is sent, which is not worth it on this machine.
    """

    def __init__(self, calls: Calls, *, compress: bool = True) -> None:
        super().__init__(calls.where)
        self._calls = calls
        self._compress = compress

    def welcome(self, root_id: str) -> Welcome:
        """Ask what the server is, and whether the two can work together.

        Args:
            root_id: The id of the root here.

        Raises:
            UnknownFormat: One of the two is too old for the other.
            InvalidSetting: The folder here is the server's own, or a copy of it.
        """
        told: Welcome = self._calls.call("GET", "/upload", None, Welcome)
        if told.protocol < OLDEST or told.oldest > PROTOCOL or told.format < FORMAT_VERSION:
            older = (
                "server" if told.protocol < PROTOCOL or told.format < FORMAT_VERSION else "program"
            )
            raise UnknownFormat(
                f"The server at {self.where} and this program are too far apart in version: update the {older}. Until then "
                "everything stays here."
            )
        if told.root_id == root_id:
            raise InvalidSetting(
                f"This folder is the one that the server at {self.where} serves, or a copy of it, so there is nothing to "
                "send. Record to another folder, or merge copies by putting their files together.",
                setting="root",
            )
        if self._compress:
            self.coding = "zstd" if "zstd" in told.codings and _has_zstd() else "zlib"
        return told

    def post(self, route: str, question: Any, kind: Any) -> Any:
        """See `Receiver.post`."""
        return self._calls.call("POST", f"/upload/{route}", question, kind)

    def close(self) -> None:
        """Close the connections."""
        self._calls.close()


def _check(data: bytes) -> str:
    return blake3(data).hexdigest()[:DIGEST_CHARS]


def _has_zstd() -> bool:
    from importlib.util import find_spec

    return find_spec("zstandard") is not None
