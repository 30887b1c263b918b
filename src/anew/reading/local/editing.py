"""Edits, written into the journals of a folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

import msgspec

from ...errors import Conflict
from ...index import Index
from ...index.moving import move_experiment
from ...index.trash import Trash
from ...journal.documents import RootJournal
from ...journal.edits import append_event
from ...journal.layout import ExperimentLayout
from ...query.edits import AppendQuestion
from ...record import edits
from ...record.facts import ExperimentFacts

__all__ = ["FolderEdits", "subject", "write_document"]


class FolderEdits:
    """Writes edits of a root's experiments and of what its journal adds up to. Not for several threads at once."""

    def __init__(self, index: Index, journal: RootJournal) -> None:
        self._index = index
        self._journal = journal

    def write(
        self, question: AppendQuestion, find: Callable[[str], ExperimentFacts]
    ) -> tuple[edits.Edited, ...]:
        """Write them; see `OpenStores.append`."""
        deleted = [one.id for one in question.edits if isinstance(one, edits.DeleteEdit)]
        bytes_of: dict[str, int] = {}
        with ExitStack() as held:
            if question.expect is not None:
                # Of two that expect the same, the second must see what the first has written.
                held.enter_context(self._index.exclusive())
                self._check(question.edits, question.expect)
            if deleted:
                trash = Trash(self._index)
                trash.delete(deleted)
                bytes_of = {item.experiment_id: item.bytes for item in trash.items()}
            return tuple(self._write(one, bytes_of, find) for one in question.edits)

    def _check(self, given: Sequence[edits.Edit], expected: Sequence[str]) -> None:
        state = self._journal.state()
        now = {event.id for one in given for event in state.heads(*subject(one))}
        if now != set(expected):
            raise Conflict(
                "What was to be changed has been changed by somebody else meanwhile. Nothing was written: look at it "
                "again, and then make the change."
            )

    def _write(
        self, edit: edits.Edit, bytes_of: dict[str, int], find: Callable[[str], ExperimentFacts]
    ) -> edits.Edited:
        match edit:
            case edits.DeleteEdit():
                return edits.Edited(edit.id, bytes=bytes_of.get(edit.id, 0))
            case edits.RestoreEdit():
                Trash(self._index).restore(edit.id, edit.prefix)
                return edits.Edited(edit.id)
            case edits.MoveEdit():
                move_experiment(self._index, edit.id, edit.prefix)
                return edits.Edited(edit.id)
            case (
                edits.TagsEdit()
                | edits.FieldEdit()
                | edits.ParamsEdit()
                | edits.MetricsEdit()
                | edits.CaptureEdit()
            ):
                layout = self._index.root
                place = ExperimentLayout(self._index.folder_of(find(edit.id).prefix))
                fields = {f: getattr(edit, f) for f in edit.__struct_fields__ if f != "id"}
                if isinstance(edit, (edits.ParamsEdit, edits.MetricsEdit)):
                    fields["by"] = self._journal.author
                kind = str(edit.__struct_config__.tag)
                append_event(layout, place, edit.id, kind, **msgspec.to_builtins(fields))
                return edits.Edited(edit.id)
            case _:
                return write_document(self._journal, edit)


def write_document(journal: RootJournal, edit: edits.Edit) -> edits.Edited:
    """Write an edit of what a root's journal adds up to: a document, a version, an alias or a sink."""
    match edit:
        case edits.SinkEdit():
            journal.set_sink(edit.name, edit.address, registered=edit.registered)
            return edits.Edited()
        case edits.DocumentEdit():
            journal.set_document(
                edit.kind, edit.name, edit.body, scope=edit.scope, after=edit.after
            )
            return edits.Edited()
        case edits.ClaimEdit():
            number = journal.claim_version(edit.kind, edit.name, scope=edit.scope, first=edit.first)
            return edits.Edited(number=number)
        case edits.VersionEdit():
            journal.set_version(
                edit.kind, edit.name, edit.number, edit.target, digest=edit.digest,
                body=edit.body, why=edit.why, scope=edit.scope,
            )  # fmt: skip
            return edits.Edited(number=edit.number)
        case edits.AliasEdit():
            journal.set_alias(
                edit.kind, edit.name, edit.alias, edit.number, why=edit.why, body=edit.body,
                scope=edit.scope,
            )  # fmt: skip
            return edits.Edited(number=edit.number)
    raise TypeError(f"{type(edit).__name__} is no edit of the root's journal.")


def subject(edit: edits.Edit) -> tuple[str, ...]:
    """The document, version or alias that an edit writes; nothing for edits of experiments."""
    match edit:
        case edits.DocumentEdit():
            return ("document", edit.scope, edit.kind, edit.name)
        case edits.VersionEdit():
            return ("version", edit.scope, edit.kind, edit.name, str(edit.number))
        case edits.AliasEdit():
            return ("alias", edit.scope, edit.kind, edit.name, edit.alias)
    return ()
