"""The routes by which weights are read, and those by which they arrive."""

from __future__ import annotations

import time
from collections.abc import Collection

import msgspec

from ..errors import InvalidValue
from ..query.question import Question
from ..sync.wire import (
    MOST_ITEMS,
    Branch,
    BranchesAnswer,
    BranchesRequest,
    BranchRequest,
    Kept,
    LackingAnswer,
    LackingRequest,
    PackRequest,
)
from ..weights.elsewhere import Given, Shown
from .intake.weights import Sees, ServedWeights, weights_of_folder
from .replies import Denied
from .routes import Call

__all__ = [
    "CommitsRequest",
    "ObjectsRequest",
    "branches",
    "commits",
    "lacking",
    "move",
    "objects",
    "shown",
    "take",
]


class ObjectsRequest(msgspec.Struct, frozen=True):
    """Objects of weights, by their keys."""

    keys: tuple[bytes, ...]


class CommitsRequest(msgspec.Struct, frozen=True):
    """The commits whose hash starts with some hexadecimal digits."""

    digits: str


def _weights(call: Call) -> ServedWeights:
    found = call.place.weights or call.place.service(weights_of_folder)
    if found is None:
        raise Denied(501, "NoIntake", "This server keeps no weights.")
    return found


def _writable(call: Call, ids: Collection[str]) -> Collection[str]:
    intake = call.place.intake
    return () if intake is None else intake.writable(call.caller, ids)


def _sees(call: Call) -> Sees:
    def seen(ids: Collection[str]) -> Collection[str] | None:
        if call.caller.scope() is None:
            return None
        question = Question(ids=tuple(ids), now=time.time())
        return set(call.place.backend(call.caller).select(question).ids)

    return seen


def _check(count: int, key: str) -> None:
    if count > MOST_ITEMS:
        raise InvalidValue(f"A request may have up to {MOST_ITEMS:,} of these.", key=key)


def shown(call: Call) -> Shown:
    """See `Elsewhere.shown`."""
    return _weights(call).shown(_sees(call))


def objects(call: Call) -> tuple[Given, ...]:
    """See `Elsewhere.objects`."""
    _check(len(call.question.keys), "keys")
    return _weights(call).objects(call.question.keys, _sees(call))


def commits(call: Call) -> tuple[str, ...]:
    """See `Elsewhere.starting`."""
    return _weights(call).starting(call.question.digits, _sees(call))


def branches(call: Call) -> BranchesAnswer:
    """What of the weights of experiments is here."""
    asked: BranchesRequest = call.question
    _check(len(asked.ids), "ids")
    weights, there = _weights(call), _writable(call, asked.ids)
    return BranchesAnswer(
        tuple(
            Branch(id=one, status="ok", commits=weights.commits_of(one))
            if one in there
            else Branch(id=one, status="unknown")
            for one in asked.ids
        )
    )


def lacking(call: Call) -> LackingAnswer:
    """Which objects are to be sent."""
    asked: LackingRequest = call.question
    _check(len(asked.keys), "keys")
    if not _writable(call, [asked.id]):
        return LackingAnswer(())
    found = _weights(call).lacking(
        call.caller.name, asked.id, asked.keys, all_seen=call.caller.scope() is None
    )
    return LackingAnswer(found)


def take(call: Call) -> Kept:
    """Take a pack that has arrived."""
    asked: PackRequest = call.question
    if not _writable(call, [asked.id]):
        return Kept(status="unknown")
    return _weights(call).take(
        call.caller.name, asked.id, asked.hash, asked.size, all_seen=call.caller.scope() is None
    )


def move(call: Call) -> Kept:
    """Move the branch of an experiment."""
    asked: BranchRequest = call.question
    if not _writable(call, [asked.id]):
        return Kept(status="unknown")
    return _weights(call).move(
        call.caller.name, asked.id, asked.commit, all_seen=call.caller.scope() is None
    )
