"""The unmodified client of ml-dash, in an environment of its own, works against the server, also where answers are lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from anew import Status, Store
from anew.server.access import Access
from anew.server.app import make_app
from anew.server.running import Served, listening
from serving import place_of

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).with_name("program.py")
PREFIX = "alice/vision/deep/resnet 50%"


@pytest.fixture(scope="module")
def python() -> str:
    """The interpreter of an environment that has the client; it is kept below the user's cache folder."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    home = Path(
        cache, "anew", "tests", f"ml-dash-0.11.0-py{sys.version_info[0]}.{sys.version_info[1]}"
    )
    found = home / "bin" / "python"
    if not (home / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        subprocess.run(
            [str(found), "-m", "pip", "install", "--quiet", "ml-dash==0.11.0"], check=True
        )
        (home / "complete").touch()
    return str(found)


class LosesAnswers:
    """An application around another one that loses the first answer to each different write: the client hears of an error."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.lost: list[str] = []
        self._seen: set[tuple[str, bytes]] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].endswith(
            ("append-batch", "append_batch", "/logs")
        ):
            await self.app(scope, receive, send)
            return
        body = bytearray()

        async def received() -> Any:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        answers: list[Any] = []

        async def kept(message: Any) -> None:
            answers.append(message)

        await self.app(scope, received, kept)
        key = (scope["path"], bytes(body))
        if scope["method"] == "POST" and key not in self._seen:
            self._seen.add(key)
            self.lost.append(scope["path"])
            await send({"type": "http.response.start", "status": 502, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        for message in answers:
            await send(message)


@pytest.fixture
def served(root: Path) -> Iterator[tuple[str, LosesAnswers]]:
    root.mkdir()
    place = place_of(str(root))
    app = LosesAnswers(make_app(place, Access("tester")))
    made = listening("127.0.0.1", 0)
    config = uvicorn.Config(app, log_config=None, lifespan="on", ws="none")
    ready = threading.Event()
    server = Served(config, place, ready.set)
    thread = threading.Thread(target=server.run, args=([made],), daemon=True)
    thread.start()
    assert ready.wait(300)
    yield f"http://127.0.0.1:{made.getsockname()[1]}/dash", app
    server.stop()
    thread.join(300)
    made.close()


def test_the_real_client_does_all_it_can_and_lost_answers_double_nothing(
    python: str, served: tuple[str, LosesAnswers], root: Path, tmp_path: Path
):
    url, app = served
    (tmp_path / "tokens.json").write_text('{"ml-dash-token": "a token"}')
    environment = {
        **os.environ, "ML_DASH_CONFIG_DIR": str(tmp_path), "ML_DASH_RETRY_BASE_DELAY": "0.01", "COLUMNS": "200",
    }  # fmt: skip
    done = subprocess.run(
        [python, str(PROGRAM), url], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(app.lost) >= 8
    assert found["params"] == found["resumed"] == {"learning_rate": 0.001, "model.depth": 3}
    assert [row["loss"] for row in found["rows"]] == [1 / n for n in range(1, 6)]
    assert (found["blocks"], found["stats"], found["lines"]) == (5, 5, 2)
    assert found["metrics"] == ["None", "both", "eval", "odd?name", "train/a b%"]
    assert (found["listed"], found["same"], found["text"]) == (["model.pth"], True, {"a": 1})
    assert (found["existed"], found["exists"]) == (True, False)
    assert found["track"][0] == {
        "timestamp": 2.0,
        "x": 1.5,
        "q": [0.1, 0.2],
        "e": [0.5],
        "pose.yaw": 0.5,
    }
    assert (found["tracks"], found["slice"], found["logs"]) == (
        ["robot/position"],
        1.5,
        ["careful"],
    )
    assert (found["updated"], found["projects"], found["experiments"]) == ("new", ["vision"], 1)
    assert (found["by path"], found["searched"], found["user"]) == ("RUNNING", 1, "tester")
    with Store(root) as store:
        view = store.get(PREFIX)
        assert view.status is Status.COMPLETED
        assert len(view.openings) == 3
        assert view.metrics["eval/acc"].read(order="written").values.tolist() == [
            0,
            1,
            2,
            3,
            4,
            50,
            99,
        ]
        assert view.metrics["robot/position/x"].count == 2
        assert len(list(view.logs())) == 3
