"""What is recorded here is there after a push: each byte once, whatever is lost on the way."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from blake3 import blake3
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from anew import Experiment, Store
from anew.errors import InvalidSetting, StillRunning, UnknownFormat
from anew.query.edits import AppendQuestion
from anew.reading.remote.calls import Calls
from anew.reading.wire import decode, encode
from anew.record.edits import DeleteEdit, TagsEdit
from anew.record.events import FORMAT_VERSION
from anew.server.access import Access
from anew.server.app import make_app
from anew.sync.push import Pushed, push
from anew.sync.server import Server
from anew.sync.wire import Named, Welcome
from serving import Answer, InProcess, in_process, over_a_socket, place_of
from sync.recorded import Root, Unreliable, files, segments

HERE = "http://127.0.0.1:5700"


@pytest.fixture
def server(there: Path) -> Iterator[InProcess]:
    with in_process(str(there)) as transport:
        yield transport


def sent(root: Root, transport: Any, **more: Any) -> Pushed:
    return push(root.path, HERE, transport=transport, **more)


class Syncing(RuleBasedStateMachine):
    """Programs write, people edit on both sides, connections break, the server starts again or is restored from a backup."""

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        import tempfile

        self.patch = pytest.MonkeyPatch()
        if seed % 2:  # everything goes piece by piece, however small it is
            self.patch.setattr("anew.sync.whole._MOST", 0)
        self.folder = Path(tempfile.mkdtemp(prefix="anew-sync-"))
        self.random = random.Random(seed)
        self.root = Root(self.folder / "here", seed % 1000)
        self.there = self.folder / "there"
        self.there.mkdir()
        self.ids: list[str] = []
        self.open_writers: list[tuple[str, str]] = []
        self.tags: dict[str, set[str]] = {}
        self.deleted: set[str] = set()
        self.backup: Path | None = None
        self.lost: set[tuple[str, str]] = set()
        self._start()

    def _start(self) -> None:
        self.place = place_of(str(self.there))
        self.server = InProcess(make_app(self.place, Access("tester")))

    def _stop(self) -> None:
        self.server.close()
        self.place.close()

    @rule(prefix=st.sampled_from(["lab/x/a", "lab/x/b", "c"]))
    def open(self, prefix: str) -> None:
        if (self.root.path / prefix).exists():
            prefix = f"{prefix}{len(self.ids)}"
        id, writer = self.root.open(prefix)
        self.ids.append(id)
        self.tags[id] = set()
        self.open_writers.append((id, writer))

    @precondition(lambda self: self.ids)
    @rule(data=st.data())
    def join(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(self.ids))
        self.open_writers.append(self.root.open(self.root.prefixes[id], id=id, role="rank"))

    @precondition(lambda self: self.open_writers)
    @rule(data=st.data(), count=st.integers(1, 30))
    def log(self, data: st.DataObject, count: int) -> None:
        id, writer = data.draw(st.sampled_from(self.open_writers))
        self.root.points(id, writer, count)
        self.root.append(id, f"logs/train-{writer}.log", b"step\n" * count + b"half a li")

    @precondition(lambda self: self.open_writers)
    @rule(data=st.data(), content=st.binary(max_size=200))
    def save(self, data: st.DataObject, content: bytes) -> None:
        id, writer = data.draw(st.sampled_from(self.open_writers))
        self.root.file(id, writer, "a.bin", content)

    @precondition(lambda self: self.open_writers)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.open_writers))
        self.open_writers.remove(one)
        self.root.close(*one)

    @precondition(lambda self: self.ids)
    @rule(data=st.data())
    def seal(self, data: st.DataObject) -> None:
        self.root.seal(data.draw(st.sampled_from(self.ids)))

    @precondition(lambda self: self.ids)
    @rule(data=st.data())
    def edit_here(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(self.ids))
        tag = f"here{len(self.tags[id])}"
        self.root.edit(id, tag)
        self.tags[id].add(tag)

    @precondition(lambda self: self.ids)
    @rule(data=st.data())
    def edit_there(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(self.ids))
        backend = self.place._backend
        with Store(str(self.there)) as store:
            known = {view.id for view in store.list()}
        if id in known:
            tag = f"there{len(self.tags[id])}"
            backend.append(AppendQuestion((TagsEdit(id=id, add={tag: None}),)))
            self.tags[id].add(tag)
            self.lost.discard((id, tag))

    @precondition(lambda self: len(self.ids) > 2 and len(self.deleted) < 2)
    @rule(data=st.data())
    def delete_there(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(self.ids))
        with Store(str(self.there)) as store:
            known = {view.id for view in store.list()}
        if id in known:
            try:
                self.place._backend.append(AppendQuestion((DeleteEdit(id=id),)))
            except StillRunning:
                return
            self.deleted.add(id)

    @rule()
    def start_again(self) -> None:
        self._stop()
        self._start()

    @precondition(lambda self: not self.deleted)
    @rule()
    def back_up(self) -> None:
        self.backup = self.folder / f"backup{self.random.random()}"
        if self.there.exists():
            shutil.copytree(self.there, self.backup, symlinks=True)
        else:
            self.backup.mkdir()
        self.saved = {id: set(tags) for id, tags in self.tags.items()}

    @precondition(lambda self: self.backup is not None and not self.deleted)
    @rule()
    def restore(self) -> None:
        self._stop()
        shutil.rmtree(self.there, ignore_errors=True)
        shutil.copytree(self.backup, self.there, symlinks=True)
        # What was edited there since is lost, unless it had come back here.
        for id, tags in self.tags.items():
            for tag in tags - self.saved.get(id, set()):
                if tag.startswith("there"):
                    self.lost.add((id, tag))
        self._start()

    @precondition(lambda self: self.ids)
    @rule(rate=st.sampled_from([0.2, 0.5, 0.9]))
    def push_with_losses(self, rate: float) -> None:
        try:
            sent(self.root, Unreliable(self.server, self.random, rate))
        except OSError:
            pass

    @precondition(lambda self: self.ids)
    @rule()
    def push_and_compare(self) -> None:
        told = sent(self.root, self.server)
        assert (told.behind, told.refused, told.conflicts) == ({}, {}, {})
        assert set(told.deleted) == self.deleted
        with Store(str(self.root.path)) as here, Store(str(self.there)) as there:
            views = {view.id: view for view in there.list()}
            assert set(views) == set(self.ids) - self.deleted
            for mine in here.list():
                if mine.id in self.deleted:
                    continue
                self.same(mine, views[mine.id])

    def same(self, mine: Any, theirs: Any) -> None:
        a, b = segments(Path(mine.path)), segments(Path(theirs.path))
        for name in a.keys() | b.keys():
            if name in a and name in b and not name.endswith(".parquet"):
                assert a[name] == b[name], name
            else:  # one side has sealed it
                stem = name.rpartition(".")[0]
                assert name.startswith("metrics/"), name
                assert any(n.startswith(stem) for n in a)
                assert any(n.startswith(stem) for n in b)
        assert files(Path(mine.path)) == files(Path(theirs.path))
        assert mine.status == theirs.status
        assert mine.params == theirs.params
        mine_tags, tags = set(mine.tags), set(theirs.tags)
        wanted = {t for t in self.tags[mine.id] if (mine.id, t) not in self.lost}
        assert mine_tags == tags
        assert wanted <= tags
        if "loss" in mine.metrics:
            assert str(mine.metrics["loss"].rows()) == str(theirs.metrics["loss"].rows())

    def teardown(self) -> None:
        if hasattr(self, "server"):
            try:
                if self.ids:
                    self.push_and_compare()
            finally:
                self._stop()
                self.patch.undo()
                shutil.rmtree(self.folder, ignore_errors=True)


class TestSyncing(Syncing.TestCase):
    settings = settings(
        max_examples=10, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
    )  # fmt: skip


@pytest.mark.slow
class TestSyncingLong(Syncing.TestCase):
    settings = settings(
        max_examples=150, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
    )  # fmt: skip


# -- one promise at a time -------------------------------------------------------------------------


def test_a_second_pass_over_what_has_not_changed_sends_nothing(root: Root, server: InProcess):
    root.made("lab/x/a")
    first, second = sent(root, server), sent(root, server)
    assert (first.sent, second.sent, second.bytes, second.files) == (1, 0, 0, 0)


def test_what_is_remembered_of_a_server_may_be_thrown_away(
    root: Root, server: InProcess, there: Path
):
    id = root.made("lab/x/a")
    sent(root, server)
    shutil.rmtree(root.layout.sync)
    told = sent(root, server)
    assert told.complete
    assert not told.conflicts
    assert told.bytes == 0
    assert segments(there / "lab/x/a") == segments(root.folders[id])


def test_two_machines_that_used_one_prefix_apart_have_two_experiments(
    tmp_path: Path, server: InProcess, there: Path
):
    one, two = Root(tmp_path / "one", 1), Root(tmp_path / "two", 2)
    first, second = one.made("lab/x/a"), two.made("lab/x/a")
    assert sent(one, server).filed == {}
    assert sent(two, server).filed == {second: "lab/x/a~2"}
    assert segments(there / "lab/x/a") == segments(one.folders[first])
    assert segments(there / "lab/x/a~2") == segments(two.folders[second])


def test_machines_without_a_common_disk_fill_one_experiment(
    tmp_path: Path, server: InProcess, there: Path
):
    one, two = Root(tmp_path / "one", 1), Root(tmp_path / "two", 2)
    id, lead = one.open("lab/x/a")
    _, rank = two.open("lab/x/a", id=id, role="rank", writer="0002-rank1-bbbb")
    one.points(id, lead, 5)
    two.points(id, rank, 7)
    for each in (one, two, one):
        assert sent(each, server).complete
    found = segments(there / "lab/x/a")
    assert found == segments(one.folders[id]) | segments(two.folders[id])


def test_other_bytes_for_a_place_are_kept_beside_and_overwrite_nothing(
    root: Root, server: InProcess, there: Path, tmp_path: Path
):
    id, writer = root.open("lab/x/a")
    root.points(id, writer, 3)
    sent(root, server)
    before = segments(there / "lab/x/a")
    path = root.folders[id] / f"metrics/{writer}.jsonl"
    other = path.read_bytes().replace(b'"s":2', b'"s":9') + b'{"t":1,"m":{"loss":1}}\n'
    path.write_bytes(other)
    told = sent(root, server)
    assert told.conflicts == {id: (f"metrics/{writer}.jsonl",)}
    assert segments(there / "lab/x/a") == before
    with Store(str(there)) as store:
        assert [(one.kind, one.prefix) for one in store.doctor()] == [("conflict", "lab/x/a")]
    kept = list((there / ".anew/conflicts" / id).iterdir())
    assert kept
    assert all(one.read_bytes() in other for one in kept)


def test_what_a_client_says_of_another_experiment_is_not_taken(
    root: Root, server: InProcess, there: Path, tmp_path: Path
):
    victim, id = root.made("lab/x/victim"), root.made("lab/y/mine")
    sent(root, server)
    client = Server(Calls(server, HERE), compress=False)
    (forged,) = (path.read_bytes() for path in (root.folders[victim] / "journal").iterdir())
    edit = b'{"k":"tags","t":1,"add":{"bad":null}}\n'
    frames = [
        client.frame(id, "journal/0002-main-zzzz.jsonl", 0, forged, b"", beside=False),
        client.frame(id, "journal/0003-main-zzzz.jsonl", 0, forged[:50], b"", beside=False),
        client.frame(id, f"journal/edit-{victim}-host-00.jsonl", 0, edit, b"", beside=False),
    ]
    assert {one.status for one in client.append(frames)} == {"refused"}
    about = f'{{"experiment_id":"{victim}"}}'.encode()
    named = Named(path="metadata.json", hash=blake3(about).hexdigest(), size=len(about), data=about)
    assert client.name([id], [[named]])[0][0].status == "refused"
    with Store(str(there)) as store:
        assert {view.id: view.prefix for view in store.list()} == {
            victim: "lab/x/victim",
            id: "lab/y/mine",
        }
        assert not store[victim].tags


def test_a_copy_that_went_on_as_an_experiment_of_its_own_arrives_whole(
    root: Root, server: InProcess, there: Path
):
    original = root.made("lab/x/a")
    copy = root.path / "lab/x/copy"
    shutil.copytree(root.folders[original], copy)
    (writer,) = (path.stem for path in (copy / "journal").iterdir())
    size = (copy / f"journal/{writer}.jsonl").stat().st_size
    root.folders["bcdfghjkmnpq"] = copy
    opened = (copy / f"journal/{writer}.jsonl").read_bytes().partition(b"\n")[0]
    forked = opened.replace(original.encode(), b"bcdfghjkmnpq").replace(b"lab/x/a", b"lab/x/copy")
    forked = forked[:-1] + f',"fork_of":"{original}","after":{{"{writer}":{size}}}}}\n'.encode()
    root.append("bcdfghjkmnpq", "journal/0002-main-cccc.jsonl", forked)
    told = sent(root, server)
    assert told.complete
    assert not told.refused
    assert segments(there / "lab/x/copy") == segments(copy)
    with Store(str(there)) as store:
        assert store["lab/x/copy"].id == "bcdfghjkmnpq"
        assert store["lab/x/a"].id == original


def test_what_was_deleted_there_stays_deleted_and_here_it_stays(
    root: Root, server: InProcess, there: Path
):
    id = root.made("lab/x/a")
    sent(root, server)
    with Store(str(there)) as store:
        store[id].delete()
    root.edit(id, "late")
    assert sent(root, server).deleted == (id,)
    with Store(str(there)) as store:
        assert not list(store.list())
    assert root.folders[id].exists()


def test_the_folder_of_the_server_itself_is_refused(root: Root):
    root.made("lab/x/a")
    with in_process(str(root.path)) as server, pytest.raises(InvalidSetting):
        sent(root, server)


def test_views_and_versions_travel_once_and_deletions_here_do_not(
    root: Root, server: InProcess, there: Path
):
    id = root.made("lab/x/a")
    with Store(str(root.path)) as here:
        here.set_document("view", "best", {"sort": "loss"})
    for _ in range(2):
        sent(root, server)
    with Store(str(root.path)) as here:
        here[id].delete()
    sent(root, server)
    with Store(str(there)) as store:
        assert [one.name for one in store.documents("view")] == ["best"]
        assert [view.id for view in store.list()] == [id]


def test_a_large_file_goes_on_where_it_was_broken_off(
    root: Root, server: InProcess, there: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("anew.sync.files._PIECE", 1 << 16)
    id, writer = root.open("lab/x/a")
    data = random.Random(3).randbytes(1 << 20)
    root.file(id, writer, "big.bin", data)
    pieces = []
    original = server.send

    def broken(method: str, path: str, headers: Any, body: bytes, **more: Any) -> Any:
        if path.endswith("/pieces"):
            pieces.append(len(body))
            if len(pieces) == 9:
                raise TimeoutError
        return original(method, path, headers, body, **more)

    monkeypatch.setattr(server, "send", broken)
    with pytest.raises(TimeoutError):
        sent(root, server)
    assert sent(root, server).complete
    assert len(pieces) == 17
    assert files(there / "lab/x/a") == files(root.folders[id])


def test_a_real_experiment_arrives_over_a_socket(tmp_path: Path, there: Path):
    root = tmp_path / "here"
    with Experiment(
        "lab/x/real", root=str(root), quiet=True, system_metrics=0, params={"lr": 0.1}
    ) as exp:
        for step in range(100):
            exp.log_metrics({"loss": 1 / (step + 1)}, step=step)
        exp.log("half way")
    with over_a_socket(str(there)) as url:
        assert push(root, url).complete
    with Store(str(root)) as here, Store(str(there)) as store:
        mine, theirs = here["lab/x/real"], store["lab/x/real"]
        assert (mine.id, mine.status, mine.params) == (theirs.id, theirs.status, theirs.params)
        assert mine.metrics["loss"].rows() == theirs.metrics["loss"].rows()
    assert segments(there / "lab/x/real") == segments(root / "lab/x/real")


def test_points_do_not_wait_for_large_files(
    root: Root, server: InProcess, there: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("anew.sync.files._PIECE", 1 << 16)
    monkeypatch.setattr("anew.sync.passing._MEANWHILE", 0.0)
    id, writer = root.open("lab/x/a")
    root.file(id, writer, "big.bin", random.Random(3).randbytes(1 << 19))
    original = server.send
    seen: list[tuple[bool, bool]] = []

    def logging(method: str, path: str, headers: Any, body: bytes, **more: Any) -> Any:
        answer = original(method, path, headers, body, **more)
        if path.endswith("/pieces"):
            arrived = segments(there / "lab/x/a") == segments(root.folders[id])
            seen.append((arrived, bool(files(there / "lab/x/a"))))
            root.points(id, writer, 5)
        return answer

    monkeypatch.setattr(server, "send", logging)
    assert sent(root, server).complete
    assert seen[2:] == [(True, False)] * (len(seen) - 2)
    assert files(there / "lab/x/a") == files(root.folders[id])


def test_a_writer_has_ended_there_only_when_all_of_its_files_are_there(
    root: Root, server: InProcess, there: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("anew.sync.files._PIECE", 1 << 16)
    id, writer = root.open("lab/x/a")
    root.file(id, writer, "big.bin", random.Random(3).randbytes(1 << 18))
    root.close(id, writer)
    original = server.send

    def cut(method: str, path: str, headers: Any, body: bytes, **more: Any) -> Any:
        if path.endswith("/pieces"):
            raise TimeoutError
        return original(method, path, headers, body, **more)

    with monkeypatch.context() as patched:
        patched.setattr(server, "send", cut)
        with pytest.raises(TimeoutError):
            sent(root, server)
    with Store(str(there)) as store:
        assert store[id].status == "running"
    assert sent(root, server).complete
    with Store(str(there)) as store:
        assert store[id].status == "completed"


def test_a_file_that_is_saved_while_a_large_one_is_sent_is_sent_too(
    root: Root, server: InProcess, there: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("anew.sync.files._PIECE", 1 << 16)
    monkeypatch.setattr("anew.sync.passing._MEANWHILE", 0.0)
    id, writer = root.open("lab/x/a")
    root.file(id, writer, "big.bin", random.Random(3).randbytes(1 << 19))
    original = server.send
    saved: list[bool] = []

    def logging(method: str, path: str, headers: Any, body: bytes, **more: Any) -> Any:
        if path.endswith("/pieces") and not saved:
            saved.append(True)
            root.file(id, writer, "small.bin", b"small")
            root.close(id, writer)
        return original(method, path, headers, body, **more)

    monkeypatch.setattr(server, "send", logging)
    assert not sent(root, server).complete
    assert sent(root, server).complete
    assert files(there / "lab/x/a") == files(root.folders[id])


def test_what_was_edited_on_both_sides_is_kept_on_both_and_shown_as_a_conflict(
    root: Root, server: InProcess, there: Path
):
    one = root.made("lab/x/a")
    sent(root, server)
    with Store(str(root.path)) as here, Store(str(there)) as store:
        assert store.get(one).contested == {}
        store.note(one, "made there")
        here.note(one, "made here")
    sent(root, server)
    sent(root, server)
    with Store(str(root.path)) as here, Store(str(there)) as store:
        views = here.get(one), store.get(one)
        assert {view.notes for view in views} == {"made here"}
        assert [view.contested for view in views] == [{"notes": "made there"}] * 2
        store.note(one, "settled")
    sent(root, server)
    with Store(str(root.path)) as here:
        assert (here.get(one).notes, here.get(one).contested) == ("settled", {})


class OfAnotherVersion:
    """A server that speaks of itself as of an older or a newer version, and counts what it is sent."""

    def __init__(self, inner: InProcess, **says: Any) -> None:
        self.inner = inner
        self.says = says
        self.asked: list[str] = []

    def send(self, method: str, path: str, *given: Any, **more: Any) -> Any:
        self.asked.append(path)
        answer = self.inner.send(method, path, *given, **more)
        if path.endswith("/upload"):
            told = msgspec.structs.replace(decode(answer.body, Welcome), **self.says)
            changed = Answer(encode(told))
            changed.status, changed.headers = answer.status, answer.headers
            return changed
        return answer

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    "says",
    [{"protocol": 0, "oldest": 0}, {"protocol": 9, "oldest": 9}, {"format": FORMAT_VERSION - 1}],
    ids=["older server", "older client", "older format"],
)
def test_versions_that_are_too_far_apart_send_nothing_and_say_so_until_one_is_updated(
    root: Root, server: InProcess, there: Path, says: dict[str, int]
):
    root.made("lab/x/a")
    other = OfAnotherVersion(server, **says)
    with pytest.raises(UnknownFormat):
        sent(root, other)
    assert [path for path in other.asked if not path.endswith("/upload")] == []
    assert not (there / "lab").exists()
    assert sent(root, server).complete  # it was updated


def test_a_server_that_is_newer_but_still_understands_is_sent_everything(
    root: Root, server: InProcess, there: Path
):
    one = root.made("lab/x/a")
    newer = OfAnotherVersion(server, protocol=9, oldest=1, format=FORMAT_VERSION + 1)
    assert sent(root, newer).complete
    assert segments(root.folders[one]) == segments(there / "lab/x/a")


def test_what_was_sent_before_the_jobs_disk_went_stays_and_is_shown_as_vanished(
    root: Root, server: InProcess, there: Path
):
    id, writer = root.open("lab/x/a", heartbeat=5.0)
    root.points(id, writer, 30)
    root.file(id, writer, "a.bin", b"kept")
    sent(root, server)
    kept = segments(there / "lab/x/a")
    shutil.rmtree(root.path)
    gone = sent(root, server)
    assert (gone.looked, gone.deleted, gone.behind) == (0, (), {})
    assert segments(there / "lab/x/a") == kept
    assert not root.path.exists()
    for path in (there / "lab/x/a").rglob("*"):  # a minute of silence later
        os.utime(path, (1.0, 1.0), follow_symlinks=False)
    with Store(str(there)) as store:
        view = store.get(id)
        assert str(view.status) == "failed"
        assert view.metrics["loss"].count == 30
