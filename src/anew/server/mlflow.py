"""The routes for MLflow's client: `MLFLOW_TRACKING_URI=https://host/mlflow`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import anyio.to_thread
import msgspec
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from ..errors import InvalidValue
from ..reading.problems import problem_of
from ..trackers.mlflow.serve import answers, requests
from ..trackers.mlflow.serve import registry_messages as registered
from ..trackers.mlflow.serve.asking import Asker
from ..trackers.mlflow.serve.experiments import ExperimentCalls
from ..trackers.mlflow.serve.missing import missing_at
from ..trackers.mlflow.serve.models import Models
from ..trackers.mlflow.serve.problems import STATUS, Code, MlflowProblem, Refusal
from ..trackers.mlflow.serve.registry import ModelRegistry
from ..trackers.mlflow.serve.service import Tracking
from ..trackers.mlflow.serve.stored import Stored
from .browsing import send_content
from .callers import Caller, Role
from .foreign import Checks, feed
from .models import registered_models
from .replies import JSON, SECURITY, Denied, refused, replied
from .requests import ContentRequest
from .routes import Call, Misread, Nothing, Route

__all__ = ["MLFLOW", "MLFLOW_ROUTES"]

MLFLOW = "/mlflow"
_API = f"{MLFLOW}/api/2.0/mlflow"
_STORE = f"{MLFLOW}/api/2.0/mlflow-artifacts/artifacts"
_MPU = f"{MLFLOW}/api/2.0/mlflow-artifacts/mpu"
_PARTS = f"{_MPU}/part"
_LINKS = f"{MLFLOW}/api/2.0/mlflow-artifacts/presigned"
_VERSION = "3.17.2"
"""The version of MLflow whose client is tested against this API."""


def _asker(call: Call) -> Asker:
    client, checks = call.request.client, Checks(call, "run or experiment")
    return Asker(
        call.place.backend(call.caller),
        call.place.upkeep(call.caller),
        call.caller.name,
        client.host if client else "",
        sees=lambda prefix: call.caller.role_at(prefix) >= Role.READER,
        check_writing=checks.writing,
        check_adding=checks.adding,
        check_beginning=checks.beginning,
        check_deleting=checks.deleting,
        registered=lambda: registered_models(call),
        models_scope=_models_scope(call.caller),
        note=call.note,
    )


def _models_scope(caller: Caller) -> str | None:
    """Whom a registered model concerns that somebody makes without saying it: everybody, or the one project that they may write to."""
    if caller.role_on("root") >= Role.WRITER:
        return "root"
    named = {one.pattern for one in caller.grants or () if not set(one.pattern) & set("*~")}
    projects = {one for one in named if caller.role_on(f"project/{one}") >= Role.WRITER}
    return f"project/{projects.pop()}" if len(projects) == 1 else None


def _service(call: Call) -> Tracking:
    service = call.place.tracker(Tracking)
    if service is None:
        raise MlflowProblem(
            "NOT_IMPLEMENTED",
            "This server keeps no folder that clients of MLflow could write to.",
        )
    return service


def _does(method: Callable[[Any, Asker, Any], Any], of: str = "") -> Callable[[Call], Any]:
    """Answers with a method of the service, or of one of its parts."""

    def reply(call: Call) -> Any:
        service = _service(call)
        return method(getattr(service, of) if of else service, _asker(call), call.question)

    return reply


def _experiments(method: Callable[[ExperimentCalls, Asker, Any], Any]) -> Callable[[Call], Any]:
    return _does(method, "experiments")


def _models(method: Callable[[Models, Asker, Any], Any]) -> Callable[[Call], Any]:
    return _does(method, "models")


def _registry(method: Callable[[ModelRegistry, Asker, Any], Any]) -> Callable[[Call], Any]:
    return _does(method, "registry")


def _stored(method: Callable[[Stored, Asker, Any], Any]) -> Callable[[Call], Any]:
    return _does(method, "stored")


_MOST_SHOWN = 80
_CODES: dict[int, Code] = {
    400: "INVALID_PARAMETER_VALUE",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    408: "TEMPORARILY_UNAVAILABLE",
    409: "RESOURCE_CONFLICT",
    413: "BAD_REQUEST",
    415: "BAD_REQUEST",
    421: "BAD_REQUEST",
    422: "INVALID_PARAMETER_VALUE",
    429: "REQUEST_LIMIT_EXCEEDED",
    501: "NOT_IMPLEMENTED",
    503: "TEMPORARILY_UNAVAILABLE",
    507: "RESOURCE_EXHAUSTED",
}


def _refused(error: BaseException) -> Response:
    """The answer that reports an error, as MLflow's client reads it."""
    if isinstance(error, MlflowProblem):
        return _refusal(STATUS[error.code], error.code, str(error), {})
    ours = refused(error)
    if isinstance(error, Denied):
        message = str(error)
    else:
        problem = problem_of(error)
        message = problem.message if problem is not None else "The server could not answer."
    if isinstance(error, Misread) and error.at:
        if error.value is None:
            message = f"Missing value for required parameter '{error.at}'. {message}"
        else:
            shown = json.dumps(error.value)
            shown = shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}…"
            message = f"Invalid value {shown} for parameter '{error.at}' supplied: {message}"
    code = _CODES.get(ours.status_code, "INTERNAL_ERROR")
    kept = {
        key: ours.headers[key] for key in ("retry-after", "www-authenticate") if key in ours.headers
    }
    return _refusal(ours.status_code, code, message, kept)


