"""Runs of W&B as its service gives them, asked as W&B's public client asks it."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import msgspec

from ....errors import CorruptData, InvalidValue, NotAllowed, NotFound
from ....importing.folders import read_at_most
from ....importing.foreign import resolved
from ....importing.logged import seconds_of
from ....importing.source import (
    Finding,
    Message,
    Outcome,
    Row,
    Run,
    SourceFile,
    SourceModel,
    SourceValue,
)
from ....importing.web import Web
from ....record.plain import flatten, nest
from ..names import STATES
from . import queries
from .artifacts import has_md5, md5_of
from .forwarded import FILES, end_of, forwarded, tags_of
from .media import Labels, file_of, labels_in, made, paths_of
from .records import number_of, parsed, row_of
from .registry import Registry, folder_of, used_artifacts

__all__ = ["Service"]

_RUNS, _FILES, _ARTIFACTS = 50, 500, 100  # of a page
_STEPS = 1_000
_SAMPLES = 100_000
_WIDEST = 1 << 62
_METADATA, _OUTPUT = "wandb-metadata.json", "output.log"
_SAID_ELSEWHERE = frozenset({"wandb-summary.json", "config.yaml", _OUTPUT, _METADATA})
_OF_TABLES = "run_table"
_MOST_MANIFEST = 256 << 20
_BLOCK = 1 << 20


class Service:
    """The runs of a project, or one of its runs, asked page by page.

    Args:
        web: The service; its headers say who asks.
        entity: Whose project it is.
        run: The id of the one run that is wanted; "" for all.
    """

    kind = "wandb"

    def __init__(self, web: Web, entity: str, project: str, run: str = "") -> None:
        self._web = web
        self._asked = {"entity": entity, "project": project}
        self._wanted = run
        self.where = f"{web.url}/{entity}/{project}" + (f"/runs/{run}" if run else "")
        self._findings: list[Finding] = []
        self._nodes: dict[str, Mapping[str, Any]] = {}
        self._labels: dict[str, Labels] = {}
        self._ours: set[str] = set()
        self._elsewhere: dict[str, Web] = {}
        self._listed: tuple[str, dict[str, Mapping[str, Any]]] | None = None
        self._others: tuple[str, list[tuple[int | None, float, dict[str, Any]]]] | None = None
        self._held: tuple[str, ...] = ()
        self._registry = Registry(self._asked["entity"], self._asked["project"])
        self._downloads: tempfile.TemporaryDirectory[str] | None = None

    # -- asking ------------------------------------------------------------------------------------

    def _ask(self, query: str, **given: Any) -> Mapping[str, Any]:
        """The project that an answer is about.

        Raises:
            NotFound: There is none, or nobody may see it.
            OSError: The service refuses the question.
        """
        asked = {} if query is queries.MANIFEST else self._asked
        body = {"query": query, "variables": {**asked, **given}}
        answer = self._web.ask("/graphql", body=body)
        errors = answer.get("errors") if isinstance(answer, dict) else None
        if errors:
            raise OSError(f"{self._web.url} refuses a question: {_told(errors)}")
        data = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(data, dict):
            raise CorruptData(f"{self._web.url} gave no answer that is one.")
        if "artifact" in data:
            return _mapping(data, "artifact")
        project = data.get("project")
        if not isinstance(project, dict):
            raise NotFound(
                f"{self.where} is not there, or this key may not read it.", name=self.where
            )
        return project

    def _of_run(self, query: str, run: str, by: str = "name", **given: Any) -> Mapping[str, Any]:
        found = self._ask(query, **{by: run}, **given).get("run")
        if not isinstance(found, dict):
            raise NotFound(f"The run {run} is no longer there.", name=run)
        return found

    # -- runs --------------------------------------------------------------------------------------

    def runs(self) -> Iterator[Run]:
        """See `Source.runs`: in the order in which they were made."""
        cursor: str | None = None
        seen = False
        self._registry = Registry(self._asked["entity"], self._asked["project"])
        filters = {"name": self._wanted} if self._wanted else {}
        while True:
            project = self._ask(
                queries.RUNS, cursor=cursor, perPage=_RUNS, order="+created_at", filters=msgspec.json.encode(filters).decode(),
            )  # fmt: skip
            page = _mapping(project, "runs")
            for node in _nodes(page):
                if not isinstance(node.get("name"), str):
                    self._findings.append(Finding(self.where, "A run has no id.", True))
                    continue
                seen = True
                try:
                    run = self._run(node)
                except (CorruptData, NotFound) as error:
                    self._findings.append(Finding(f"run {node['name']}", str(error), True))
                    continue
                yield run
            cursor = _next(page)
            if cursor is None:
                break
        if self._wanted and not seen:
            raise NotFound(
                f"{self.where} is not there, or this key may not read it.", name=self.where
            )

    def _run(self, node: Mapping[str, Any]) -> Run:
        run_id = str(node["name"])
        key = f"{self._asked['project']}/{run_id}"  # as a folder's: it is the same run
        self._nodes[key] = node
        config = {
            str(name): item["value"] if isinstance(item, dict) and "value" in item else item
            for name, item in _json(node.get("config")).items()
            if name != "wandb_version"
        }
        self._labels[key] = labels_in(config.pop("_wandb", None))
        tags: dict[str, str | None] = dict.fromkeys(map(str, node.get("tags") or []))
        kept: dict[str, Any] = {
            here: node.get(there)
            for here, there in (("group", "group"), ("job_type", "jobType"), ("sweep", "sweepName"), ("state", "state"))
            if node.get(there)
        }  # fmt: skip
        status, reason = _status(str(node.get("state")))
        if about := forwarded(config):
            self._ours.add(key)
            kept["anew"], tags = about, tags_of(tags)
            if status != "running":
                status, reason = end_of(about, status, reason)
        kept |= {"entity": self._asked["entity"], "summary": _json(node.get("summaryMetrics"))}
        of_artifacts = self._artifacts_of(key, run_id)
        kept |= of_artifacts
        around = self._metadata(key)
        started = seconds_of(node.get("createdAt")) or 0.0
        beat = seconds_of(node.get("heartbeatAt")) or started
        user = node.get("user")
        return Run(
            key=key, place=(self._asked["project"],), name=str(node.get("displayName") or run_id), started=started,
            ended=None if status == "running" else max(started, beat), status=status, reason=reason, alive=beat,
            user=str(user.get("username") or "") if isinstance(user, dict) else "", host=str(around.get("host") or ""),
            params=nest(flatten(config)), tags=tags, notes=str(node.get("notes") or "") or None,
            captured=_captured(around, node) | used_artifacts(of_artifacts["used"]), kept={name: one for name, one in kept.items() if one},
        )  # fmt: skip

    def _metadata(self, key: str) -> Mapping[str, Any]:
        """What W&B wrote down of the program, in a file of the run."""
        node = self._files(key).get(_METADATA)
        if node is None:
            return {}
        try:
            with self._open(node) as reading:
                found = msgspec.json.decode(reading.read(_BLOCK))
        except (OSError, CorruptData, NotFound, NotAllowed, msgspec.DecodeError) as error:
            self._findings.append(Finding(_METADATA, f"It cannot be read: {error}.", True, key))
            return {}
        return found if isinstance(found, dict) else {}

    # -- what it logged ----------------------------------------------------------------------------

    def _history(self, run: Run) -> Iterator[tuple[int | None, float, dict[str, Any]]]:
        """Each row of a run's history. A page has no more steps than rows are asked for, so that none is a sample.

        Where a page has no rows, the next looks twice as far: steps may have gaps of millions.
        """
        node = self._nodes[run.key]
        last = _mapping(node, "historyKeys").get("lastStep")
        last = last if type(last) is int else -1
        at, wide, rows = 0, _STEPS, 0
        others: list[tuple[int | None, float, dict[str, Any]]] = []
        while at <= last:
            found = self._page(run, at, min(at + wide, _WIDEST))
            if found and wide > _STEPS:
                wide = _STEPS
                found = self._page(run, at, at + wide)
            rows += len(found)
            for one in found:
                row = row_of(one, run.key in self._ours)
                if rest := {name: v for name, v in row[2].items() if v is not None and number_of(v) is None}:  # fmt: skip
                    others.append((row[0], row[1], rest))
                yield row
            at += wide
            wide = _STEPS if found else wide * 2
        said = node.get("historyLineCount")
        if type(said) is int and rows < said:
            what = f"The service says that its history has {said:,} rows, and gave {rows:,}."
            self._findings.append(Finding("history", what, True, run.key))
        self._others = (run.key, others)

    def _page(self, run: Run, first: int, end: int) -> list[dict[str, Any]]:
        found = self._of_run(
            queries.HISTORY, _id_of(run), "run", minStep=first, maxStep=end, pageSize=_STEPS
        )
        return self._lines(found.get("history"), run)

    def _lines(self, lines: Any, run: Run) -> list[dict[str, Any]]:
        found = []
        for line in lines if isinstance(lines, list) else []:
            row = _json(line, None)
            if row is None:
                what = f"A row is damaged: {line!r:.80}"
                self._findings.append(Finding("history", what, True, run.key))
            else:
                found.append(row)
        return found

    def rows(self, run: Run) -> Iterator[Row]:
        """See `Source.rows`: the whole history, and then samples of the machine."""
        for step, at, values in self._history(run):
            numbers = {
                name: number
                for name, value in values.items()
                if (number := number_of(value)) is not None
            }
            if numbers:
                yield Row(step, at, numbers)
        events = self._of_run(queries.EVENTS, _id_of(run), samples=_SAMPLES).get("events")
        found = self._lines(events, run)
        for one in found:
            _, at, values = row_of(one)
            samples = {
                f"system/{name.removeprefix('system.')}": number
                for name, value in values.items()
                if (number := number_of(value)) is not None
            }
            if samples:
                yield Row(None, at, samples)
        if len(found) >= _SAMPLES:
            what = f"The service gives no more than {len(found):,} samples of the machine."
            self._findings.append(Finding("events", what, True, run.key))

    def values(self, run: Run) -> Iterator[SourceValue]:
        """See `Source.values`; a file is downloaded when its value is made."""
        find = partial(self._path, run.key)
        if self._others is None or self._others[0] != run.key:
            for _ in self._history(run):
                pass
        assert self._others is not None
        for step, at, values in self._others[1]:
            for name, value in values.items():
                found = made(name, value, find, self._labels[run.key], partial(self._lost, run.key))
                for name_, kind, make in found:
                    if paths_of(make):
                        make = partial(self._made, run.key, make)
                    yield SourceValue(name_, kind, step, at, make)
                if not found:
                    has_file = file_of(value, find) is not None
                    form = value.get("_type") if isinstance(value, dict) else type(value).__name__
                    what = f"There is no place for a {form}" + (
                        "; its file comes as a file." if has_file else "."
                    )
                    self._findings.append(Finding(f"metric {name}", what, not has_file, run.key))

    def _lost(self, run: str, where: str, what: str) -> None:
        self._findings.append(Finding(where, what, True, run))

    def messages(self, run: Run) -> Iterator[Message]:
        """The service has none."""
        return iter(())

    def printed(self, run: Run) -> Iterator[str]:
        """See `Source.printed`: whole lines; what a progress bar wrote over is left out."""
        node = self._files(run.key).get(_OUTPUT)
        if node is None:
            return
        with self._open(node) as reading:
            for line in reading:
                text = line.decode("utf-8", "replace")
                if text.endswith("\n") or run.status != "running":
                    yield text.rstrip("\r\n").rpartition("\r")[2]

    # -- files -------------------------------------------------------------------------------------

    def _files(self, key: str) -> dict[str, Mapping[str, Any]]:
        """The files of a run by their names."""
        if self._listed is not None and self._listed[0] == key:
            return self._listed[1]
        found: dict[str, Mapping[str, Any]] = {}
        cursor: str | None = None
        while True:
            page = _mapping(
                self._of_run(
                    queries.FILES, key.partition("/")[2], fileCursor=cursor, fileLimit=_FILES, fileNames=[], upload=False, pattern=None,
                ),
                "files",
            )  # fmt: skip
            found |= {str(node.get("name")): node for node in _nodes(page)}
            cursor = _next(page)
            if cursor is None:
                break
        self._listed = (key, found)
        return found

    def files(self, run: Run) -> Iterator[SourceFile]:
        """See `Source.files`: what the run saved, but for what is said elsewhere or comes as a value, and its artifacts."""
        shown = {
            path
            for one in self.values(run)
            if isinstance(make := one.make, partial) and make.func == self._made
            for path in paths_of(make.args[1])
        }
        for name, node in self._files(run.key).items():
            if name in _SAID_ELSEWHERE or self._path(run.key, name) in shown:
                continue
            place, inside = "wandb", name
            if run.key in self._ours and name.startswith(FILES):
                place, _, inside = name.removeprefix(FILES).rpartition("/")
            if not _address(node):
                what = "The service has its name, and no content."
                self._findings.append(Finding(name, what, True, run.key))
                continue
            time = seconds_of(node.get("updatedAt"))
            is_same = partial(has_md5, digest) if (digest := md5_of(node.get("md5"))) else None
            yield SourceFile(place, inside, partial(self._open, node), time=time, is_same=is_same)
        for artifact in self._artifacts(queries.OUTPUT_ARTIFACTS, _id_of(run)):
            yield from self._files_of(artifact, run.key)

    def _open(self, node: Mapping[str, Any]) -> BinaryIO:
        """The bytes of a file. Who asks is told to the service alone, and not to where it keeps its files."""
        address = _address(node)
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https"):
            raise OSError(f"{node.get('name')} has no address: {address!r:.80}")
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        ours = urlsplit(self._web.url)
        if (parts.scheme, parts.netloc) == (ours.scheme, ours.netloc):
            return self._web.open(path.removeprefix(ours.path))
        host = f"{parts.scheme}://{parts.netloc}"
        if host not in self._elsewhere:
            self._elsewhere[host] = Web(host, {"Accept": "*/*"})
        return self._elsewhere[host].open(path)

    def _path(self, key: str, name: str) -> str | None:
        """Where a file of a run is downloaded to; None for one that the run does not have. No name leads out of it."""
        if not name or name not in self._files(key):
            return None
        if self._downloads is None:
            self._downloads = tempfile.TemporaryDirectory(
                prefix="anew-import-", dir=resolved(tempfile.gettempdir())
            )
        end = os.path.splitext(name)[1]
        plain = end if end[1:].isalnum() and len(end) < 12 else ""
        digest = hashlib.sha256(f"{key}/{name}".encode("utf-8", "surrogatepass")).hexdigest()
        return os.path.join(self._downloads.name, f"{digest}{plain}")

    def _made(self, key: str, make: partial[Any]) -> Any:
        """A value of files, which are downloaded for it alone, and stay until the next are."""
        for path in self._held:
            if os.path.exists(path):
                os.unlink(path)
        self._held = paths_of(make)
        names = {self._path(key, name): name for name in self._files(key)}
        for path in self._held:
            name = names[path]
            try:
                with self._open(self._files(key)[name]) as reading, open(path, "wb") as writing:
                    while data := reading.read(_BLOCK):
                        writing.write(data)
            except (OSError, NotFound, NotAllowed) as error:
                raise InvalidValue(f"{name} cannot be read: {error}.", key=name) from error
        try:
            return make()
        except OSError as error:
            name = names[self._held[0]]
            raise InvalidValue(f"{name} cannot be read: {error}.", key=name) from error

    # -- artifacts ---------------------------------------------------------------------------------

    def _artifacts(self, query: str, run: str) -> Iterator[Mapping[str, Any]]:
        cursor: str | None = None
        while True:
            found = self._of_run(
                query, run, "run", cursor=cursor, perPage=_ARTIFACTS, includeAliases=True
            )
            page = _mapping(found, "artifacts")
            yield from _nodes(page)
            cursor = _next(page)
            if cursor is None:
                return

    def _artifacts_of(self, key: str, run: str) -> dict[str, Any]:
        """What is kept of the artifacts that a run made and used."""
        logged = list(self._artifacts(queries.OUTPUT_ARTIFACTS, run))
        for one in logged:
            self._registry.take(one, _facts(one), key)
        made_ = [_facts(one) for one in logged]
        used = [_facts(one) for one in self._artifacts(queries.INPUT_ARTIFACTS, run)]
        return {"artifacts": made_, "used": used}

    def models(self) -> Iterator[SourceModel]:
        """See `WithModels.models`; none of a single run, since a registry is that of a project."""
        return iter(()) if self._wanted else self._registry.models()

    def _files_of(self, artifact: Mapping[str, Any], run: str) -> Iterator[SourceFile]:
        facts = _facts(artifact)
        name = facts.get("name")
        if facts.get("type") == _OF_TABLES or not name:
            return  # its tables are among the run's files too
        version = f"v{artifact.get('versionIndex')}"
        wanted = self._contents(artifact, f"{name}:{version}", run)
        folder = folder_of(str(name), artifact.get("versionIndex"))
        cursor: str | None = None
        while wanted:
            asked = {"collection": name, "alias": version, "cursor": cursor, "perPage": _FILES}
            found = _mapping(self._ask(queries.ARTIFACT_FILES, **asked), "artifactCollection")
            page = _mapping(_mapping(found, "artifactMembership"), "files")
            for node in _nodes(page):
                path = str(node.get("name"))
                if path in wanted and _address(node):
                    digest = wanted.pop(path)
                    is_same = None if digest is None else partial(has_md5, digest)
                    yield SourceFile(folder, path, partial(self._open, node), is_same=is_same)
            cursor = _next(page)
            if cursor is None:
                break
        if wanted:
            what = f"The service did not give {len(wanted):,} of its files, such as {min(wanted)}."
            self._findings.append(Finding(f"artifact {name}:{version}", what, True, run))

    def _contents(
        self, artifact: Mapping[str, Any], name: str, run: str
    ) -> dict[str, bytes | None]:
        """The files of an artifact that the service holds, with their MD5; of references it has the address alone."""
        try:
            found = self._ask(queries.MANIFEST, id=artifact.get("id"))
            with self._open(_mapping(_mapping(found, "currentManifest"), "file")) as reading:
                contents = msgspec.json.decode(read_at_most(reading, _MOST_MANIFEST)).get(
                    "contents"
                )
            return {
                str(path): md5_of(entry.get("digest"))
                for path, entry in contents.items()
                if isinstance(entry, dict) and not _is_reference(entry)
            }
        except (OSError, CorruptData, NotFound, NotAllowed, msgspec.DecodeError, AttributeError) as error:  # fmt: skip
            what = f"The list of its files cannot be read: {error}."
            self._findings.append(Finding(f"artifact {name}", what, True, run))
            return {}

    def findings(self) -> tuple[Finding, ...]:
        """See `Source.findings`."""
        return tuple(dict.fromkeys(self._findings))

    def close(self) -> None:
        """Close the connections, and remove what was downloaded."""
        for web in (self._web, *self._elsewhere.values()):
            web.close()
        if self._downloads is not None:
            self._downloads.cleanup()
            self._downloads = None


def _id_of(run: Run) -> str:
    return run.key.partition("/")[2]


def _mapping(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = found.get(name)
    return value if isinstance(value, dict) else {}


def _nodes(page: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The things of a page."""
    edges = page.get("edges")
    for edge in edges if isinstance(edges, list) else []:
        node = edge.get("node") if isinstance(edge, dict) else None
        if isinstance(node, dict):
            yield node


