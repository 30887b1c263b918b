"""The routes by which clients send what they recorded. `sync.wire` has what they are asked and answer."""

from __future__ import annotations

from typing import Any

from ..errors import InvalidValue
from ..sync.wire import (
    MOST_ITEMS,
    ArrivedAnswer,
    FilingAnswer,
    FramesAnswer,
    LeaseAnswer,
    NamingAnswer,
)
from . import rationing
from .intake.protocol import Intake
from .replies import Denied
from .routes import Call

__all__ = [
    "contents",
    "file",
    "frames",
    "leases",
    "lines",
    "names",
    "read",
    "receive",
    "settle",
    "welcome",
]


def _intake(call: Call) -> Intake:
    intake = call.place.intake
    if intake is None:
        raise Denied(501, "NoIntake", "This server takes no uploads.")
    return intake


def _check(count: int, key: str) -> None:
    if count > MOST_ITEMS:
        raise InvalidValue(f"A request may have up to {MOST_ITEMS:,} of these.", key=key)


def welcome(call: Call) -> Any:
    """See `Intake.welcome`."""
    return _intake(call).welcome()


def file(call: Call) -> Any:
    """See `Intake.file`."""
    filings = call.question.filings
    _check(len(filings), "filings")
    _check(sum(len(one.whole.frames) for one in filings if one.whole is not None), "frames")
    _check(sum(len(one.whole.names) for one in filings if one.whole is not None), "names")
    return FilingAnswer(rationing.file(call, _intake(call), call.question))


def frames(call: Call) -> Any:
    """See `Intake.append`."""
    _check(len(call.question.frames), "frames")
    return FramesAnswer(rationing.append(call, _intake(call), call.question.frames))


def read(call: Call) -> Any:
    """See `Intake.read`."""
    return _intake(call).read(call.caller, call.question)


def names(call: Call) -> Any:
    """See `Intake.name`."""
    question = call.question
    if len(question.ids) != len(question.names):
        raise InvalidValue("Give as many lists of names as ids.", key="names")
    _check(sum(len(one) for one in question.names), "names")
    return NamingAnswer(rationing.name(call, _intake(call), question))


def contents(call: Call) -> ArrivedAnswer:
    """See `Intake.contents`."""
    _check(len(call.question.hashes), "hashes")
    return _intake(call).contents(call.caller, call.question)


def receive(call: Call) -> Any:
    """See `Intake.receive`."""
    return _intake(call).receive(call.caller, call.question)


def lines(call: Call) -> Any:
    """See `Intake.lines`."""
    return _intake(call).lines(call.caller, call.question)


def leases(call: Call) -> Any:
    """See `Intake.lease`."""
    _check(len(call.question.leases), "leases")
    return LeaseAnswer(_intake(call).lease(call.caller, call.question))


def settle(call: Call) -> Any:
    """See `Intake.settle`."""
    return _intake(call).settle()
