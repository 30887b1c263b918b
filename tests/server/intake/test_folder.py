"""What a server does with what clients send, right and wrong."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from anew import Store
from anew.journal.edits import append_event
from anew.journal.layout import ExperimentLayout, RootLayout
from anew.journal.root import follow_root
from anew.reading.remote.calls import Calls
from anew.record.root import Hint, decode_root
from anew.server.intake import settling
from anew.sync.push import push
from anew.sync.server import Server
from anew.sync.wire import (
    Filing,
    Frame,
    Named,
)
from serving import InProcess, in_process
from sync.recorded import Root, segments

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
