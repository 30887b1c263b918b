"""A group's servers as processes: everything that a client does works against any of them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from anew import Experiment, Store
from anew.errors import InvalidSetting
from anew.server.group.address import GroupAddress
from anew.server.group.opening import open_group, open_truth
from anew.sync.push import push
from tests.cli.conftest import call

SECRET = "notToBeTold"


@contextmanager
def started(address: GroupAddress, *more: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server of a group on a free port: its URL."""
    command = [
        sys.executable, "-m", "anew", "server", "--catalog", address.catalog, "--blobs", address.blobs,
        "--cache", address.cache, "--port", "0", "--quiet", *more,
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process
    finally:
        process.kill()
        process.communicate()


def asked(url: str) -> str:
    with urllib.request.urlopen(url, timeout=300) as answer:
        return str(answer.read().decode())


def metric(url: str, name: str) -> float:
    """A counter of a server."""
    lines = dict(line.rsplit(" ", 1) for line in asked(f"{url}/metrics").splitlines())
    return float(lines[name])


@pytest.fixture
def address(tmp_path: Path, make_database: Callable[[], str]) -> GroupAddress:
    url = make_database().replace("anew@", f"anew:{SECRET}@")
    return GroupAddress(url, str(tmp_path / "bucket"), str(tmp_path / "cache"))


def ran(*words: str) -> Any:
    """What a command prints as JSON."""
    done = call(*words, "--json")
    assert done.code == 0
    return json.loads(done.out)


def test_what_a_client_does_works_against_any_server(address: GroupAddress, tmp_path: Path):
    np = pytest.importorskip("numpy")
    here = str(tmp_path / "here")
    with Experiment("lab/x/first", root=here, quiet=True, system_metrics=0) as exp:
        for step in range(20):
            exp.log_metrics({"loss": 1.0 / (step + 1)}, step=step)
        exp.params.set(lr=0.1)
        exp.log("a message")
        exp.weights.commit({"w": np.arange(200_000, dtype=np.float32)}, "a version")
    with Experiment("lab/x/second", root=here, quiet=True, system_metrics=0) as other:
        other.log_metrics({"loss": 3.0}, step=0)
    with started(address) as (one, _), started(address) as (two, process):
        assert asked(f"{one}/readyz") == "ok"
        assert push(here, one).complete
        for url in (one, two):  # neither has anything of its own
            found = ran("list", "--root", url)
            assert {row["prefix"] for row in found["experiments"]} == {
                "lab/x/first",
                "lab/x/second",
            }
        assert metric(two, "anew_tail_bytes") >= 0
        assert metric(two, "anew_index_lag_seconds") < 60
        with Store(two) as store:
            run = store.get("lab/x/first")
            assert run.metrics["loss"].count == 20
            assert store.weights.get_all_weights(f"experiments/{exp.id}")["w"][-1] == 199_999
            store.tag("lab/x/first", add=["good"])
        assert call("rm", "lab/x/second", "--root", one, "--yes").code == 0
        with Store(two) as store:
            assert store.get("lab/x/first").tags == {"good": None}
            assert len(store) == 1
            assert [item.id for item in store.trash()] == [other.id]
        process.send_signal(signal.SIGTERM)
        assert process.wait(300) == 0
        assert process.stderr is not None
        assert SECRET not in process.stderr.read()
        with Store(one) as store:  # the other goes on
            store.restore(other.id)
            assert len(store) == 2


def test_nothing_secret_of_an_address_is_shown(address: GroupAddress):
    assert SECRET not in f"{address} {address!r} {address.shown}"
    opened = open_group(address, works=False)
    try:
        assert SECRET not in str(opened.backend.about())
    finally:
        opened.close()


@pytest.mark.parametrize("blobs", ["https://example.org/x", "memory:"])
def test_contents_lie_where_all_servers_reach_them(address: GroupAddress, blobs: str):
    with pytest.raises(InvalidSetting) as raised:
        open_group(address._replace(blobs=blobs))
    assert raised.value.setting == "blobs"


def test_a_database_that_was_lost_is_not_taken_for_a_new_group(
    address: GroupAddress, make_database: Callable[[], str]
):
    truth = open_truth(address)
    truth.blobs.create("experiments/abc/filing/0000000000000001", b"{}")
    truth.database.close()
    with pytest.raises(InvalidSetting) as raised:
        open_group(address._replace(catalog=make_database()))
    assert raised.value.setting == "catalog"


def test_half_a_group_and_a_group_beside_a_folder_are_refused(
    address: GroupAddress, tmp_path: Path
):
    given = ("--catalog", address.catalog, "--blobs", address.blobs)
    assert call("server", *given[:2]).code == 2
    assert call("server", "--series", "clickhouse://host/points").code == 2
    assert call("server", str(tmp_path), *given).code == 2
    assert call("server", "--catalog", "mysql://x/y", *given[2:], "--port", "0").code == 2
