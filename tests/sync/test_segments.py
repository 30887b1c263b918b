"""Segments on their way: where they begin, where they end, and what the server says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from anew.journal.storage import MemoryStorage
from anew.sync.segments import Flow, closing_at, send
from anew.sync.wire import Accepted, Frame

CLOSED = b'{"k":"closed","t":2.0,"status":"completed"}\n'


class Side:
    """The other side: takes frames, and answers what it is told to, once each."""

    def __init__(self, *answers: Accepted | None) -> None:
        self.answers = list(answers)
        self.held = b""
        self.beside: list[bytes] = []

    def frame(
        self, id: str, name: str, offset: int, data: bytes, before: bytes, *, beside: bool
    ) -> Frame:
        return Frame(
            id=id, name=name, offset=offset, data=data, check="", before=before, beside=beside
        )

    def append(self, frames: Any) -> tuple[Accepted, ...]:
        return tuple(map(self._append, frames))

    def _append(self, frame: Frame) -> Accepted:
        told = self.answers.pop(0) if self.answers else None
        if told is not None:
            return told
        if frame.beside:
            self.beside.append(frame.data)
            return Accepted(status="diverged", size=len(self.held))
        if frame.offset > len(self.held):
            return Accepted(status="gap", size=len(self.held))
        self.held = self.held[: frame.offset] + frame.data
        return Accepted(status="ok", size=len(self.held))


def flow(data: bytes, at: int = 0) -> Flow:
    storage = MemoryStorage()
    storage.append("logs/train-a.log", data)
    return Flow("id", storage, "logs/train-a.log", at, len(data))


@pytest.mark.parametrize("size", [1, 1 << 20, (5 << 20) + 3])
@pytest.mark.parametrize("status", ["gap", "damaged"])
def test_a_segment_arrives_whole_whatever_is_sent_again(size: int, status: Any):
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]
    side, one = Side(None, Accepted(status=status, size=0)), flow(data)
    send(side, [one], stop=lambda: False)  # type: ignore[arg-type]
    assert side.held == data
    assert one.at == one.end == size
    assert one.failed is None


def test_who_never_accepts_anything_is_given_up():
    side, one = Side(*[Accepted(status="damaged")] * 100), flow(b"x")
    send(side, [one], stop=lambda: False)  # type: ignore[arg-type]
    assert one.failed is not None
    assert side.held == b""


def test_all_of_a_segment_that_differs_is_sent_to_be_kept_beside():
    data = b"x" * (3 << 20)
    side, one = Side(Accepted(status="diverged", size=5)), flow(data)
    send(side, [one], stop=lambda: False)  # type: ignore[arg-type]
    assert one.diverged
    assert side.held == b""
    assert b"".join(side.beside) == data[1 << 20 :]  # the first piece was kept by the first answer


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (b"", 0),
        (b"a\n", 2),
        (b"a\n" + CLOSED, 2),
        (CLOSED, 0),
        (b"a\n" + CLOSED + b"b\n", 2 + len(CLOSED) + 2),
        (b"a\n" + CLOSED[:-1], 2 + len(CLOSED) - 1),
        (b"x" * 100_000 + b"\n" + CLOSED, 100_001),
    ],
)
def test_the_line_by_which_a_writer_ended_is_held_back(data: bytes, end: int):
    storage = MemoryStorage()
    storage.append("journal/a.jsonl", data)
    assert closing_at(storage, "journal/a.jsonl", len(data)) == end


def test_a_file_that_is_gone_fails_alone(tmp_path: Path):
    side, gone, there = Side(), flow(b"x"), flow(b"abc")
    del gone.storage.files["logs/train-a.log"]  # type: ignore[attr-defined]
    send(side, [gone, there], stop=lambda: False)  # type: ignore[arg-type]
    assert gone.failed is not None
    assert side.held == b"abc"
