"""Two servers of a group, PostgreSQL, ClickHouse and an S3 service on this machine: eight trainings, and one server is killed in the middle.

`make demo-server` runs this. Everything listens on loopback alone, lies in a temporary folder, and is gone afterwards.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from anew import Store
from anew.server.group.address import GroupAddress
from anew.server.group.opening import open_truth
from anew.testing.clickhouse import ClickHouseServer
from anew.testing.postgres import PostgresServer
from tests.seaweed import shared

TRAININGS = 8
STEPS = 400
TRAINING = """
import sys, time
import numpy as np
from anew import Experiment

number = int(sys.argv[1])
chance = np.random.default_rng(number)
x = chance.standard_normal((256, 16))
y = x @ chance.standard_normal(16)
w = np.zeros(16)
with Experiment(f"lab/demo/seed{number}", quiet=True, system_metrics=0) as exp:
    exp.params.set(seed=number, lr=0.02)
    for step in range(int(sys.argv[2])):
        error = x @ w - y
        w -= 0.02 * x.T @ error / len(x)
        exp.log_metrics({"loss": float(error @ error / len(x))}, step=step)
        time.sleep(0.02)
    exp.weights.commit({"w": w}, "the end")
"""

console = Console(highlight=False)


class Balancer:
    """Gives each connection to the next server that answers."""

    def __init__(self, ports: list[int]) -> None:
        self._ports = ports
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        turn = 0
        while True:
            client, _ = self._listener.accept()
            turn += 1
            threading.Thread(target=self._carry, args=(client, turn), daemon=True).start()

    def _carry(self, client: socket.socket, turn: int) -> None:
        with client, contextlib.suppress(OSError), self._server(turn) as server:
            other = {client: server, server: client}
            while True:
                for one in select.select([client, server], [], [])[0]:
                    data = one.recv(1 << 16)
                    if not data:
                        return
                    other[one].sendall(data)

    def _server(self, turn: int) -> socket.socket:
        for number in range(len(self._ports)):
            port = self._ports[(turn + number) % len(self._ports)]
            with contextlib.suppress(OSError):
                return socket.create_connection(("127.0.0.1", port), 5)
        raise ConnectionRefusedError


@contextlib.contextmanager
def engines(folder: Path) -> Iterator[tuple[str, str, str]]:
    """A database, a bucket and a ClickHouse server: their addresses."""
    postgres = PostgresServer(folder / "postgres", {"fsync": "on", "full_page_writes": "on"})
    clickhouse = ClickHouseServer(folder / "clickhouse")
    console.print("Starting PostgreSQL, ClickHouse and an S3 service …")
    postgres.start()
    try:
        clickhouse.start()
        with shared(folder / "s3") as s3:
            os.environ.update(s3.environment())
            yield (
                postgres.make_database(),
                f"s3://{s3.bucket('demo')}/store",
                clickhouse.make_database(),
            )
    finally:
        clickhouse.remove()
        postgres.remove()


@contextlib.contextmanager
def servers(
    address: GroupAddress, folder: Path
) -> Iterator[list[tuple[subprocess.Popen[str], int]]]:
    """Two servers: their processes and ports."""
    made = []
    environment = {
        **os.environ,
        "ANEW_SERVER_CATALOG": address.catalog,
        "ANEW_SERVER_BLOBS": address.blobs,
        "ANEW_SERVER_SERIES": address.series,
    }
    for number in range(2):
        command = [sys.executable, "-m", "anew", "server", "--port", "0", "--quiet", "--cache", str(folder / f"cache{number}")]  # fmt: skip
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, text=True, cwd=folder
        )
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        console.print(f"Server {number + 1} answers at {url}.")
        made.append((process, int(url.rpartition(":")[2])))
    try:
        yield made
    finally:
        for process, _ in made:
            process.terminate()
            process.wait(30)


def trained(url: str, folder: Path, doomed: subprocess.Popen[str]) -> int:
    """Run the trainings, and kill a server in the middle; how many ended well."""
    environment = {**os.environ, "ANEW_ROOT": url, "ANEW_LOCAL": str(folder / "here"), "ANEW_SYNC_WAIT": "60", "ANEW_CAPTURE": "off"}  # fmt: skip
    console.print(f"{TRAININGS} trainings record through a balancer at {url} …")
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", TRAINING, str(number), str(STEPS)], env=environment, cwd=folder
        )
        for number in range(TRAININGS)
    ]
    time.sleep(STEPS * 0.02 / 2)
    doomed.kill()
    console.print("[bold]Server 1 is killed.[/bold] The trainings go on.")
    return sum(one.wait(300) == 0 for one in programs)


def counted(url: str, folder: Path, address: GroupAddress, ended: int) -> bool:
    """Show how much was recorded, and how much of it is there; whether it is all, once."""
    subprocess.run([sys.executable, "-m", "anew", "sync", "--root", str(folder / "here"), "--to", url], check=False, capture_output=True, timeout=300)  # fmt: skip
    until = time.monotonic() + 60
    while True:
        with Store(url) as store:
            views = list(store.list())
            shown = sum(view.metrics["loss"].count for view in views)
            steps = [view.metrics["loss"].read(order="written").steps.tolist() for view in views]
            branches = len(store.weights.branches())
        if shown >= TRAININGS * STEPS or time.monotonic() > until:
            break
        time.sleep(0.5)
    doubled = sum(len(one) - len(set(one)) for one in steps)
    truth = open_truth(address)
    while truth.tail().bytes and time.monotonic() < until:
        time.sleep(0.5)
    tail, objects = truth.tail().bytes, len(truth.blobs.keys("experiments"))
    truth.database.close()
    table = Table(box=None, show_header=False)
    for name, value in (
        ("trainings that ended well", f"{ended} of {TRAININGS}"),
        ("points recorded", f"{TRAININGS * STEPS:,}"),
        ("points that readers see", f"{shown:,}"),
        ("points lost", f"{TRAININGS * STEPS - sum(len(set(one)) for one in steps):,}"),
        ("points twice", f"{doubled:,}"),
        ("models in the bucket", f"{branches}"),
        ("objects of experiments in the bucket", f"{objects:,}"),
        ("bytes in the database alone", f"{tail:,}"),
    ):
        table.add_row(name, value)
    console.print(table)
    return (ended, shown, doubled, branches) == (TRAININGS, TRAININGS * STEPS, 0, TRAININGS)


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="anew-demo-"))
    folder.chmod(0o711)  # PostgreSQL runs as another user where this one is root
    try:
        with engines(folder) as (catalog, blobs, series):
            address = GroupAddress(catalog, blobs, str(folder / "cache"), series)
            with servers(address, folder) as ((doomed, first), (_, second)):
                balancer = Balancer([first, second])
                ended = trained(balancer.url, folder, doomed)
                return 0 if counted(balancer.url, folder, address, ended) else 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
