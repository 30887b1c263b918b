"""What every sink of the journal must do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ..journal.follow import follow
from ..journal.layout import RootLayout
from ..journal.sink import Sink
from .lines import event_line, point_line

__all__ = ["SinkContract"]

EXPERIMENT = "bcdf23456789"


class SinkContract:
    """Subclass it and give `open`, `crash` and `points`.

    The fixture `root` is the layout of the store's root; the experiment under test is at the prefix "p/run".
    """

    @pytest.fixture
    def root(self, tmp_path: Path) -> RootLayout:
        """A root with one running experiment that has written nothing but its opening."""
        layout = RootLayout(str(tmp_path / "experiments"))
        folder = Path(layout.experiment("p/run").folder)
        (folder / "journal").mkdir(parents=True)
        (folder / "metrics").mkdir()
        opened = event_line("opened", 1.0, version=1, experiment_id=EXPERIMENT, name="run")
        (folder / "journal" / "0001-main.jsonl").write_bytes(opened)
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

    def write(self, root: RootLayout, *values: float, writer: str = "0001-main") -> None:
        """Log a point of "loss" per value."""
        with open(root.experiment("p/run").points(writer), "ab") as file:
            file.writelines(point_line({"loss": value}) for value in values)

    def drive(self, sink: Sink, root: RootLayout, chunks: int = 1000, **how: Any) -> int:
        """Offer the sink what is new, as an index does; returns how many chunks it took."""
        folder = root.experiment("p/run").folder
        taken = 0
        for chunk in follow(folder, sink.cursor(EXPERIMENT), sink.streams, **how):
            if taken == chunks:
                break
            sink.take(EXPERIMENT, folder, chunk)
            taken += 1
        return taken

    def losses(self, root: RootLayout) -> list[float]:
        """The values that arrived."""
        return [value for name, value in self.points(root) if name == "loss"]

    def test_everything_arrives_once(self, root: RootLayout) -> None:
        self.write(root, 1.0, 2.0)
        self.write(root, 3.0, writer="0002-rank1")
        sink = self.open(root)
        assert sink.cursor(EXPERIMENT) == {}
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
        sink = self.open(root)
        before = sink.cursor(EXPERIMENT)
        self.drive(sink, root, chunk_bytes=200)
        after = sink.cursor(EXPERIMENT)
        assert before != after
        folder = root.experiment("p/run").folder
        assert list(follow(folder, after, sink.streams)) == []
        sink.close()
        assert self.losses(root) == sorted(float(i) for i in range(50))

    @pytest.mark.parametrize("chunks", range(1, 6))
    def test_a_crash_neither_loses_nor_doubles(self, root: RootLayout, chunks: int) -> None:
        self.write(root, 1.0, 2.0, 3.0, 4.0)
        sink = self.open(root)
        self.drive(sink, root, chunks, chunk_bytes=60)
        self.crash(sink)
        again = self.open(root)
        self.drive(again, root)
        again.close()
        assert self.losses(root) == [1.0, 2.0, 3.0, 4.0]

    def test_a_line_in_progress_waits(self, root: RootLayout) -> None:
        path = root.experiment("p/run").points("0001-main")
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
        with open(root.experiment("p/run").points("0001-main"), "ab") as file:
            file.write(b"{nonsense\n")
        self.write(root, 2.0)
        sink = self.open(root)
        self.drive(sink, root)
        sink.close()
        assert self.losses(root) == [1.0, 2.0]
