"""What every sink of the journal must do, proven on the road by which the product feeds them: `journal.drive`."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path

import pytest

from ..journal.drive import Budget, drive
from ..journal.follow import Chunk, Cursor, Piece, SealedPart, Stream, follow_pieces
from ..journal.layout import RootLayout
from ..journal.residents import FolderJournals
from ..journal.sink import Followed, Sink
from ..record.decode import decode_points
from .lines import event_line, point_line

__all__ = ["EXPERIMENT", "MemorySink", "SinkContract"]

EXPERIMENT = "bcdf23456789"
PREFIX = "p/run"


class MemorySink:
    """A sink that keeps the lines it is given; `kept` is what a crash leaves, and what another one goes on from.

    Sealed parts are noted and not read.
    """

    streams: frozenset[Stream] = frozenset({Stream.EVENTS, Stream.POINTS})

    def __init__(self, kept: MemorySink | None = None) -> None:
        self.lines: dict[str, list[bytes]] = copy.deepcopy(kept.lines) if kept else {}
        self.sealed: dict[str, list[SealedPart]] = copy.deepcopy(kept.sealed) if kept else {}
        self.errors: dict[str, Exception] = {}
        self._cursors: dict[str, Cursor] = copy.deepcopy(kept._cursors) if kept else {}
        self._hand: dict[str, list[Piece]] = {}

    def cursors(self, experiments: Sequence[Followed]) -> dict[str, Cursor]:
        """See `Sink.cursors`."""
        found = {}
        for experiment in experiments:
            if experiment.experiment_id is None:
                self.lines.pop(experiment.prefix, None)
                self._cursors.pop(experiment.prefix, None)
            else:
                cursor = dict(self._cursors.get(experiment.prefix, {}))
                cursor |= {p.path: p.end for p in self._hand.get(experiment.prefix, [])}
                found[experiment.prefix] = cursor
        return found

    def take(self, experiment: Followed, piece: Piece) -> None:
        """See `Sink.take`."""
        self._hand.setdefault(experiment.prefix, []).append(piece)

    def finish(self, experiment: Followed) -> bool:
        """See `Sink.finish`."""
        return False

    def failed(self, experiment: Followed, error: Exception) -> None:
        """See `Sink.failed`."""
        self._hand.pop(experiment.prefix, None)
        self.errors[experiment.prefix] = error

    def commit(self) -> None:
        """See `Sink.commit`."""
        for prefix, pieces in self._hand.items():
            for piece in pieces:
                if isinstance(piece, Chunk):
                    self.lines.setdefault(prefix, []).extend(piece.data.splitlines(keepends=True))
                else:
                    self.sealed.setdefault(prefix, []).append(piece)
                self._cursors.setdefault(prefix, {})[piece.path] = piece.end
        self._hand.clear()

    def close(self) -> None:
        """See `Sink.close`."""
        self._hand.clear()

    def points(self, prefix: str = PREFIX) -> list[tuple[str, float]]:
        """The points that were kept: (name, value), sorted."""
        lines, _ = decode_points(b"".join(self.lines.get(prefix, [])))
        return sorted((name, float(v)) for _, line in lines for name, v in line.m.items())


class SinkContract:
    """Subclass it and give `open`, `crash` and `points`.

    The fixture `root` is the layout of the store's root; the experiment under test is at the prefix "p/run".
    """

    @pytest.fixture
    def root(self, tmp_path: Path) -> RootLayout:
        """A root with one running experiment that has written nothing but its opening."""
        layout = RootLayout(str(tmp_path / "experiments"))
        self.experiment(layout, PREFIX, EXPERIMENT)
        return layout

    def open(self, root: RootLayout) -> Sink:
        """A sink on what earlier sinks of this root have kept."""
        raise NotImplementedError

    def crash(self, sink: Sink) -> None:
        """Let go of a sink without closing it, as a killed process does."""
        raise NotImplementedError

    def points(self, root: RootLayout) -> list[tuple[str, float]]:
        """What arrived where the sink sends points to: (name, value), sorted."""
        raise NotImplementedError

    def experiment(self, root: RootLayout, prefix: str, experiment_id: str) -> None:
        """Make an experiment that has written nothing but its opening."""
        folder = Path(root.experiment(prefix).folder)
        (folder / "journal").mkdir(parents=True)
        (folder / "metrics").mkdir()
        opened = event_line("opened", 1.0, version=1, experiment_id=experiment_id, name="run")
        (folder / "journal" / "0001-main.jsonl").write_bytes(opened)

    def write(self, root: RootLayout, *values: float, writer: str = "0001-main") -> None:
        """Log a point of "loss" per value."""
        with open(root.experiment(PREFIX).points(writer), "ab") as file:
            file.writelines(point_line({"loss": value}) for value in values)

    def drive(
        self,
        sink: Sink,
        root: RootLayout,
        commits: int = 1000,
        budget: Budget = Budget(),  # noqa: B008  (a frozen tuple)
        prefixes: Sequence[str] = (PREFIX,),
    ) -> int:
        """Give the sink what is new, as the product does; returns how many pieces that were."""
        given = 0
        for turn in drive(FolderJournals(root), prefixes, [sink], budget):
            given += turn.pieces
            commits -= 1
            if not commits:
                break
        return given

    def losses(self, root: RootLayout) -> list[float]:
        """The values that arrived."""
        return [value for name, value in self.points(root) if name == "loss"]

    def test_everything_arrives_once(self, root: RootLayout) -> None:
        self.write(root, 1.0, 2.0)
        self.write(root, 3.0, writer="0002-rank1")
        sink = self.open(root)
        assert sink.cursors([Followed(PREFIX, EXPERIMENT)]) == {PREFIX: {}}
        self.drive(sink, root)
        self.drive(sink, root)
        sink.close()
        assert self.losses(root) == [1.0, 2.0, 3.0]

    def test_a_later_sink_goes_on_where_the_earlier_one_ended(self, root: RootLayout) -> None:
        self.write(root, 1.0)
        sink = self.open(root)
        self.drive(sink, root)
        sink.close()
        self.write(root, 2.0)
        again = self.open(root)
        assert self.drive(again, root) == 1
        assert self.drive(again, root) == 0
        again.close()
        assert self.losses(root) == [1.0, 2.0]

    def test_the_cursor_moves_with_what_was_taken(self, root: RootLayout) -> None:
        self.write(root, *range(50))
        sink, one = self.open(root), Followed(PREFIX, EXPERIMENT)
        before = sink.cursors([one])[PREFIX]
        self.drive(sink, root, budget=Budget(chunk_bytes=200, turn_bytes=500))
        after = sink.cursors([one])[PREFIX]
        assert before != after
        storage = FolderJournals(root).of(PREFIX)
        assert list(follow_pieces(storage, after, sink.streams)) == []
        sink.close()
        assert self.losses(root) == sorted(float(i) for i in range(50))

    @pytest.mark.parametrize("commits", range(1, 5))
    def test_a_crash_after_a_commit_neither_loses_nor_doubles(
        self, root: RootLayout, commits: int
    ) -> None:
        self.write(root, 1.0, 2.0, 3.0, 4.0)
        sink = self.open(root)
        self.drive(sink, root, commits, Budget(chunk_bytes=60, turn_bytes=1))
        self.crash(sink)
        again = self.open(root)
        self.drive(again, root)
        again.close()
        assert self.losses(root) == [1.0, 2.0, 3.0, 4.0]

    @pytest.mark.parametrize("pieces", range(1, 5))
    def test_a_crash_between_taking_and_the_commit_takes_nothing(
        self, root: RootLayout, pieces: int
    ) -> None:
        self.write(root, 1.0, 2.0)
        sink, one = self.open(root), Followed(PREFIX, EXPERIMENT)
        self.drive(sink, root)
        self.write(root, 3.0, 4.0, 5.0, 6.0)
        kept = dict(sink.cursors([one])[PREFIX])
        storage = FolderJournals(root).of(PREFIX)
        new = list(follow_pieces(storage, kept, sink.streams, chunk_bytes=60))
        for piece in new[:pieces]:
            sink.take(one, piece)
        self.crash(sink)
        again = self.open(root)
        assert again.cursors([one]) == {PREFIX: kept}
        self.drive(again, root)
        again.close()
        assert self.losses(root) == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]

    def test_an_experiment_that_failed_is_offered_again_whole(self, root: RootLayout) -> None:
        self.write(root, 1.0, 2.0, 3.0)
        sink, one = self.open(root), Followed(PREFIX, EXPERIMENT)
        storage = FolderJournals(root).of(PREFIX)
        cursor = sink.cursors([one])[PREFIX]
        for piece in list(follow_pieces(storage, cursor, sink.streams, chunk_bytes=60))[:2]:
            sink.take(one, piece)
        sink.failed(one, OSError("the disk does not answer"))
        sink.commit()
        assert sink.cursors([one]) == {PREFIX: cursor}
        self.drive(sink, root)
        sink.close()
        assert self.losses(root) == [1.0, 2.0, 3.0]

    def test_a_line_in_progress_waits(self, root: RootLayout) -> None:
        path = root.experiment(PREFIX).points("0001-main")
        line = point_line({"loss": 2.0})
        self.write(root, 1.0)
        with open(path, "ab") as file:
            file.write(line[:10])
        sink = self.open(root)
        self.drive(sink, root)
        with open(path, "ab") as file:
            file.write(line[10:])
        self.drive(sink, root)
        sink.close()
        assert self.losses(root) == [1.0, 2.0]

    def test_a_broken_line_hinders_nothing_after_it(self, root: RootLayout) -> None:
        self.write(root, 1.0)
        with open(root.experiment(PREFIX).points("0001-main"), "ab") as file:
            file.write(b"{nonsense\n")
        self.write(root, 2.0)
        sink = self.open(root)
        self.drive(sink, root)
        sink.close()
        assert self.losses(root) == [1.0, 2.0]
