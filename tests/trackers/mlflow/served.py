"""Servers that clients of MLflow write to: on a folder, and on the stores of a group."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from anew import Store
from anew.server.access import Access
from anew.server.app import make_app
from anew.server.group.address import GroupAddress
from anew.server.group.opening import open_group
from anew.server.place import Place
from serving import InProcess, place_of

__all__ = ["API", "FILES", "GroupServer", "Server", "point"]

API = "/mlflow/api/2.0/mlflow"
FILES = "/mlflow/api/2.0/mlflow-artifacts/artifacts"


class Server:
    """The application on a folder, which can be stopped and started again."""

    def __init__(self, root: Path, access: Access | None = None) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self._access = access or Access("tester")
        self.headers = {"Authorization": "Bearer a"}
        self.start()

    def start(self) -> None:
        self.place = self.opened()
        self._transport = InProcess(make_app(self.place, self._access))

    def opened(self) -> Place:
        """What is served."""
        return place_of(str(self.root))

    @property
    def store(self) -> Store:
        """The store, read by itself."""
        return Store(str(self.root))

    def stop(self) -> None:
        self._transport.close()
        self.place.close()

    def restart(self) -> None:
        self.stop()
        self.start()

    def send(self, method: str, to: str, body: Any = None, **query: Any) -> Any:
        data = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        full = to if to.startswith("/mlflow") else f"{API}/{to}"
        asked = f"?{urlencode(query, doseq=True)}" if query else ""
        headers = {"Content-Type": "application/json", **self.headers}
        return self._transport.send(method, full + asked, headers, data)

    def ask(self, method: str, to: str, body: Any = None, **query: Any) -> Any:
        answer = self.send(method, to, body, **query)
        assert answer.status == 200, (method, to, answer.status, answer.body)
        return json.loads(answer.body)

    def refused(self, method: str, to: str, body: Any = None, **query: Any) -> tuple[int, str]:
        answer = self.send(method, to, body, **query)
        said = json.loads(answer.body)
        assert set(said) == {"error_code", "message"}
        return answer.status, said["error_code"]

    def experiment(self, name: str) -> str:
        return str(self.ask("POST", "experiments/create", {"name": name})["experiment_id"])

    def begin(self, experiment: str, **more: Any) -> str:
        run = self.ask("POST", "runs/create", {"experiment_id": experiment, **more})["run"]
        return str(run["info"]["run_id"])

    def run(self, run_id: str) -> Any:
        return self.ask("GET", "runs/get", run_id=run_id)["run"]

    def log(self, run_id: str, **more: Any) -> Any:
        return self.ask("POST", "runs/log-batch", {"run_id": run_id, **more})

    def search(self, experiment: str, **more: Any) -> list[str]:
        found = self.ask("POST", "runs/search", {"experiment_ids": [experiment], **more})
        return [one["info"]["run_name"] for one in found.get("runs", [])]


class GroupServer(Server):
    """The application on the stores of a group, as one of its servers. Nothing works in the background but what a request asks for."""

    def __init__(
        self, root: Path, url: str, blobs: str = "", access: Access | None = None, links: float = 0.0
    ) -> None:  # fmt: skip
        self.address = GroupAddress(
            url, blobs or str(root / "bucket"), str(root / "cache"), links=links
        )
        super().__init__(root, access)

    def opened(self) -> Place:
        """What is served."""
        self.group = group = open_group(self.address, user="tester", works=False)
        return Place(
            group.backend, group.upkeep, group.close, group.intake, group.within, weights=group.weights, records=group.records
        )  # fmt: skip

    @property
    def store(self) -> Store:
        """The store, read by itself."""
        return Store(self.group.backend, upkeep=self.group.upkeep)

    def beside(self) -> GroupServer:
        """Another server of the group."""
        return GroupServer(
            self.root, self.address.catalog, self.address.blobs, links=self.address.links
        )


def point(key: str, value: Any, step: int, timestamp: int) -> dict[str, Any]:
    return {"key": key, "value": value, "step": step, "timestamp": timestamp}
