"""Programs with the unmodified client of MLflow, run against our server and against MLflow's own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["said", "theirs"]


@contextmanager
def theirs(folder: Path) -> Iterator[str]:
    """MLflow's own server on SQLite; its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/theirs.db", "--artifacts-destination", str(folder / "theirs")]  # fmt: skip
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        url = f"http://127.0.0.1:{port}"
        try:
            for _ in range(600):
                try:
                    urllib.request.urlopen(f"{url}/health", timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.2)
            yield url
        finally:
            server.terminate()


def said(program: str, uri: str, folder: Path, python: str = sys.executable, **environment: str) -> Any:  # fmt: skip
    """What a program printed behind the word SAID, as JSON.

    Args:
        program: Its text.
        uri: The server that it tracks to.
        folder: Where it runs.
        python: The Python that runs it.
        environment: Variables besides those of this process.
    """
    given = {**os.environ, "MLFLOW_TRACKING_URI": uri, "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", **environment}  # fmt: skip
    done = subprocess.run(
        [python, "-W", "ignore", "-c", program],
        cwd=folder, env=given, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("SAID ")]
    assert lines, done.stderr
    return json.loads(lines[-1].removeprefix("SAID "))
