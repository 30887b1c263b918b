"""The routes of `/api/v1/commands/`: what a command prints with `--json`, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import msgspec

from ..commands.acting import ACTIONS, OWN_ACTIONS
from ..commands.answers import ANSWERS
from ..store import Store
from .asking import append_noted
from .callers import Role
from .routes import Call, Route

if TYPE_CHECKING:
    from ..query.about import About
    from ..query.edits import Appended, AppendQuestion
    from ..reading.backend import Backend

__all__ = ["answered", "commands_below"]


def commands_below(path: str) -> tuple[Route, ...]:
    """A route for each of the commands: a GET for those that look, a POST for those that change something."""
    looks = (
        Route(
            "GET", f"{path}/{name}", f"command-{name.replace('/', '-')}", question, dict[str, Any], summary,
            reply=_look(name),
        )
        for name, (question, _, summary) in ANSWERS.items()
    )  # fmt: skip
    actions = (
        Route(
            "POST", f"{path}/{name}", f"do-{name.replace('/', '-')}", question, dict[str, Any], summary,
            role=Role.READER if name in OWN_ACTIONS else Role.REPORTER, reply=_act(act), changes=True,
        )
        for name, (question, act, summary) in ACTIONS.items()
    )  # fmt: skip
    return (*looks, *actions)


class _Elsewhere:
    """A backend for who is not on this machine: its folder has no path for them."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._backend: Backend = call.place.backend(call.caller)

    def about(self) -> About:
        return msgspec.structs.replace(self._backend.about(), root=None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


class _Acting(_Elsewhere):
    """A backend for who may change some of it: every edit needs its role, and is noted."""

    def append(self, question: AppendQuestion) -> Appended:
        return append_noted(self._call, question)


def answered(call: Call, name: str, question: Any) -> dict[str, Any]:
    """What a command that looks answers whoever calls, asked so."""
    return ANSWERS[name][1](_store(call, _Elsewhere(call)), question)


def _look(name: str) -> Callable[[Call], Any]:
    return lambda call: answered(call, name, call.question)


def _act(act: Callable[[Any, Any], dict[str, Any]]) -> Callable[[Call], Any]:
    def reply(call: Call) -> dict[str, Any]:
        return act(_store(call, _Acting(call)), call.question)

    return reply


def _store(call: Call, backend: _Elsewhere) -> Store:
    return Store(cast("Backend", backend), upkeep=call.place.upkeep(call.caller))
