"""The page's own tests of its pure functions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

WEB = Path(__file__).resolve().parents[2] / "web"


def test_the_functions_of_the_page_keep_their_promises():
    if not (WEB / "node_modules").exists():
        pytest.skip("what builds the page is not installed: python web/build.py")
    done = subprocess.run(
        [sys.executable, str(WEB / "build.py"), "test"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
