"""Whatever happens to the servers of a group, its database or its bucket, no byte is lost and none is there twice."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from anew import Store
from anew.server.group.address import GroupAddress
from anew.server.group.keeping import Keeper
from anew.server.group.opening import open_truth
from anew.sync.push import push
from anew.testing.postgres import PostgresServer
from faults.site import Link, Network, Serving, network, pushed
from sync.recorded import Root, segments
from tests.seaweed import S3, SECRET, OwnS3

pytestmark = pytest.mark.slow

_TRAINING = """
import sys, time
from anew import Experiment
url, number, here = sys.argv[1:]
with Experiment(f"lab/x/{number}", root=url, quiet=True, system_metrics=0) as exp:
    for step in range(300):
        exp.log_metrics({"loss": step * 0.5}, step=step)
        time.sleep(0.01)
"""


class OfGroup(Serving):
    """`anew server` on the stores of a group."""

    def __init__(self, folder: Path, address: GroupAddress, *command: str) -> None:
        super().__init__(folder, *command)
        self.options = ("--catalog", address.catalog, "--blobs", address.blobs, "--cache", str(folder / "cache"))  # fmt: skip


@pytest.fixture
def address(tmp_path: Path, own_postgres: PostgresServer) -> GroupAddress:
    return GroupAddress(
        own_postgres.make_database(), str(tmp_path / "bucket"), str(tmp_path / "cache")
    )


@pytest.fixture
def servers(tmp_path: Path, address: GroupAddress) -> Iterator[list[OfGroup]]:
    made = [OfGroup(tmp_path / f"server{number}", address) for number in range(2)]
    for one in made:
        one.start()
    yield made
    for one in made:
        one.kill()


@pytest.fixture
def balancer(servers: list[OfGroup]) -> Iterator[Network]:
    """Gives each connection to the next server."""
    turn = iter(range(1_000_000))

    def next_one(link: Link) -> None:
        between.to = servers[next(turn) % 2].address

    with network(servers[0].address, next_one) as between:
        yield between


def alike(here: Path, address: GroupAddress) -> None:
    """Compare what was recorded with what the group has: every byte of the segments, and the points that readers are shown."""
    truth = open_truth(address)
    try:
        with Store(here) as local:
            for view in local.list():
                for name, data in segments(Path(view.path)).items():
                    assert truth.segments.read(view.id, name, 0, len(data) + 1) == data, name
    finally:
        truth.database.close()


def shown(here: Path, url: str) -> None:
    """See that readers are shown each point once."""
    with Store(here) as local, Store(url) as remote:
        counts = {view.id: view.metrics["loss"].count for view in local.list()}
        until = time.monotonic() + 300
        while (found := {view.id: view.metrics["loss"].count for view in remote.list()}) != counts:
            assert time.monotonic() < until, (found, counts)
            time.sleep(0.2)
        for view in local.list():
            there = remote.get(view.id).metrics["loss"].read(order="written")
            assert there.steps.tolist() == view.metrics["loss"].read(order="written").steps.tolist()


def recorded(root: Root, chance: random.Random, writers: list[tuple[str, str]]) -> None:
    for id, writer in writers:
        root.points(id, writer, chance.randint(1, 300))
        if chance.random() < 0.3:
            root.file(id, writer, "a.bin", chance.randbytes(chance.randint(0, 200_000)))


def test_a_server_that_is_killed_at_any_moment_loses_and_doubles_nothing(
    tmp_path: Path, address: GroupAddress, servers: list[OfGroup], balancer: Network
):
    chance, root = random.Random(3), Root(tmp_path / "here")
    writers = [root.open(f"lab/x/e{n}") for n in range(6)]
    for turn in range(6):
        recorded(root, chance, writers)
        doomed = servers[turn % 2]
        stopper = threading.Timer(chance.uniform(0, 0.2), doomed.process.kill)
        stopper.start()
        pushed(root.path, balancer.url)
        stopper.join()
        doomed.gone()
        doomed.start()
    for id, writer in writers:
        root.close(id, writer)
    assert not pushed(root.path, balancer.url).conflicts
    again = push(root.path, balancer.url)
    assert (again.bytes, again.files, again.sent) == (0, 0, 0)
    shown(root.path, balancer.url)
    alike(root.path, address)


def test_programs_that_train_while_a_server_is_killed_end_well_and_have_all_their_points(
    tmp_path: Path, address: GroupAddress, servers: list[OfGroup], balancer: Network
):
    environment = {
        **os.environ,
        "ANEW_CAPTURE": "off",
        "ANEW_SYNC_WAIT": "60",
        "ANEW_LOCAL": str(tmp_path / "here"),
    }
    programs = [
        subprocess.Popen([sys.executable, "-c", _TRAINING, balancer.url, str(n), ""], env=environment, cwd=tmp_path)
        for n in range(3)
    ]  # fmt: skip
    time.sleep(3)
    servers[0].kill()
    assert [one.wait(500) for one in programs] == [0] * 3
    servers[0].start()
    assert pushed(tmp_path / "here", balancer.url).complete
    with Store(balancer.url) as store:
        assert {view.status.value for view in store.list()} == {"completed"}
    shown(tmp_path / "here", balancer.url)
    alike(tmp_path / "here", address)


def test_a_database_that_is_killed_and_comes_back_loses_and_doubles_nothing(
    tmp_path: Path, address: GroupAddress, servers: list[OfGroup], balancer: Network, own_postgres: PostgresServer
):  # fmt: skip
    chance, root = random.Random(5), Root(tmp_path / "here")
    writers = [root.open(f"lab/x/e{n}") for n in range(4)]
    for turn in range(2):
        recorded(root, chance, writers)
        stopper = threading.Timer(
            chance.uniform(0, 0.2), own_postgres.kill if turn else own_postgres.stop
        )
        stopper.start()
        try:
            push(root.path, balancer.url)
        except OSError:
            pass
        stopper.join()
        own_postgres.start()
        pushed(root.path, balancer.url, tries=200)
    shown(root.path, balancer.url)
    alike(root.path, address)


def test_a_bucket_that_is_away_holds_up_nobody_and_gets_everything_later(
    tmp_path: Path, own_postgres: PostgresServer, seaweed: S3, monkeypatch: pytest.MonkeyPatch, make_real_bucket: Callable[[], str]
):  # fmt: skip
    host, port = seaweed.url.removeprefix("http://").split(":")
    away = threading.Event()

    links: list[Link] = []

    def fault(link: Link) -> None:
        links.append(link)
        if away.is_set():
            link.cut_after = 0

    root = Root(tmp_path / "here")
    with network((host, int(port)), fault) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL", between.url)
        address = GroupAddress(
            own_postgres.make_database(), make_real_bucket(), str(tmp_path / "cache")
        )
        server = OfGroup(tmp_path / "server", address)
        server.start()
        try:
            away.set()
            for link in links:  # those that are open already
                link.cut_after = 0
            ids = [root.made(f"lab/x/{n}", points=200) for n in range(4)]
            pushed(root.path, server.url)
            shown(root.path, server.url)
            time.sleep(3)
            away.clear()
            truth = open_truth(address)
            until = time.monotonic() + 300
            while truth.tail().bytes:
                assert time.monotonic() < until
                time.sleep(0.5)
            Keeper(truth).drain()
            assert all(truth.blobs.keys(f"experiments/{id}/segments") for id in ids)
            truth.database.close()
            alike(root.path, address)
        finally:
            server.kill()


def test_a_bucket_and_a_database_that_are_killed_lose_nothing_and_their_credentials_are_not_said(
    tmp_path: Path, own_postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
):
    hidden, said = "notToBeTold", tmp_path / "said"
    service = OwnS3(tmp_path / "s3")
    service.start()
    for name, value in service.s3.environment().items():
        monkeypatch.setenv(name, value)
    address = GroupAddress(
        own_postgres.make_database().replace("anew@", f"anew:{hidden}@"), f"s3://{service.s3.bucket()}/x", str(tmp_path / "cache")
    )  # fmt: skip
    server = OfGroup(tmp_path / "server", address, "sh", "-c", f'exec "$0" "$@" 2>>{said}', sys.executable)  # fmt: skip
    server.options += ("--verbose",)
    server.start()
    chance, root = random.Random(7), Root(tmp_path / "here")
    try:
        writers = [root.open(f"lab/x/e{n}") for n in range(4)]
        recorded(root, chance, writers)
        pushed(root.path, server.url)
        service.kill()
        for id, writer in writers:
            root.points(id, writer, 100)
        assert pushed(root.path, server.url).complete  # nobody waits for it
        until = time.monotonic() + 300
        while "bucket" not in said.read_text():
            assert time.monotonic() < until
            time.sleep(0.2)
        root.file(*writers[0], "large.bin", chance.randbytes(200_000))  # goes to it at once
        with contextlib.suppress(OSError):
            push(root.path, server.url)
        own_postgres.kill()
        own_postgres.start()
        service.start()
        assert pushed(root.path, server.url, tries=200).complete
        shown(root.path, server.url)
        truth = open_truth(address)
        until = time.monotonic() + 300
        while truth.tail().bytes:
            assert time.monotonic() < until
            time.sleep(0.5)
        truth.database.close()
        alike(root.path, address)
    finally:
        server.kill()
        service.kill()
    text = said.read_text()
    assert "bucket" in text  # it was told that it is away
    assert hidden not in text
    assert SECRET not in text
