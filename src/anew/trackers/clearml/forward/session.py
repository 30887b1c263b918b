"""A task of ClearML to write to: on a server, or as the folder of an offline session.

Neither uses `clearml.Task`, which takes hold of the process it is in: of its arguments, its output, its exit, its forks
and of whatever frameworks it uses. A server is sent the requests that `Task` would send; a folder is given the files
that `Task.import_offline_session` reads.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ....forwarders.patience import answer_within
from ....record.status import Status

__all__ = ["OfflineSession", "OnlineSession", "Session"]

_PATIENCE = 30.0  # seconds
_UPLOAD_PATIENCE = 600.0
_SERVER = "The ClearML server"
_FINAL = {
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "stopped",
}


class Session(Protocol):
    """Where the records of one task go."""

    id: str
    url: str | None

    def add(self, events: Sequence[Any]) -> None:
        """Take in events, in order (`clearml.backend_api.services.events`)."""
        ...

    def keep(self, source: str, key: str) -> str:
        """Keep a copy of a file under `key`, a path with slashes; returns its URL."""
        ...

    def describe(self, fields: Mapping[str, Any], artifacts: Sequence[Mapping[str, Any]]) -> None:
        """Set what the task is like, as plain data of `tasks.EditRequest`, and its artifacts."""
        ...

    def end(self, status: Status, reason: str | None, ended_at: float) -> None:
        """The task has ended."""
        ...

    def settle(self) -> dict[str, int]:
        """Make it lasting; returns what opening it again needs."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class OfflineSession:
    """The folder of an offline session, whose files are ours: what was not settled is cut off when it is opened.

    Args:
        folder: The folder; made if it is not there.
        task_id: The id that its records have.
        sizes: What `settle` returned last, or {}.
    """

    url: str | None = None

    def __init__(self, folder: str, task_id: str, sizes: Mapping[str, int]) -> None:
        self.id = task_id
        self._folder = folder
        self._task: dict[str, Any] = {"id": task_id, "type": "training", "status": "in_progress"}
        os.makedirs(folder, exist_ok=True)
        self._files = {
            kind: _cut(os.path.join(folder, f"{kind}.jsonl"), sizes.get(kind, 0))
            for kind in ("metrics", "log")
        }

    def add(self, events: Sequence[Any]) -> None:
        """See `Session.add`."""
        from clearml.backend_api.services import events as api

        for kind, file in self._files.items():
            lines = [
                api.AddRequest(event=event).to_dict()
                for event in events
                if isinstance(event, api.TaskLogEvent) == (kind == "log")
            ]
            if lines:
                file.write(json.dumps(lines, allow_nan=False).encode() + b"\n")
                file.flush()

    def keep(self, source: str, key: str) -> str:
        """See `Session.keep`."""
        path = os.path.join(self._folder, "data", *key.split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.lexists(path):
            os.unlink(path)
        try:
            os.link(source, path)
        except OSError:
            shutil.copyfile(source, path)
        return path

    def describe(self, fields: Mapping[str, Any], artifacts: Sequence[Mapping[str, Any]]) -> None:
        """See `Session.describe`."""
        self._task |= fields
        self._task["execution"] = {"artifacts": [dict(artifact) for artifact in artifacts]}
        self._write_task()

    def end(self, status: Status, reason: str | None, ended_at: float) -> None:
        """See `Session.end`."""
        self._task |= {"status": _FINAL.get(status, "completed"), "status_reason": reason or ""}
        self._write_task()

    def settle(self) -> dict[str, int]:
        """See `Session.settle`."""
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())
        return {kind: file.tell() for kind, file in self._files.items()}

    def close(self) -> None:
        """Let go of the files."""
        for file in self._files.values():
            file.close()

    def _write_task(self) -> None:
        path = os.path.join(self._folder, "task.json")
        whole = self._task | {"offline_folder": self._folder, "offline_output_models": []}
        with open(f"{path}.tmp", "w") as file:
            json.dump(whole, file, sort_keys=True)
        os.replace(f"{path}.tmp", path)


