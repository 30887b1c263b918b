"""The server as a process: when it is ready, where it refuses to listen, how it stops."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from anew import Experiment, Store
from anew.cli.main import cli
from anew.errors import InvalidSetting, NotFound
from anew.reading.local.backend import LocalBackend
from anew.server.identity.accounts import Accounts
from anew.server.running import is_loopback, listening, serve
from serving import place_of

SLOW = """
import sys, time
from anew.reading.local.backend import LocalBackend
from anew.server import running

def names(self, question):
    print("asked", flush=True)
    time.sleep(3)

LocalBackend.names = names
running._LAST = 1
running.serve(sys.argv[1], port=0, ready=lambda url, link: print(url, flush=True))
"""

PREPARING = """
import sys, threading, time
from anew.server import running

def look():
    until = time.monotonic() + 300
    while not (loaded := {"duckdb", "anew.reading.local.panel"} <= sys.modules.keys()) and time.monotonic() < until:
        time.sleep(0.01)
    print("prepared" if loaded else "not prepared", flush=True)

def ready(url, link):
    print("duckdb" in sys.modules, flush=True)
    threading.Thread(target=look, daemon=True).start()

running.serve(sys.argv[1], port=0, ready=ready)
"""


def test_a_program_serves_a_folder_until_it_is_told_to_stop(tmp_path: Path):
    root = tmp_path / "store"
    with Experiment(prefix="lab/x/y", root=str(root), quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"loss": 0.5}, step=0)
    command = [sys.executable, "-m", "anew", "server", str(root), "--port", "0", "--quiet"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    try:
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}/healthz", timeout=300) as answer:
            assert json.load(answer) == "ok"
        with Store(url) as store:
            assert store.get("y").metrics["loss"].last == 0.5
        # Headers without end are not collected in memory.
        with socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=300) as endless:
            endless.sendall(b"GET /healthz HTTP/1.1\r\n")
            with pytest.raises(OSError):
                for _ in range(10_000):
                    endless.sendall(b"X: " + b"a" * 10_000 + b"\r\n")
        # A page that waits for changes keeps nobody from stopping.
        stream = urllib.request.urlopen(f"{url}/api/v1/events", timeout=300)
        assert stream.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(300) == 0
        stream.close()
        assert len(process.stderr.read().splitlines()) == 1  # of the request without end
        with pytest.raises(ConnectionError):
            Store(url)
    finally:
        process.kill()
        process.communicate()


def test_an_answer_that_is_cut_off_by_the_end_leaves_no_traceback(tmp_path: Path):
    """A question that takes longer than the server waits for."""
    program = tmp_path / "slow.py"
    program.write_text(SLOW)
    process = subprocess.Popen(
        [sys.executable, str(program), str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        url = process.stdout.readline().strip()
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port), timeout=300) as asking:
            asking.sendall(
                f"GET /api/v1/names?kind=tag HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode()
            )
            assert process.stdout.readline().strip() == "asked"
            process.send_signal(signal.SIGTERM)
            assert process.wait(300) == 0
        assert process.stderr.read() == ""
    finally:
        process.kill()
        process.communicate()


def test_what_reads_points_is_loaded_once_the_server_is_ready_and_before_anybody_asks(tmp_path: Path):  # fmt: skip
    program = tmp_path / "preparing.py"
    program.write_text(PREPARING)
    command = [sys.executable, str(program), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert [process.stdout.readline().strip() for _ in range(2)] == ["False", "prepared"]
        finally:
            process.kill()


def test_a_store_that_cannot_be_prepared_is_served_all_the_same(tmp_path: Path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "it is broken")

    monkeypatch.setattr(LocalBackend, "select", refuse)
    place = place_of(str(tmp_path))
    place.prepare()
    place.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.org"])
def test_it_does_not_listen_beyond_this_machine_unasked(tmp_path: Path, host: str):
    with pytest.raises(InvalidSetting) as raised:
        serve(str(tmp_path), host=host, port=0)
    assert raised.value.setting == "host"


def test_it_listens_beyond_this_machine_once_somebody_has_an_account(tmp_path: Path, monkeypatch):
    ran = []
    monkeypatch.setattr("anew.server.running.Served.run", lambda self, sockets: ran.append(sockets))
    accounts = Accounts(str(tmp_path))
    accounts.first_link()
    with pytest.raises(InvalidSetting):
        serve(str(tmp_path), host="0.0.0.0", port=0)
    accounts.add_user("al", admin=True)
    accounts.close()
    serve(str(tmp_path), host="0.0.0.0", port=0)
    assert len(ran) == 1


def test_a_link_for_the_first_account_is_told_until_there_is_one(tmp_path: Path, monkeypatch):
    told = []
    monkeypatch.setattr("anew.server.running.Served.run", lambda self, sockets: self._ready())

    def ready(url: str, link: str | None) -> None:
        told.append(link)

    serve(str(tmp_path), port=0, user="al", ready=ready)
    accounts = Accounts(str(tmp_path))
    assert accounts.redeem(told[0].partition("#link=")[2]).caller.name == "admin"
    serve(str(tmp_path), port=0, ready=ready)
    assert told[1] is None
    serve(str(tmp_path), port=0, alone=True, ready=ready)
    assert accounts.redeem(told[2].partition("#link=")[2]) is None
    accounts.close()


def test_a_folder_that_cannot_be_written_is_served_on_this_machine_without_accounts(
    tmp_path: Path, monkeypatch
):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("anew.server.running.Accounts.__init__", full)
    monkeypatch.setattr("anew.server.running.Served.run", lambda self, sockets: self._ready())
    told = []
    serve(str(tmp_path), port=0, ready=lambda url, link: told.append(link))
    assert told == [None]
    with pytest.raises(InvalidSetting):
        serve(str(tmp_path), host="0.0.0.0", port=0)


def test_only_addresses_of_this_machine_are_loopback():
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.1.2.3", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "10.0.0.1", "localhost.example.org", "", "::")))


def test_a_port_that_is_taken_and_a_folder_that_is_not_there_are_said(tmp_path: Path):
    with listening("127.0.0.1", 0) as taken:
        with pytest.raises(InvalidSetting) as raised:
            serve(str(tmp_path), port=taken.getsockname()[1])
        assert raised.value.setting == "port"
    with pytest.raises(NotFound):
        serve(str(tmp_path / "gone"), port=0)
    with pytest.raises(InvalidSetting):
        listening("no such host.invalid", 0)


def test_no_program_that_the_server_starts_inherits_its_socket():
    with listening("127.0.0.1", 0) as made:
        assert not os.get_inheritable(made.fileno())


def test_the_command_refuses_what_the_server_refuses(tmp_path: Path, capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["server", str(tmp_path), "--host", "0.0.0.0"])
    assert left.value.code == 2
