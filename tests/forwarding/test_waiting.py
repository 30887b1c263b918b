"""What is still to be sent, as a training process counts it: without reading columns."""

from __future__ import annotations

from anew import Experiment, Store
from anew.forwarders.reading import backlog
from anew.forwarding.waiting import STREAMS, Waiting, waiting
from anew.journal.follow import follow_pieces


def test_lines_are_counted_from_the_cursor_on(tmp_path):
    with Experiment("a/b", root=tmp_path, quiet=True, system_metrics=0) as exp:
        for step in range(5):
            exp.log_metric("loss", 1.0, step=step)
        exp.log("hello")
    folder = str(tmp_path / "a" / "b")
    everything = waiting(folder, {})
    assert everything == Waiting(backlog(folder, {}), 0)
    cursor = {piece.path: piece.end for piece in follow_pieces(folder, {}, STREAMS)}
    assert not any(waiting(folder, cursor))


def test_a_sealed_part_is_known_to_wait_though_its_lines_are_not_counted(tmp_path):
    with Experiment("a/b", root=tmp_path, quiet=True, system_metrics=0) as exp:
        for step in range(5):
            exp.log_metric("loss", 1.0, step=step)
    folder = str(tmp_path / "a" / "b")
    before = waiting(folder, {})
    with Store(tmp_path) as store:
        assert store.seal() == 1
    after = waiting(folder, {})
    assert after == Waiting(before.lines - 5, 1)
    assert backlog(folder, {}) == before.lines
    assert str(after) != str(before)
