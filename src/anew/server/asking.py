"""The routes that hand a question on to the backend as it is: what other programs of Anew call."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response, StreamingResponse

from ..alerts.rules import ALERT, check_alert
from ..errors import InvalidValue
from ..query.changes import ChangesQuestion, cursor_of_experiments
from ..query.content import ContentQuestion
from ..query.edits import Appended, AppendQuestion
from ..query.panel import PanelQuestion
from ..query.points import Points, PointsQuestion
from ..query.question import FactsQuestion
from ..reading.wire import encode
from ..record.edits import DocumentEdit
from ..record.facts import ExperimentFacts
from ..reports.document import REPORT, check_report
from ..stores.deadline import within
from .callers import Role
from .replies import SECURITY, replied
from .rights import allow
from .routes import Call

__all__ = [
    "FRAMES",
    "about",
    "append",
    "append_allowed",
    "append_noted",
    "changes",
    "documents",
    "facts",
    "lines",
    "names",
    "open_",
    "panel",
    "points",
    "read_points",
    "resolve",
    "select",
]

FRAMES = "application/x-anew-frames"
"""Answers to one question in pieces, each as MessagePack after its length (8 bytes, little-endian). A length of zero ends them."""
_CHECKED = {ALERT: check_alert, REPORT: check_report}
"""By the kind of a document, what checks one that somebody wants to write."""
MOST_BYTES = 8 << 20
MOST_CELLS = 10_000_000
MOST_BUCKETS = 100_000
_TOGETHER = 1_000_000
"""Points that one piece of an answer holds, unless a single experiment has more."""


def about(call: Call) -> Any:
    """See `Backend.about`. The folder is left out: it means nothing on another machine, and is told to who looks after this one."""
    told = call.place.backend(call.caller).about()
    caller = call.caller
    return msgspec.structs.replace(
        told,
        root=None,
        where=told.where if caller.grants is None or caller.admin else "",
        user=told.user or caller.name if caller.grants is None else caller.user or caller.name,
        writing=told.writing and caller.role >= Role.REPORTER,
        role=caller.role.name.lower(),
        grants=caller.told(),
        admin=caller.admin,
    )


def resolve(call: Call) -> Any:
    """See `Backend.resolve`."""
    return call.place.backend(call.caller).resolve(call.question)


def select(call: Call) -> Any:
    """See `Backend.select`."""
    return call.place.backend(call.caller).select(call.question)


def facts(call: Call) -> Any:
    """See `Backend.facts`."""
    return call.place.backend(call.caller).facts(call.question)


def names(call: Call) -> Any:
    """See `Backend.names`."""
    return call.place.backend(call.caller).names(call.question)


def panel(call: Call) -> Any:
    """See `Backend.panel`; which experiments it is of is settled first, so that its size is known.

    Raises:
        InvalidValue: The answer would be too large.
    """
    question: PanelQuestion = call.question
    backend = call.place.backend(call.caller)
    if question.ids is None and question.select is not None:
        ids = tuple(backend.select(question.select).ids)
        question = msgspec.structs.replace(question, ids=ids, select=None)
    each = len(question.metrics) * len(question.ids or ())
    cells = question.buckets * (each if question.density is None else question.density.rows)
    if question.buckets > MOST_BUCKETS or max(cells, question.points) > MOST_CELLS:
        raise InvalidValue(
            f"The panel would have {cells:,} buckets in all, or {question.points:,} points; the server answers up to "
            f"{MOST_CELLS:,}, and up to {MOST_BUCKETS:,} buckets of one series. Ask for fewer buckets, points, metrics or "
            "experiments.",
            key="buckets",
        )
    key = None
    if (
        backend.about().root is not None
    ):  # elsewhere, to ask what is new takes as long as the answer
        cursor = cursor_of_experiments(backend.changes(ChangesQuestion()).cursor)
        key = cursor, call.caller.grants, call.caller.limit, call.caller.user, encode(question)
        known = call.place.panels.get(key)
        if known is not None:
            return known
    found = backend.panel(question)
    if key is not None:
        call.place.panels.put(key, found)
    return found


async def points(call: Call) -> Response:
    """See `Backend.points`; answers of many experiments come in pieces, where the caller takes them so."""
    import anyio.to_thread

    question: PointsQuestion = call.question
    backend = call.place.backend(call.caller)
    if FRAMES not in call.request.headers.get("accept", "") or question.cursor is not None:
        answer = await anyio.to_thread.run_sync(read_points, call, question)
        return await anyio.to_thread.run_sync(lambda: replied(call.request, answer, arrays=True))

    def batches() -> list[tuple[str, ...]]:
        known = backend.facts(
            FactsQuestion(ids=question.ids, parts=frozenset({"metrics"}), now=0.0)
        )
        found: list[list[str]] = [[]]
        held = 0
        for one in known:
            count = _count(one, question)
            if held and held + count > _TOGETHER:
                found.append([])
                held = 0
            found[-1].append(one.id)
            held += count
        return [tuple(ids) for ids in found if ids]

    def piece(ids: tuple[str, ...]) -> bytes:
        with within(call.place.seconds):
            body = encode(backend.points(msgspec.structs.replace(question, ids=ids)))
        return len(body).to_bytes(8, "little") + body

    pieces = await anyio.to_thread.run_sync(batches)
    # The first piece is made before the status is sent: most errors come with it.
    first = await anyio.to_thread.run_sync(piece, pieces[0]) if pieces else None

    async def body() -> Any:
        if first is None:
            empty = encode(Points(()))
            yield len(empty).to_bytes(8, "little") + empty
        else:
            yield first
            for ids in pieces[1:]:
                yield await anyio.to_thread.run_sync(piece, ids)
        yield bytes(8)

    return StreamingResponse(body(), headers=SECURITY, media_type=FRAMES)


def read_points(call: Call, question: PointsQuestion) -> Points:
    """The points that a question asks for, in one answer.

    Raises:
        InvalidValue: They would be more than one answer holds.
        TookTooLong: Reading them takes too long.
    """
    backend = call.place.backend(call.caller)
    if question.points is None and question.start is None and question.stop is None:
        known = backend.facts(
            FactsQuestion(ids=question.ids, parts=frozenset({"metrics"}), now=0.0)
        )
        count = sum(_count(one, question) for one in known)
        most = call.meters.limits.answer_points
        if count > most and not question.cursor:
            raise InvalidValue(
                f"These are {count:,} points, and one answer holds up to {most:,}. Ask for fewer metrics, for a range of steps, for "
                "fewer points (`points`), or for the answer in pieces.",
                key="ids",
            )
    with within(call.place.seconds):
        return backend.points(question)


def _count(one: ExperimentFacts, question: PointsQuestion) -> int:
    """How many points an experiment has of what is asked for."""
    metrics = one.metrics or {}
    wanted = metrics if question.metrics is None else question.metrics
    return sum(metrics[name].count for name in wanted if name in metrics)


def lines(call: Call) -> Any:
    """See `Backend.lines`."""
    limit = min(call.question.limit, 100_000)
    question = msgspec.structs.replace(call.question, limit=limit)
    return call.place.backend(call.caller).lines(question)


def open_(call: Call) -> Any:
    """See `Backend.open`; a long range comes in several answers."""
    question: ContentQuestion = call.question
    length = MOST_BYTES if question.length is None else min(question.length, MOST_BYTES)
    question = msgspec.structs.replace(question, length=length)
    return call.place.backend(call.caller).open(question)


def documents(call: Call) -> Any:
    """See `Backend.documents`."""
    return call.place.backend(call.caller).documents(call.question)


def append(call: Call) -> Any:
    """See `Backend.append`; each edit needs a role where it changes something."""
    return append_noted(call, call.question)


def append_noted(call: Call, question: AppendQuestion) -> Appended:
    """Write edits down, and who made them.

    Raises:
        NotFound: An edit is about an experiment that is not there for the caller.
        NotAllowed: They may not make one of them.
    """
    backend = call.place.backend(call.caller)
    allowed = allow(call.caller, question.edits, backend, call.place.upkeep(call.caller))
    for one in question.edits:
        if isinstance(one, DocumentEdit) and one.kind in _CHECKED:
            _CHECKED[one.kind](one)
    done = backend.append(question)
    for made in allowed:
        call.note(str(made.edit.__struct_config__.tag), made.project, made.target)
    return done


def append_allowed(call: Call, question: AppendQuestion) -> Appended:
    """Write edits for a route that notes by itself who did what.

    Raises:
        NotFound: An edit is about an experiment that is not there for the caller.
        NotAllowed: They may not make one of them.
    """
    backend = call.place.backend(call.caller)
    allow(call.caller, question.edits, backend, call.place.upkeep(call.caller))
    return backend.append(question)


async def changes(call: Call) -> Response:
    """See `Backend.changes`; no thread is held by who waits."""
    backend = call.place.backend(call.caller)
    question = msgspec.structs.replace(call.question, wait=min(call.question.wait, 60.0))
    return replied(call.request, await call.place.live.wait(backend, question))
