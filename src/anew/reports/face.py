"""`store.reports`: saving, reading and removing reports."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence

from ..errors import NotFound
from ..query.documents import DocumentsQuestion
from ..query.edits import AppendQuestion
from ..reading.backend import Backend
from ..reading.saved_views import scope_of, scopes_around
from ..record.edits import DocumentEdit
from .document import REPORT, Report, check_report, report_of
from .meaning import Piece, pieces_of
from .showing import Showing, reports_showing

__all__ = ["Reports"]


class Reports:
    """The reports of a store: `store.reports.save("paper", "# What we found …")`, `store.reports.get("paper").text`.

    Args:
        showing: Tells which reports show an experiment, where all texts would have to be fetched first to tell it here.
    """

    def __init__(
        self, backend: Backend, showing: Callable[[str], Sequence[Showing]] | None = None
    ) -> None:
        self._backend = backend
        self._showing = showing

    def __repr__(self) -> str:
        return f"<the reports of {self._backend.about().where}>"

    def list(self, project: str | None = None) -> tuple[Report, ...]:
        """All reports, by name; or those for everybody and for the projects that `project` lies in."""
        scopes = None if project is None else scopes_around(project)
        return tuple(self._read(DocumentsQuestion(kind=REPORT, scopes=scopes)))

    def get(self, name: str, project: str | None = None, *, history: bool = False) -> Report:
        """One report.

        Args:
            project: The project that it is for; None for one that is for all.
            history: Also tell what it said before.

        Raises:
            NotFound: There is none.
        """
        scope = scope_of(project)
        asked = DocumentsQuestion(kind=REPORT, name=name, scope=scope, history=history)
        found = self._read(asked)
        if not found:
            every = self._read(DocumentsQuestion(kind=REPORT, scope=scope))
            of = f" for {project}" if project else ""
            raise NotFound(
                f"There is no report {name!r}{of}.", name=name, nearest=[one.name for one in every][:8]
            )  # fmt: skip
        return found[0]

    def save(
        self, name: str, text: str, project: str | None = None, *, seen: Report | None = None
    ) -> Report:
        """Save a report, in the place of one of this name if there is one; that stays in its history.

        Args:
            text: Markdown, with views in fenced `anew` blocks.
            project: The project that it is for; None for all.
            seen: The report as its author saw it. If somebody else has saved it since, nothing is written.

        Raises:
            Conflict: Somebody else has saved it meanwhile.
            InvalidName: The name or the project cannot be kept.
            InvalidValue: The text is too long.
        """
        expect = None if seen is None else seen.seen
        edit = DocumentEdit(
            kind=REPORT, name=name, body={"text": text}, scope=scope_of(project), after=expect
        )
        check_report(edit)
        self._backend.append(AppendQuestion((edit,), expect))
        return self.get(name, project)

    def remove(self, name: str, project: str | None = None) -> Report:
        """Remove a report; returns it as it was. Saving its text again brings it back, with its history.

        Raises:
            NotFound: There is none.
        """
        found = self.get(name, project)
        edit = DocumentEdit(kind=REPORT, name=name, body=None, scope=scope_of(project))
        self._backend.append(AppendQuestion((edit,)))
        return found

    def pieces(self, text: str, project: str | None = None) -> builtins.list[Piece]:
        """The parts of a text as a report shows them: HTML of the Markdown, and what each block shows.

        Args:
            project: The project that its blocks are about, unless they say another.
        """
        return pieces_of(self._backend, text, project)

    def showing(self, experiment: str) -> builtins.list[Showing]:
        """The reports that show an experiment or link to it, by name.

        Args:
            experiment: Its id.

        Raises:
            NotFound: There is no such experiment.
        """
        if self._showing is not None:
            return builtins.list(self._showing(experiment))
        return reports_showing(self._backend, self.list(), experiment)

    def _read(self, question: DocumentsQuestion) -> Sequence[Report]:
        return [report_of(one) for one in self._backend.documents(question).documents]
