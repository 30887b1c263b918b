"""MLflow's experiments, kept in the root's journal. Programs that train use it: no index is opened for that."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...record.names import check_label
from ..places import safe_path, safe_segment
from .translate.groups import KIND, Group, body_of, group_in
from .translate.models import MODEL_KIND, LoggedModel, model_body, model_in

if TYPE_CHECKING:
    from ...journal.documents import RootJournal
    from ...record.documents import Document
    from ...record.root import RootState

__all__ = ["Groups", "LoggedModels", "project_of"]


@functools.lru_cache(maxsize=10_000)
def project_of(name: str) -> str:
    """The project that an experiment's runs lie in; slashes in its name are folders."""
    return name if safe_path(name) == name else safe_segment(name, first=True)


class _InJournal:
    """What is kept in the journal of a root, which is opened when it is needed."""

    def __init__(self, root: str | RootJournal) -> None:
        self._root = root

    @property
    def _journal(self) -> RootJournal:
        if isinstance(self._root, str):
            from ...journal.documents import RootJournal
            from ...journal.layout import RootLayout

            self._root = RootJournal(RootLayout(self._root))
        return self._root


class Groups(_InJournal):
    """The MLflow experiments of a root. Any number of processes may make and change them.

    Args:
        root: The root's folder, or its journal.
    """

    def __init__(self, root: str | RootJournal) -> None:
        super().__init__(root)
        # What was read last, and how much the journal had then.
        self._read: tuple[RootState, int, dict[str, Group]] | None = None

    def all(self) -> list[Group]:
        """All that there are, deleted ones included."""
        return [*self._by_id().values()]

    def with_id(self, id_: str) -> Group | None:
        """The one of that id, or None."""
        return self._by_id().get(id_)

    def _by_id(self) -> dict[str, Group]:
        state = self._journal.state()
        read, count = self._read, state.count()
        if read is None or read[0] is not state or read[1] != count:
            groups = map(group_in, self._journal.documents(KIND, scope="root"))
            read = self._read = (state, count, {one.id: one for one in groups if one is not None})
        return read[2]

    def find(self, name: str) -> Group | None:
        """The one of that name, or None."""
        document = self._document(name)
        return None if document is None else group_in(document)

    def _document(self, name: str) -> Document | None:
        found = self._journal.documents(KIND, name=name, scope="root")
        return found[0] if found else None

    def add(self, group: Group) -> bool:
        """Make one; whether it was the first of its name.

        Where several processes make one of a name at once, all of them have that one, with the tags of all.

        Raises:
            InvalidName: Its name cannot be kept.
            OSError: It cannot be written.
        """
        check_label(group.name, "name")
        fields = {"kind": KIND, "name": group.name, "body": body_of(group)}
        ours = self._journal.append("document", fields)
        document = self._document(group.name)
        if document is None:
            return True
        there = [one for one in (document, *document.others) if one.body is not None]
        return min(there, key=lambda one: (one.time, one.event)).event == ours

    def change(self, group: Group, change: Callable[[Group], Group]) -> None:
        """Change one: what others wrote that was not seen here stays beside it.

        Args:
            group: What there is if nothing was written of it.

        Raises:
            OSError: It cannot be written.
        """
        document = self._document(group.name)
        known = None if document is None else group_in(document)
        body = body_of(change(known or group))
        self._journal.set_document(KIND, group.name, body, after=document)


class LoggedModels(_InJournal):
    """The logged models of a root. Any number of threads may make and change them.

    Args:
        root: The root's folder, or its journal.
    """

    def all(self) -> list[LoggedModel]:
        """All that there are, deleted ones included."""
        found = map(model_in, self._journal.documents(MODEL_KIND, scope="root"))
        return [model for model in found if model is not None]

    def find(self, model_id: str) -> LoggedModel | None:
        """The one of that id, or None."""
        found = self._journal.documents(MODEL_KIND, name=model_id, scope="root")
        return model_in(found[0]) if found else None

    def keep(self, model: LoggedModel) -> LoggedModel:
        """Write one down; as it is then.

        Raises:
            OSError: It cannot be written.
        """
        self._journal.set_document(MODEL_KIND, model.id, model_body(model))
        return self.find(model.id) or model
