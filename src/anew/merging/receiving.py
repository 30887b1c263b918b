"""A folder as the other side of an upload: what a server does with what clients send, without a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..reading.local.root import OpenRoot
from ..server.callers import Caller, Role
from ..server.intake.folder import FolderIntake
from ..server.intake.weights import weights_of_folder
from ..sync.server import Receiver
from ..sync.wire import (
    Branch,
    BranchesAnswer,
    BranchesRequest,
    BranchRequest,
    FilingAnswer,
    FilingRequest,
    FramesAnswer,
    FramesRequest,
    Kept,
    LackingAnswer,
    LackingRequest,
    NamingAnswer,
    NamingRequest,
    PackRequest,
)

__all__ = ["Here"]

_NAME = "import"


class Here(Receiver):
    """A root on this machine, which takes what it is sent as a server takes it: nothing that is there is overwritten, no name
    leads out of the root, and an experiment that was deleted stays away.

    Args:
        root: The root, which is open.
    """

    def __init__(self, root: OpenRoot) -> None:
        super().__init__(root.path)
        self._intake = FolderIntake(root)
        self._weights = weights_of_folder(root.path)
        self._caller = Caller(_NAME, Role.OWNER)
        caller, intake = self._caller, self._intake
        self._answers: dict[str, Callable[[Any], Any]] = {
            "experiments": self._file,
            "segments": self._append,
            "read": lambda question: intake.read(caller, question),
            "names": self._named,
            "arrived": lambda question: intake.contents(caller, question),
            "pieces": lambda question: intake.receive(caller, question),
            "events": lambda question: intake.lines(caller, question),
            "settle": lambda question: intake.settle(),
            "weights/branches": self._branches,
            "weights/lacking": self._lacking,
            "weights/take": self._take,
            "weights/move": self._move,
        }

    def post(self, route: str, question: Any, kind: Any) -> Any:
        """See `Receiver.post`."""
        return self._answers[route](question)

    def close(self) -> None:
        """Stop what works in the background."""
        self._intake.close()

    def _file(self, question: FilingRequest) -> FilingAnswer:
        return FilingAnswer(self._intake.file(self._caller, question))

    def _append(self, question: FramesRequest) -> FramesAnswer:
        return FramesAnswer(self._intake.append(self._caller, question.frames))

    def _named(self, question: NamingRequest) -> NamingAnswer:
        return NamingAnswer(self._intake.name(self._caller, question))

    def _branches(self, question: BranchesRequest) -> BranchesAnswer:
        found = (
            Branch(id=one, status="ok", commits=self._weights.commits_of(one))
            for one in question.ids
        )
        return BranchesAnswer(tuple(found))

    def _lacking(self, question: LackingRequest) -> LackingAnswer:
        return LackingAnswer(
            self._weights.lacking(_NAME, question.id, question.keys, all_seen=True)
        )

    def _take(self, question: PackRequest) -> Kept:
        return self._weights.take(_NAME, question.id, question.hash, question.size, all_seen=True)

    def _move(self, question: BranchRequest) -> Kept:
        return self._weights.move(_NAME, question.id, question.commit, all_seen=True)
