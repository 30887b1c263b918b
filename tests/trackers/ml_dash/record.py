"""Records what the real client asks and is answered: `python -m tests.trackers.ml_dash.record PYTHON`, PYTHON being that of an environment with ml-dash.

The answers are those of our server; a test sends the same requests again and finds the same.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import uvicorn

HERE = Path(__file__).parent
REQUESTS = HERE / "requests.jsonl"


class Recording:
    """An application around another one that keeps each request with its answer."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.kept: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked, answered = bytearray(), bytearray()
        status = 0

        async def received() -> Any:
            message = await receive()
            asked.extend(message.get("body", b""))
            return message

        async def sent(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            answered.extend(message.get("body", b""))
            await send(message)

        await self.app(scope, received, sent)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        query = scope["query_string"].decode()
        self.kept.append(
            {
                "method": scope["method"],
                "path": scope["raw_path"].decode() + (f"?{query}" if query else ""),
                "type": headers.get("content-type", ""),
                "body": base64.b64encode(asked).decode(),
                "status": status,
                "answer": base64.b64encode(answered).decode(),
            }
        )


def main(python: str) -> None:
    sys.path.insert(0, str(HERE.parents[1]))
    from anew.server.access import Access
    from anew.server.app import make_app
    from anew.server.running import Served, listening
    from serving import place_of

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        root.mkdir()
        place = place_of(str(root))
        recording = Recording(make_app(place, Access("tester")))
        made = listening("127.0.0.1", 0)
        config = uvicorn.Config(recording, log_config=None, lifespan="on", ws="none")
        ready = threading.Event()
        server = Served(config, place, ready.set)
        thread = threading.Thread(target=server.run, args=([made],))
        thread.start()
        ready.wait()
        try:
            Path(folder, "tokens.json").write_text('{"ml-dash-token": "a token"}')
            url = f"http://127.0.0.1:{made.getsockname()[1]}/dash"
            environment = {
                **os.environ,
                "ML_DASH_CONFIG_DIR": folder,
                "ML_DASH_FILE_UPLOAD_WORKERS": "1",
            }
            subprocess.run(
                [python, str(HERE / "program.py"), url], cwd=folder, env=environment, check=True
            )
        finally:
            server.stop()
            thread.join()
    with REQUESTS.open("w") as file:
        file.writelines(json.dumps(one) + "\n" for one in recording.kept)


if __name__ == "__main__":
    main(sys.argv[1])
