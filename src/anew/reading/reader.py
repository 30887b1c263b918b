"""What views read from: the catalog's rows, the series, the folders."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, Select, bindparam, literal, select

from ..errors import NotFound
from ..journal.layout import RootLayout
from ..query.question import ask
from ..query.suggest import nearest, one_of
from ..query.syntax import Expression
from ..record.status import Status
from ..stores.catalog.protocol import CatalogDamaged
from ..stores.catalog.sqlite import SqliteCatalog, schema
from ..stores.catalog.sqlite.names import CatalogNames
from ..stores.catalog.sqlite.selection import Selection
from ..stores.series.columns import Stretch, assemble
from ..stores.series.protocol import ExperimentFolder, SeriesStore
from .find import find_key
from .history import History, Order, Series, series_of, thinned
from .rows import MetricRows
from .views import ExperimentView

if TYPE_CHECKING:
    from .results import Deleted, Experiments

__all__ = ["Delete", "Reader"]

Delete = Callable[[Sequence[ExperimentView], bool], "Deleted"]
_PAGE = 500
T = TypeVar("T")
_SYSTEM = "system/"


class Reader:
    """Reads a root's stores for views and answers.

    Args:
        fresh: Brings the index up to date before a question: where the store does so, or always.
        heal: Makes a damaged catalog again.
        delete: Deletes experiments, for `ExperimentView.delete`.
    """

    def __init__(
        self,
        layout: RootLayout,
        catalog: SqliteCatalog,
        series: SeriesStore,
        fresh: Callable[[bool], None],
        heal: Callable[[], None],
        delete: Delete,
    ) -> None:
        self.layout = layout
        self.catalog = catalog
        self.series = series
        self.fresh = fresh
        self._heal = heal
        self._delete = delete

    # -- which ones --------------------------------------------------------------------------------

    def ask(self, question: Callable[[Connection], T], *, fresh: bool = True) -> T:
        """Put a question to one, up-to-date state of the catalog.

        A catalog that turns out to be damaged is made again, and asked again.
        """
        if fresh:
            self.fresh(False)
        try:
            with self.catalog.reading() as connection:
                return question(connection)
        except CatalogDamaged:
            pass
        self._heal()
        with self.catalog.reading() as connection:
            return question(connection)

    def select(
        self,
        filter: str | None,
        given: Callable[[CatalogNames], Sequence[Expression]] | None = None,
        *,
        sort: str | Sequence[str],
        limit: int | None = None,
        offset: int = 0,
    ) -> Experiments:
        """The experiments that meet a filter and further conditions, in order.

        Raises:
            QueryError: The filter or the sort cannot be read.
            ValueError: `limit` or `offset` is negative.
        """
        from .results import Experiments

        if (limit is not None and limit < 0) or offset < 0:
            raise ValueError(f"limit and offset are 0 or more, not {limit} and {offset}.")

        def find(connection: Connection) -> tuple[Selection, list[int], dict[int, Any]]:
            selection = self._selection(connection, filter, given, sort)
            keys = selection.keys(connection, limit, offset).tolist()
            rows = self.rows(connection, keys[:_PAGE]) if limit is not None else {}
            return selection, keys, rows

        def count(connection: Connection) -> int:
            return self._selection(connection, filter, given, sort).count(connection)

        selection, keys, first = self.ask(find)
        total = selection.known_total
        if total is None and (limit is None or len(keys) < limit) and (keys or not offset):
            total = offset + len(keys)  # these are the last ones
        if total is None:
            return Experiments(self, keys, lambda: self.ask(count, fresh=False), first)
        return Experiments(self, keys, total, first)

    def _selection(
        self,
        connection: Connection,
        filter: str | None,
        given: Callable[[CatalogNames], Sequence[Expression]] | None,
        sort: str | Sequence[str],
    ) -> Selection:
        names = CatalogNames(connection)
        more = () if given is None else given(names)
        return Selection(ask(filter, given=more, sort=sort, now=time.time()), names)

    def find(self, ref: str) -> ExperimentView:
        """One experiment by what it is called; see `find_key`."""

        def find(connection: Connection) -> ExperimentView:
            key = find_key(connection, ref)
            return ExperimentView(self, self.rows(connection, [key])[key])

        return self.ask(find)

    def children(self, experiment_id: str) -> Experiments:
        """The experiments with that parent, oldest first."""
        quoted = experiment_id.replace("\\", "\\\\").replace("'", "\\'")
        return self.select(f"parent == '{quoted}'", sort="created_at")

    # -- rows --------------------------------------------------------------------------------------

    def rows(self, connection: Connection, keys: Sequence[int]) -> dict[int, Any]:
        """What views are made of, by key; experiments that are gone are left out."""
        found: dict[int, Any] = {}
        statement = _rows_statement()
        for begin in range(0, len(keys), _PAGE):
            page = list(keys[begin : begin + _PAGE])
            for row in connection.execute(statement, {"keys": page, "now": time.time()}):
                found[row.key] = row
        return found

    def page(self, keys: Sequence[int]) -> dict[int, Any]:
        """As `rows`, on a connection of its own."""
        return self.ask(lambda connection: self.rows(connection, keys), fresh=False)

    def status(self, experiment_id: str) -> Status:
        """The status now, whatever the store thinks of refreshing; FAILED for an experiment that is gone."""
        self.fresh(True)
        e = schema.experiments.c
        query = select(e.status).where(e.experiment_id == experiment_id)
        found = self.ask(lambda connection: connection.scalar(query), fresh=False)
        return Status(found) if found is not None else Status.FAILED

    def file_rows(self, key: int) -> list[Any]:
        """The rows of `files` of an experiment."""
        return self._positioned(schema.files, key)

    def value_rows(self, key: int) -> list[Any]:
        """The rows of `values` of an experiment."""
        return self._positioned(schema.values, key)

    def _positioned(self, table: Any, key: int) -> list[Any]:
        query = select(table).where(table.c.experiment_key == key).order_by(table.c.position)
        return self.ask(lambda connection: list(connection.execute(query)), fresh=False)

    def folder(self, prefix: str) -> str:
        """The folder of an experiment."""
        return self.layout.experiment(prefix).folder

    def delete(self, views: Sequence[ExperimentView], *, permanently: bool) -> Deleted:
        """Delete experiments."""
        return self._delete(views, permanently)

    # -- points ------------------------------------------------------------------------------------

    def read_series(
        self,
        view: ExperimentView,
        name: str,
        *,
        points: int | None = None,
        start: int | None = None,
        stop: int | None = None,
        metadata: bool = False,
        order: Order = "step",
    ) -> Series:
        """One metric of one experiment."""
        place = ExperimentFolder(view.id, self.folder(view.prefix))
        if points is not None and start is None and stop is None and not metadata:
            return self._thinned(place, [name], points, order)[0]
        columns = self.series.read(place, [name], start=start, stop=stop, metadata=metadata)
        return series_of(columns, view.id, name, points=points, order=order)

    def read_rows(self, view: ExperimentView, names: Sequence[str], strip: int) -> MetricRows:
        """Metrics of one experiment, a row per log call; `strip` characters come off each name."""
        place = ExperimentFolder(view.id, self.folder(view.prefix))
        return MetricRows(self.series.read(place, names, rows=True, metadata=True), strip)

    def history(
        self,
        views: Sequence[ExperimentView],
        metrics: str | Iterable[str] | None,
        *,
        points: int | None = None,
        start: int | None = None,
        stop: int | None = None,
        metadata: bool = False,
    ) -> History:
        """Some metrics of some experiments.

        Raises:
            NotFound: None of them logged one of the metrics.
        """
        found: list[Series] = []
        chosen = chosen_metrics(views, metrics)
        if len(views) > 1 and start is None and stop is None and not metadata:
            return History(self._of_many(views, chosen, points))
        for view in views:
            mine = [name for name in chosen if name in view.metrics]
            if not mine:
                continue
            place = ExperimentFolder(view.id, self.folder(view.prefix))
            if points is not None and start is None and stop is None and not metadata:
                found += self._thinned(place, mine, points)
                continue
            columns = self.series.read(place, mine, start=start, stop=stop, metadata=metadata)
            found += [
                series_of(columns, view.id, name, points=points)
                for name in mine
                if name in columns.names
            ]
        return History(found)

    def _of_many(
        self, views: Sequence[ExperimentView], names: Sequence[str], points: int | None
    ) -> list[Series]:
        """Whole series of many experiments, downsampled."""
        places = [ExperimentFolder(view.id, self.folder(view.prefix)) for view in views]
        columns = self.series.read_many(places, names)
        return [
            series_of(columns.alone(at), views[number].id, columns.names[metric], points=points)
            for at, (number, metric) in enumerate(
                zip(columns.experiment.tolist(), columns.metric.tolist(), strict=True)
            )
        ]

    def _thinned(
        self, place: ExperimentFolder, names: Sequence[str], points: int, order: Order = "step"
    ) -> list[Series]:
        """Whole series, downsampled."""
        runs: dict[str, list[Stretch]] = {name: [] for name in names}
        for run in self.series.stretches(place, names):
            runs[run.name].append(run)
        return [
            thinned(mine, place.experiment_id, name, points)
            or series_of(
                assemble(mine, (), [name]), place.experiment_id, name, points=points, order=order
            )
            for name, mine in runs.items()
        ]


def chosen_metrics(
    views: Sequence[ExperimentView], metrics: str | Iterable[str] | None
) -> list[str]:
    """The metrics meant by names and patterns, of those that any of the experiments logged.

    Raises:
        NotFound: None of them logged one that was named, or one that fits a pattern.
    """
    known: dict[str, None] = {}
    for view in views:
        known.update(dict.fromkeys(view.metrics))
    if metrics is None:
        return sorted(name for name in known if not name.startswith(_SYSTEM))
    chosen: dict[str, None] = {}
    for wanted in [metrics] if isinstance(metrics, str) else metrics:
        if wanted in known:
            chosen[wanted] = None
            continue
        fitting = sorted(name for name in known if fnmatchcase(name, wanted))
        if not fitting:
            near = nearest(wanted, known)
            hint = f" Did you mean {one_of(map(repr, near))}?" if near else ""
            which = "The experiment has" if len(views) == 1 else "None of the experiments has"
            no = "no" if len(views) == 1 else "a"
            raise NotFound(f"{which} {no} metric {wanted!r}.{hint}", name=wanted, nearest=near)
        chosen.update(dict.fromkeys(fitting))
    return list(chosen)


_statements: dict[str, Select[Any]] = {}


def _rows_statement() -> Select[Any]:
    if "rows" not in _statements:
        e, d, p = schema.experiments, schema.documents, schema.progress
        now: Any = bindparam("now")
        _statements["rows"] = (
            select(
                e,
                d.c.state,
                p.c.metrics.label("tallies"),
                (literal(0.0) + now).label("read_at"),
            )
            .join(d, d.c.experiment_key == e.c.key)
            .join(p, p.c.experiment_key == e.c.key)
            .where(e.c.key.in_(bindparam("keys", expanding=True)))
        )
    return _statements["rows"]


def metric_field(name: str, stat: str) -> str:
    """A metric's summary as a field of the filter language; in brackets, so that it can be no other's."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'metrics["{escaped}"].{stat}'
