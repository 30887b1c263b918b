"""Whatever happens between clients and a server, and to either, no byte is lost and none is there twice."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from anew import Store
from anew.cli.main import cli
from anew.errors import NotAllowed
from anew.reading.remote.calls import Calls
from anew.reading.remote.connection import Connections
from anew.sync.push import push
from anew.sync.wire import Frame, FramesAnswer, FramesRequest
from anew.weights import Repository
from anew.weights.experiment import ExperimentWeights
from faults.comparing import alike
from faults.site import Link, Serving, network, pushed, quick_folder, serving, unreliable
from sync.recorded import Root

SOAK_KILLS = int(os.environ.get("ANEW_FAULT_KILLS", 1000))


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with quick_folder() as made:
        yield made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Serving]:
    """One server for all tests that do not end it."""
    with serving(folder / "there") as made:
        yield made


@pytest.fixture
def root(folder: Path, request: pytest.FixtureRequest) -> Root:
    number = len(list(folder.iterdir()))
    return Root(folder / f"here{number}", number)


def place(root: Root, name: str) -> str:
    return f"{root.path.name}/x/{name}"


def kill_while_it_takes_in(folder: Path, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    root = Root(folder / f"killed{seed}", seed)
    with serving(folder / f"there{seed}") as server:
        writers = [root.open(f"lab/x/e{n}") for n in range(8)]
        for _ in range(kills):
            for id, writer in writers:
                root.points(id, writer, chance.randint(1, 400))
                if chance.random() < 0.3:
                    root.file(id, writer, "a.bin", chance.randbytes(chance.randint(0, 200_000)))
            stopper = threading.Timer(chance.uniform(0, 0.12), server.process.kill)
            stopper.start()
            try:
                push(root.path, server.url)
            except OSError:
                pass
            stopper.join()
            server.gone()
            server.start()
        for id, writer in writers:
            root.close(id, writer)
        done = pushed(root.path, server.url)
        assert not done.conflicts
        assert not done.refused
        again = push(root.path, server.url)
        assert (again.bytes, again.files, again.sent) == (0, 0, 0)
        server.stop()
        alike(root.path, server.root)


def test_a_server_that_is_killed_while_it_takes_in_loses_nothing(folder: Path) -> None:
    kill_while_it_takes_in(folder, 2, 1)


@pytest.mark.slow
def test_a_server_that_is_killed_twenty_times_loses_nothing(folder: Path) -> None:
    kill_while_it_takes_in(folder, 20, 2)


@pytest.mark.soak
def test_a_server_that_is_killed_a_thousand_times_loses_nothing(folder: Path) -> None:
    for seed in range(100, 100 + SOAK_KILLS // 20):
        kill_while_it_takes_in(folder, 20, seed)
        shutil.rmtree(folder / f"killed{seed}")
        shutil.rmtree(folder / f"there{seed}")


def test_a_network_that_cuts_loses_and_spoils_what_it_carries_changes_nothing(
    root: Root, server: Serving
) -> None:
    for n in range(6):
        id, writer = root.open(place(root, f"e{n}"))
        root.points(id, writer, 500)
        root.file(id, writer, "a.bin", random.Random(n).randbytes(300_000))
        root.close(id, writer)
    with network(server.address, unreliable(random.Random(7))) as between:
        pushed(root.path, between.url)
    alike(root.path, server.root)


def test_weights_that_go_through_such_a_network_arrive_bit_for_bit(
    root: Root, server: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anew.sync.weights._PACK", 200_000)
    values = np.random.default_rng(3)
    made = {}
    for n in range(2):
        id, writer = root.open(place(root, f"w{n}"))
        own = ExperimentWeights(root.layout.weights, id, durable=False)
        for step in range(3):
            model = {"w": values.standard_normal(40_000), "step": np.array(step)}
            made[own.commit(model, "a version", step=step).commit_hash] = model
        root.close(id, writer)
    with network(server.address, unreliable(random.Random(5))) as between:
        pushed(root.path, between.url, tries=200)
    with Store(server.url) as store:
        for commit, model in made.items():
            found = store.weights.get_all_weights(commit)
            assert all(np.array_equal(found[name], model[name]) for name in model)
    assert Repository(server.root / "weights").fsck().ok


@pytest.mark.slow
def test_an_answer_that_is_lost_after_the_append_doubles_nothing(
    root: Root, server: Serving
) -> None:
    lost: list[Link] = []

    def lose(link: Link) -> None:
        link.mute_after = -1 if len(lost) % 4 == 3 else len(lost) * 137 % 1500
        lost.append(link)

    with network(server.address, lose) as between:
        for n in range(5):
            root.made(place(root, f"e{n}"), points=50)
            pushed(root.path, between.url)
    assert len(lost) > 5
    alike(root.path, server.root)


CLIENT = """
import sys
from anew.sync.push import push
print("ready", flush=True)
while True:
    try:
        push(sys.argv[1], sys.argv[2])
    except OSError:
        pass
