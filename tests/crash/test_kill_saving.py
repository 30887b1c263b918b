"""A process that is really killed while it saves a file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from anew import Experiment, Store
from anew.blobs.drafts import open_draft

# Stops at a point of the save, says so, and waits to be killed.
SAVER = """
import os, sys, time
root, point = sys.argv[1:]
from anew import Experiment
exp = Experiment("a/killed", root=root, quiet=True, console="off", system_metrics=0)
exp.run.start()
real = getattr(os, point)
def stops(source, *rest, **options):
    # what concerns the file that is saved, not files of the record
    if "shared" in os.fspath(source) and ".part" in os.fspath(source):
        print("here", flush=True)
        time.sleep(600)
    return real(source, *rest, **options)
setattr(os, point, stops)
exp.files("ck").save(b"x" * 100_000, "m.pt")
"""


@pytest.mark.parametrize("point", ["chmod", "link", "replace"])
def test_what_a_killed_save_left_is_named_and_removed_and_live_saves_are_not(
    root: Path, point: str
) -> None:
    with Experiment("a/whole", root=root, quiet=True, console="off", system_metrics=0) as exp:
        exp.files("ck").save(b"y" * 1000, "m.pt")
    saver = subprocess.Popen(
        [sys.executable, "-c", SAVER, str(root), point],
        stdout=subprocess.PIPE,
        env={**os.environ, "ANEW_HEARTBEAT": "0.2"},
    )
    contents = root / ".anew" / "shared" / "files"
    try:
        assert saver.stdout is not None
        assert saver.stdout.readline() == b"here\n"
        with Store(root) as store:
            store.gc()
        assert list((contents / "tmp").iterdir())  # it is being written
    finally:
        saver.send_signal(signal.SIGKILL)
        saver.wait()
        if saver.stdout is not None:
            saver.stdout.close()
    left = {str(path) for path in (contents / "tmp").iterdir()}
    assert left
    with Store(root) as store, open_draft(str(contents / "tmp")) as (_, live):
        found = store.doctor()
        assert {f.path for f in found if f.kind == "leftover"} == left
        would = store.gc(dry_run=True)
        assert would >= 100_000
        assert store.gc() == would
        assert [str(path) for path in (contents / "tmp").iterdir()] == [live]
        assert store["a/whole"].files[0].read_bytes() == b"y" * 1000
        assert not [f for f in store.doctor() if f.kind == "leftover"]
    assert sum(p.is_file() for p in contents.rglob("*")) == 1
