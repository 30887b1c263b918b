"""What a server does with what clients send, right and wrong."""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from blake3 import blake3

from anew import Store
from anew.errors import NotFound
from anew.journal.edits import append_event
from anew.journal.layout import ExperimentLayout, RootLayout
from anew.journal.root import follow_root
from anew.reading.local.opening import open_folder
from anew.reading.remote.calls import Calls
from anew.record.root import Hint, decode_root
from anew.server.callers import Caller, Grant, Role
from anew.server.intake import settling
from anew.server.intake.folder import FolderIntake
from anew.sync.push import push
from anew.sync.server import Server
from anew.sync.wire import (
    MOST_BYTES,
    Filing,
    FilingRequest,
    Frame,
    Lease,
    LeasesRequest,
    Named,
    NamingRequest,
    ReadRequest,
)
from serving import InProcess, in_process
from sync.recorded import Root, files, segments

HERE = "http://127.0.0.1:5700"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anew.reading.remote.calls._WAITS", (0.0, 0.0, 0.0))
    monkeypatch.setattr(settling, "flush", lambda folder: None)


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return tmp_path / "there"


@pytest.fixture
def transport(there: Path) -> Iterator[InProcess]:
    with in_process(str(there)) as made:
        yield made


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path / "here")


@pytest.fixture
def client(transport: InProcess) -> Server:
    return Server(Calls(transport, HERE), compress=False)


@pytest.fixture
def filed(root: Root, transport: InProcess) -> tuple[str, str]:
    """An experiment that runs and is on the server: its id, and its writer."""
    id, writer = root.open("lab/x/a")
    root.points(id, writer, 3)
    push(root.path, HERE, transport=transport)
    return id, writer


def frame(id: str, name: str, offset: int, data: bytes, **more: Any) -> Frame:
    return Frame(
        id=id, name=name, offset=offset, data=data, check=blake3(data).hexdigest()[:32], **more
    )


def test_a_gap_is_answered_with_the_right_offset(client: Server, filed: Any, there: Path):
    id, writer = filed
    name = f"metrics/{writer}.jsonl"
    size = (there / "lab/x/a" / name).stat().st_size
    (answer,) = client.append([frame(id, name, size + 1, b"x")])
    assert (answer.status, answer.size) == ("gap", size)
    (answer,) = client.append([frame(id, "metrics/0009-main-none.jsonl", 5, b"x")])
    assert (answer.status, answer.size) == ("gap", 0)
    assert not (there / "lab/x/a/metrics/0009-main-none.jsonl").exists()


def test_the_index_hears_of_an_experiment_with_its_first_lines(
    root: Root, client: Server, there: Path
):
    made = [root.open(f"lab/x/{name}") for name in "abc"]
    filed = client.file("", [Filing(id=id, prefix=f"lab/x/{n}") for (id, _), n in zip(made, "abc", strict=True)])  # fmt: skip
    assert [one.status for one in filed] == ["filed"] * 3
    assert _hinted(there) == set()
    names = [f"journal/{writer}.jsonl" for _, writer in made]
    texts = [(root.path / "lab/x" / n / name).read_bytes() for n, name in zip("abc", names, strict=True)]  # fmt: skip
    client.append([frame(id, name, 0, text) for (id, _), name, text in zip(made, names, texts, strict=True)])  # fmt: skip
    assert _hinted(there) == {(id, f"lab/x/{n}") for (id, _), n in zip(made, "abc", strict=True)}


def _hinted(root: Path) -> set[tuple[str, str]]:
    """Of which experiments the root's journal says that there is something to look at."""
    events = [
        line.event
        for chunk in follow_root(RootLayout(str(root)), {})
        for line in decode_root(chunk.data)[0]
    ]
    return {(one.experiment_id, one.prefix) for one in events if isinstance(one, Hint)}


