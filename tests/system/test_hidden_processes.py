"""Processes of other users that may not be seen: `/proc` mounted with `hidepid`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from anew import Store

pytestmark = pytest.mark.privileged

RUNNING = """
import sys
from anew import Experiment
with Experiment("alice/p/run", root=sys.argv[1], quiet=True, system_metrics=0) as exp:
    exp.log_metric("loss", 0.5, step=0)
    print("running", flush=True)
    sys.stdin.read()
    exp.log_metric("loss", 0.25, step=1)
"""


def test_a_run_that_another_user_may_not_see_is_running(
    as_nobody: Callable[..., subprocess.CompletedProcess[str]], open_folder: Path
) -> None:
    root = open_folder / "shared"
    root.mkdir()
    os.chmod(root, 0o777)
    umask = os.umask(0)
    writer = subprocess.Popen(
        [sys.executable, "-c", RUNNING, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    os.umask(umask)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"running\n"
        # A namespace of its own: the mount is that of the reader alone.
        looked = as_nobody(
            "import os\n"
            f"print(os.path.exists('/proc/{writer.pid}'))\n"
            "from anew import Store\n"
            f"view = Store({str(root)!r})['alice/p/run']\n"
            "print(view.status, view.reason)\n",
            hidden=True,
        )
        assert looked.returncode == 0, looked.stderr
        assert looked.stdout.split("\n")[:2] == ["False", "running None"]
        assert str(Store(root)["alice/p/run"].status) == "running"
        assert not list((root / "alice" / "p" / "run" / "journal").glob("edit-*"))
    finally:
        writer.communicate(timeout=100)
    assert str(Store(root)["alice/p/run"].status) == "completed"
