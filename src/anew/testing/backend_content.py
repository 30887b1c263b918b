"""What every backend must do with lines and bytes: all of them once, from either end, and none from outside."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from ..errors import (
    CorruptData,
    InvalidValue,
    NotFound,
)
from ..query.content import ContentQuestion
from ..query.lines import LinesQuestion
from ..query.question import (
    FactsQuestion,
)
from ..reading.backend import Backend
from ..tracking.experiment import Experiment
from .backend_writing import BackendWriting

__all__ = ["ContentTests"]


class ContentTests(BackendWriting):
    """The promises of `Backend.lines` and `Backend.open`."""

    def test_messages_come_from_either_end(self, backend: Backend, root: str) -> None:
        id_ = self.write(root)
        backend.select(self.now())
        answer = backend.lines(LinesQuestion(id=id_))
        assert answer.messages[-2:] == ("it goes well", "it goes badly")
        last = backend.lines(LinesQuestion(id=id_, backward=True, limit=1))
        assert (last.messages, last.levels, last.fields) == (
            ("it goes badly",),
            ("error",),
            ('{"why": "nan"}',),
        )
        assert backend.lines(LinesQuestion(id=id_, cursor=last.after)).messages == ()
        before = backend.lines(LinesQuestion(id=id_, backward=True, limit=1, cursor=last.before))
        assert before.messages == ("it goes well",)

    @pytest.mark.parametrize("stream", ["messages", "console"])
    def test_pages_of_lines_from_either_end_are_all_lines_once(
        self, backend: Backend, root: str, stream: Any
    ) -> None:
        exp = Experiment(prefix="lab/x/y", root=root, quiet=True, system_metrics=0, console="on")
        with exp:
            for n in range(23):
                exp.log(f"message {n}")
                print(f"printed {n}")
        backend.select(self.now())
        expected = [f"{'message' if stream == 'messages' else 'printed'} {n}" for n in range(23)]
        for backward in (False, True):
            found: list[str] = []
            cursor = None
            for _ in range(100):
                page = backend.lines(
                    LinesQuestion(
                        id=exp.id, stream=stream, limit=7, cursor=cursor, backward=backward
                    )
                )
                texts = [text for text in page.messages if text in expected]
                found = texts + found if backward else found + texts
                cursor = page.before if backward else page.after
                if not page.more:
                    break
            assert found == expected

    @pytest.mark.parametrize("backward", [False, True])
    def test_lines_that_are_found_bring_their_neighbours_once(
        self, backend: Backend, root: str, backward: bool
    ) -> None:
        exp = Experiment(prefix="lab/x/y", root=root, quiet=True, system_metrics=0)
        with exp:
            for n in range(40):
                exp.log(f"message {n}" + (" found" if n in (10, 12, 30) else ""))
        backend.select(self.now())
        found: list[tuple[str, bool]] = []
        cursor = None
        for _ in range(100):
            page = backend.lines(
                LinesQuestion(
                    id=exp.id,
                    contains="found",
                    context=2,
                    limit=1,
                    cursor=cursor,
                    backward=backward,
                )
            )
            lines = list(zip(page.messages, page.matched, strict=True))
            found = lines + found if backward else found + lines
            cursor = page.before if backward else page.after
            if not page.more:
                break
        numbers = [int(text.split()[1]) for text, _ in found]
        assert numbers == [8, 9, 10, 11, 12, 13, 14, 28, 29, 30, 31, 32]
        assert [n for n, (_, matched) in zip(numbers, found, strict=True) if matched] == [
            10,
            12,
            30,
        ]

    @pytest.mark.parametrize("backward", [False, True])
    def test_the_place_of_a_line_leads_to_it_from_either_side(
        self, backend: Backend, root: str, backward: bool
    ) -> None:
        exp = Experiment(prefix="lab/x/y", root=root, quiet=True, system_metrics=0)
        with exp:
            for n in range(10):
                exp.log(f"message {n}")
        backend.select(self.now())
        hit = backend.lines(
            LinesQuestion(id=exp.id, contains="message 6", places=True, backward=backward)
        )
        (place,) = hit.places
        after = backend.lines(LinesQuestion(id=exp.id, cursor=place, limit=1))
        before = backend.lines(LinesQuestion(id=exp.id, cursor=place, limit=1, backward=True))
        assert (after.messages, before.messages) == (("message 6",), ("message 5",))

    def test_lines_of_an_experiment_that_is_not_there_are_not_found(self, backend: Backend) -> None:
        with pytest.raises(NotFound):
            backend.lines(LinesQuestion(id="gone"))

    def test_a_cursor_of_lines_that_is_none_is_refused(self, backend: Backend, root: str) -> None:
        id_ = self.write(root)
        backend.select(self.now())
        with pytest.raises(InvalidValue):
            backend.lines(LinesQuestion(id=id_, cursor="?"))

    def test_bytes_of_a_file_come_a_range_at_a_time(
        self, backend: Backend, root: str, tmp_path: Any
    ) -> None:
        source = tmp_path / "weights.bin"
        source.write_bytes(bytes(range(200)))
        exp = Experiment(prefix="lab/x/y", root=root, quiet=True, system_metrics=0)
        with exp:
            exp.files("models").save(source)
        backend.select(self.now())
        asked = FactsQuestion(ids=(exp.id,), parts=frozenset({"files"}), now=time.time())
        (found,) = backend.facts(asked)
        assert found.files is not None
        question = ContentQuestion(id=exp.id, kind="file", name=found.files[0].path)
        assert backend.open(question).data == bytes(range(200))
        part = backend.open(msgspec.structs.replace(question, start=10, length=5))
        assert (part.data, part.start, part.size) == (bytes(range(10, 15)), 10, 200)
        beyond = backend.open(msgspec.structs.replace(question, start=500, length=5))
        assert (beyond.data, beyond.size) == (b"", 200)

    def test_a_long_file_comes_whole_in_pieces(
        self, backend: Backend, root: str, tmp_path: Any
    ) -> None:
        data = bytes(range(251)) * 40_000  # 10 MB, in no multiple of any block
        source = tmp_path / "weights.bin"
        source.write_bytes(data)
        exp = Experiment(prefix="lab/x/y", root=root, quiet=True, system_metrics=0)
        with exp:
            exp.files("models").save(source)
        backend.select(self.now())
        asked = FactsQuestion(ids=(exp.id,), parts=frozenset({"files"}), now=time.time())
        (found,) = backend.facts(asked)
        assert found.files is not None
        question = ContentQuestion(id=exp.id, kind="file", name=found.files[0].path)
        pieces: list[bytes] = []
        at = 0
        while at < len(data):
            answer = backend.open(msgspec.structs.replace(question, start=at))
            assert answer.size == len(data)
            assert answer.data
            pieces.append(answer.data)
            at += len(answer.data)
        assert b"".join(pieces) == data

    @pytest.mark.parametrize(
        "name",
        ["../two/metadata.json", "/etc/hostname", "files/../../two/x", "a\0b", "a\\b", "..", ""],
    )
    def test_bytes_outside_of_an_experiment_are_never_given(
        self, backend: Backend, root: str, name: str
    ) -> None:
        id_ = self.write(root)
        self.write(root, "lab/vision/two")
        backend.select(self.now())
        for kind in ("file", "capture"):
            with pytest.raises((CorruptData, NotFound)):
                backend.open(ContentQuestion(id=id_, kind=kind, name=name))