@pytest.mark.parametrize("overlap", [0, 1, 10, 40])
def test_bytes_that_are_there_already_are_compared_and_not_added(
    client: Server, filed: Any, there: Path, overlap: int
):
    id, writer = filed
    path = there / f"lab/x/a/metrics/{writer}.jsonl"
    before = path.read_bytes()
    start = len(before) - overlap
    one = frame(id, f"metrics/{writer}.jsonl", start, before[start:] + b"new\n", before=before[:start][-9:])  # fmt: skip
    for _ in range(2):
        (answer,) = client.append([one])
        assert (answer.status, answer.size) == ("ok", len(before) + 4)
    assert path.read_bytes() == before + b"new\n"


def test_a_damaged_body_changes_nothing(client: Server, filed: Any, there: Path):
    id, writer = filed
    before = segments(there / "lab/x/a")
    good = frame(id, f"metrics/{writer}.jsonl", len(before[f"metrics/{writer}.jsonl"]), b"x" * 99)
    for bad in (
        msgspec.structs.replace(good, data=b"y" + good.data[1:]),
        msgspec.structs.replace(good, coding="zlib"),
        msgspec.structs.replace(good, data=zlib.compress(good.data)[:-3], coding="zlib"),
        msgspec.structs.replace(good, coding="zstd"),
    ):
        assert client.append([bad])[0].status == "damaged"
    assert segments(there / "lab/x/a") == before


@pytest.mark.parametrize("coding", ["zlib", "zstd"])
def test_no_more_is_decompressed_than_a_frame_may_have(client: Server, filed: Any, coding: Any):
    id, writer = filed
    bomb = bytes(64 * MOST_BYTES)
    if coding == "zlib":
        data = zlib.compress(bomb, 9)
    else:
        data = pytest.importorskip("zstandard").ZstdCompressor(level=3).compress(bomb)
    one = Frame(
        id=id, name=f"metrics/{writer}.jsonl", offset=0, data=data, check=blake3(bomb).hexdigest()[:32], coding=coding
    )  # fmt: skip
    assert client.append([one])[0].status == "damaged"


@pytest.mark.parametrize(
    "name",
    [
        "metrics/../../../x.jsonl", "metrics/.jsonl", "journal/a/b.jsonl", "metrics/a.parquet", "x.jsonl", "",
        "/etc/x.jsonl", "journal/..jsonl", "logs/a.jsonl", "metrics/a\n.jsonl", "metrics/a\0.jsonl", "metrics/-a.jsonl",
        "files/x/y", "journal/" + "a" * 300 + ".jsonl", ".anew/root/x.jsonl", "metrics\\a.jsonl",
    ],
)  # fmt: skip
def test_a_segment_has_a_name_of_the_layout_or_is_refused(
    client: Server, filed: Any, there: Path, name: str
):
    before = sorted(str(path) for path in there.rglob("*"))
    assert client.append([frame(filed[0], name, 0, b"x")])[0].status == "refused"
    assert {p for p in map(str, there.rglob("*")) if "lab" in p} == {
        p for p in before if "lab" in p
    }


@pytest.mark.parametrize(
    "path",
    [
        "../x", "files/../../x", "/etc/passwd", "files", "files//x", "journal/0001-main-aaaa.jsonl", "files/x\0y", "x.py",
        "files/./x", "environment/../journal/x", "files/a\\..\\b", "logs/logs-a.jsonl", ".anew/x", "outputs/x", "files/x.part",
    ],
)  # fmt: skip
def test_a_file_lies_where_an_experiment_keeps_files_or_is_refused(
    client: Server, filed: Any, path: str
):
    one = Named(path=path, hash=blake3(b"x").hexdigest(), size=1, data=b"x")
    assert client.name([filed[0]], [[one]])[0][0].status == "refused"


