"""One holder at a time, whatever the file system offers, and none that outlives its process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from anew.journal import lock as locking
from anew.journal.liveness import boot_id, host_name, pid_space
from anew.journal.lock import locked


@pytest.fixture(params=["kernel", "file"])
def path(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch) -> str:
    if request.param == "file":
        monkeypatch.setattr(locking, "_try_kernel", lambda fd: None)
    return str(tmp_path / "deep" / "index.lock")


def test_a_second_holder_waits_and_gives_up(path: str):
    with locked(path, 0) as first:
        assert first
        with locked(path, 0.05) as second:
            assert not second
    with locked(path, 0) as third:
        assert third


def test_an_error_inside_lets_go(path: str):
    with pytest.raises(RuntimeError), locked(path, 0):
        raise RuntimeError
    with locked(path, 0) as again:
        assert again


def test_the_lock_of_a_killed_process_counts_for_nothing(path: str):
    force = "locking._try_kernel = lambda fd: None\n" if locking._try_kernel(0) is None else ""
    code = (
        "import sys, time\nfrom anew.journal import lock as locking\n"
        f"{force}with locking.locked(sys.argv[1], 5) as mine:\n"
        "    print(mine, flush=True)\n    time.sleep(3600)\n"
    )
    command = [sys.executable, "-c", code, path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "True\n"
        with locked(path, 0.05) as mine:
            assert not mine
        holder.kill()
    with locked(path, 1) as mine:
        assert mine


def test_a_holder_elsewhere_counts_while_its_file_is_fresh(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(locking, "_try_kernel", lambda fd: None)
    path = str(tmp_path / "index.lock")
    held = Path(path + ".held")
    held.write_text(json.dumps({"host": "elsewhere", "boot": "x", "pid": 1, "started": 1}))
    with locked(path, 0.05) as mine:
        assert not mine
    old = time.time() - locking.STALE_SECONDS - 1
    os.utime(held, (old, old))
    with locked(path, 0.05) as mine:
        assert mine
    assert not held.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_holder_that_cannot_be_read_is_stale_after_a_while(tmp_path: Path, monkeypatch, text):
    monkeypatch.setattr(locking, "_try_kernel", lambda fd: None)
    path = str(tmp_path / "index.lock")
    held = Path(path + ".held")
    held.write_text(text)
    with locked(path, 0.05) as mine:
        assert not mine
    os.utime(held, (1, 1))
    with locked(path, 0.05) as mine:
        assert mine


def test_a_process_id_used_again_is_another_process(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(locking, "_try_kernel", lambda fd: None)
    path = str(tmp_path / "index.lock")
    holder = {
        "host": host_name(),
        "boot": boot_id(),
        "space": pid_space(),
        "pid": os.getpid(),
        "started": 1,
    }
    Path(path + ".held").write_text(json.dumps(holder))
    with locked(path, 0.05) as mine:
        assert mine
