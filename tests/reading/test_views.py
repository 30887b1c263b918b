"""One experiment as attributes."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from anew import Experiment, Store
from anew.errors import CorruptData, NotFound
from anew.record.status import Status

from ..stores.journals import Journal
from ..tracking.reading import plain_name
from .made import make


def test_what_was_recorded_is_there_as_attributes(root):
    parent = make(root, "alice/vision/parent")
    with Experiment(
        "alice/vision/child",
        root=root,
        quiet=True,
        config={"seed": 1, "opt": {"name": "adam"}},
        params={"lr": 0.1, "nan": math.nan},
        tags={"team": "ml", "x": None},
        bindrs=["gpu-1"],
        description="what it is",
        notes="a note",
        parent=parent,
    ) as exp:
        exp.log_metric("loss", 1.0, step=3)
    with Store(root) as store:
        view = store["alice/vision/child"]
        assert (view.id, view.prefix, view.name) == (exp.id, "alice/vision/child", "child")
        assert (view.owner, view.project) == ("alice", "vision")
        assert (view.status, view.reason, view.error) == (Status.COMPLETED, None, None)
        assert view.config is not None
        assert (view.config.opt.name, view.params.lr) == ("adam", 0.1)
        assert math.isnan(view.params["nan"])
        assert (view.tags, view.bindrs) == ({"team": "ml", "x": None}, ["gpu-1"])
        assert (view.description, view.notes) == ("what it is", "a note")
        assert (view.parent, view.relation) == (parent, "child")
        assert view.created_at <= view.started_at <= view.ended_at <= time.time()
        assert view.duration == view.ended_at - view.started_at
        assert view.path == Path(root) / "alice/vision/child"
        assert view.lost == 0
        assert [plain_name(writer) for writer in view.writers] == ["0001-main"]
        assert [one.id for one in store[parent].children()] == [exp.id]
        assert view == store[exp.id]
        assert len({view, store[exp.id]}) == 1
        assert exp.id in repr(view)
        facts = view.to_dict()
        assert facts["metrics"]["loss"]["last_step"] == 3
        assert facts["status"] == "completed"
        json.dumps(facts, default=str)


def test_a_failure_has_its_reason_and_traceback(root):
    with pytest.raises(ZeroDivisionError), Experiment("a/b", root=root, quiet=True):
        1 / 0  # noqa: B018
    with Store(root) as store:
        view = store["a/b"]
        assert view.status is Status.FAILED
        assert "ZeroDivisionError" in (view.reason or "")
        assert "1 / 0" in (view.error or "")
        assert [v.id for v in store.search("status == 'failed' and reason contains 'Zero'")] == [
            view.id
        ]


def test_a_killed_process_is_shown_failed_with_the_reason(root):
    code = (
        "import os, signal\n"
        "from anew import Experiment\n"
        f"exp = Experiment('a/killed', root={str(root)!r}, quiet=True)\n"
        "exp.run.start()\n"
        "exp.log_metric('loss', 1.0)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=False, timeout=600)
    with Store(root) as store:
        view = store["a/killed"]
        assert view.status is Status.FAILED
        assert "vanished" in (view.reason or "")
        assert view.metrics["loss"].last == 1.0
        # Its heartbeat is fresh still, so nobody has written its end down: its opening is shown as it is as well.
        (opening,) = view.openings
        assert (opening.status, opening.reason) == (Status.FAILED, view.reason)
        assert opening.ended_at == view.ended_at
        assert view.to_dict()["openings"][0]["status"] == "failed"


def test_a_running_experiment_has_a_duration_so_far(root):
    with Experiment("a/b", root=root, quiet=True), Store(root) as store:
        view = store["a/b"]
        assert view.ended_at is None
        assert 0 <= view.duration < 3600
        assert [v.name for v in store.search("duration < 1h and ended_at is null")] == ["b"]


def test_an_empty_search_finds_everything(root):
    for name in ("a/b", "a/c"):
        with Experiment(name, root=root, quiet=True):
            pass
    with Store(root) as store:
        for text in ("", "  ", "\n"):
            assert len(store.search(text)) == len(store.list(text)) == 2


def test_messages_are_read_by_level_text_and_tail(root):
    with Experiment("a/b", root=root, quiet=True) as exp:
        exp.log("starting", epoch=0)
        exp.log("hmm", "debug")
        exp.log("Loss is NaN", "warning")
        exp.log("gone", "error", code=7)
    with Store(root) as store:
        view = store["a/b"]
        assert [line.message for line in view.logs()] == ["starting", "hmm", "Loss is NaN", "gone"]
        assert [line.message for line in view.logs("warn")] == ["Loss is NaN", "gone"]
        assert [line.message for line in view.logs("INFO", contains="nan")] == ["Loss is NaN"]
        assert [line.message for line in view.logs(tail=1)] == ["gone"]
        assert view.logs(tail=0) == []
        assert view.logs("unheard of") == []
        assert view.logs()[-1].fields == {"code": 7}
        assert view.logs()[0].writer == view.writers[0]


def test_messages_of_several_writers_come_in_the_order_of_time_and_each_in_its_own(root):
    journal = Journal(root, "a/b").opened().opened("0002-rank1")
    os.makedirs(journal.layout.path("logs"))
    for writer, times in (("0001-main", (1.0, 5.0, 3.0)), ("0002-rank1", (2.0, 4.0))):
        for at, t in enumerate(times):
            line = {"t": t, "level": "info", "message": f"{writer[-1]}{at}"}
            journal.raw(journal.layout.logs(writer), json.dumps(line).encode() + b"\n")
    journal.raw(journal.layout.logs("0001-main"), b"broken\n")
    journal.closed().closed(writer="0002-rank1").announce()
    with Store(root) as store:
        # The clock of the first writer jumped back: its third message still comes after its second.
        assert [line.message for line in store["a/b"].logs()] == ["n0", "10", "11", "n1", "n2"]


def test_the_console_is_read_whole_or_from_its_end(root):
    journal = Journal(root, "a/b").opened().closed().announce()
    os.makedirs(journal.layout.path("logs"))
    text = "".join(f"line {n} é\n" for n in range(50_000))
    journal.raw(journal.layout.console("0001-main"), text.encode())
    with Store(root) as store:
        view = store["a/b"]
        assert view.console() == text
        assert view.console(tail=3) == "".join(f"line {n} é\n" for n in range(49_997, 50_000))
        assert view.console(tail=40_000).count("\n") == 40_000
        assert view.console(tail=0) == ""
        journal.opened("0002-rank1")
        journal.raw(journal.layout.console("0002-rank1"), b"other\n")
        assert (
            view.console(tail=1) == "==> 0001-main <==\nline 49999 é\n\n==> 0002-rank1 <==\nother\n"
        )
    assert Journal(root, "a/c").opened().closed().announce()
    with Store(root) as store:
        assert store["a/c"].console() == ""
        assert store["a/c"].logs() == []


def test_following_gives_messages_as_they_come_and_ends_with_the_experiment(root):
    exp = Experiment("a/b", root=root, quiet=True)
    exp.run.start()
    exp.log("first")
    with Store(root, refresh=False) as store:
        seen = []
        got_first = threading.Event()

        def read() -> None:
            for line in store["a/b"].follow(interval=0.02):
                seen.append(line.message)
                got_first.set()

        reader = threading.Thread(target=read)
        reader.start()
        assert got_first.wait(300)
        exp.log("second")
        exp.run.complete()
        reader.join(300)
        assert seen == ["first", "second"]
        assert [line.message for line in store["a/b"].follow(tail=1)] == ["second"]


def test_files_are_read_and_copied_with_their_hash_checked(root, tmp_path):
    with Experiment("a/b", root=root, quiet=True) as exp:
        exp.files("models").save(b"weights", "net/model.bin", step=3, metadata={"epoch": 1})
        exp.files("models").save(b"newer", "net/model.bin")
        exp.files("").save_text("hé", "notes.txt")
    with Store(root) as store:
        view = store["a/b"]
        first, second, text = view.files
        assert (first.name, first.prefix, first.size, first.step) == (
            "net/model.bin",
            "models",
            7,
            3,
        )
        assert first.metadata == {"epoch": 1}
        assert (first.read_bytes(), second.read_bytes()) == (b"weights", b"newer")
        assert text.read_text() == "hé"
        with first.open() as file:
            assert file.read(3) == b"wei"
        assert first.save(tmp_path / "out.bin").read_bytes() == b"weights"
        assert first.save(tmp_path) == tmp_path / "model.bin"
        with pytest.raises(FileExistsError):
            second.save(tmp_path)
        assert second.save(tmp_path, overwrite=True).read_bytes() == b"newer"
        assert view.file_count == 3
        first.path.chmod(0o644)
        first.path.write_bytes(b"changed")
        with pytest.raises(CorruptData, match="hash"):
            first.read_bytes()
        with pytest.raises(CorruptData):
            first.save(tmp_path / "bad.bin")
        assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["model.bin", "out.bin"]
        assert first.read_bytes(check=False) == b"changed"
        second.path.unlink()
        with pytest.raises(NotFound):
            second.read_bytes()


@pytest.mark.parametrize(
    "path", ["../../outside", "/etc/passwd", "files/..", "files\\..\\x", "a\0b"]
)
def test_a_file_that_a_journal_places_outside_of_its_folder_is_not_opened(root, path):
    journal = Journal(root, "a/b").opened()
    journal.event("file", file_id="f", prefix="", name="x", path=path, size=1, hash="")
    journal.closed().announce()
    with Store(root) as store, pytest.raises(CorruptData, match="outside"):
        store["a/b"].files[0].read_bytes()


def test_values_are_found_by_name_and_kind(root):
    from anew import Table, Text

    with Experiment("a/b", root=root, quiet=True) as exp:
        exp.log_value("sample", Text("hello"), step=1)
        exp.log_value("confusion", Table(["a", "b"], [[1, 2]]), step=2)
    with Store(root) as store:
        view = store["a/b"]
        assert [(v.name, v.kind, v.step) for v in view.values()] == [
            ("sample", "text", 1),
            ("confusion", "table", 2),
        ]
        assert [v.kind for v in view.values("sample")] == ["text"]
        assert [v.name for v in view.values(kind="table")] == ["confusion"]