@pytest.mark.parametrize("inside", ["files", "files/docs", "metrics"])
def test_no_link_in_an_experiment_is_followed(
    client: Server, filed: Any, there: Path, tmp_path: Path, inside: str
):
    id, _ = filed
    outside = tmp_path / "outside"
    outside.mkdir()
    at = there / "lab/x/a" / inside
    if at.exists():
        at.rename(tmp_path / "moved")
    at.parent.mkdir(exist_ok=True)
    at.symlink_to(outside)
    one = Named(path="files/docs/x/y.txt", hash=blake3(b"x").hexdigest(), size=1, data=b"x")
    if inside == "metrics":
        assert (
            client.append([frame(id, "metrics/0002-main-bbbb.jsonl", 0, b"x")])[0].status
            == "refused"
        )
    else:
        assert client.name([id], [[one]])[0][0].status == "refused"
    assert not list(outside.iterdir())


@pytest.mark.parametrize(
    "prefix", ["../a", "a/../../b", "/etc/x", ".anew/x", "weights/x", "lab/x/a/files/y", "a//b", ""]
)
def test_an_experiment_is_filed_in_the_store_and_not_among_the_files_of_another(
    client: Server, filed: Any, there: Path, prefix: str
):
    (answer,) = client.file("", [Filing(id="bcdfghjkmnpq", prefix=prefix)])
    assert answer.status == "refused"
    assert [
        path.name for path in there.parent.iterdir() if path.name not in ("here", "there")
    ] == []


def test_a_file_of_another_content_is_kept_beside_the_one_that_is_there(
    client: Server, filed: Any, there: Path
):
    id, _ = filed
    for data, status in ((b"one", "ok"), (b"one", "ok"), (b"two", "diverged")):
        one = Named(path="files/d/i/a.txt", hash=blake3(data).hexdigest(), size=3, data=data)
        assert client.name([id], [[one]])[0][0].status == status
    assert files(there / "lab/x/a") == {"files/d/i/a.txt": b"one"}
    assert [p.read_bytes() for p in (there / ".anew/conflicts" / id).iterdir()] == [b"two"]


def test_a_content_is_verified_before_it_has_a_name(client: Server, filed: Any, there: Path):
    content = blake3(b"x" * 100).hexdigest()
    assert client.piece(content, 100, 0, b"x" * 60).size == 60
    assert client.piece(content, 100, 60, b"y" * 40).status == "damaged"
    one = Named(path="files/d/i/a.txt", hash=content, size=100)
    assert client.name([filed[0]], [[one]])[0][0].status == "missing"
    assert client.arrived(content).size == 0
    assert not files(there / "lab/x/a")


def test_a_full_disk_loses_nothing_that_was_accepted(
    root: Root, transport: InProcess, there: Path, filed: Any, monkeypatch: pytest.MonkeyPatch
):
    id, writer = filed
    root.points(id, writer, 50)
    original = os.pwrite

    def full(fd: int, data: Any, offset: int) -> int:
        if len(data) > 100:
            original(fd, data[:100], offset)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(fd, data, offset)

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="server"):
            push(root.path, HERE, transport=transport)
    assert push(root.path, HERE, transport=transport).complete
    assert segments(there / "lab/x/a") == segments(root.folders[id])


def test_lines_that_arrive_after_the_server_sealed_a_part_are_not_lost(
    root: Root, transport: InProcess, there: Path, tmp_path: Path
):
    id, writer = root.open("lab/x/a")
    root.points(id, writer, 30)
    push(root.path, HERE, transport=transport)
    # The writer seems to have ended there, and the part is sealed, before the rest of it has arrived.
    server = Root(there)
    server.folders[id], server.prefixes[id] = there / "lab/x/a", "lab/x/a"
    append_event(
        RootLayout(str(there)), ExperimentLayout(str(there / "lab/x/a")), id, "closed", status="failed", by="reader", writer=writer
    )  # fmt: skip
    server.seal(id)
    assert (there / f"lab/x/a/metrics/{writer}.parquet").exists()
    root.points(id, writer, 40)
    assert push(root.path, HERE, transport=transport).complete
    with Store(str(root.path)) as here, Store(str(there)) as store:
        assert str(store[id].metrics["loss"].rows()) == str(here[id].metrics["loss"].rows())
        assert len(store[id].metrics["loss"]) == 70


