"""`Store`, the reading handle: list, search, compare and read what experiments recorded."""

from __future__ import annotations

import builtins
import functools
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from sqlalchemy import func, select

from .address import local_folder
from .errors import InvalidValue, NotFound
from .index import Index, Progress, Trash, examine
from .index.usage import experiments_usage, store_usage
from .journal.documents import RootJournal
from .journal.edits import append_event
from .query.literals import parse_duration
from .query.syntax import Expression
from .reading import compare as comparing
from .reading.given import Statuses, TagsGiven, has_metric, has_status, has_tags, is_text
from .reading.history import History
from .reading.reader import Reader, chosen_metrics, metric_field
from .reading.results import (
    Best,
    Comparison,
    Deleted,
    Difference,
    Experiments,
    Finding,
    Refreshed,
    Summary,
    Trashed,
    Usage,
)
from .reading.views import ExperimentView
from .record.documents import Alias, Document, Version
from .record.names import check_label
from .record.plain import to_plain
from .record.secrets import mask_secrets
from .settings import Settings, load_settings
from .stores.catalog.protocol import CatalogState
from .stores.catalog.sqlite import schema
from .stores.catalog.sqlite.names import CatalogNames
from .stores.open import Stores, open_stores, stores_in_memory

if TYPE_CHECKING:
    from .forwarders.later import Forwarded
    from .reading.export import Format

__all__ = ["Ref", "Store"]

Ref = str | os.PathLike[str] | ExperimentView
"""An experiment: its id, an unambiguous start of its id, its prefix, its name if only it has that name, its
folder, or a view of it."""


