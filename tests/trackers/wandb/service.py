"""A double of W&B's service, for tests: it answers the questions that W&B's public client asks, in their shapes, and refuses all others.

The real service was not there to test against.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from anew.trackers.wandb.importer import queries

__all__ = ["KEY", "Project", "serving"]

KEY = "0123456789abcdef0123456789abcdef01234567"
_BASIC = "Basic " + base64.b64encode(f"api:{KEY}".encode()).decode()
_PAGE = 7
"""The most that a page has, whatever is asked for: a service may give less."""


def _same(text: str) -> str:
    return " ".join(text.split())


class Project:
    """What the service has: runs by id, each with its history, files and artifacts. Everything is seen by tests."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.refused = 0
        self.busy_every = 0
        self.unsigned: list[str] = []
        self.given: list[str] = []

    def add(self, run: str, **facts: Any) -> dict[str, Any]:
        """A run."""
        node = {
            "id": f"id-{run}", "tags": [], "name": run, "displayName": run, "sweepName": None, "state": "finished", "config": "{}",
            "group": None, "jobType": None, "commit": None, "readOnly": False, "createdAt": "2026-01-02T03:04:05", "heartbeatAt": "2026-01-02T04:04:05",
            "description": None, "notes": None, "systemMetrics": "{}", "summaryMetrics": "{}", "user": {"name": "A", "username": "ann"}, "projectId": "1",
            "history": [], "events": [], "files": {}, "artifacts": [], "used": [], **facts,
        }  # fmt: skip
        node["historyLineCount"] = len(node["history"])
        steps = [row["_step"] for row in node["history"]]
        node["historyKeys"] = {"sets": [], "keys": {}, "lastStep": max(steps, default=-1)}
        self.runs[run] = node
        return node


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    project: Project
    base: str

    def log_message(self, *_: object) -> None: ...

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        """A file, at the address that an answer named; it asks nobody who they are, as signed addresses do not."""
        parts = urlsplit(self.path)
        if self.headers.get("Authorization"):
            self.project.unsigned.append(self.path)
        _, kind, owner, name = parts.path.split("/", 3)
        if parse_qs(parts.query).get("signature") != ["s"]:
            return self._send(403, b"expired")
        content = self._content(kind, owner, unquote(name))
        self.project.given.append(f"{kind}/{unquote(name)}")
        return self._send(200, content) if content is not None else self._send(404, b"")

    def _content(self, kind: str, owner: str, name: str) -> bytes | None:
        if kind == "files":
            return self.project.runs[owner]["files"].get(name)
        for run in self.project.runs.values():
            for artifact in run["artifacts"]:
                if artifact["id"] == owner:
                    return _manifest(artifact) if kind == "manifest" else artifact["files"][name]
        return None

    def do_POST(self) -> None:
        """A question."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        project = self.project
        if self.path != "/graphql" or self.headers.get("Content-Type") != "application/json":
            return self._send(404, b"")
        if self.headers.get("Authorization") != _BASIC:
            return self._send(401, b'{"errors": [{"message": "invalid key"}]}')
        project.asked.append(body.decode())
        if project.busy_every and len(project.asked) % project.busy_every == 0:
            project.refused += 1
            return self._send(429 if project.refused % 2 else 502, b"busy", Retry_After="3")
        given = json.loads(body)
        answer = _ANSWERS.get(_same(given["query"]))
        if answer is None or set(given) != {"query", "variables"}:
            return self._send(400, b'{"errors": [{"message": "Cannot query field"}]}')
        data = answer(self, given["variables"])
        return self._send(200, json.dumps({"data": data}).encode())

    # -- the answers ---------------------------------------------------------------------------------

    def _project(self, asked: dict[str, Any], found: Any) -> dict[str, Any]:
        if (asked["entity"], asked["project"]) != ("lab", "vision ü"):
            return {"project": None}
        return {"project": found}

    def _runs(self, asked: dict[str, Any]) -> dict[str, Any]:
        wanted = json.loads(asked["filters"]).get("name")
        hidden = ("history", "events", "files", "artifacts", "used")
        nodes = [
            {name: value for name, value in run.items() if name not in hidden}
            for key, run in self.project.runs.items()
            if wanted in (None, key)
        ]
        return self._project(asked, {"runs": _page(nodes, asked["cursor"], asked["perPage"])})

    def _of(self, asked: dict[str, Any], by: str, answer: Any) -> dict[str, Any]:
        run = self.project.runs.get(asked[by])
        return self._project(asked, {"run": None if run is None else answer(run)})

    def _history(self, asked: dict[str, Any]) -> dict[str, Any]:
        def answer(run: dict[str, Any]) -> Any:
            rows = [r for r in run["history"] if asked["minStep"] <= r["_step"] < asked["maxStep"]]
            if len(rows) > asked["pageSize"]:  # a sample
                rows = rows[:: len(rows) // asked["pageSize"] + 1]
            return {"history": [json.dumps(row) for row in rows]}

        return self._of(asked, "run", answer)

    def _events(self, asked: dict[str, Any]) -> dict[str, Any]:
        return self._of(
            asked, "name", lambda run: {"events": [json.dumps(r) for r in run["events"]]}
        )

    def _files(self, asked: dict[str, Any]) -> dict[str, Any]:
        def answer(run: dict[str, Any]) -> Any:
            nodes = [
                {
                    "id": name, "name": name, "url": None, "sizeBytes": len(data), "mimetype": "", "updatedAt": "2026-01-02T04:00:00",
                    "md5": base64.b64encode(hashlib.md5(data).digest()).decode(),
                    "directUrl": f"{self.base}/files/{run['name']}/{quote(name)}?signature=s",
                }
                for name, data in run["files"].items()
            ]  # fmt: skip
            page = _page(nodes, asked["fileCursor"], asked["fileLimit"])
            return {"fileCount": len(nodes), "files": page}

        return self._of(asked, "name", answer)

    def _artifacts(self, asked: dict[str, Any], which: str) -> dict[str, Any]:
        def answer(run: dict[str, Any]) -> Any:
            nodes = [{k: v for k, v in one.items() if k != "files"} for one in run[which]]
            return {"artifacts": _page(nodes, asked["cursor"], asked["perPage"])}

        return self._of(asked, "run", answer)

    def _manifest(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert set(asked) == {"id"}
        url = f"{self.base}/manifest/{asked['id']}/m?signature=s"
        return {"artifact": {"currentManifest": {"file": {"directUrl": url}}}}

    def _artifact_files(self, asked: dict[str, Any]) -> dict[str, Any]:
        for run in self.project.runs.values():
            for one in run["artifacts"]:
                version = f"v{one['versionIndex']}"
                if (one["artifactSequence"]["name"], version) == (asked["collection"], asked["alias"]):  # fmt: skip
                    nodes = [
                        {"name": name, "directUrl": f"{self.base}/artifact/{one['id']}/{quote(name)}?signature=s"}
                        for name in one["files"]
                    ]  # fmt: skip
                    files = {"files": _page(nodes, asked["cursor"], asked["perPage"])}
                    return self._project(
                        asked, {"artifactCollection": {"artifactMembership": files}}
                    )
        return self._project(asked, {"artifactCollection": None})


_ANSWERS = {
    _same(queries.RUNS): _Handler._runs,
    _same(queries.HISTORY): _Handler._history,
    _same(queries.EVENTS): _Handler._events,
    _same(queries.FILES): _Handler._files,
    _same(queries.OUTPUT_ARTIFACTS): lambda self, asked: self._artifacts(asked, "artifacts"),
    _same(queries.INPUT_ARTIFACTS): lambda self, asked: self._artifacts(asked, "used"),
    _same(queries.MANIFEST): _Handler._manifest,
    _same(queries.ARTIFACT_FILES): _Handler._artifact_files,
}


def _page(nodes: list[Any], cursor: str | None, size: int) -> dict[str, Any]:
    start = int(cursor or 0)
    end = start + min(size, _PAGE)
    return {
        "edges": [{"node": node, "cursor": str(at)} for at, node in enumerate(nodes[start:end])],
        "pageInfo": {"endCursor": str(end), "hasNextPage": end < len(nodes)},
    }


def _manifest(artifact: dict[str, Any]) -> bytes:
    contents: dict[str, Any] = {
        name: {"digest": base64.b64encode(hashlib.md5(data).digest()).decode(), "size": len(data)}
        for name, data in artifact["files"].items()
    }
    contents["far"] = {"digest": "s3://bucket/far", "ref": "s3://bucket/far"}
    return json.dumps({"version": 1, "contents": contents}).encode()


@contextmanager
def serving(project: Project, port: int = 0) -> Iterator[str]:
    """The address of the service with what a project has; at a port that is free if none is given."""
    handler = type("Handler", (_Handler,), {"project": project})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    # Files have another address than the service, as they do at W&B.
    handler.base = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
