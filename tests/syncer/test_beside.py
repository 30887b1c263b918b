"""The process beside the programs: what it pushes, when it ends, and what it writes down meanwhile."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import pytest

from anew import Experiment, Store
from anew.journal.layout import RootLayout
from anew.journal.liveness import process_started
from anew.syncer import beside as beside_module
from anew.syncer.beside import Beside
from anew.syncer.outcome import Left, Outcome
from anew.syncing.outbox import Outbox

SERVER = "http://127.0.0.1:9"


class Script:
    """A pass that answers as it was told, and notes what it was asked."""

    def __init__(self, *outcomes: Outcome | Callable[[Collection[str]], Outcome]) -> None:
        self.outcomes = list(outcomes)
        self.asked: list[tuple[list[str], list[str]]] = []

    def __call__(
        self,
        experiments: Mapping[str, str],
        live: Mapping[str, str],
        stop: Callable[[], bool],
        told: Callable[[int], object] = lambda count: None,
    ) -> Outcome:
        ids = experiments
        self.asked.append((sorted(ids), sorted(live)))
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        return outcome(ids) if callable(outcome) else outcome


@pytest.fixture
def outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outbox:
    monkeypatch.setattr(beside_module, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(beside_module, "REFUSED_WAIT", 0.01)
    monkeypatch.setattr(beside_module, "LONGEST_WAIT", 0.01)
    monkeypatch.setattr(beside_module, "_GONE_EVERY", 0.0)
    return Outbox(RootLayout(str(tmp_path)), SERVER)


def test_it_pushes_until_the_server_has_everything_and_then_ends(outbox: Outbox) -> None:
    outbox.register("opened", "id1", "a/b")
    outbox.register("ended", "id1", "a/b")
    push = Script(
        Outcome(left={"id1": Left(100)}),
        Outcome(left={"id1": Left(5)}),
        Outcome(filed={"id1": "a/b~2"}),
    )
    Beside(outbox, push).run()
    assert push.asked == [(["id1"], [])] * 3
    assert outbox.done()["id1"].filed == "a/b~2"
    state = outbox.state()
    assert state is not None
    assert (state.through, state.count, state.error) == (outbox.size(), 0, "")
    assert state.contact is not None
    again = Script(Outcome())
    Beside(outbox, again).run()
    assert again.asked == [([], [])]


def test_it_goes_on_while_a_program_records_and_takes_in_what_comes(outbox: Outbox) -> None:
    outbox.register("opened", "id1", "a/b")

    def second(ids: Collection[str]) -> Outcome:
        outbox.register("opened", "id2", "a/c")
        return Outcome()

    def third(ids: Collection[str]) -> Outcome:
        outbox.register("ended", "id1", "a/b")
        outbox.register("ended", "id2", "a/c")
        return Outcome()

    push = Script(Outcome(), second, third, Outcome())
    Beside(outbox, push).run()
    assert push.asked[0] == (["id1"], ["id1"])
    assert push.asked[2] == (["id1", "id2"], ["id1", "id2"])
    assert push.asked[-1] == (["id1", "id2"], [])
    assert outbox.done().keys() == {"id1", "id2"}


def test_what_is_being_recorded_is_pushed_before_what_was_left_earlier(outbox: Outbox) -> None:
    outbox.register("opened", "old", "a/old")
    outbox.register("ended", "old", "a/old")
    outbox.register("opened", "new", "a/new")

    def end(ids: Collection[str]) -> Outcome:
        outbox.register("ended", "new", "a/new")
        return Outcome(left={"old": Left(9)})

    push = Script(Outcome(), end, Outcome())
    Beside(outbox, push).run()
    assert push.asked == [(["new"], ["new"]), (["old"], []), (["new", "old"], [])]
    assert outbox.done().keys() == {"old", "new"}


def test_it_tries_a_server_that_does_not_answer_and_gives_up_when_told_how_long(
    outbox: Outbox,
) -> None:
    outbox.register("opened", "id1", "a/b")
    outbox.register("ended", "id1", "a/b")
    away = Outcome(reached=False, error="It cannot be reached.", waits=True)
    Beside(outbox, Script(away), patience=0.0).run()
    state = outbox.state()
    assert state is not None
    assert (state.contact, state.error, state.waits) == (None, away.error, True)
    assert state.behind.keys() == {"id1"}
    assert not outbox.done()
    Beside(outbox, Script(away, away, Outcome()), patience=60.0).run()
    assert outbox.done().keys() == {"id1"}


def test_it_ends_with_the_folder_that_it_pushes(outbox: Outbox) -> None:
    outbox.register("opened", "id1", "a/b")

    def delete(ids: Collection[str]) -> Outcome:
        shutil.rmtree(outbox.root.root)
        return Outcome(reached=False, error="It cannot be reached.", waits=True)

    push = Script(delete)
    Beside(outbox, push, patience=60.0).run()
    assert len(push.asked) == 1


def test_a_line_that_nobody_finishes_neither_keeps_it_awake_nor_there(outbox: Outbox) -> None:
    outbox.register("opened", "id1", "a/b")
    outbox.register("ended", "id1", "a/b")
    (segment,) = Path(outbox.folder).glob("*.jsonl")
    with open(segment, "ab") as file:
        file.write(b'{"k":"opened"')
    push = Script(Outcome())
    Beside(outbox, push).run()
    assert len(push.asked) == 1
    assert outbox.done().keys() == {"id1"}


def test_a_refusal_ends_it_once_no_program_records(outbox: Outbox) -> None:
    outbox.register("opened", "id1", "a/b")
    outbox.register("ended", "id1", "a/b")
    push = Script(Outcome(error="The token was refused."))
    Beside(outbox, push).run()
    assert len(push.asked) == 1


def test_it_ends_when_the_root_is_removed_and_does_not_make_it_again(outbox: Outbox) -> None:
    outbox.register("opened", "id1", "a/b")

    def remove(ids: Collection[str]) -> Outcome:
        shutil.rmtree(outbox.root.root)
        return Outcome(reached=False, error="It cannot be reached.", waits=True)

    Beside(outbox, Script(remove)).run()
    assert not Path(outbox.root.root).exists()


def test_what_the_server_never_takes_does_not_keep_it_there(outbox: Outbox) -> None:
    for one in ("id1", "id2"):
        outbox.register("opened", one, one)
        outbox.register("ended", one, one)
    Beside(outbox, Script(Outcome(left={"id1": Left(3, "It was deleted there.")}))).run()
    assert outbox.done().keys() == {"id2"}
    state = outbox.state()
    assert state is not None
    assert state.behind["id1"].why


def test_an_experiment_that_goes_on_after_it_was_complete_is_pushed_again(outbox: Outbox) -> None:
    outbox.register("opened", "id1", "a/b")
    outbox.register("ended", "id1", "a/b")
    Beside(outbox, Script(Outcome())).run()
    outbox.register("opened", "id1", "a/b")
    outbox.register("ended", "id1", "a/b")
    push = Script(Outcome())
    Beside(outbox, push).run()
    assert push.asked[0] == (["id1"], [])


def test_the_end_of_a_program_that_was_killed_is_written_down(outbox: Outbox) -> None:
    program = (
        "import sys, time\nfrom anew import Experiment\n"
        "exp = Experiment('a/b', root=sys.argv[1], quiet=True, system_metrics=0)\n"
        + "exp.run.start()\nprint(exp.id, flush=True)\ntime.sleep(600)\n"
    )
    environ = {**os.environ, "ANEW_HEARTBEAT": "0.01", "ANEW_CAPTURE": "off"}
    process = subprocess.Popen(
        [sys.executable, "-c", program, outbox.root.root], stdout=subprocess.PIPE, text=True, env=environ
    )  # fmt: skip
    assert process.stdout is not None
    experiment_id = process.stdout.readline().strip()
    outbox.register("opened", experiment_id, "a/b")
    (path,) = Path(outbox.folder).glob("*.jsonl")
    started = process_started(process.pid)
    path.write_text(
        path.read_text()
        .replace(f'"pid":{os.getpid()}', f'"pid":{process.pid}')
        .replace(f'"started":{process_started(os.getpid())}', f'"started":{started}')
    )

    def kill(ids: Collection[str]) -> Outcome:
        process.kill()
        process.wait()
        return Outcome()

    push = Script(kill, Outcome())
    Beside(outbox, push).run()
    process.stdout.close()
    assert push.asked[0] == ([experiment_id], [experiment_id])
    assert push.asked[-1] == ([experiment_id], [])
    with Store(outbox.root.root) as store:
        assert store.get(experiment_id).status == "failed"


def test_a_program_that_is_to_stop_is_sent_the_signal_of_ctrl_c_once(outbox: Outbox) -> None:
    interrupted: list[int] = []
    before = signal.signal(signal.SIGINT, lambda *_: interrupted.append(1))
    try:
        # Another process signals this one: it never signals itself.
        program = (
            "import sys\nfrom anew.journal.layout import RootLayout\nfrom anew.syncing.outbox import Outbox\n"
            "from anew.syncer.beside import Beside\nfrom anew.syncer.outcome import Asked, Outcome\n"
            "outbox = Outbox(RootLayout(sys.argv[1]), sys.argv[2])\ncount = []\n"
            "def push(ids, live, stop):\n    count.append(1)\n    if len(count) > 3: beside.stop()\n"
            "    return Outcome(stops={'id1': Asked('bob', 5.0)})\n"
            "beside = Beside(outbox, push)\nbeside.run()\n"
        )
        outbox.register("opened", "id1", "a/b")
        subprocess.run([sys.executable, "-c", program, outbox.root.root, SERVER], check=True)
    finally:
        signal.signal(signal.SIGINT, before)
    assert interrupted == [1]


def test_it_ends_soon_when_it_is_told_to(outbox: Outbox) -> None:
    outbox.register("opened", "id1", "a/b")
    beside = Beside(outbox, Script(Outcome()))
    thread = threading.Thread(target=beside.run)
    thread.start()
    beside.stop()
    thread.join(300)
    assert not thread.is_alive()
    assert not outbox.done()


def test_copies_are_freed_only_when_they_have_stayed_long_enough_and_are_complete(
    outbox: Outbox,
) -> None:
    from anew.syncer.freeing import free_copies
    from anew.syncer.standing import copies

    made = {}
    for name, keep in (("short", 0.0), ("long", 3600.0), ("ever", None), ("behind", 0.0)):
        with Experiment(f"a/{name}", root=outbox.root.root, quiet=True, system_metrics=0) as exp:
            exp.log_metric("loss", 1.0)
        made[name] = exp.id
        outbox.register("opened", exp.id, exp.prefix, keep)
        outbox.register("ended", exp.id, exp.prefix, keep)
        outbox.note_done(exp.id, exp.prefix)
    assert {one.prefix for one in copies(outbox)} == {"a/short", "a/long", "a/ever", "a/behind"}
    push = Script(Outcome(left={made["behind"]: Left(3)}))
    assert free_copies(outbox, lambda ids: push(ids, {}, lambda: False)) > 0
    assert push.asked == [(sorted([made["short"], made["behind"]]), [])]
    with Store(outbox.root.root) as store:
        assert sorted(view.prefix for view in store.list()) == ["a/behind", "a/ever", "a/long"]
        assert not store.trash()
        assert not store.doctor()
    assert made["short"] not in {one.id for one in copies(outbox)}