class Store:
    """All experiments under a root folder, to be asked.

    A question first brings the index up to date with what was written since (incrementally; only
    readers ever wait for one another). Answers are snapshots: ask again to see what is new. Any thread may ask.

    Args:
        root: The folder that holds the experiments, as a path or a `file://` URL; by default the one that `Experiment` writes to
            (`ANEW_ROOT`, or `experiments/`).
        settings: Settings to use instead of those of the environment.
        refresh: False looks at the index as it is, once there is one, without bringing it up to date.

    Raises:
        NotFound: A `root` was given and there is no such folder.
        InvalidSetting: The root is not the address of a folder.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        *,
        settings: Settings | None = None,
        refresh: bool = True,
    ) -> None:
        self._settings = settings
        where = (settings or load_settings()).root if root is None else root
        self.root = local_folder(where)
        if root is not None and not os.path.isdir(self.root):
            raise NotFound(
                f"There is no store at {self.root}: no such folder. The first experiment written there "
                "makes it.",
                name=os.fspath(root),
            )
        self._refreshes = refresh
        self._guard = threading.RLock()
        self._open()

    def _open(self) -> None:
        self._there = os.path.isdir(self.root)
        # Looking makes nothing: a folder that is not there yet has its (empty) catalog in memory.
        self._stores: Stores = (open_stores if self._there else stores_in_memory)(self.root)
        self._index = Index(self._stores, self._journal)
        if not self._there:
            self._index.refresh()
        self._reader = Reader(
            self._stores.root,
            self._stores.catalog,
            self._stores.series,
            fresh=self._fresh,
            heal=self._heal,
            delete=lambda views, permanently: self.delete(views, permanently=permanently),
        )

    def _fresh(self, always: bool = False) -> None:
        if (
            always
            or self._refreshes
            or not self._there
            or self._stores.catalog.state() is CatalogState.UNUSABLE
        ):
            self.refresh()

    def _heal(self) -> None:
        with self._guard:
            self._index.rebuild()

    # -- finding -----------------------------------------------------------------------------------

    def list(
        self,
        filter: str | None = None,
        *,
        status: Statuses = None,
        tags: TagsGiven = None,
        name: str | None = None,
        project: str | None = None,
        user: str | None = None,
        sort: str | Sequence[str] = "-created_at",
        limit: int | None = None,
        offset: int = 0,
    ) -> Experiments:
        """The experiments that meet all that is given, newest first.

        Args:
            filter: An expression of the filter language (see `search`).
            status: One status or several, any of which will do.
            tags: Tags that all must be there; a mapping also asks for their values.
            sort: A field, or several; a leading `-` sorts downwards. Missing values come last.
            limit: At most this many; `.total` of the result counts all of them.

        Raises:
            QueryError: The filter or a sort field cannot be read, or names what was never logged.
        """

        def given(names: CatalogNames) -> builtins.list[Expression]:
            return [
                *has_status(status),
                *has_tags(tags),
                *is_text("name", name),
                *is_text("project", project),
                *is_text("user", user),
            ]

        return self._reader.select(filter, given, sort=sort, limit=limit, offset=offset)

    def search(
        self,
        filter: str | Expression,
        *,
        sort: str | Sequence[str] | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Experiments:
        """The experiments for which an expression is true.

        `store.search("metrics.val_loss.min < 0.5 and params.lr >= 1e-3 and 'vae' in tags")`. The
        language is described in `docs/reference/filter-language.md`. A program may also give the tree of an
        expression (`anew.query.syntax`).

        Raises:
            QueryError: As `list`; it points at the column of the mistake.
        """
        order = "-created_at" if sort is None else sort
        if isinstance(filter, str):
            return self._reader.select(filter, sort=order, limit=limit, offset=offset)
        return self._reader.select(None, lambda _: [filter], sort=order, limit=limit, offset=offset)

    def get(self, ref: Ref) -> ExperimentView:
        """One experiment by its id, the start of its id, its prefix, its name or its folder.

        Raises:
            NotFound: None goes by that; `.nearest` are likely meanings.
            Ambiguous: Several do; `.candidates` are their ids.
        """
        text = self._text_of(ref)
        try:
            view = self._reader.find(text)
        except NotFound:
            if not self._refreshes or not self._sought(text):
                raise
            return self._reader.find(text)
        if self._refreshes and not isinstance(ref, ExperimentView):
            with self._guard:
                changed = self._index.look_closer([view.prefix])
            return self._reader.find(text) if changed else view
        return view

    def _sought(self, text: str) -> bool:
        with self._guard:
            return self._index.seek(text)

    def _text_of(self, ref: object) -> str:
        if isinstance(ref, ExperimentView):
            return ref.id
        if isinstance(ref, str) and not os.path.isabs(ref):
            return ref
        if isinstance(ref, (str, os.PathLike)):
            return self._stores.root.prefix_of(os.path.abspath(ref))
        text = getattr(ref, "id", None)  # an Experiment that is being written
        if isinstance(text, str):
            return text
        raise InvalidValue(f"An experiment is named by a text, not by {ref!r}.")

    def __getitem__(self, ref: Ref) -> ExperimentView:
        return self.get(ref)

    def __contains__(self, ref: object) -> bool:
        try:
            self.get(ref)  # type: ignore[arg-type]  # what it cannot be is not in it
        except (NotFound, InvalidValue):
            return False
        except LookupError:  # several are
            return True
        return True

    def __len__(self) -> int:
        query = select(func.count()).select_from(schema.experiments)
        return int(self._reader.ask(lambda connection: connection.scalar(query)) or 0)

    def __bool__(self) -> bool:
        return True  # a store without experiments is still a store

    def __iter__(self) -> Iterator[ExperimentView]:
        return iter(self.list())

    def __repr__(self) -> str:
        return f"Store({self.root!r})"

    # -- asking about several ----------------------------------------------------------------------

    def compare(
        self,
        refs: Iterable[Ref],
        metrics: str | Sequence[str] | None = None,
        *,
        mode: Literal["min", "max"] | None = None,
    ) -> Comparison:
        """Basic facts, metric values and the parameters that differ, side by side.

        Args:
            metrics: Which, in this order; all that any of them logged (but `system/…`) if not given.
            mode: What "best" means; by the metric's name if not given (see `query.direction`).

        Raises:
            NotFound: An experiment is unknown, or none of them logged one of the metrics asked for.
        """
        return comparing.compare(self._views(refs), metrics, mode)

    def best(
        self,
        metric: str,
        *,
        mode: Literal["min", "max"] | None = None,
        filter: str | None = None,
        status: Statuses = "completed",
        tags: TagsGiven = None,
        limit: int | None = 5,
    ) -> builtins.list[Best]:
        """The experiments with the best value of a metric over their whole history, best first.

        Args:
            mode: "min" or "max"; by the metric's name if not given (see `query.direction`).
            status: Which to look at; None looks at all.
            tags: As `list`.

        Raises:
            NotFound: No experiment ever logged that metric; `.nearest` are likely meanings.
            QueryError: The filter cannot be read.
        """
        direction = comparing.check_mode(mode, metric)

        def given(names: CatalogNames) -> builtins.list[Expression]:
            if not names.has("metric", metric):
                raise comparing.unlogged(metric, names.all("metric"))
            return [*has_status(status), *has_tags(tags), *has_metric(metric, direction)]

        sort = ("-" if direction == "max" else "") + metric_field(metric, direction)
        found = []
        for view in self._reader.select(filter, given, sort=[sort], limit=limit):
            summary = view.metrics[metric]
            value, step = summary.best(direction), summary.best_step(direction)
            if value is not None and step is not None:
                found.append(Best(view, metric, value, step, direction))
        return found

    def summary(self) -> Summary:
        """How many experiments of which status, names and projects, and how much they logged."""
        return self._reader.ask(comparing.summary)

    def history(
        self,
        refs: Ref | Iterable[Ref],
        metrics: str | Iterable[str] | None = None,
        *,
        points: int | None = None,
        start: int | None = None,
        stop: int | None = None,
        metadata: bool = False,
    ) -> History:
        """What one or many metrics of one or many experiments were over time.

        Args:
            metrics: Names, or patterns such as `train/*`; all but `system/…` if not given.
            points: At most about how many points to keep of each series: first, last and the smallest
                and largest of each stretch. A series with no more than that many comes whole.
            start: The first step wanted.
            stop: The step before which to end.
            metadata: Also the metadata of each point (read from the journal; slower).

        Raises:
            NotFound: An experiment is unknown, or none of them logged one of the metrics.
        """
        return self._reader.history(
            self._views(refs), metrics, points=points, start=start, stop=stop, metadata=metadata
        )

    def first_difference(
        self,
        a: Ref,
        b: Ref,
        metrics: str | Sequence[str] | None = None,
        *,
        rtol: float = 0.0,
        atol: float = 0.0,
    ) -> builtins.list[Difference]:
        """Where two experiments' metrics part: one entry per metric that is not the same in both.

        With no tolerance given values must be the same float64 (NaN equals NaN). Otherwise `x` and
        `y` are the same when `|x - y| <= atol + rtol * |x|`, as in `numpy.isclose`.

        Args:
            metrics: Names or patterns; all but `system/…` if not given.

        Raises:
            NotFound: An experiment is unknown, or neither logged one of the metrics asked for.
        """
        views = [self.get(a), self.get(b)]
        names = chosen_metrics(views, metrics)
        history = self._reader.history(views, names)
        return comparing.differences(views[0], views[1], rtol, atol, history, names)

    def _views(self, refs: Ref | Iterable[Ref]) -> builtins.list[ExperimentView]:
        """The experiments meant, each once."""
        if isinstance(refs, Experiments):
            return builtins.list(refs)
        if isinstance(refs, (str, os.PathLike, ExperimentView)) or hasattr(refs, "id"):
            return [self.get(refs)]  # type: ignore[arg-type]
        return builtins.list(dict.fromkeys(self.get(ref) for ref in refs))

    # -- changing what is said about them ----------------------------------------------------------

    def tag(
        self,
        ref: Ref,
        add: str | Iterable[str] | Mapping[str, str | None] = (),
        remove: str | Iterable[str] = (),
    ) -> ExperimentView:
        """Add and remove tags; returns the experiment as it is then.

        Raises:
            NotFound, Ambiguous: As `get`.
            InvalidName: A tag is empty, too long or cannot be shown.
        """
        names = [add] if isinstance(add, str) else add
        new = dict(names) if isinstance(names, Mapping) else dict.fromkeys(names)
        for tag, value in new.items():
            check_label(tag, "tag")
            new[tag] = None if value is None else str(value)
        gone = [remove] if isinstance(remove, str) else builtins.list(remove)
        return self._edit(ref, "tags", add=new, remove=gone)

    def note(self, ref: Ref, text: str | None) -> ExperimentView:
        """Set the notes (None removes them); returns the experiment as it is then."""
        return self._edit(ref, "field", field="notes", value=to_plain(text))

    def describe(self, ref: Ref, text: str | None) -> ExperimentView:
        """Set the description (None removes it); returns the experiment as it is then."""
        return self._edit(ref, "field", field="description", value=to_plain(text))

    def rename(self, ref: Ref, name: str) -> ExperimentView:
        """Change the name, which is a label: the prefix and the folder stay as they are."""
        return self._edit(ref, "field", field="name", value=check_label(name, "name"))

    def capture(self, ref: Ref, what: str, data: Mapping[str, Any]) -> ExperimentView:
        """Record a fact about it afterwards, as `Experiment.capture` does; returns the experiment as it is then."""
        plain = mask_secrets(to_plain(dict(data)))
        return self._edit(ref, "captured", what=check_label(what, "capture"), data=plain)

    def _edit(self, ref: Ref, kind: str, **fields: Any) -> ExperimentView:
        view = self.get(ref)
        root = self._stores.root
        append_event(root, root.experiment(view.prefix), view.id, kind, **fields)
        self.refresh()
        return self.get(view.id)

    # -- what belongs to no experiment -------------------------------------------------------------

    @functools.cached_property
    def _journal(self) -> RootJournal:
        settings = self._settings or load_settings()
        layout = self._stores.root
        return RootJournal(layout, user=settings.user, durable=settings.fsync > 0)

    def documents(
        self, kind: str | None = None, *, name: str | None = None, scope: str | None = None
    ) -> builtins.list[Document]:
        """What the store keeps beside its experiments: saved views, reports, groups, what a dialect needs …

        Args:
            kind: What the documents are, such as "view" or "mlflow.experiment"; all kinds if None.
            name: Only those of this name.
            scope: Only those that concern everybody ("root"), a project ("project/<prefix>") or a user
                ("user/<name>").
        """
        return self._journal.documents(kind, name=name, scope=scope)

    def document(self, kind: str, name: str, *, scope: str = "root") -> Document:
        """One document.

        Raises:
            NotFound: There is none.
        """
        return self._journal.document(kind, name, scope=scope)

    def set_document(
        self,
        kind: str,
        name: str,
        body: Mapping[str, Any] | None,
        *,
        scope: str = "root",
        after: Document | None = None,
    ) -> Document | None:
        """Write a document, or remove it when `body` is None; returns what there is then.

        Args:
            after: The document as its author saw it, where somebody else may have changed it since: what they wrote
                then stays in `others`. By default what there is now is replaced.

        Raises:
            InvalidName: The kind, name or scope cannot be kept.
            InvalidValue: The body is no mapping.
        """
        return self._journal.set_document(kind, name, body, scope=scope, after=after)

    def versions(
        self, kind: str | None = None, name: str | None = None, *, scope: str | None = None
    ) -> builtins.list[Version]:
        """The versions of models or artifacts, of a kind, a name, a scope; by kind, name, scope and number."""
        return self._journal.versions(kind, name, scope=scope)

    def claim_version(self, kind: str, name: str, *, scope: str = "root", first: int = 1) -> int:
        """A number for a new version, which no other process gets; `set_version` then says what it is.

        Args:
            first: The number of the first version.

        Raises:
            InvalidName: The kind, name or scope cannot be kept.
        """
        return self._journal.claim_version(kind, name, scope=scope, first=first)

    def set_version(
        self,
        kind: str,
        name: str,
        number: int,
        target: str | None,
        *,
        digest: str | None = None,
        body: Mapping[str, Any] | None = None,
        why: str | None = None,
        scope: str = "root",
    ) -> Version | None:
        """Say what a version points to, or withdraw it when `target` is None; returns what there is then.

        Args:
            target: What it points to, such as the id of the experiment that made it.
            digest: A hash of what it points to.
            body: What else there is to say.
            why: Why it was made.

        Raises:
            InvalidName: The kind, name or scope cannot be kept.
        """
        return self._journal.set_version(
            kind, name, number, target, digest=digest, body=body, why=why, scope=scope
        )

    def aliases(
        self, kind: str | None = None, name: str | None = None, *, scope: str | None = None
    ) -> builtins.list[Alias]:
        """The aliases of models or artifacts, of a kind, a name, a scope; by kind, name, scope and alias."""
        return self._journal.aliases(kind, name, scope=scope)

    def set_alias(
        self,
        kind: str,
        name: str,
        alias: str,
        number: int | None,
        *,
        why: str | None = None,
        scope: str = "root",
    ) -> Alias | None:
        """Have an alias mean a version from now on, or take it away when `number` is None; returns what there is then.

        Raises:
            InvalidName: The kind, name, alias or scope cannot be kept.
        """
        return self._journal.set_alias(kind, name, alias, number, why=why, scope=scope)

    # -- keeping -----------------------------------------------------------------------------------

    def delete(self, refs: Ref | Iterable[Ref], *, permanently: bool = False) -> Deleted:
        """Put experiments in the trash, or remove them at once with the bytes they take.

        Raises:
            NotFound: One is unknown; then none is deleted.
            StillRunning: One is being written; then none is deleted.
        """
        ids = [view.id for view in self._views(refs)]
        with self._guard:
            freed = Trash(self._index).delete(ids, permanently=permanently)
        return Deleted(freed.count, freed.bytes, permanently, tuple(ids))

    def restore(self, ref: str, prefix: str | None = None) -> ExperimentView:
        """Take an experiment back out of the trash, by its id, the start of its id, its prefix or its name.

        Args:
            prefix: Where to put it, if another experiment has taken its place.

        Raises:
            NotFound: There is none like that in the trash.
            Ambiguous: There are several.
            InvalidName: Another experiment is at its prefix by now.
        """
        with self._guard:
            trash = Trash(self._index)
            found = comparing.in_trash(
                ref, [(t.experiment_id, t.prefix, t.name) for t in trash.items()]
            )
            trash.restore(found, prefix)
        return self.get(found)

    def trash(self) -> builtins.list[Trashed]:
        """What is in the trash, newest first."""
        with self._guard:
            return [
                Trashed(item.experiment_id, item.prefix, item.name, item.deleted_at, item.bytes)
                for item in Trash(self._index).items()
            ]

    def gc(self, *, dry_run: bool = False, older_than: float | str | None = None) -> int:
        """Empty the trash and remove what nothing refers to; the bytes freed (or that would be).

        Args:
            older_than: Only what was deleted this long ago: seconds, or a text such as "7d".

        Raises:
            InvalidValue: `older_than` is no duration.
        """
        age = _seconds(older_than)
        with self._guard:
            return Trash(self._index).gc(older_than=age, dry_run=dry_run).bytes

    def du(self, refs: Ref | Iterable[Ref] | None = None) -> Usage:
        """The bytes of disk that experiments take, by kind; of the whole store (its trash, index and weights
        too) when none are named. A capture that several share is counted once."""
        root = self._stores.root
        if refs is None:
            e = schema.experiments.c
            query = select(e.experiment_id, e.prefix)
            rows = self._reader.ask(lambda connection: connection.execute(query).all())
            return Usage(*store_usage(root, {row[0]: row[1] for row in rows}))
        views = self._views(refs)
        return Usage(*experiments_usage(root, {view.id: view.prefix for view in views}))

    def doctor(
        self, *, repair: bool = False, progress: Progress | None = None
    ) -> builtins.list[Finding]:
        """Look for broken lines, damaged files and what folders and index do not agree on.

        Reads every file of records.

        Args:
            repair: Mend what is derived: the index. Records are never touched.
        """
        with self._guard:
            found = examine(self._index, repair=repair, progress=progress)
        e = schema.experiments.c
        query = select(e.prefix, e.experiment_id)
        rows = self._reader.ask(lambda connection: connection.execute(query).all(), fresh=False)
        ids = {row[0]: row[1] for row in rows}
        return [
            Finding(
                kind=one.kind,
                reason=one.message,
                path=one.path
                or (str(self._reader.folder(one.prefix)) if one.prefix else self.root),
                experiment_id=ids.get(one.prefix),
                prefix=one.prefix or None,
                line=one.line,
                repaired=one.repaired,
            )
            for one in found
        ]

    def rebuild(self, progress: Progress | None = None) -> Refreshed:
        """Make the index again from the folders alone."""
        with self._guard:
            return _refreshed(self._index.rebuild(progress))

    def refresh(self, progress: Progress | None = None) -> Refreshed:
        """Bring the index up to date now.

        Args:
            progress: Called now and then with how many experiments were taken in, and of how many.
        """
        with self._guard:
            if not self._there and os.path.isdir(self.root):
                self._reopen()
            return _refreshed(self._index.refresh(progress))

    def _reopen(self) -> None:
        """The folder has come to be since the store was opened."""
        reader = self._reader
        self._stores.close()
        self._open()
        # Views of before keep the reader they have, which was empty: it goes on with the new stores.
        reader.catalog, reader.series = self._stores.catalog, self._stores.series
        self._reader = reader

    def seal(self, refs: Ref | Iterable[Ref] | None = None) -> int:
        """Turn finished points files into Parquet now, small ones too; how many were."""
        ids = None if refs is None else [view.id for view in self._views(refs)]
        with self._guard:
            return self._index.seal(ids).files

    def export(
        self,
        refs: Ref | Iterable[Ref] | None,
        target: str | os.PathLike[str],
        format: Format | None = None,
    ) -> builtins.list[str]:
        """Write experiments to tables in a folder, or whole into a zip file; the paths written.

        Args:
            refs: Which; all if None. A zip file of all also holds the store's documents, versions and aliases.
            target: A folder for tables (`experiments`, `params`, `points`), a file for a zip.
            format: By the target's name if not given; Parquet for a folder.

        Raises:
            FileExistsError: The zip file, or a table in the folder, is there already.
        """
        from .reading.export import export

        views = self.list(sort="created_at") if refs is None else self._views(refs)
        return export(self._reader, views, os.fspath(target), format, whole=refs is None)

    def forward(
        self,
        refs: Ref | Iterable[Ref],
        to: Any = None,
        *,
        patience: float = 20.0,
        afresh: bool = False,
        progress: Progress | None = None,
    ) -> dict[str, builtins.list[Forwarded]]:
        """Send experiments, or what is left of them, to other trackers; how far each has come, by its id.

        What arrived before is not sent again. Each place is sent to by a process of its own.

        Args:
            refs: Which experiments.
            to: Where to, as the argument `forward_to` of `Experiment`; everywhere each was to be sent before if None.
            patience: Seconds to keep trying a place that fails.
            afresh: Send everything, as if nothing had arrived: where the run at the tracker was deleted.
            progress: Called now and then with how many records of an experiment and place were sent, and of how many.

        Raises:
            InvalidSetting: `to` is no place, or one is known without its password only.
            MissingDependency: A tracker's package is not installed.
            NotFound: There is no such experiment, or nothing says where one is to be sent.
            StillRunning: Afresh, while another process is sending one of them there.
        """
        from .forwarders.later import send_later

        return {
            view.id: send_later(
                str(view.path),
                view.prefix,
                to,
                asked=view.captured.get("forwarding", {}).get("to", []),
                patience=patience,
                afresh=afresh,
                report=progress,
            )
            for view in self._views(refs)
        }

    def close(self) -> None:
        """Release the catalog; the store cannot be asked afterwards."""
        self._stores.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _refreshed(taken: Any) -> Refreshed:
    return Refreshed(taken.experiments, taken.points, taken.seconds, taken.problems)


def _seconds(age: float | str | None) -> float:
    if age is None:
        return 0.0
    seconds = parse_duration(age.strip()) if isinstance(age, str) else float(age)
    if seconds is None or not seconds >= 0:
        raise InvalidValue(
            f"{age!r} is no length of time: give seconds, or a text such as '12h' or '7d'.",
            key="older_than",
        )
    return seconds
