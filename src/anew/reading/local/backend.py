"""`LocalBackend`: answers from a folder on this machine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec

from ...errors import Conflict, NotAllowed, NotFound
from ...index.moving import move_experiment
from ...index.trash import Trash
from ...journal.edits import append_event
from ...journal.layout import ExperimentLayout
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
from .resolve import resolve
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
    """The `Backend` of a folder on this machine: its catalog, its series, its files and its journals.

    Args:
        seen: The folder, and what may be seen of it.
        user: Who asks.
    """

    def __init__(self, seen: Seen, *, user: str = "") -> None:
        self._root = root = seen.root
        self._seen = seen
        self._user = user
        self._about = About(format=FORMAT_VERSION, where=root.path, user=user, root=root.path)

    def about(self) -> About:
        """See `Backend.about`."""
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
            return self._resolved(question.refs, fresh=False)
        return found

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
        found = self._seen.facts(question.ids, frozenset({"metrics"} if several else ()))
        counts = [sum(m.count for m in (one.metrics or {}).values()) for one in found]
        # Reading many at once is faster, and takes the memory of all of them together.
        at_once = several and sum(counts) <= _AT_ONCE
        places = self._root.places(found)
        return read_points(self._root.series, places, question, at_once=at_once)

    def panel(self, question: PanelQuestion) -> Panel:
        """See `Backend.panel`."""
        from .panel import read_panel

        return read_panel(self._root.series, self._members(question), question)

    def _members(self, question: PanelQuestion) -> list[Member]:
        from .panel import Member

        ids: Sequence[str] = question.ids if question.ids is not None else ()
        if question.ids is None and question.select is not None:
            ids = self.select(question.select).ids
        fields = (
            *map(parse_field, _OF_MEMBERS),
            *map(_count_of, question.metrics),
            *question.group,
        )
        # Of a thousand experiments with many metrics, all that is known of them is far more than a panel needs.
        asked = Question(ids=tuple(ids), columns=tuple(map(Wanted, fields)), now=time.time())
        found = self._seen.ask(lambda catalog: catalog.select(asked), fresh=False)
        prefixes, created, started, *more = (column.values for column in found.columns)
        counts, groups = more[: len(question.metrics)], more[len(question.metrics) :]
        openings = self._openings(found.ids) if question.attempts else {}
        return [
            Member(
                self._root.index.place(id_, prefixes[at]),
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

        prefix = self._seen.one(question.id).prefix
        return read_lines(self._root.folder(prefix), question, self._root.share(prefix))

    def open(self, question: ContentQuestion) -> Content:
        """See `Backend.open`."""
        return read_content(self._root.folder(self._seen.one(question.id).prefix), question)

    # -- changing something ------------------------------------------------------------------------

    def documents(self, question: DocumentsQuestion) -> Documents:
        """See `Backend.documents`."""
        kind, name, scope = question.kind, question.name, question.scope
        journal, shows = self._root.journal, self._seen.shows
        if question.what == "document":
            documents = journal.documents(kind, name=name, scope=scope)
            return Documents(documents=tuple(one for one in documents if shows(one.scope)))
        if question.what == "version":
            versions = journal.versions(kind, name, scope=scope)
            return Documents(versions=tuple(one for one in versions if shows(one.scope)))
        aliases = journal.aliases(kind, name, scope=scope)
        return Documents(aliases=tuple(one for one in aliases if shows(one.scope)))

    def append(self, question: AppendQuestion) -> Appended:
        """See `Backend.append`."""
        deleted = [one.id for one in question.edits if isinstance(one, edits.DeleteEdit)]
        bytes_of: dict[str, int] = {}
        with self._root.guard, self._root.journal.written_by(self._user), ExitStack() as held:
            self._check_seen(question.edits)
            if question.expect is not None:
                # Of two that expect the same, the second must see what the first has written.
                held.enter_context(self._root.index.exclusive())
                self._check(question.edits, question.expect)
            if deleted:
                trash = Trash(self._root.index)
                trash.delete(deleted)
                bytes_of = {item.experiment_id: item.bytes for item in trash.items()}
            done = [self._write(one, bytes_of) for one in question.edits]
            self._root.refresh()
        return Appended(tuple(done))

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

    def _check(self, given: Sequence[edits.Edit], expected: Sequence[str]) -> None:
        state = self._root.journal.state()
        now = {event.id for one in given for event in state.heads(*_subject(one))}
        if now != set(expected):
            raise Conflict(
                "What was to be changed has been changed by somebody else meanwhile. Nothing was written: look at it "
                "again, and then make the change."
            )

    def _write(self, edit: edits.Edit, bytes_of: dict[str, int]) -> edits.Edited:
        match edit:
            case edits.DeleteEdit():
                return edits.Edited(edit.id, bytes=bytes_of.get(edit.id, 0))
            case edits.RestoreEdit():
                Trash(self._root.index).restore(edit.id, edit.prefix)
                return edits.Edited(edit.id)
            case edits.MoveEdit():
                move_experiment(self._root.index, edit.id, edit.prefix)
                return edits.Edited(edit.id)
            case edits.SinkEdit():
                self._root.journal.set_sink(edit.name, edit.address, registered=edit.registered)
                return edits.Edited()
            case edits.DocumentEdit():
                self._root.journal.set_document(
                    edit.kind, edit.name, edit.body, scope=edit.scope, after=edit.after
                )
                return edits.Edited()
            case edits.ClaimEdit():
                number = self._root.journal.claim_version(
                    edit.kind, edit.name, scope=edit.scope, first=edit.first
                )
                return edits.Edited(number=number)
            case edits.VersionEdit():
                self._root.journal.set_version(
                    edit.kind, edit.name, edit.number, edit.target, digest=edit.digest,
                    body=edit.body, why=edit.why, scope=edit.scope,
                )  # fmt: skip
                return edits.Edited(number=edit.number)
            case edits.AliasEdit():
                self._root.journal.set_alias(
                    edit.kind, edit.name, edit.alias, edit.number, why=edit.why, scope=edit.scope
                )
                return edits.Edited(number=edit.number)
            case edits.TagsEdit() | edits.FieldEdit() | edits.ParamsEdit() | edits.CaptureEdit():
                layout = self._root.stores.root
                place = ExperimentLayout(self._root.folder(self._seen.one(edit.id).prefix))
                fields = {f: getattr(edit, f) for f in edit.__struct_fields__ if f != "id"}
                kind = str(edit.__struct_config__.tag)
                append_event(layout, place, edit.id, kind, **msgspec.to_builtins(fields))
                return edits.Edited(edit.id)


def _count_of(metric: str) -> Field:
    """How many points of a metric there are."""
    parts = (Part("metrics", False, 0), Part(metric, True, 0), Part("count", False, 0))
    return Field(parts, f"{written('metrics', metric)}.count", 0, may_be_unknown=True)


def _subject(edit: edits.Edit) -> tuple[str, ...]:
    """The document, version or alias that an edit writes; nothing for edits of experiments."""
    match edit:
        case edits.DocumentEdit():
            return ("document", edit.scope, edit.kind, edit.name)
        case edits.VersionEdit():
            return ("version", edit.scope, edit.kind, edit.name, str(edit.number))
        case edits.AliasEdit():
            return ("alias", edit.scope, edit.kind, edit.name, edit.alias)
    return ()
