"""The driver: one road for all sinks, and one experiment or sink in trouble never takes another with it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from anew.journal.drive import Backoff, Budget, Turn, drive, passed
from anew.journal.follow import Cursor, Piece, Position
from anew.journal.layout import RootLayout
from anew.journal.residents import FolderJournals
from anew.journal.sink import Followed, Sink
from anew.journal.storage import MemoryJournals, MemoryStorage
from anew.testing.lines import event_line, point_line
from anew.testing.sink import MemorySink, SinkContract


class TestMemorySink(SinkContract):
    kept = MemorySink()

    def open(self, root: RootLayout) -> Sink:
        self.kept = MemorySink(self.kept)
        return self.kept

    def crash(self, sink: Sink) -> None:
        pass

    def points(self, root: RootLayout) -> list[tuple[str, float]]:
        return self.kept.points()


def experiment(journals: MemoryJournals, prefix: str, *values: float) -> MemoryStorage:
    storage = journals.of(prefix)
    name = prefix.replace("/", "-")
    line = event_line("opened", 1.0, version=1, experiment_id=name, name=prefix)
    storage.append("journal/0001-main-aaaa.jsonl", line)
    for value in values:
        storage.append("metrics/0001-main-aaaa.jsonl", point_line({"loss": value}))
    return storage


@pytest.fixture
def journals() -> MemoryJournals:
    journals = MemoryJournals()
    for n in range(3):
        experiment(journals, f"p/{n}", float(n))
    return journals


PREFIXES = ["p/0", "p/1", "p/2"]


class Failing(MemorySink):
    """Raises at one experiment, or at a commit."""

    def __init__(self, at: str, error: BaseException, commits: bool = False) -> None:
        super().__init__()
        self.at, self.error, self.commits = at, error, commits

    def take(self, experiment: Followed, piece: Piece) -> None:
        if experiment.prefix == self.at:
            raise self.error
        super().take(experiment, piece)

    def commit(self) -> None:
        if self.commits:
            raise self.error
        super().commit()


@pytest.mark.parametrize(
    "error", [OSError("rights"), ValueError("bytes"), RecursionError(), MemoryError(), KeyError(1)]
)
def test_whatever_goes_wrong_with_one_experiment_is_a_finding_of_it_and_the_others_go_on(
    journals: MemoryJournals, error: Exception
) -> None:
    sink, other = Failing("p/1", error), MemorySink()
    turns = list(drive(journals, PREFIXES, [sink, other]))
    assert [(f.prefix, e) for t in turns for f, e in t.failed] == [("p/1", error)]
    assert sink.errors == {"p/1": error}
    assert other.errors == {}
    assert [sink.points(p) for p in PREFIXES] == [[("loss", 0.0)], [], [("loss", 2.0)]]
    assert [other.points(p) for p in PREFIXES] == [[("loss", float(n))] for n in range(3)]


def test_an_interrupt_is_no_finding(journals: MemoryJournals) -> None:
    with pytest.raises(KeyboardInterrupt):
        list(drive(journals, PREFIXES, [Failing("p/1", KeyboardInterrupt())]))


def test_a_sink_that_cannot_commit_raises_when_the_others_have_had_everything(
    journals: MemoryJournals,
) -> None:
    broken, well = Failing("", OSError("the disk is full"), commits=True), MemorySink()
    with pytest.raises(OSError, match="full"):
        list(drive(journals, PREFIXES, [broken, well], Budget(experiments=1)))
    assert [len(well.points(p)) for p in PREFIXES] == [1, 1, 1]


@pytest.mark.parametrize("what", ["link", "link to a folder", "pipe", "socket", "folder"])
def test_a_link_or_a_pipe_in_a_journal_is_a_finding_and_is_not_opened(
    tmp_path: Path, what: str
) -> None:
    contract = TestMemorySink()
    root = RootLayout(str(tmp_path / "experiments"))
    secret = tmp_path / "outside"
    secret.mkdir()
    (secret / "secret.jsonl").write_bytes(point_line({"secret": 1.0}))
    for prefix in ("p/run", "p/other"):
        contract.experiment(root, prefix, prefix.replace("/", "-"))
    contract.write(root, 1.0)
    folder = Path(root.experiment("p/run").folder)
    bad = folder / "metrics" / "0002-main-bbbb.jsonl"
    if what == "link":
        bad.symlink_to(secret / "secret.jsonl")
    elif what == "link to a folder":
        (folder / "metrics").rename(folder / "elsewhere")
        (folder / "metrics").symlink_to(secret)
    elif what == "pipe":
        os.mkfifo(bad)
    elif what == "folder":
        bad.mkdir()
    else:
        server = socket.socket(socket.AF_UNIX)
        monkey = os.getcwd()
        os.chdir(bad.parent)
        server.bind(bad.name)
        os.chdir(monkey)
        server.close()
    sink = MemorySink()
    list(drive(FolderJournals(root), ["p/run", "p/other"], [sink]))
    assert not any(name == "secret" for name, _ in sink.points())
    assert list(sink.lines) == (["p/other"] if "link" in what else ["p/run", "p/other"])
    assert list(sink.errors) == (["p/run"] if "link" in what else [])


def test_an_experiment_with_much_that_is_new_lets_the_others_have_their_turn(
    journals: MemoryJournals,
) -> None:
    experiment(journals, "p/0", *map(float, range(200)))
    sink = MemorySink()
    order = [
        {prefix: len(sink.points(prefix)) for prefix in PREFIXES}
        for _ in drive(journals, PREFIXES, [sink], Budget(chunk_bytes=100, turn_bytes=500))
    ]
    assert order[0]["p/0"] < 201
    assert order[0]["p/2"] == 1
    assert order[-1] == {"p/0": 201, "p/1": 1, "p/2": 1}


def test_stopping_commits_what_is_in_hand_and_the_rest_comes_later(
    journals: MemoryJournals,
) -> None:
    sink = MemorySink()
    asked = iter([False, False, True])
    turns = list(drive(journals, PREFIXES, [sink], stop=lambda: next(asked, True)))
    assert turns[-1].done < 3
    assert sink.points("p/0") == [("loss", 0.0)]
    list(drive(journals, PREFIXES, [sink]))
    assert [len(sink.points(p)) for p in PREFIXES] == [1, 1, 1]


def test_an_experiment_that_is_no_more_is_told_to_the_sink(journals: MemoryJournals) -> None:
    sink = MemorySink()
    list(drive(journals, PREFIXES, [sink]))
    journals.of("p/1").files.clear()
    list(drive(journals, ["p/1"], [sink]))
    assert [prefix for prefix in PREFIXES if sink.points(prefix)] == ["p/0", "p/2"]


def test_a_sink_that_wrote_to_the_journal_is_given_that_too(journals: MemoryJournals) -> None:
    class Judge(MemorySink):
        judged = False

        def finish(self, experiment: Followed) -> bool:
            if experiment.prefix != "p/1" or self.judged:
                return False
            self.judged = True
            journals.of("p/1").append("journal/edit-here.jsonl", b'{"k":"tags","t":2.0}\n')
            return True

    sink = Judge()
    list(drive(journals, PREFIXES, [sink]))
    assert sink.lines["p/1"][-1] == b'{"k":"tags","t":2.0}\n'
    assert len(sink.lines["p/1"]) == 3


def test_commits_come_by_number_and_by_time(journals: MemoryJournals) -> None:
    for n in range(200):
        experiment(journals, f"q/{n}")
    prefixes = [f"q/{n}" for n in range(200)]

    def commits(seconds_a_look: float) -> list[int]:
        now = iter(range(1_000_000))
        turns: list[Turn] = list(
            drive(
                journals, prefixes, [MemorySink()], Budget(experiments=80),
                clock=lambda: next(now) * seconds_a_look,
            )
        )  # fmt: skip
        return [t.done for t in turns]

    assert commits(0.0) == [20, 60, 140, 200]
    assert commits(60.0) == [*range(20, 201, 20)]


def test_a_pause_grows_with_failures_in_a_row_up_to_the_longest() -> None:
    backoff = Backoff(longest=4.0)
    assert [backoff.failed() for _ in range(5)] == [0.5, 1.0, 2.0, 4.0, 4.0]
    backoff.worked()
    assert backoff.failed() == 0.5


def test_a_part_has_passed_when_every_sink_has_taken_all_its_bytes() -> None:
    path = "metrics/0001-main-aaaa.jsonl"
    done: Cursor = {path: Position(100, 3)}
    assert passed([done, done], path, 100)
    assert not passed([done, {}], path, 100)
    assert not passed([done, {path: Position(99, 2)}], path, 100)
    assert passed([], path, 100)
