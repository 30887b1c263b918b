"""What a server does with what clients send, right and wrong, whether it serves a folder or a group's stores."""

from __future__ import annotations

import functools
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from blake3 import blake3

from anew.errors import NotFound
from anew.reading.remote.calls import Calls
from anew.server.callers import Caller, Grant, Role
from anew.server.intake import settling
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
from server.intake.places import FolderThere, GroupThere, There
from serving import InProcess
from sync.recorded import Root

HERE = "http://127.0.0.1:5700"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anew.reading.remote.calls._WAITS", (0.0, 0.0, 0.0))
    monkeypatch.setattr(settling, "flush", lambda folder: None)


@pytest.fixture(params=["folder", "group"])
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[There]:
    if request.param == "folder":
        made: There = FolderThere(tmp_path / "there")
    else:
        make_group_database: Callable[[], str] = request.getfixturevalue("make_group_database")
        made = GroupThere(tmp_path / "there", make_group_database())
    yield made
    made.close()


@pytest.fixture
def transport(there: There) -> InProcess:
    return there.transport


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


def test_a_gap_is_answered_with_the_right_offset(client: Server, filed: Any, there: There):
    id, writer = filed
    name = f"metrics/{writer}.jsonl"
    size = len(there.segments(id)[name])
    (answer,) = client.append([frame(id, name, size + 1, b"x")])
    assert (answer.status, answer.size) == ("gap", size)
    (answer,) = client.append([frame(id, "metrics/0009-main-none.jsonl", 5, b"x")])
    assert (answer.status, answer.size) == ("gap", 0)
    assert "metrics/0009-main-none.jsonl" not in there.segments(id)


@pytest.mark.parametrize("overlap", [0, 1, 10, 40])
def test_bytes_that_are_there_already_are_compared_and_not_added(
    client: Server, filed: Any, there: There, overlap: int
):
    id, writer = filed
    before = there.segments(id)[f"metrics/{writer}.jsonl"]
    start = len(before) - overlap
    one = frame(id, f"metrics/{writer}.jsonl", start, before[start:] + b"new\n", before=before[:start][-9:])  # fmt: skip
    for _ in range(2):
        (answer,) = client.append([one])
        assert (answer.status, answer.size) == ("ok", len(before) + 4)
    assert there.segments(id)[f"metrics/{writer}.jsonl"] == before + b"new\n"


def test_a_damaged_body_changes_nothing(client: Server, filed: Any, there: There):
    id, writer = filed
    before = there.segments(id)
    good = frame(id, f"metrics/{writer}.jsonl", len(before[f"metrics/{writer}.jsonl"]), b"x" * 99)
    for bad in (
        msgspec.structs.replace(good, data=b"y" + good.data[1:]),
        msgspec.structs.replace(good, coding="zlib"),
        msgspec.structs.replace(good, data=zlib.compress(good.data)[:-3], coding="zlib"),
        msgspec.structs.replace(good, coding="zstd"),
    ):
        assert client.append([bad])[0].status == "damaged"
    assert there.segments(id) == before


@functools.cache
def bomb(coding: Any) -> tuple[bytes, str]:
    """More than a frame may have, compressed, and the hash of it: unpacked whole, it would be taken in."""
    whole = bytes(4 * MOST_BYTES)
    if coding == "zlib":
        data = zlib.compress(whole, 9)
    else:
        data = pytest.importorskip("zstandard").ZstdCompressor(level=3).compress(whole)
    return data, blake3(whole).hexdigest()[:32]


@pytest.mark.parametrize("coding", ["zlib", "zstd"])
def test_no_more_is_decompressed_than_a_frame_may_have(client: Server, filed: Any, coding: Any):
    id, writer = filed
    data, check = bomb(coding)
    one = Frame(id=id, name=f"metrics/{writer}.jsonl", offset=0, data=data, check=check, coding=coding)  # fmt: skip
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
    client: Server, filed: Any, there: There, name: str
):
    before = there.segments(filed[0])
    assert client.append([frame(filed[0], name, 0, b"x")])[0].status == "refused"
    assert there.segments(filed[0]) == before


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