def _refusal(status: int, code: Code, message: str, headers: dict[str, str]) -> Response:
    body = msgspec.json.encode(Refusal(code, message))
    return Response(body, status, headers={**SECURITY, **headers}, media_type=JSON)


def _unknown(call: Call) -> Any:
    rest = call.question.rest
    path = re.sub(r"^(ajax-)?api/", "", rest)
    found = missing_at(path)
    if found is not None:
        raise MlflowProblem(
            "NOT_IMPLEMENTED",
            f"This server does not have {found.what}. Its guide for MLflow lists what it has not.",
        )
    raise MlflowProblem("ENDPOINT_NOT_FOUND", f"There is no /{rest:.200} in MLflow's API.")


def _info(call: Call) -> answers.ServerInfo:
    service = call.place.tracker(Tracking)
    return answers.ServerInfo(multipart_downloads_enabled=service is not None and service.links)


async def _text(call: Call) -> Response:
    said = _VERSION if call.request.url.path.endswith("/version") else "OK"
    return Response(said, headers=SECURITY, media_type="text/plain")


async def _upload(call: Call) -> Response:
    stored, who, path = _service(call).stored, _asker(call), call.question.path
    arriving = await anyio.to_thread.run_sync(stored.arriving, who, path)
    try:
        await feed(call, arriving.write)
        await anyio.to_thread.run_sync(stored.keep, who, path, arriving)
        return replied(call.request, answers.Done())
    except ClientDisconnect:
        raise InvalidValue("The file ends before it is whole.", key="path") from None
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(arriving.close)


def _base(call: Call) -> str:
    return str(call.request.base_url).rstrip("/")


def _shown_again(call: Call) -> dict[str, str]:
    """What the client is to show at addresses of this server that it is told: what it has shown for this request. It sends nothing else there."""
    shown = call.request.headers.get("authorization")
    return {} if shown is None else {"Authorization": shown}


def _link(call: Call) -> answers.DownloadLink:
    """Where a file can be fetched in ranges, several at once: from the bucket, or from this server."""
    path = call.question.path
    link, size = _service(call).stored.link(_asker(call), path)
    if link is not None:
        return answers.DownloadLink(link, {}, size)
    return answers.DownloadLink(f"{_base(call)}{_STORE}/{quote(path)}", _shown_again(call), size)


def _begin_upload(call: Call) -> answers.UploadBegun:
    asked: requests.UploadRequest = call.question
    upload_id = _service(call).stored.begin_upload(_asker(call), asked)
    headers = _shown_again(call)
    parts = (
        answers.UploadPart(f"{_base(call)}{_PARTS}/{upload_id}/{number}", number, headers)
        for number in range(1, asked.num_parts + 1)
    )
    return answers.UploadBegun(upload_id, tuple(parts))


