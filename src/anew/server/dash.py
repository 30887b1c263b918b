"""The routes for the client of ml-dash: the fields of a request are read as its client sends them, and it may send files as forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import anyio.to_thread
import msgspec
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from ..errors import InvalidValue
from ..trackers.ml_dash.serve import answers, requests
from ..trackers.ml_dash.serve.nodes import read_node
from ..trackers.ml_dash.serve.service import Asker, Dash
from .browsing import send_content
from .callers import Role
from .foreign import Checks, feed
from .replies import SECURITY, Denied, replied
from .requests import ContentRequest
from .routes import Call, Nothing, Route

__all__ = ["DASH", "DASH_ROUTES"]

DASH = "/dash"
_API = f"{DASH}/api"
_EXPERIMENT = f"{_API}/experiments/{{experiment}}"


def _asker(call: Call) -> Asker:
    client, checks = call.request.client, Checks(call, "project or experiment")
    return Asker(
        call.place.backend(call.caller),
        call.caller.name,
        client.host if client else "",
        check_writing=checks.writing,
        check_adding=checks.adding,
        check_beginning=checks.beginning,
        check_deleting=checks.deleting,
    )


def _service(call: Call) -> Dash:
    service = call.place.tracker(Dash)
    if service is None:
        raise Denied(
            501, "NoFolder", "This server keeps no folder that clients of ml-dash could write to."
        )
    return service


def _does(method: Callable[[Dash, Asker, Any], Any]) -> Callable[[Call], Any]:
    def reply(call: Call) -> Any:
        return method(_service(call), _asker(call), call.question)

    return reply


def _graph(call: Call) -> Any:
    from ..trackers.ml_dash.serve.graph import answer

    return answer(_asker(call), call.question.query, call.question.variables)


def _exchange(call: Call) -> Any:
    token = call.request.headers.get("authorization", "").partition(" ")[2].strip()
    return answers.ExchangeAnswer(ml_dash_token=token)


def _append(call: Call) -> Any:
    """Keep rows. The client does not encode the name of a metric, so one with a `?` comes apart in its URL."""
    rest = call.question.metric
    if call.request.url.query:
        rest += "?" + unquote(call.request.url.query)
    name, slash, what = rest.rpartition("/")
    if not slash or what not in ("append", "append-batch"):
        raise InvalidValue(
            f"The request does not say which metric: {rest!r}. A name with a '#' cannot be sent.",
            key="metric",
        )
    return _service(call).append(_asker(call), msgspec.structs.replace(call.question, metric=name))


def _metric(call: Call) -> Any:
    """Rows or statistics of a metric, by the end of the path."""
    name, _, what = call.question.metric.rpartition("/")
    if what not in ("rows", "stats"):
        raise Denied(404, "NoSuchRoute", "A metric is read by its rows or its stats.")
    asked = msgspec.structs.replace(call.question, metric=name)
    answered: Any = _service(call).rows if what == "rows" else _service(call).stats
    return answered(_asker(call), asked)


async def _nodes(call: Call) -> Response:
    """A file comes as a form, anything else as JSON."""
    kind = call.request.headers.get("content-type", "")
    if not kind.startswith("multipart/"):
        made = await anyio.to_thread.run_sync(_does(Dash.add_node), call)
        return replied(call.request, made)
    from ..trackers.ml_dash.serve.forms import FileForm

    service, who = _service(call), _asker(call)
    form = FileForm(service, who, kind)
    try:
        await feed(call, form.feed)
        return replied(call.request, await anyio.to_thread.run_sync(form.finish))
    except ClientDisconnect:
        raise InvalidValue("The form ends before its file does.", key="file") from None
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(form.close)


async def _download(call: Call) -> Response:
    node = read_node(call.question.node)
    file = await anyio.to_thread.run_sync(_asker(call).reader.file, node)
    return await send_content(
        call, ContentRequest(ref=node.experiment, kind="file", name=file.fact.path)
    )


async def _track_data(call: Call) -> Response:
    found = await anyio.to_thread.run_sync(_does(Dash.track_data), call)
    if isinstance(found, bytes):
        return Response(found, headers=SECURITY, media_type="application/octet-stream")
    return replied(call.request, found)


def _route(
    method: Any, path: str, name: str, asked: Any, answer: Any, summary: str, **more: Any
) -> Route:
    return Route(method, path, f"dash-{name}", asked, answer, summary, foreign=True, **more)


_WRITES: dict[str, Any] = {"role": Role.WRITER, "changes": True}

DASH_ROUTES: tuple[Route, ...] = (
    _route("POST", f"{DASH}/graphql", "graphql", requests.GraphRequest, dict[str, Any], "Projects, experiments and files by GraphQL.", reply=_graph),
    _route("POST", f"{_API}/auth/exchange", "exchange", Nothing, answers.ExchangeAnswer, "The token to keep after a login.", reply=_exchange),
    _route("POST", f"{_API}/namespaces/{{namespace}}/nodes", "add-node", requests.NodesRequest, answers.NodesAnswer, "Make a node or go on with it; a file as a form.", stream=_nodes, form=True, **_WRITES),
    _route("GET", f"{_API}/nodes/{{node}}", "node", requests.NodeRequest, answers.NodeAnswer, "One node.", reply=_does(Dash.node)),
    _route("GET", f"{_API}/nodes/{{node}}/download", "download", requests.NodeRequest, bytes, "The bytes of a file.", stream=_download, media="application/octet-stream"),
    _route("PATCH", f"{_API}/nodes/{{node}}", "change-node", requests.NodePatchRequest, answers.NodeAnswer, "Change a node.", reply=_does(Dash.change_node), **_WRITES),
    _route("DELETE", f"{_API}/nodes/{{node}}", "delete-node", requests.NodeRequest, answers.DeletedAnswer, "Delete a node.", reply=_does(Dash.delete_node), **_WRITES),
    _route("DELETE", f"{_API}/projects/{{project}}", "delete-project", requests.ProjectRequest, answers.ProjectDeletedAnswer, "Put a project in the trash.", reply=_does(Dash.delete_project), role=Role.MAINTAINER, changes=True),
    _route("GET", f"{_EXPERIMENT}/parameters", "parameters", requests.ExperimentRequest, answers.ParametersAnswer, "All parameters.", reply=_does(Dash.parameters)),
    _route("POST", f"{_EXPERIMENT}/parameters", "set-parameters", requests.ParametersRequest, answers.ParametersAnswer, "Merge parameters.", reply=_does(Dash.set_parameters), **_WRITES),
    _route("GET", f"{_EXPERIMENT}/logs", "logs", requests.LogsRequest, answers.LogsAnswer, "Messages.", reply=_does(Dash.logs)),
    _route("POST", f"{_EXPERIMENT}/logs", "append-logs", requests.LogsAppendRequest, answers.LogsAppendedAnswer, "Keep messages.", reply=_does(Dash.append_logs), **_WRITES),
    _route("GET", f"{_EXPERIMENT}/metrics", "metrics", requests.ExperimentRequest, answers.MetricsAnswer, "The metrics.", reply=_does(Dash.metrics)),
    # The names of metrics have slashes in them, and the client does not encode those: what is meant stands at the end.
    _route("GET", f"{_EXPERIMENT}/metrics/{{metric:path}}", "metric", requests.RowsRequest, answers.RowsAnswer, "Rows or statistics of a metric.", reply=_metric),
    _route("POST", f"{_EXPERIMENT}/metrics/{{metric:path}}", "append", requests.AppendRequest, answers.AppendedAnswer, "Keep rows of a metric.", reply=_append, **_WRITES),
    _route("GET", f"{_EXPERIMENT}/tracks", "tracks", requests.TracksRequest, answers.TracksAnswer, "The tracks.", reply=_does(Dash.tracks)),
    _route("POST", f"{_EXPERIMENT}/tracks", "add-track", requests.TrackRequest, answers.TrackAnswer, "Declare a track.", reply=_does(Dash.add_track), **_WRITES),
    _route("POST", f"{_EXPERIMENT}/tracks/{{topic:path}}/append", "append-entry", requests.TrackAppendRequest, answers.TrackAppendedAnswer, "Keep an entry of a track.", reply=_does(Dash.append_entry), **_WRITES),
    _route("POST", f"{_EXPERIMENT}/tracks/{{topic:path}}/append_batch", "append-track", requests.TrackBatchRequest, answers.TrackAppendedAnswer, "Keep entries of a track.", reply=_does(Dash.append_track), **_WRITES),
    _route("GET", f"{_EXPERIMENT}/tracks/{{topic:path}}/data", "track-data", requests.TrackDataRequest, answers.TrackDataAnswer, "The entries of a track.", stream=_track_data),
    _route("GET", f"{_API}/search/files", "search-files", requests.FileSearchRequest, answers.FileSearchAnswer, "Files by a glob pattern.", reply=_does(Dash.search_files)),
)  # fmt: skip
