"""A real Prometheus, with the configuration that the guide prints, scrapes a server that asks who calls."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anew import Experiment
from anew.server.callers import Role
from anew.server.identity.accounts import Accounts

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "run-a-server.md"

pytestmark = pytest.mark.slow


@pytest.fixture
def prometheus() -> str:
    found = shutil.which("prometheus")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("prometheus is not installed")
        pytest.skip("prometheus is not installed")
    return found


def _started(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    with open(log, "wb") as file:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)


def _free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


class Scraped:
    """A Prometheus that scrapes a server, asked over its own interface."""

    def __init__(self, url: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self._url, self._process, self._log = url, process, log

    def ask(self, path: str, **values: str) -> Any:
        query = urllib.parse.urlencode(values)
        with urllib.request.urlopen(f"{self._url}/api/v1/{path}?{query}", timeout=30) as answer:
            return json.load(answer)["data"]

    def until(self, path: str, found: Any, **values: str) -> Any:
        """What is answered once it is what is waited for."""
        for _ in range(1200):
            assert self._process.poll() is None, self._log.read_text()[-3000:]
            try:
                data = self.ask(path, **values)
                if found(data):
                    return data
            except OSError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"{path} {values}: {data}\n{self._log.read_text()[-3000:]}")


@pytest.fixture
def scraped(prometheus: str, tmp_path: Path) -> Iterator[Scraped]:
    root = tmp_path / "store"
    with Experiment(prefix="lab/x/one", root=str(root), quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"loss": 1.0}, step=0)
    accounts = Accounts(str(root), trusting=False)
    token = accounts.create_token("prometheus", Role.READER)
    accounts.close()
    command = [sys.executable, "-m", "anew", "server", str(root), "--port", "0", "--quiet"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    url = server.stdout.readline().strip().rstrip("/")
    (block,) = re.findall(r"```yaml\n(scrape_configs:.*?)```", GUIDE.read_text(), re.S)
    for old, new in (
        ("https", "http"), ("runs.example.org", url.removeprefix("http://")), ("anew_…", token), ("15s", "1s"),
    ):  # fmt: skip
        assert old in block
        block = block.replace(old, new)
    (tmp_path / "prometheus.yml").write_text(block)
    port = _free_port()
    process = _started(
        [
            prometheus, f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        tmp_path / "log",
    )  # fmt: skip
    try:
        yield Scraped(f"http://127.0.0.1:{port}", process, tmp_path / "log")
    finally:
        for one in (process, server):
            one.terminate()
            one.communicate(timeout=60)


def test_every_counter_arrives_with_its_type(scraped: Scraped):
    targets = scraped.until("targets", lambda data: any(t["health"] != "unknown" for t in data["activeTargets"]))  # fmt: skip
    (target,) = targets["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    scraped.until("query", lambda data: data["result"], query='anew_requests_total{route="metrics",status="200"} >= 2')  # fmt: skip
    kinds = {
        one["metric"]: one["type"]
        for one in scraped.until("targets/metadata", lambda data: len(data) > 5)
    }
    known = {name: kind for name, kind in kinds.items() if name.startswith("anew_")}
    assert known["anew_requests_total"] == "counter"
    assert known["anew_request_seconds"] == "histogram"
    assert known["anew_index_lag_seconds"] == "gauge"
    names = {one["__name__"] for one in scraped.ask("series", **{"match[]": '{job="anew"}'})}
    samples = {name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") for name in names}  # fmt: skip
    assert {name for name in samples if name.startswith("anew_")} == set(known)
    # What the guide watches can be asked for.
    quantile = "histogram_quantile(0.95, sum by (le) (rate(anew_request_seconds_bucket[1m])))"
    scraped.until("query", lambda data: data["result"] and data["result"][0]["value"][1] != "NaN", query=quantile)  # fmt: skip