def _next(page: Mapping[str, Any]) -> str | None:
    """Where the next page begins; None behind the last."""
    info = _mapping(page, "pageInfo")
    cursor = info.get("endCursor")
    return cursor if info.get("hasNextPage") and isinstance(cursor, str) and cursor else None


def _json(text: Any, otherwise: Any = {}) -> Any:  # noqa: B006 - it is not changed
    """An object that the service gives as text."""
    if isinstance(text, dict):
        return text
    try:
        found = parsed(text) if isinstance(text, str) else None
    except ValueError:
        found = None
    return found if isinstance(found, dict) else otherwise


def _told(errors: Any) -> str:
    first = errors[0] if isinstance(errors, list) else errors
    text = first.get("message") if isinstance(first, dict) else first
    return " ".join(str(text).split())[:300]


def _address(node: Mapping[str, Any]) -> str:
    return str(node.get("directUrl") or node.get("url") or "")


def _is_reference(entry: Mapping[str, Any]) -> bool:
    ref = entry.get("ref")
    return isinstance(ref, str) and not ref.startswith("wandb-artifact://")


def _facts(artifact: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of an artifact."""
    aliases, tags = artifact.get("aliases"), artifact.get("tags")
    facts = {
        "name": _mapping(artifact, "artifactSequence").get("name"), "type": _mapping(artifact, "artifactType").get("name"),
        "version": artifact.get("versionIndex"), "digest": artifact.get("digest"), "description": artifact.get("description"),
        "aliases": [one.get("alias") for one in aliases if isinstance(one, dict)] if isinstance(aliases, list) else [],
        "tags": [one.get("name") for one in tags if isinstance(one, dict)] if isinstance(tags, list) else [],
        "metadata": _json(artifact.get("metadata")),
    }  # fmt: skip
    return {name: value for name, value in facts.items() if value not in (None, "", [], {})}


def _status(state: str) -> tuple[Outcome, str | None]:
    """How a run ended, by W&B's word for it."""
    outcomes: dict[str, Outcome] = {
        "running": "running", "pending": "running", "completed": "completed", "failed": "failed", "cancelled": "cancelled",
    }  # fmt: skip
    if state in ("preempting", "preempted"):
        return "cancelled", "preempted"
    status = outcomes.get(STATES.get(state, ""), "failed")
    return status, None if state in ("finished", "running", "pending") else state


def _captured(around: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The command and the commit."""
    captured: dict[str, dict[str, Any]] = {}
    program, args = around.get("program"), around.get("args")
    if isinstance(program, str) and program:
        argv = [program, *(map(str, args) if isinstance(args, list) else ())]
        captured["command"] = {"argv": argv, "entry": program}
        if isinstance(around.get("python"), str):
            captured["command"]["python"] = around["python"]
    git = around.get("git")
    found = git if isinstance(git, dict) else {}
    known = {"commit": found.get("commit") or node.get("commit"), "remote": found.get("remote")}
    if any(known.values()):
        captured["git"] = {name: str(value) for name, value in known.items() if value}
    return captured