def _cut(path: str, size: int) -> Any:
    """A file to append to, no longer than what is known of it."""
    file = open(path, "ab")  # noqa: SIM115  (closed with the session)
    if file.tell() > size:
        file.truncate(size)
        file.seek(size)
    return file


class OnlineSession:
    """A task on the server that ClearML's own configuration names.

    Args:
        project: Its project, made if it is not there.
        name: What a new task is called.
        tag: By which an earlier one is found again.

    Raises:
        RuntimeError: The server refused something.
        TimeoutError: It did not answer; ClearML itself would ask for ever.
    """

    def __init__(self, project: str, name: str, tag: str) -> None:
        from clearml.backend_api import Session as Api
        from clearml.backend_api.services import tasks
        from clearml.backend_interface.util import get_or_create_project

        self._api = answer_within(_PATIENCE, Api, _SERVER)
        found = self._send(tasks.GetAllRequest(tags=[tag], only_fields=["id", "status"])).tasks
        if found:
            self.id = str(found[0].id)
        else:
            # The tag comes with the task, so that one made by a process that was killed is found as well.
            made = tasks.CreateRequest(
                name=name,
                type=tasks.TaskTypeEnum("training"),
                tags=[tag],
                project=answer_within(
                    _PATIENCE, lambda: get_or_create_project(self._api, project), _SERVER
                ),
            )
            self.id = str(self._send(made).id)
        self._send(tasks.StartedRequest(task=self.id, force=True))
        self.url: str | None = (
            f"{Api.get_app_server_host()}/projects/*/experiments/{self.id}/output/log"
        )

    def _send(self, request: Any) -> Any:
        result = answer_within(_PATIENCE, lambda: self._api.send(request), _SERVER)
        if result is None or not result.ok():
            told = getattr(getattr(result, "meta", None), "result_msg", None)
            raise RuntimeError(f"The ClearML server refused {type(request).__name__}: {told}")
        return result.response

    def add(self, events: Sequence[Any]) -> None:
        """See `Session.add`."""
        from clearml.backend_api.services import events as api

        for start in range(0, len(events), 500):
            requests = [api.AddRequest(event=event) for event in events[start : start + 500]]
            self._send(api.AddBatchRequest(requests=requests))

    def keep(self, source: str, key: str) -> str:
        """See `Session.keep`."""
        from clearml import StorageManager
        from clearml.backend_api import Session as Api

        target = f"{Api.get_files_server_host().rstrip('/')}/{key}"
        uploaded = answer_within(
            _UPLOAD_PATIENCE,
            lambda: StorageManager.upload_file(local_file=source, remote_url=target),
            "The ClearML file server",
        )
        return str(uploaded or target)

    def describe(self, fields: Mapping[str, Any], artifacts: Sequence[Mapping[str, Any]]) -> None:
        """See `Session.describe`."""
        from clearml.backend_api import Session as Api
        from clearml.backend_api.services import tasks

        known = {k: v for k, v in fields.items() if k != "project_name"}
        self._send(tasks.EditRequest(task=self.id, force=True, **known))
        if artifacts:
            kept = [tasks.Artifact(**artifact) for artifact in artifacts]
            force = {"force": True} if Api.check_min_api_version("2.13") else {}
            self._send(tasks.AddOrUpdateArtifactsRequest(task=self.id, artifacts=kept, **force))

    def end(self, status: Status, reason: str | None, ended_at: float) -> None:
        """See `Session.end`."""
        from clearml.backend_api.services import tasks

        request = {
            Status.FAILED: tasks.FailedRequest,
            Status.CANCELLED: tasks.StoppedRequest,
        }.get(status, tasks.CompletedRequest)
        self._send(request(task=self.id, force=True, status_reason=reason or None))

    def settle(self) -> dict[str, int]:
        """See `Session.settle`. Each request was answered before the next was sent."""
        return {}

    def close(self) -> None:
        """There is nothing to let go of."""