async def _upload_part(call: Call) -> Response:
    length = call.request.headers.get("content-length", "")
    if not length.isdecimal():
        raise InvalidValue("A part says how long it is.", key="content-length")
    stored, who, asked = _service(call).stored, _asker(call), call.question
    part = await anyio.to_thread.run_sync(stored.part, who, asked, int(length))
    try:
        await feed(call, part.write)
        tag = await anyio.to_thread.run_sync(part.keep)
    except ClientDisconnect:
        raise InvalidValue("The part ends before it is whole.", key="path") from None
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(part.close)
    answer = replied(call.request, answers.Done())
    answer.headers["ETag"] = f'"{tag}"'
    return answer


async def _download(call: Call) -> Response:
    stored, who, path = _service(call).stored, _asker(call), call.question.path
    run_id, name = await anyio.to_thread.run_sync(stored.file, who, path)
    return await send_content(call, ContentRequest(ref=run_id, kind="file", name=name))


async def _fetch(call: Call) -> Response:
    """A file of a run, as MLflow's page and older clients ask for it."""
    stored, who, asked = _service(call).stored, _asker(call), call.question
    path = f"0/{asked.run_id or asked.run_uuid}/artifacts/{asked.path or ''}"
    run_id, name = await anyio.to_thread.run_sync(stored.file, who, path)
    return await send_content(call, ContentRequest(ref=run_id, kind="file", name=name))


def _route(
    method: Any, path: str, name: str, asked: Any, answer: Any, summary: str, **more: Any
) -> Route:
    return Route(
        method, path, f"mlflow-{name}", asked, answer, summary, foreign=True, strict=False, refused=_refused, **more
    )  # fmt: skip


_WRITES: dict[str, Any] = {"role": Role.WRITER, "changes": True}
_DELETES: dict[str, Any] = {"role": Role.MAINTAINER, "changes": True}
_FILE: dict[str, Any] = {"media": "application/octet-stream"}

