"""The benchmarks of this room run: scaled down, no figure judged (a timing is never a test)."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.weights.__main__ import GROUPS

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).resolve().parents[2]


# The checkpoints are measured beside a peer that has to be installed first.
@pytest.mark.parametrize("name", sorted(set(GROUPS) - {"checkpoints"}))
def test_each_group_measures_something_and_leaves_nothing_behind(name, tmp_path):
    command = [
        sys.executable,
        "-m",
        "benchmarks.weights",
        name,
        "--quick",
        "--scratch",
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) > 2
    assert list(tmp_path.iterdir()) == []
