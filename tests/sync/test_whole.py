"""Small experiments that are new go whole, in one request for many; what cannot be taken so goes piece by piece."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from anew import Store
from anew.journal.residents import FolderJournals
from anew.server.intake.frames import Frames
from anew.sync import passing, whole
from anew.sync.files import FileSender
from anew.sync.listing import list_segments
from anew.sync.local import Local, find
from anew.sync.push import push
from anew.sync.server import Server
from serving import Answer, InProcess, in_process
from sync.recorded import Root, files, segments

HERE = "http://127.0.0.1:5700"


class Counting:
    """A transport that counts the requests of each route."""

    def __init__(self, inner: InProcess) -> None:
        self.inner = inner
        self.asked: Counter[str] = Counter()

    def send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, *, timeout: float, afresh: bool = False
    ) -> Answer:  # fmt: skip
        self.asked[path.removeprefix("/api/v1/")] += 1
        return self.inner.send(method, path, headers, body)

    def close(self) -> None:
        pass


@pytest.fixture
def server(there: Path) -> Iterator[Counting]:
    with in_process(str(there)) as transport:
        yield Counting(transport)


def alike(root: Root, there: Path) -> None:
    for id, prefix in root.prefixes.items():
        assert segments(there / prefix) == segments(root.folders[id])
        assert files(there / prefix) == files(root.folders[id])


def test_many_small_experiments_are_sent_in_one_request(root: Root, server: Counting, there: Path):
    for number in range(30):
        root.made(f"lab/x/run{number}")
    told = push(root.path, HERE, transport=server)
    assert server.asked == {"upload": 1, "upload/experiments": 1, "upload/settle": 1}
    assert (told.sent, told.files, told.complete) == (30, 30, True)
    assert told.bytes == sum(len(d) for f in root.folders.values() for d in segments(f).values())
    alike(root, there)
    with Store(str(there)) as store:
        assert {view.status for view in store.list()} == {"completed"}
    assert push(root.path, HERE, transport=server).sent == 0


def test_a_request_has_so_many_small_experiments_as_it_has_room_for(
    root: Root, server: Counting, there: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(passing, "_REQUEST", 1500)
    for number in range(12):
        root.made(f"lab/x/run{number}")
    assert push(root.path, HERE, transport=server).complete
    assert server.asked["upload/experiments"] > 3
    alike(root, there)


def test_what_was_written_meanwhile_follows_piece_by_piece(
    root: Root, server: Counting, there: Path
):
    id, writer = root.open("lab/x/a")
    root.points(id, writer, 3)
    push(root.path, HERE, transport=server)
    root.points(id, writer, 4)
    root.close(id, writer)
    push(root.path, HERE, transport=server)
    assert server.asked["upload/segments"] == 2  # the line that ends it goes last
    alike(root, there)


def test_an_experiment_of_which_the_end_was_not_taken_is_not_shown_and_arrives_later(
    root: Root, server: Counting, there: Path, monkeypatch: pytest.MonkeyPatch
):
    root.made("lab/x/a")
    append = Frames.append

    def full(self: Frames, home: object, frame: object) -> object:
        if frame.name.startswith("journal/"):  # type: ignore[attr-defined]
            raise OSError(28, os.strerror(28))
        return append(self, home, frame)  # type: ignore[arg-type]

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(Frames, "append", full)
        push(root.path, HERE, transport=server)
    assert list((there / "lab/x/a/metrics").iterdir())
    with Store(str(there)) as store:
        assert len(store.list()) == 0
    assert push(root.path, HERE, transport=server).complete
    alike(root, there)


def test_what_cannot_be_taken_of_one_is_told_and_the_others_are_taken(
    root: Root, server: Counting, there: Path, tmp_path: Path
):
    ids = [root.made(f"lab/x/{name}") for name in "abc"]
    (there / "lab/x/b/journal").mkdir(parents=True)
    (there / "lab/x/b/metadata.json").write_text(f'{{"experiment_id": "{ids[1]}"}}')
    (there / "lab/x/b/files").symlink_to(tmp_path)
    told = push(root.path, HERE, transport=server)
    assert set(told.refused) == {ids[1]}
    for name, id in (("a", ids[0]), ("c", ids[2])):
        assert files(there / "lab/x" / name) == files(root.folders[id])
    assert not list(tmp_path.glob("docs"))


def test_the_document_of_another_experiment_is_not_taken(root: Root, server: Counting, there: Path):
    id = root.made("lab/x/a")
    (root.folders[id] / "metadata.json").write_text('{"experiment_id": "another"}')
    told = push(root.path, HERE, transport=server)
    assert set(told.refused) == {id}
    assert id in (there / "lab/x/a/metadata.json").read_text()


def found(root: Root) -> Local:
    (one,) = find(root.layout, FolderJournals(root.layout), {})
    return one


@pytest.mark.parametrize("change", ["", "large segment", "large file", "sealed", "shorter"])
def test_what_is_large_or_sealed_or_changes_is_no_parcel(
    root: Root, monkeypatch: pytest.MonkeyPatch, change: str
):
    class Nowhere:
        where = ""

    id = root.made("lab/x/a", points=200)
    server = Server(Nowhere(), compress=False)  # type: ignore[arg-type]
    sender = FileSender(server)
    listed = list_segments(found(root).storage)
    if change == "large segment":
        monkeypatch.setattr(whole, "_MOST", sum(one.size for one in listed) - 1)
    elif change == "large file":
        root.file(id, "0001-main-none", "b.bin", bytes(70 << 10))
        listed = list_segments(found(root).storage)
    elif change == "sealed":
        root.seal(id)
        listed = list_segments(found(root).storage)
    elif change == "shorter":
        listed = [one._replace(size=one.size + 1) for one in listed]
    parcel = whole.packed(found(root), listed, sender, server)
    if change:
        assert parcel is None
        return
    assert parcel is not None
    assert {one.name: one.data for one in parcel.whole.frames} == segments(root.folders[id])
    assert parcel.bytes == sum(len(one.data) for one in parcel.whole.frames)
    assert [one.data for one in parcel.whole.names] == list(files(root.folders[id]).values())
