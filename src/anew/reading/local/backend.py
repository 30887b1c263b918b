"""`LocalBackend`: answers from stores that this process has opened."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from ...errors import NotAllowed, NotFound
from ...journal.storage import Storage
from ...query.about import About
from ...query.changes import Changes, ChangesQuestion
from ...query.content import Content, ContentQuestion
from ...query.documents import Documents, DocumentsQuestion
from ...query.edits import Appended, AppendQuestion
from ...query.fields import written
from ...query.question import (
    FactsQuestion,
    Name,
    NamesQuestion,
    Question,
    Selected,
    Wanted,
    parse_field,
)
from ...query.references import Resolved, ResolveQuestion
from ...query.syntax import Field, Part
from ...record import edits
from ...record.events import FORMAT_VERSION
from ...record.facts import ExperimentFacts
from .changes import wait_for_changes
from .content import read_content
from .resolve import follow, resolve
from .seen import Seen

if TYPE_CHECKING:
    from ...query.lines import Lines, LinesQuestion
    from ...query.panel import Panel, PanelQuestion
    from ...query.points import Points, PointsQuestion
    from .panel import Member

__all__ = ["LocalBackend"]

_OF_MEMBERS = ("prefix", "created_at", "started_at")
_AT_ONCE = 20_000_000
"""Points of several experiments that are read together."""


class LocalBackend:
    """The `Backend` of stores that this process has opened, of a folder or of a group: catalog, series, files, journals.

    Args:
        seen: The stores, and what may be seen of them.
        user: Who asks.
    """

    def __init__(self, seen: Seen, *, user: str = "") -> None:
        self._root = root = seen.root
        self._seen = seen
        self._user = user
        self._about = About(format=FORMAT_VERSION, where=root.where, user=user, root=root.path)

    def about(self) -> About:
        """See `Backend.about`."""
        path = self._about.root
        if path is not None and os.path.isdir(path) and not os.access(path, os.W_OK):
            return msgspec.structs.replace(self._about, writing=False)
        return self._about

    # -- which ones --------------------------------------------------------------------------------

    def resolve(self, question: ResolveQuestion) -> tuple[Resolved, ...]:
        """See `Backend.resolve`."""
        found = self._resolved(question.refs, fresh=True)
        news = False
        for one in found:
            if one.id is None and not one.candidates:
                news |= self._root.look_for(one.ref)
        named = [one.id for one in found if one.id is not None]
        if self._seen.look_closer(named) or news:
            found = self._resolved(question.refs, fresh=False)
        return tuple(self._followed(one) for one in found)

    def _followed(self, found: Resolved) -> Resolved:
        """What a text means that means nothing now, by the prefixes that experiments were moved away from."""
        if found.id is not None or found.candidates:
            return found
        return follow(found, self._root.left(), self._seen.facts)

    def _resolved(self, refs: Sequence[str], *, fresh: bool) -> tuple[Resolved, ...]:
        return self._seen.ask(
            lambda catalog: tuple(resolve(catalog, ref) for ref in refs), fresh=fresh
        )

    def select(self, question: Question) -> Selected:
        """See `Backend.select`."""
        return self._seen.ask(lambda catalog: catalog.select(question), fresh=True)

    def names(self, question: NamesQuestion) -> tuple[Name, ...]:
        """See `Backend.names`."""
        return self._seen.ask(lambda catalog: tuple(catalog.names(question)), fresh=True)

    def changes(self, question: ChangesQuestion) -> Changes:
        """See `Backend.changes`."""
        return wait_for_changes(self._seen, question)

    # -- what is known of them ---------------------------------------------------------------------

    def facts(self, question: FactsQuestion) -> tuple[ExperimentFacts, ...]:
        """See `Backend.facts`."""
        return self._seen.ask(lambda catalog: tuple(catalog.facts(question)), fresh=False)

    def points(self, question: PointsQuestion) -> Points:
        """See `Backend.points`."""
        from .points import read_points

        several = len(question.ids) > 1
        found = self._seen.facts(
            question.ids, frozenset({"state", "metrics"} if several else {"state"})
        )
        counts = [sum(m.count for m in (one.metrics or {}).values()) for one in found]
        # Reading many at once is faster, and takes the memory of all of them together.
        at_once = several and sum(counts) <= _AT_ONCE
        places = [self._root.place(one.id, one.prefix) for one in found]
        answer = read_points(self._root.series, places, question, at_once=at_once)
        hidden = {one.id: one.state.hidden for one in found if one.state and one.state.hidden}
        if not hidden:
            return answer
        shown = (one for one in answer.series if one.metric not in hidden.get(one.id, ()))
        return msgspec.structs.replace(answer, series=tuple(shown))

    def panel(self, question: PanelQuestion) -> Panel:
        """See `Backend.panel`."""
        from .panel import read_panel

        return read_panel(self._root.series, self._members(question), question)

    def _members(self, question: PanelQuestion) -> list[Member]:
        from .panel import Member

        fields = (
            *map(parse_field, _OF_MEMBERS),
            *map(_count_of, question.metrics),
            *question.group,
        )
        # Of a thousand experiments with many metrics, all that is known of them is far more than a panel needs.
        columns = tuple(map(Wanted, fields))
        if question.ids is None and question.select is not None:
            found = self.select(msgspec.structs.replace(question.select, columns=columns))
        else:
            asked = Question(ids=tuple(question.ids or ()), columns=columns, now=time.time())
            found = self._seen.ask(lambda catalog: catalog.select(asked), fresh=False)
        prefixes, created, started, *more = (column.values for column in found.columns)
        counts, groups = more[: len(question.metrics)], more[len(question.metrics) :]
        openings = self._openings(found.ids) if question.attempts else {}
        return [
            Member(
                self._root.place(id_, prefixes[at]),
                created[at] if started[at] is None else started[at],
                {
                    name: int(column[at])
                    for name, column in zip(question.metrics, counts, strict=True)
                    if column[at] is not None
                },
                tuple(column[at] for column in groups),
                openings.get(id_, (created[at],)),
            )
            for at, id_ in enumerate(found.ids)
        ]

    def _openings(self, ids: Sequence[str]) -> dict[str, tuple[float, ...]]:
        """When each opening of some experiments began."""
        found = self._seen.facts(ids, frozenset({"state"}))
        return {
            one.id: tuple(sorted(opening.started_at for opening in one.state.openings()))
            for one in found
            if one.state is not None and one.state.openings()
        }

    def lines(self, question: LinesQuestion) -> Lines:
        """See `Backend.lines`."""
        from .lines import read_lines

        return read_lines(self._files(question.id), question)

    def open(self, question: ContentQuestion) -> Content:
        """See `Backend.open`."""
        return read_content(self._files(question.id), question)

    def _files(self, experiment_id: str) -> Storage:
        return self._root.files(experiment_id, self._seen.one(experiment_id).prefix)

    # -- changing something ------------------------------------------------------------------------

    def documents(self, question: DocumentsQuestion) -> Documents:
        """See `Backend.documents`."""
        return self._root.documents(question, self._seen.shows)

    def append(self, question: AppendQuestion) -> Appended:
        """See `Backend.append`."""
        return self._root.append(
            question,
            user=self._user,
            check=lambda: self._check_seen(question.edits),
            find=self._seen.one,
        )

    def _check_seen(self, given: Sequence[edits.Edit]) -> None:
        """Refuse edits of what may not be seen, in the words for what is not there."""
        if self._seen.scope is None:
            return
        for one in given:
            match one:
                case edits.RestoreEdit():
                    if one.id not in {item.experiment_id for item in self._seen.trash()}:
                        raise NotFound(
                            f"There is no experiment {one.id!r} in the trash.", name=one.id
                        )
                case (
                    edits.DocumentEdit()
                    | edits.ClaimEdit()
                    | edits.VersionEdit()
                    | edits.AliasEdit()
                ):
                    if not self._seen.shows(one.scope):
                        raise NotAllowed(f"What concerns {one.scope!r} is not yours to change.")
                case edits.SinkEdit():
                    raise NotAllowed("Sinks are set by who may see the whole store.")
                case _:
                    self._seen.one(one.id)


def _count_of(metric: str) -> Field:
    """How many points of a metric there are."""
    parts = (Part("metrics", False, 0), Part(metric, True, 0), Part("count", False, 0))
    return Field(parts, f"{written('metrics', metric)}.count", 0, may_be_unknown=True)