"""


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_a_client_that_is_killed_while_it_sends_is_gone_on_from(
    root: Root, server: Serving, kills: int
) -> None:
    chance = random.Random(kills)
    id, writer = root.open(place(root, "a"))
    for _ in range(kills):
        client = subprocess.Popen(
            [sys.executable, "-c", CLIENT, str(root.path), server.url],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        with client:
            assert client.stdout is not None
            client.stdout.readline()
            for _ in range(10):
                root.points(id, writer, 300)
                root.file(id, writer, "a.bin", chance.randbytes(chance.randint(0, 100_000)))
                time.sleep(chance.uniform(0, 0.03))
            client.kill()
    root.close(id, writer)
    pushed(root.path, server.url)
    alike(root.path, server.root)


@pytest.mark.slow
def test_three_that_send_one_root_at_once_over_broken_networks_send_it_once(folder: Path) -> None:
    chance = random.Random(3)
    root = Root(folder / "thrice", 3)
    writers = [root.open(f"lab/x/e{n}") for n in range(4)]
    over = threading.Event()
    told: list[object] = []

    def send(seed: int) -> None:
        with network(server.address, unreliable(random.Random(seed))) as between:
            while not over.is_set():
                try:
                    done = push(root.path, between.url)
                    told.extend((*done.conflicts.items(), *done.refused.items()))
                except OSError:
                    pass

    with serving(folder / "once") as server:
        senders = [threading.Thread(target=send, args=(seed,)) for seed in range(3)]
        for sender in senders:
            sender.start()
        for number in range(40):
            for id, writer in writers:
                root.points(id, writer, chance.randint(1, 200))
                if chance.random() < 0.3:
                    root.file(id, writer, "a.bin", chance.randbytes(chance.randint(0, 1_500_000)))
                if chance.random() < 0.1:
                    root.edit(id, f"tag{number}")
            time.sleep(0.03)
        for id, writer in writers:
            root.close(id, writer)
        over.set()
        for sender in senders:
            sender.join(100)
        pushed(root.path, server.url)
        assert told == []
        server.stop()
        alike(root.path, server.root)


def test_other_bytes_at_an_offset_that_was_sent_are_kept_beside_and_told(
    root: Root, server: Serving
) -> None:
    id, writer = root.open(place(root, "a"))
    root.points(id, writer, 20)
    pushed(root.path, server.url)
    path = root.path / root.prefixes[id] / "metrics" / f"{writer}.jsonl"
    kept = path.read_bytes()
    first = kept.splitlines(keepends=True)[0]
    path.write_bytes(kept[: -len(first)] + first * 3)
    done = push(root.path, server.url)
    assert done.conflicts == {id: (f"metrics/{writer}.jsonl",)}
    assert (server.root / root.prefixes[id] / "metrics" / path.name).read_bytes() == kept
    beside = server.root / ".anew" / "conflicts" / id
    assert any(one.read_bytes() for one in beside.iterdir())


def test_what_is_deleted_there_while_it_is_sent_stays_deleted_and_the_rest_arrives(
    root: Root, server: Serving
) -> None:
    gone, writer = root.open(place(root, "gone"))
    root.points(gone, writer, 10)
    root.close(gone, writer)
    other = root.made(place(root, "other"))
    pushed(root.path, server.url)
    with Store(server.url) as store:
        store.delete([store[gone]])
    root.points(gone, writer, 10)
    root.event(other, "9999-late-aaaa", "tags", add={"x": None}, remove=[])
    done = push(root.path, server.url)
    assert gone in done.deleted
    with Store(server.url) as store:
        assert gone not in {view.id for view in store.list()}
        assert other in {view.id for view in store.list()}
    assert (root.path / root.prefixes[gone] / "metrics").exists()


def test_what_is_sealed_while_it_is_sent_has_its_points_once(root: Root, server: Serving) -> None:
    id, writer = root.open(place(root, "a"))
    for number in range(4):
        root.points(id, writer, 100)
        if number == 3:
            root.close(id, writer)
        pushed(root.path, server.url)
    with Store(server.root) as store:
        store.seal()
    root.seal(id)
    second, other = root.open(root.prefixes[id], id=id)
    root.points(second, other, 50)
    root.close(second, other)
    pushed(root.path, server.url)
    with Store(server.root) as there, Store(root.path) as here:
        assert there[id].metrics["loss"].count == here[id].metrics["loss"].count == 450
        read = [store[id].metrics["loss"].read(order="written").values.tolist() for store in (here, there)]  # fmt: skip
        assert str(read[0]) == str(read[1])  # NaN as well


@pytest.mark.slow
def test_a_server_that_was_restored_from_yesterday_gets_back_what_it_lost(folder: Path) -> None:
    root = Root(folder / "lasting", 5)
    with serving(folder / "restored") as server:
        first, writer = root.open("lab/x/a")
        root.points(first, writer, 30)
        pushed(root.path, server.url)
        server.stop()
        shutil.copytree(server.root, folder / "yesterday")
        server.start()
        root.points(first, writer, 30)
        root.close(first, writer)
        root.made("lab/x/b")
        pushed(root.path, server.url)
        server.kill()
        shutil.rmtree(server.root)
        shutil.move(folder / "yesterday", server.root)
        server.start()
        pushed(root.path, server.url)
        server.stop()
        alike(root.path, server.root)


def command(*args: str) -> str:
    result = CliRunner().invoke(cli, args)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


@pytest.mark.slow
def test_a_token_that_is_revoked_in_the_middle_loses_nothing_and_a_new_one_goes_on(
    folder: Path,
) -> None:
    root = Root(folder / "revoked", 6)
    id, writer = root.open("lab/x/a")
    root.points(id, writer, 5)
    with serving(folder / "accounts") as server:
        at = ("--root", str(server.root))
        command("server", "user", "add", "alice", "--admin", *at)
        first = command("server", "token", "create", "one", "--role", "writer", "--quiet", *at)
        assert push(root.path, server.url, token=first).complete
        command("server", "token", "revoke", "one", *at)
        root.points(id, writer, 5)
        for refused in (first, None):
            with pytest.raises(NotAllowed):
                push(root.path, server.url, token=refused)
        second = command("server", "token", "create", "two", "--role", "writer", "--quiet", *at)
        root.close(id, writer)
        assert push(root.path, server.url, token=second).complete
        server.stop()
        alike(root.path, server.root)


def test_a_writer_whose_clock_is_days_off_keeps_its_order(root: Root, server: Serving) -> None:
    id, writer = root.open(place(root, "a"))
    for off in (0, 86400 * 30, -86400 * 30):
        root.clock += off
        root.points(id, writer, 5)
        pushed(root.path, server.url)
    root.close(id, writer)
    pushed(root.path, server.url)
    alike(root.path, server.root)


def calls(server: Serving) -> Calls:
    return Calls(Connections(server.url), server.url)


def test_a_frame_that_unpacks_to_more_than_it_may_is_refused_and_costs_no_memory(
    root: Root, server: Serving
) -> None:
    import zlib

    from blake3 import blake3

    id = root.made(place(root, "a"))
    pushed(root.path, server.url)
    plain = bytes(1 << 27)
    packed = zlib.compress(plain, 9)
    frame = Frame(
        id=id, name="metrics/0001-main-aaaa.jsonl", offset=0, data=packed, coding="zlib",
        check=blake3(plain).hexdigest()[:32],
    )  # fmt: skip
    before = memory(server)
    asked = calls(server)
    answer = asked.call("POST", "/upload/segments", FramesRequest((frame,) * 3), FramesAnswer)
    asked.close()
    assert {one.status for one in answer.accepted} == {"damaged"}
    assert memory(server) - before < 64 << 20


def memory(server: Serving) -> int:
    """The most memory that the server's process has had, in bytes."""
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) << 10


def test_a_thousand_open_connections_and_slow_readers_keep_nobody_out(
    root: Root, server: Serving
) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    root.made(place(root, "a"), points=2000)
    head = b"POST /api/v1/upload/segments HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    body = b"Content-Type: application/msgpack\r\nContent-Length: 100000\r\n\r\nabc"
    slow = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 4
    held = []
    try:
        for number in range(1000):
            made = socket.create_connection(server.address, 30)
            held.append(made)
            made.sendall(slow if number < 10 else (b"", head, head + body)[number % 3])
        pushed(root.path, server.url)
        with Store(server.url) as store:
            assert store.list()
    finally:
        for made in held:
            made.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    alike(root.path, server.root)