MLFLOW_ROUTES: tuple[Route, ...] = (
    _route("GET", f"{MLFLOW}/health", "health", Nothing, str, "Whether the process answers.", stream=_text, media="text/plain"),
    _route("GET", f"{MLFLOW}/version", "version", Nothing, str, "The version of MLflow whose client this API is for.", stream=_text, media="text/plain"),
    _route("GET", f"{MLFLOW}/api/3.0/mlflow/server-info", "server-info", Nothing, answers.ServerInfo, "What the server can do.", reply=_info),
    _route("POST", f"{_API}/experiments/create", "create-experiment", requests.CreateExperimentRequest, answers.CreatedExperiment, "Make an experiment.", reply=_experiments(ExperimentCalls.create), **_WRITES),
    _route("GET", f"{_API}/experiments/get", "experiment", requests.ExperimentRequest, answers.ExperimentFound, "One experiment.", reply=_experiments(ExperimentCalls.get)),
    _route("GET", f"{_API}/experiments/get-by-name", "experiment-by-name", requests.ExperimentNameRequest, answers.ExperimentFound, "One experiment by its name.", reply=_experiments(ExperimentCalls.by_name)),
    _route("POST", f"{_API}/experiments/update", "update-experiment", requests.UpdateExperimentRequest, answers.Done, "Rename an experiment.", reply=_experiments(ExperimentCalls.update), **_WRITES),
    _route("POST", f"{_API}/experiments/delete", "delete-experiment", requests.ExperimentRequest, answers.Done, "Hide an experiment.", reply=_experiments(ExperimentCalls.delete), **_DELETES),
    _route("POST", f"{_API}/experiments/restore", "restore-experiment", requests.ExperimentRequest, answers.Done, "Show an experiment again.", reply=_experiments(ExperimentCalls.restore), **_WRITES),
    _route("POST", f"{_API}/experiments/set-experiment-tag", "set-experiment-tag", requests.ExperimentTagRequest, answers.Done, "Set a tag of an experiment.", reply=_experiments(ExperimentCalls.set_tag), **_WRITES),
    _route("POST", f"{_API}/experiments/delete-experiment-tag", "delete-experiment-tag", requests.DeleteExperimentTagRequest, answers.Done, "Remove a tag of an experiment.", reply=_experiments(ExperimentCalls.delete_tag), **_WRITES),
    _route("POST", f"{_API}/experiments/search", "search-experiments", requests.SearchExperimentsRequest, answers.ExperimentsFound, "Experiments that meet a filter.", reply=_experiments(ExperimentCalls.search)),
    _route("GET", f"{_API}/experiments/search", "list-experiments", requests.SearchExperimentsRequest, answers.ExperimentsFound, "Experiments that meet a filter.", reply=_experiments(ExperimentCalls.search)),
    _route("POST", f"{_API}/runs/create", "create-run", requests.CreateRunRequest, answers.RunFound, "Begin a run.", reply=_does(Tracking.create_run), **_WRITES),
    _route("GET", f"{_API}/runs/get", "run", requests.RunRequest, answers.RunFound, "One run.", reply=_does(Tracking.get_run)),
    _route("POST", f"{_API}/runs/update", "update-run", requests.UpdateRunRequest, answers.RunUpdated, "How a run ended, or another name.", reply=_does(Tracking.update_run), **_WRITES),
    _route("POST", f"{_API}/runs/delete", "delete-run", requests.RunRequest, answers.Done, "Put a run in the trash.", reply=_does(Tracking.delete_run), **_DELETES),
    _route("POST", f"{_API}/runs/restore", "restore-run", requests.RunRequest, answers.Done, "Take a run out of the trash.", reply=_does(Tracking.restore_run), **_DELETES),
    _route("POST", f"{_API}/runs/search", "search-runs", requests.SearchRunsRequest, answers.RunsFound, "Runs that meet a filter.", reply=_does(Tracking.search_runs)),
    _route("POST", f"{_API}/runs/log-metric", "log-metric", requests.MetricRequest, answers.Done, "Keep a point.", reply=_does(Tracking.log_metric), **_WRITES),
    _route("POST", f"{_API}/runs/log-parameter", "log-parameter", requests.ParamRequest, answers.Done, "Set a parameter.", reply=_does(Tracking.log_param), **_WRITES),
    _route("POST", f"{_API}/runs/set-tag", "set-tag", requests.TagRequest, answers.Done, "Set a tag.", reply=_does(Tracking.set_tag), **_WRITES),
    _route("POST", f"{_API}/runs/delete-tag", "delete-tag", requests.DeleteTagRequest, answers.Done, "Remove a tag.", reply=_does(Tracking.delete_tag), **_WRITES),
    _route("POST", f"{_API}/runs/log-batch", "log-batch", requests.BatchRequest, answers.Done, "Keep points, parameters and tags.", reply=_does(Tracking.log_batch), **_WRITES),
    _route("POST", f"{_API}/runs/log-inputs", "log-inputs", requests.InputsRequest, answers.Done, "Keep what a run reads.", reply=_does(Tracking.log_inputs), **_WRITES),
    _route("POST", f"{_API}/runs/outputs", "log-outputs", requests.OutputsRequest, answers.Done, "Keep what a run made.", reply=_does(Tracking.log_outputs), **_WRITES),
    _route("GET", f"{_API}/metrics/get-history", "history", requests.HistoryRequest, answers.HistoryAnswer, "The points of a metric.", reply=_does(Tracking.history)),
    _route("GET", f"{_API}/metrics/get-history-bulk-interval", "bulk-history", requests.BulkHistoryRequest, answers.HistoryAnswer, "The points of a metric of several runs.", reply=_does(Tracking.bulk_history)),
    _route("GET", f"{MLFLOW}/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval", "page-bulk-history", requests.BulkHistoryRequest, answers.HistoryAnswer, "The points of a metric of several runs.", reply=_does(Tracking.bulk_history)),
    _route("GET", f"{_API}/artifacts/list", "artifacts", requests.ArtifactsRequest, answers.FilesAnswer, "The artifacts of a run.", reply=_stored(Stored.of_run)),
    _route("GET", f"{MLFLOW}/get-artifact", "artifact", requests.ArtifactsRequest, bytes, "An artifact of a run.", stream=_fetch, **_FILE),
    _route("GET", _STORE, "stored", requests.ArtifactsRequest, answers.FilesAnswer, "What lies in the store of artifacts.", reply=_stored(Stored.in_folder)),
    _route("GET", f"{_STORE}/{{path:path}}", "download", requests.ArtifactRequest, bytes, "The bytes of an artifact.", stream=_download, **_FILE),
    _route("GET", f"{_LINKS}/{{path:path}}", "download-link", requests.ArtifactRequest, answers.DownloadLink, "From where an artifact can be fetched in ranges.", reply=_link),
    _route("PUT", f"{_STORE}/{{path:path}}", "upload", requests.ArtifactRequest, answers.Done, "Keep an artifact.", stream=_upload, raw=True, **_WRITES),
    _route("DELETE", f"{_STORE}/{{path:path}}", "delete-artifact", requests.ArtifactRequest, answers.Done, "Take artifacts out of a run.", reply=_stored(Stored.delete), **_DELETES),
    _route("POST", f"{_MPU}/create/{{folder:path}}", "begin-upload", requests.UploadRequest, answers.UploadBegun, "Begin a file that arrives in parts.", reply=_begin_upload, **_WRITES),
    _route("PUT", f"{_PARTS}/{{upload_id}}/{{number}}", "upload-part", requests.PartRequest, answers.Done, "Keep a part of a file.", stream=_upload_part, raw=True, **_WRITES),
    _route("POST", f"{_MPU}/complete/{{folder:path}}", "complete-upload", requests.UploadCompleted, answers.Done, "Put the parts of a file together.", reply=_stored(Stored.complete_upload), **_WRITES),
    _route("POST", f"{_MPU}/abort/{{folder:path}}", "abort-upload", requests.UploadEnded, answers.Done, "Forget a file that does not arrive.", reply=_stored(Stored.abort_upload), **_WRITES),
    _route("POST", f"{_API}/logged-models", "create-model", requests.CreateModelRequest, answers.ModelFound, "Make a logged model.", reply=_models(Models.create), **_WRITES),
    _route("POST", f"{_API}/logged-models/search", "search-models", requests.SearchModelsRequest, answers.ModelsFound, "Logged models that meet a filter.", reply=_models(Models.search)),
    _route("GET", f"{_API}/logged-models/{{model_id}}", "model", requests.ModelRequest, answers.ModelFound, "One logged model.", reply=_models(Models.get)),
    _route("PATCH", f"{_API}/logged-models/{{model_id}}", "finalize-model", requests.ModelStatusRequest, answers.ModelFound, "Whether its files have arrived.", reply=_models(Models.finalize), **_WRITES),
    _route("DELETE", f"{_API}/logged-models/{{model_id}}", "delete-model", requests.ModelRequest, answers.Done, "Hide a logged model.", reply=_models(Models.delete), **_DELETES),
    _route("POST", f"{_API}/logged-models/{{model_id}}/params", "log-model-params", requests.ModelParamsRequest, answers.Done, "Add parameters of a logged model.", reply=_models(Models.log_params), **_WRITES),
    _route("PATCH", f"{_API}/logged-models/{{model_id}}/tags", "set-model-tags", requests.ModelTagsRequest, answers.ModelFound, "Set tags of a logged model.", reply=_models(Models.set_tags), **_WRITES),
    _route("DELETE", f"{_API}/logged-models/{{model_id}}/tags/{{tag_key:path}}", "delete-model-tag", requests.ModelTagRequest, answers.Done, "Remove a tag of a logged model.", reply=_models(Models.delete_tag), **_WRITES),
    _route("GET", f"{_API}/logged-models/{{model_id}}/artifacts/directories", "model-artifacts", requests.ModelArtifactsRequest, answers.FilesAnswer, "The files of a logged model.", reply=_stored(Stored.of_model)),
    _route("POST", f"{_API}/registered-models/create", "register-model", registered.CreateRegisteredRequest, registered.RegisteredFound, "Make a registered model.", reply=_registry(ModelRegistry.create), **_WRITES),
    _route("GET", f"{_API}/registered-models/get", "registered-model", registered.RegisteredRequest, registered.RegisteredFound, "One registered model.", reply=_registry(ModelRegistry.get)),
    _route("POST", f"{_API}/registered-models/rename", "rename-registered-model", registered.RenameRequest, registered.RegisteredFound, "Give a registered model another name.", reply=_registry(ModelRegistry.rename), **_WRITES),
    _route("PATCH", f"{_API}/registered-models/update", "update-registered-model", registered.UpdateRegisteredRequest, registered.RegisteredFound, "Describe a registered model.", reply=_registry(ModelRegistry.update), **_WRITES),
    _route("DELETE", f"{_API}/registered-models/delete", "delete-registered-model", registered.RegisteredRequest, answers.Done, "Delete a registered model.", reply=_registry(ModelRegistry.delete), **_WRITES),
    _route("GET", f"{_API}/registered-models/search", "search-registered-models", registered.SearchRegisteredRequest, registered.RegisteredListed, "Registered models that meet a filter.", reply=_registry(ModelRegistry.search)),
    _route("POST", f"{_API}/registered-models/get-latest-versions", "latest-versions", registered.LatestRequest, registered.VersionsFound, "The newest versions by stage.", reply=_registry(ModelRegistry.latest)),
    _route("GET", f"{_API}/registered-models/get-latest-versions", "list-latest-versions", registered.LatestRequest, registered.VersionsFound, "The newest versions by stage.", reply=_registry(ModelRegistry.latest)),
    _route("POST", f"{_API}/registered-models/set-tag", "set-registered-model-tag", registered.RegisteredTagRequest, answers.Done, "Set a tag of a registered model.", reply=_registry(ModelRegistry.set_tag), **_WRITES),
    _route("DELETE", f"{_API}/registered-models/delete-tag", "delete-registered-model-tag", registered.RegisteredTagRequest, answers.Done, "Remove a tag of a registered model.", reply=_registry(ModelRegistry.delete_tag), **_WRITES),
    _route("POST", f"{_API}/registered-models/alias", "set-alias", registered.AliasGiven, answers.Done, "Have an alias mean a version.", reply=_registry(ModelRegistry.set_alias), **_WRITES),
    _route("DELETE", f"{_API}/registered-models/alias", "delete-alias", registered.AliasRequest, answers.Done, "Take an alias away.", reply=_registry(ModelRegistry.delete_alias), **_WRITES),
    _route("GET", f"{_API}/registered-models/alias", "version-by-alias", registered.AliasRequest, registered.VersionFound, "The version that an alias means.", reply=_registry(ModelRegistry.by_alias)),
    _route("POST", f"{_API}/model-versions/create", "create-version", registered.CreateVersionRequest, registered.VersionFound, "Make the next version of a registered model.", reply=_registry(ModelRegistry.create_version), **_WRITES),
    _route("GET", f"{_API}/model-versions/get", "model-version", registered.VersionRequest, registered.VersionFound, "One version.", reply=_registry(ModelRegistry.get_version)),
    _route("PATCH", f"{_API}/model-versions/update", "update-version", registered.UpdateVersionRequest, registered.VersionFound, "Describe a version.", reply=_registry(ModelRegistry.update_version), **_WRITES),
    _route("POST", f"{_API}/model-versions/transition-stage", "transition-stage", registered.TransitionRequest, registered.VersionFound, "Give a version another stage.", reply=_registry(ModelRegistry.transition), **_WRITES),
    _route("DELETE", f"{_API}/model-versions/delete", "delete-version", registered.VersionRequest, answers.Done, "Withdraw a version.", reply=_registry(ModelRegistry.delete_version), **_WRITES),
    _route("GET", f"{_API}/model-versions/search", "search-versions", registered.SearchVersionsRequest, registered.VersionsListed, "Versions that meet a filter.", reply=_registry(ModelRegistry.search_versions)),
    _route("GET", f"{_API}/model-versions/get-download-uri", "download-uri", registered.VersionRequest, registered.DownloadAnswer, "Where the files of a version are found.", reply=_registry(ModelRegistry.download_uri)),
    _route("POST", f"{_API}/model-versions/set-tag", "set-version-tag", registered.VersionTagRequest, answers.Done, "Set a tag of a version.", reply=_registry(ModelRegistry.set_version_tag), **_WRITES),
    _route("DELETE", f"{_API}/model-versions/delete-tag", "delete-version-tag", registered.VersionTagRequest, answers.Done, "Remove a tag of a version.", reply=_registry(ModelRegistry.delete_version_tag), **_WRITES),
    *(
        _route(method, f"{MLFLOW}/{{rest:path}}", f"unknown-{method.lower()}", requests.RestRequest, answers.Done, "Says what is not there.", reply=_unknown)
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    ),
)  # fmt: skip
