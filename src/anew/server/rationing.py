"""What is written held against what projects may have: how much in a time, and how much at all.

What clients of other trackers write is refused as a whole request, with MLflow's and ml-dash's own kinds of answers. Of uploads, what belongs to a project that is full is refused by itself, with the reason, and the rest of the request is taken. What comes too fast is
refused as a whole, with the time after which the client goes on by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec
from starlette.requests import Request

from ..query.scope import project_of
from ..sync.wire import Accepted, Filed, FilingRequest, Frame, Kept, Named, NamingRequest
from .intake.protocol import Intake
from .quotas import Quotas
from .replies import Denied
from .routes import Call

__all__ = ["MOST_FILE", "add", "announced", "append", "file", "more", "name", "send"]

MOST_FILE = 64 << 30
"""Bytes of a file that the client of another tracker sends, with what surrounds it."""

A = TypeVar("A")


def file(call: Call, intake: Intake, request: FilingRequest) -> tuple[Filed, ...]:
    """See `Intake.file`."""
    if not _counts(call):
        return intake.file(call.caller, request)
    there = intake.writable(call.caller, [one.id for one in request.filings])
    owner = call.caller.user or call.caller.name
    projects = [there.get(one.id) or project_of(one.prefix, owner) for one in request.filings]
    sizes = [
        0 if one.whole is None or one.id in there else _size(one.whole.frames, one.whole.names)
        for one in request.filings
    ]
    _send(call, zip(projects, sizes, strict=True))
    answers: dict[int, Filed] = {}
    left: Sequence[int] = range(len(projects))
    while left:
        why = _without_room(call.place.quotas, {at: projects[at] for at in left if request.filings[at].id not in there})  # fmt: skip
        some = [at for at in left if at not in why]
        asked = tuple(request.filings[at] for at in some)
        told = (
            intake.file(call.caller, msgspec.structs.replace(request, filings=asked))
            if some
            else ()
        )
        new = [
            at
            for at, answer in zip(some, told, strict=True)
            if request.filings[at].id not in there and answer.status == "filed"
        ]
        for at in new:
            _add(call.place.quotas, projects[at], sizes[at], 1)
        answers.update(zip(some, told, strict=True))
        if len(new) == sum(request.filings[at].id not in there for at in some):
            answers |= {at: Filed(id=request.filings[at].id, status="refused", reason=why[at]) for at in why}  # fmt: skip
            break
        left = list(why)  # those that were deleted, or refused, have left room
    return tuple(answers[at] for at in range(len(projects)))


def append(call: Call, intake: Intake, frames: tuple[Frame, ...]) -> tuple[Accepted, ...]:
    """See `Intake.append`."""
    if not _counts(call):
        return intake.append(call.caller, frames)
    there = intake.writable(call.caller, {one.id for one in frames})
    _send(call, ((there[one.id], len(one.data)) for one in frames if one.id in there))

    def take(some: Sequence[int]) -> Sequence[Accepted]:
        answers = intake.append(call.caller, tuple(frames[at] for at in some))
        for at, answer in zip(some, answers, strict=True):
            if answer.status == "ok":
                _add(call.place.quotas, there[frames[at].id], len(frames[at].data), 0)
        return answers

    def full(at: int) -> str:
        return _full(call, there, frames[at].id) if frames[at].data else ""

    return _each(len(frames), full, take, lambda _, why: Accepted(status="refused", reason=why))


def name(call: Call, intake: Intake, request: NamingRequest) -> tuple[tuple[Kept, ...], ...]:
    """See `Intake.name`."""
    if not _counts(call):
        return intake.name(call.caller, request)
    there = intake.writable(call.caller, request.ids)
    pairs = list(zip(request.ids, request.names, strict=True))
    _send(call, ((there[i], _size((), names)) for i, names in pairs if i in there))

    def take(some: Sequence[int]) -> Sequence[tuple[Kept, ...]]:
        asked = NamingRequest(ids=tuple(pairs[at][0] for at in some), names=tuple(pairs[at][1] for at in some))  # fmt: skip
        answers = intake.name(call.caller, asked)
        for at, answer in zip(some, answers, strict=True):
            id, names = pairs[at]
            size = sum(n.size for n, kept in zip(names, answer, strict=True) if kept.status == "ok")
            if id in there:
                _add(call.place.quotas, there[id], size, 0)
        return answers

    return _each(
        len(pairs), lambda at: _full(call, there, pairs[at][0]), take,
        lambda at, why: (Kept(status="refused", reason=why),) * len(pairs[at][1]),
    )  # fmt: skip


def announced(request: Request, most: int = MOST_FILE) -> int:
    """Bytes that a body has by its own words."""
    said = request.headers.get("content-length", "")
    return min(int(said[:18]), most) if said.isdecimal() else 0


def send(call: Call, project: str) -> None:
    """Count the request of another tracker's client, which writes to a project.

    Raises:
        Denied: The project owes something, or is asked for too often.
    """
    if call.meters.by_project:
        _send(call, [(project, _whole(call))])
        if project != call.caller.project:
            call.request.state.projects = (*getattr(call.request.state, "projects", ()), project)


def add(call: Call, project: str, *, experiments: int = 0) -> None:
    """Note that the request of another tracker's client adds to a project: all that it sends, also if it is refused for something else later.

    Raises:
        Denied: The project is full.
    """
    quotas = call.place.quotas
    if quotas is None:
        return
    if reason := quotas.full(project, more=experiments):
        # Clients try again what is answered 429 or 503, and only this is no use.
        raise Denied(507, "ProjectFull", reason[0].upper() + reason[1:] + ".")
    quotas.add(project, bytes=_whole(call), experiments=experiments)


def more(call: Call, key: str, size: int) -> None:
    """Count bytes that were not announced, after they have come."""
    call.meters.charge(key, size, call.caller.project)
    for project in getattr(call.request.state, "projects", ()):
        call.meters.charge("", size, project)


def _whole(call: Call) -> int:
    received: int = getattr(call.request.state, "received", 0)
    return max(received, announced(call.request))


def _without_room(quotas: Quotas | None, new: Mapping[int, str]) -> dict[int, str]:
    """Which of some new experiments find no room in their projects, and why."""
    if quotas is None:
        return {}
    many: dict[str, int] = defaultdict(int)
    found = {}
    for at, project in new.items():
        if reason := quotas.full(project, more=many[project] + 1):
            found[at] = reason
        else:
            many[project] += 1
    return found


def _counts(call: Call) -> bool:
    return call.meters.by_project or call.place.quotas is not None


def _send(call: Call, sizes: Iterable[tuple[str, int]]) -> None:
    """Count what a request sends to each project, but for the one that was counted when it came."""
    found: dict[str, int] = defaultdict(int)
    for project, size in sizes:
        if project != call.caller.project:
            found[project] += size
    call.meters.send(found)


def _full(call: Call, there: Mapping[str, str], id: str) -> str:
    quotas = call.place.quotas
    return "" if quotas is None or id not in there else quotas.full(there[id])


def _add(quotas: Quotas | None, project: str, size: int, experiments: int) -> None:
    if quotas is not None:
        quotas.add(project, bytes=size, experiments=experiments)


def _size(frames: Sequence[Frame], names: Sequence[Named]) -> int:
    return sum(len(one.data) for one in frames) + sum(len(one.data or b"") for one in names)


def _each(
    count: int, full: Callable[[int], str], take: Callable[[Sequence[int]], Sequence[A]], refused: Callable[[int, str], A]
) -> tuple[A, ...]:  # fmt: skip
    """The answers to so many items: some are refused, and the others taken together."""
    why = {at: reason for at in range(count) if (reason := full(at))}
    left = [at for at in range(count) if at not in why]
    answers = dict(zip(left, take(left), strict=True)) if left else {}
    return tuple(refused(at, why[at]) if at in why else answers[at] for at in range(count))