@pytest.mark.parametrize(
    "prefix", ["../a", "a/../../b", "/etc/x", ".anew/x", "weights/x", "lab/x/a/files/y", "a//b", ""]
)
def test_an_experiment_is_filed_in_the_store_and_not_among_the_files_of_another(
    client: Server, filed: Any, tmp_path: Path, prefix: str
):
    (answer,) = client.file("", [Filing(id="bcdfghjkmnpq", prefix=prefix)])
    assert answer.status == "refused"
    assert {path.name for path in tmp_path.iterdir()} <= {"here", "there"}


def test_a_file_of_another_content_is_kept_beside_the_one_that_is_there(
    client: Server, filed: Any, there: There
):
    id, _ = filed
    for data, status in ((b"one", "ok"), (b"one", "ok"), (b"two", "diverged")):
        one = Named(path="files/d/i/a.txt", hash=blake3(data).hexdigest(), size=3, data=data)
        assert client.name([id], [[one]])[0][0].status == status
    assert there.files(id) == {"files/d/i/a.txt": b"one"}
    assert there.beside(id) == [b"two"]


def test_a_content_is_verified_before_it_has_a_name(client: Server, filed: Any, there: There):
    content = blake3(b"x" * 100).hexdigest()
    assert client.piece(content, 100, 0, b"x" * 60).size == 60
    assert client.piece(content, 100, 60, b"y" * 40).status == "damaged"
    one = Named(path="files/d/i/a.txt", hash=content, size=100)
    assert client.name([filed[0]], [[one]])[0][0].status == "missing"
    assert client.arrived(content).size == 0
    assert not there.files(filed[0])


def test_a_part_that_was_sealed_here_takes_the_place_of_its_lines_there(
    root: Root, transport: InProcess, there: There, client: Server
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
    assert f"metrics/{writer}.jsonl" not in there.segments(id)
    part = (root.folders[id] / f"metrics/{writer}.parquet").read_bytes()
    assert there.segments(id)[f"metrics/{writer}.parquet"] == part
    assert push(root.path, HERE, transport=transport).complete
    (answer,) = client.append([frame(id, f"metrics/{writer}.jsonl", 0, b"x")])
    assert (answer.status, answer.size > 0) == ("sealed", True)


def test_who_may_not_write_in_a_project_is_answered_as_if_nothing_were_there(
    filed: Any, there: There, client: Server
):
    id, writer = filed
    intake = there.intake
    bob = Caller.of("bob", [Grant("lab/y", Role.WRITER), Grant("lab/x", Role.REPORTER)])
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
    theirs = Named(path="files/d/i/a.txt", hash=blake3(data).hexdigest(), size=len(data), data=data)
    assert client.name([id], [[theirs]])[0][0].status == "ok"
    mine = msgspec.structs.replace(theirs, data=None)
    asked_names = NamingRequest(ids=(own.id,), names=((mine,),))
    assert intake.name(bob, asked_names)[0][0].status == "missing"


def test_signs_of_life_count_by_the_clock_of_the_server(client: Server, filed: Any, there: There):
    id, writer = filed
    before, last = there.segments(id), there.signs(id, writer)
    time.sleep(1.1)
    (answer,) = client.lease([Lease(id=id, writers=(writer, "../../x", "no such"))])
    assert answer.status == "ok"
    assert answer.stop is None
    assert there.signs(id, writer) > last
    assert there.segments(id) == before
    assert client.lease([Lease(id="unknown", writers=(writer,))])[0].status == "unknown"


def test_the_answer_to_a_sign_of_life_tells_who_asked_to_stop(
    client: Server, filed: Any, there: There, root: Root, transport: InProcess
):
    id, writer = filed
    asked = {"by": "bob", "why": "enough"}
    there.edit(id, "captured", {"what": "stop", "data": asked})
    stop = client.lease([Lease(id=id, writers=(writer,))])[0].stop
    assert stop is not None
    assert (stop.by, stop.why) == ("bob", "enough")
    # A later opening was not meant.
    _, later = root.open("lab/x/a", id=id)
    push(root.path, HERE, transport=transport)
    assert client.lease([Lease(id=id, writers=(later,))])[0].stop is None
