"""The routes of `/api/v1/commands/`: what a command that looks prints with `--json`, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import msgspec

from ..commands.answers import ANSWERS
from ..commands.documents import trashed_document
from ..store import Store
from .routes import Call, Route

if TYPE_CHECKING:
    from ..query.about import About
    from ..reading.backend import Backend

__all__ = ["commands_below"]


def commands_below(path: str) -> tuple[Route, ...]:
    """A route for each of the commands."""
    return tuple(
        Route(
            "GET", f"{path}/{name}", f"command-{name.replace('/', '-')}", question, dict[str, Any], summary,
            reply=_trash if name == "restore" else _reply(answer),
        )
        for name, (question, answer, summary) in ANSWERS.items()
    )  # fmt: skip


class _Elsewhere:
    """A backend for who is not on this machine: its folder has no path for them."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def about(self) -> About:
        return msgspec.structs.replace(self._backend.about(), root=None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


def _reply(answer: Callable[[Store, Any], dict[str, Any]]) -> Callable[[Call], Any]:
    def reply(call: Call) -> dict[str, Any]:
        backend = cast("Backend", _Elsewhere(call.place.backend(call.caller)))
        return answer(Store(backend), call.question)

    return reply


def _trash(call: Call) -> dict[str, Any]:
    return {"trash": [trashed_document(one) for one in call.place.upkeep(call.caller).trash()]}
