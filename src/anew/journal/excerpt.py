"""The lines of the root's journal that are exported along with experiments."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping

from ..record.encode import encode_line
from ..record.root import (
    AliasSet,
    DocumentSet,
    Hint,
    Line,
    OfExperiment,
    RootNamed,
    SinkChanged,
    VersionSet,
    decode_root,
)
from .layout import RootLayout
from .root import follow_root

__all__ = ["excerpt"]

_OF_PLACE = frozenset({"alert", "alerted", "mentioned"})
"""Kinds of documents that say whom this place tells of what: another one would tell them again."""
_WORD = re.compile(rb'"([A-Za-z0-9_-]{1,64})"')


def excerpt(
    root: RootLayout,
    experiments: Mapping[str, str],
    *,
    whole: bool,
    shows: Callable[[str], bool] = lambda scope: True,
) -> bytes:
    """The lines about some experiments, given as id → prefix, with a hint for each; empty where there are none.

    A line is about an experiment when it names its id, concerns a project that it lies in, or is about a model or
    artifact with a version that does. What concerns this root alone, its id, its sinks and whom its alerts tell, stays; so does what
    belongs to a person, and what was said about other experiments of the project.

    Args:
        whole: Whether these are all experiments: then all documents, versions and aliases go along.
        shows: Whether who gets them may see what is in a scope.

    Raises:
        OSError: The journal cannot be read.
    """
    lines = [
        line
        for chunk in follow_root(root, {})
        for line in decode_root(chunk.data, hints=False)[0]
        if not isinstance(line.event, (Hint, RootNamed, SinkChanged))
        and (_is_of(line, experiments) or shows(getattr(line.event, "scope", "root")))
    ]
    ids = {i.encode() for i in experiments}
    comments = {
        line.event.name
        for line in lines
        if isinstance(line.event, DocumentSet) and _is_said_of(line.event, experiments)
    }
    direct = [
        line
        for line in lines
        if (_names(line, ids) or _in_project(line, experiments.values()))
        and not _is_for_others(line, comments)
    ]
    named = {_subject(line) for line in direct if isinstance(line.event, VersionSet)}
    chosen = {
        line.raw
        for line in lines
        if (whole and not isinstance(line.event, OfExperiment))
        or (isinstance(line.event, (AliasSet, VersionSet)) and _subject(line) in named)
    }
    # The document of a model holds its name; its versions go by its key.
    chosen |= {
        line.raw
        for line in lines
        if isinstance(line.event, DocumentSet) and named.intersection(_subjects(line.event))
    }
    chosen |= {line.raw for line in direct}
    now = time.time()
    hints = [
        encode_line({"k": "changed", "t": now, "experiment_id": i, "prefix": prefix})
        for i, prefix in experiments.items()
    ]
    return b"".join([*(line.raw + b"\n" for line in lines if line.raw in chosen), *hints])


def _is_said_of(event: DocumentSet, experiments: Collection[str]) -> bool:
    """Whether it is a comment about one of the experiments, or about a report."""
    about = (event.body or {}).get("about") if event.kind == "comment" else None
    return isinstance(about, dict) and (
        about.get("id") in experiments or about.get("kind") == "report"
    )


def _is_of(line: Line, experiments: Collection[str]) -> bool:
    return isinstance(line.event, OfExperiment) and line.event.experiment_id in experiments


def _is_for_others(line: Line, comments: Collection[str]) -> bool:
    event = line.event
    if not isinstance(event, DocumentSet):
        return False
    if event.scope.startswith("user/") or event.kind in _OF_PLACE:
        return True
    return event.kind in ("comment", "resolution") and event.name not in comments


def _names(line: Line, ids: Collection[bytes]) -> bool:
    return any(word in ids for word in _WORD.findall(line.raw))


def _in_project(line: Line, prefixes: Collection[str]) -> bool:
    scope = getattr(line.event, "scope", "root")
    project = scope.removeprefix("project/")
    return project != scope and any(prefix.startswith(project + "/") for prefix in prefixes)


def _subjects(event: DocumentSet) -> list[tuple[str, ...]]:
    keys = {event.name, (event.body or {}).get("key")}
    return [(event.scope, event.kind, key) for key in keys if isinstance(key, str)]


def _subject(line: Line) -> tuple[str, ...]:
    event = line.event
    assert isinstance(event, (AliasSet, VersionSet))
    return (event.scope, event.kind, event.name)