def test_a_part_that_was_sealed_here_takes_the_place_of_its_lines_there(
    root: Root, transport: InProcess, there: Path
):
    id, writer = root.open("lab/x/a")
    root.points(id, writer, 30)
    push(root.path, HERE, transport=transport)
    root.points(id, writer, 30)
    root.close(id, writer)
    root.seal(id)
    assert not (root.folders[id] / f"metrics/{writer}.jsonl").exists()
    told = push(root.path, HERE, transport=transport)
    assert told.complete
    assert not told.conflicts
    with Store(str(root.path)) as here, Store(str(there)) as store:
        assert str(store[id].metrics["loss"].rows()) == str(here[id].metrics["loss"].rows())
        assert len(store[id].metrics["loss"]) == 60


def test_who_may_not_write_in_a_project_is_answered_as_if_nothing_were_there(
    filed: Any, there: Path, client: Server
):
    id, writer = filed
    opened = open_folder(str(there))
    intake = FolderIntake(opened.root)
    bob = Caller.of("bob", [Grant("lab/y", Role.WRITER), Grant("lab/x", Role.REPORTER)])
    try:
        own = Filing(id="bcdfghjkmnpq", prefix="lab/y/mine")
        asked = (own, Filing(id=id, prefix="lab/y/a"), Filing(id="cdfghjkmnpqr", prefix="lab/x/b"))
        answers = intake.file(bob, FilingRequest(root_id="", filings=asked))
        assert [one.status for one in answers] == ["filed", "refused", "refused"]
        assert answers[1].reason == answers[2].reason
        name = f"metrics/{writer}.jsonl"
        for unknown in (id, "no such"):
            (answer,) = intake.append(bob, (frame(unknown, name, 0, b"x"),))
            assert answer.status == "unknown"
            (renewed,) = intake.lease(bob, LeasesRequest((Lease(id=unknown, writers=(writer,)),)))
            assert renewed.status == "unknown"
            with pytest.raises(NotFound):
                intake.read(bob, ReadRequest(id=unknown, name=name))
        # The hash of what others have sent does not give their content.
        data = b"secret" * 20
        theirs = Named(
            path="files/d/i/a.txt", hash=blake3(data).hexdigest(), size=len(data), data=data
        )
        assert client.name([id], [[theirs]])[0][0].status == "ok"
        mine = msgspec.structs.replace(theirs, data=None)
        asked_names = NamingRequest(ids=(own.id,), names=((mine,),))
        assert intake.name(bob, asked_names)[0][0].status == "missing"
    finally:
        intake.close()
        opened.close()


def test_signs_of_life_count_by_the_clock_of_the_server(client: Server, filed: Any, there: Path):
    id, writer = filed
    path = there / f"lab/x/a/journal/{writer}.jsonl"
    os.utime(path, (1, 1))
    before = path.read_bytes()
    (answer,) = client.lease([Lease(id=id, writers=(writer, "../../x", "no such"))])
    assert answer.status == "ok"
    assert answer.stop is None
    assert path.stat().st_mtime > 1_000_000
    assert path.read_bytes() == before
    assert client.lease([Lease(id="unknown", writers=(writer,))])[0].status == "unknown"


def test_the_answer_to_a_sign_of_life_tells_who_asked_to_stop(
    client: Server, filed: Any, there: Path, root: Root, transport: InProcess
):
    id, writer = filed
    asked = {"by": "bob", "why": "enough"}
    append_event(
        RootLayout(str(there)), ExperimentLayout(str(there / "lab/x/a")), id, "captured", what="stop", data=asked
    )  # fmt: skip
    stop = client.lease([Lease(id=id, writers=(writer,))])[0].stop
    assert stop is not None
    assert (stop.by, stop.why) == ("bob", "enough")
    # A later opening was not meant.
    _, later = root.open("lab/x/a", id=id)
    push(root.path, HERE, transport=transport)
    assert client.lease([Lease(id=id, writers=(later,))])[0].stop is None
