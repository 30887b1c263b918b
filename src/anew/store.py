"""`Store`, the reading handle: list, search, compare and read what experiments recorded."""

from __future__ import annotations

import builtins
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from msgspec.structs import replace

from .address import local_folder, parse_address
from .errors import InvalidSetting, InvalidValue, NotFound
from .query.documents import DocumentsQuestion
from .query.edits import AppendQuestion
from .query.literals import parse_duration
from .query.question import NamesQuestion, ask
from .query.references import ResolveQuestion
from .query.syntax import Expression
from .reading.backend import Backend
from .reading.given import Statuses, TagsGiven, has_metric, has_status, has_tags, is_text
from .reading.results import Best, Ranking
from .reading.source import Source
from .reading.upkeep import Deleted, Finding, Freed, Progress, Refreshed, Trashed, Upkeep, Usage
from .reading.views import Experiments, ExperimentView
from .record.documents import Alias, Document, Version
from .record.edits import (
    AliasEdit,
    CaptureEdit,
    ClaimEdit,
    DocumentEdit,
    Edit,
    Edited,
    FieldEdit,
    MoveEdit,
    ParamsEdit,
    RestoreEdit,
    TagsEdit,
    VersionEdit,
)
from .record.names import check_label
from .record.plain import nest, to_plain
from .record.secrets import mask_secrets
from .settings import Settings, load_settings

if TYPE_CHECKING:
    from .alerts.face import Alerts
    from .analysis.analyst import Analyst
    from .analysis.face import Analysis
    from .forwarders.later import Forwarded
    from .models.lineage import LineageFacts
    from .models.views import Models
    from .reading.changing import Change
    from .reading.comments import Comments
    from .reading.export import Format
    from .reading.goals import Goal
    from .reading.groups import Groups
    from .reading.history import History
    from .reading.logs import LogLine
    from .reading.news import News
    from .reading.own import Marks, Preferences
    from .reading.results import Comparison, Difference, Summary
    from .reading.saved_views import SavedViews
    from .reports.face import Reports
    from .reports.showing import Showing
    from .weights.elsewhere import Elsewhere
    from .weights.repository import Repository

__all__ = ["Ref", "Store"]

_WEEK = 7 * 86400.0

Ref = str | os.PathLike[str] | ExperimentView
"""An experiment: its id, an unambiguous start of its id, its prefix, its name if only it has that name, its
folder, or a view of it."""


class Store:
    """All experiments at an address, and the queries about them.

    A question first takes in what was written since (incrementally; only readers ever wait for one another).
    Answers are snapshots: ask again to see what is new. Any thread may ask.

    Args:
        root: The folder that holds the experiments, as a path or a `file://` URL, the URL of a server
            (`http://127.0.0.1:5700`, see `anew server`), or a `Backend` to ask; by default what
            `Experiment` records to (`ANEW_ROOT`, or `experiments/`, found like a git repository).
        settings: Settings to use instead of those of the environment.
        refresh: False looks at the index of a folder as it is, once there is one, without bringing it up to date.
        upkeep: What looks after the place of a `Backend`, where that can be done from here.
        analyst: What reckons with what a `Backend` has (`store.analysis`); this process if not given.

    Attributes:
        backend: What answers.
        root: The folder, or how the backend calls its place.

    Raises:
        NotFound: A `root` was given and there is no such folder, or no server of Anew at that address.
        InvalidSetting: The root is not the address of a folder or a server.
        ConnectionError: The server cannot be reached.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | Backend | None = None,
        *,
        settings: Settings | None = None,
        refresh: bool = True,
        upkeep: Upkeep | None = None,
        analyst: Analyst | None = None,
    ) -> None:
        self._close: Callable[[], None] | None = None
        self._analyst = analyst
        self._showing: Callable[[str], Sequence[Showing]] | None = None
        self._weights_at: str | Elsewhere | None = None
        if root is None or isinstance(root, (str, os.PathLike)):
            where = (settings or load_settings()).address if root is None else root
            address = parse_address(where, setting="root")
            if address.kind == "server":
                from .credentials import token_for
                from .reading.remote.opening import open_server

                server = open_server(address.location, token=token_for(address.location))
                self.backend: Backend = server.backend
                upkeep, self._close = server.upkeep, server.close
                self._weights_at = server.weights
                self._analyst, self._showing = server.analyst, server.reports.showing
            else:
                from .reading.local.opening import open_folder

                chosen = settings or load_settings()
                path = local_folder(where)
                if root is not None and not os.path.isdir(path):
                    raise NotFound(
                        f"There is no store at {path}: the folder does not exist. It is created when "
                        "the first experiment is recorded there.",
                        name=os.fspath(root),
                    )
                opened = open_folder(
                    path, refresh=refresh, user=chosen.user, durable=chosen.fsync > 0
                )
                self.backend = opened.backend
                upkeep, self._close = opened.upkeep, opened.close
                self._weights_at = os.path.join(path, "weights")
        else:
            self.backend = root
        try:
            self._source = Source(self.backend, upkeep)
        except BaseException:  # no server answers
            self.close()
            raise
        self.root: str = self._source.root or self.backend.about().where

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
        reproductions: bool = False,
    ) -> Experiments:
        """The experiments that match all given conditions, newest first.

        Args:
            filter: An expression of the filter language (see `search`).
            status: One status or several, any of which will do.
            tags: Tags that all must be there; a mapping also asks for their values.
            sort: A field, or several; a leading `-` sorts downwards. A metric's bare name, such as "val/acc", means
                the best values first, as `best` has them. Missing values come last.
            limit: At most this many; `.total` of the result counts all of them.
            reproductions: Whether what `anew reproduce` recorded is among them. It would count a result twice, so it is
                left out unless the filter asks for a `relation` or a `parent`; `.left_out` of the result counts it.

        Raises:
            QueryError: The filter or a sort field cannot be read, or names what was never logged.
        """

        given = [
            *has_status(status),
            *has_tags(tags),
            *is_text("name", name),
            *is_text("project", project),
            *is_text("user", user),
        ]
        from .reading.sorting import best_first

        order = best_first(self.backend, sort)
        return Experiments.that_meet(
            self._source, filter, given=given, sort=order, limit=limit, offset=offset,
            reproductions=reproductions,
        )  # fmt: skip

    def search(
        self,
        filter: str | Expression,
        *,
        sort: str | Sequence[str] | None = None,
        limit: int | None = None,
        offset: int = 0,
        reproductions: bool = False,
    ) -> Experiments:
        """The experiments for which an expression is true.

        `store.search("metrics.val_loss.min < 0.5 and params.lr >= 1e-3 and 'vae' in tags")`. The
        language is described in `docs/reference/filter-language.md`. A program may also give the tree of an
        expression (`anew.query.syntax`). An empty text finds all experiments. Reproductions are left out as by `list`.

        Raises:
            QueryError: As `list`; it points at the column of the mistake.
        """
        order = "-created_at" if sort is None else sort
        text, given = (filter, ()) if isinstance(filter, str) else (None, (filter,))
        return Experiments.that_meet(
            self._source, text, given=given, sort=order, limit=limit, offset=offset,
            reproductions=reproductions,
        )  # fmt: skip

    def get(self, ref: Ref) -> ExperimentView:
        """One experiment by its id, the start of its id, its prefix, its name or its folder.

        Raises:
            NotFound: None goes by that; `.nearest` are likely meanings.
            Ambiguous: Several do; `.candidates` are their ids.
        """
        return self._found([ref])[0]

    def _found(self, refs: Sequence[object]) -> builtins.list[ExperimentView]:
        """The experiments meant, in the order given."""
        from .reading import compare as comparing

        texts = tuple(self._text_of(ref) for ref in refs)
        ids = [comparing.meant(one) for one in self.backend.resolve(ResolveQuestion(texts))]
        views = {one.id: ExperimentView(self._source, one) for one in self._source.facts(ids)}
        for id_ in ids:
            if id_ not in views:
                raise NotFound(f"The experiment {id_} was deleted just now.", name=id_)
        return [views[id_] for id_ in ids]

    def _text_of(self, ref: object) -> str:
        # Half a character is in no name, and cannot be sent anywhere.
        return self._named(ref).encode(errors="replace").decode()

    def _named(self, ref: object) -> str:
        if isinstance(ref, ExperimentView):
            return ref.id
        if isinstance(ref, str) and (self._source.root is None or not os.path.isabs(ref)):
            return ref
        if isinstance(ref, (str, os.PathLike)):
            return os.path.relpath(os.path.abspath(ref), self.root).replace(os.sep, "/")
        text = getattr(ref, "id", None)  # an Experiment that is being written
        if isinstance(text, str):
            return text
        raise InvalidValue(f"An experiment must be given as a string, not {ref!r}.")

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
        return self.backend.select(ask(limit=0, total=True, now=time.time())).total or 0

    def __bool__(self) -> bool:
        return True  # a store without experiments is still a store

    def __iter__(self) -> Iterator[ExperimentView]:
        return iter(self.list(reproductions=True))

    def __repr__(self) -> str:
        return f"Store({self.root!r})"

    def _repr_html_(self) -> str:
        from .reading.html import store_html

        newest = self.list(limit=10)
        return store_html(self.root, newest, newest.total)

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
            mode: What "best" means; by the metric's name if not given (see `record.direction`).

        Raises:
            NotFound: An experiment is unknown, or none of them logged one of the metrics asked for.
        """
        from .reading import compare as comparing

        return comparing.compare(self._views(refs), metrics, mode, self._source.goals)

    def best(
        self,
        metric: str | None = None,
        *,
        mode: Literal["min", "max"] | None = None,
        filter: str | None = None,
        status: Statuses = "completed",
        tags: TagsGiven = None,
        limit: int | None = 5,
        reproductions: bool = False,
    ) -> Ranking:
        """The experiments with the best value of a metric over their whole history, best first.

        Args:
            metric: Its name, or the end of its name where only one metric ends so: "acc" for "val/acc". The main metric if
                not given (see `set_goal`).
            mode: "min" or "max"; by the metric's goal if not given, or else by its name.
            status: Which to look at; None looks at all.
            tags: As `list`.
            reproductions: As `list`.

        Raises:
            NotFound: No experiment ever logged that metric; `.nearest` are likely meanings.
            InvalidValue: No metric is given, and none is the main one; or projects have different goals for it.
            Ambiguous: Several metrics end so; `.candidates` are their names.
            QueryError: The filter cannot be read.
        """
        from .reading import compare as comparing
        from .reading.goals import check_mode
        from .reading.sorting import metric_field

        goals = self._source.goals
        if metric is None:
            metric = goals.main({one.metric for one in goals})
            if metric is None:
                raise InvalidValue(
                    "Say which metric: no metric of this store is the main one (set_goal(…, main=True) makes it that).",
                    key="metric",
                )
        known = self.backend.names(NamesQuestion(kind="metric", contains=metric, now=time.time()))
        if not any(one.name == metric for one in known):
            short = comparing.full_name(metric, [one.name for one in known])
            if short is None:
                every = self.backend.names(NamesQuestion(kind="metric", now=time.time()))
                raise comparing.unlogged(metric, [one.name for one in every])
            metric = short
        direction = check_mode(mode, metric, goals)
        given = [*has_status(status), *has_tags(tags), *has_metric(metric, direction)]
        sort = ("-" if direction == "max" else "") + metric_field(metric, direction)
        views = Experiments.that_meet(
            self._source, filter, given=given, sort=[sort], limit=limit, reproductions=reproductions
        )
        found = []
        for view in views:
            summary = view.metrics[metric]
            value, step = summary.best(direction), summary.best_step(direction)
            if value is not None and step is not None:
                found.append(Best(view, metric, value, step, direction))
        return Ranking(found, lambda: views.left_out)

    def groups(
        self,
        by: str | Sequence[str],
        results: str | Sequence[str] | None = None,
        filter: str | None = None,
        *,
        limit: int | None = None,
        reproductions: bool = False,
    ) -> Groups:
        """Experiments that are equal in some fields as one row: how many, and mean, sd, min and max of their results.

        Args:
            by: A field or several, such as "params.lr".
            results: Metrics, of which the best value of each experiment counts, or fields such as "duration" and "metrics.loss.last". The
                main metrics if not given, or else the metric that most experiments logged.
            filter: Only experiments that match it.
            reproductions: As `list`.

        Raises:
            QueryError: The filter or a field cannot be read, or names what was never logged.
        """
        from .reading.groups import groups_of
        from .reading.sorting import metric_field

        fields = [by] if isinstance(by, str) else builtins.list(by)
        known = self.backend.names(NamesQuestion(kind="metric", counts=True, now=time.time()))
        names = {one.name for one in known}
        if results is None:
            chosen = sorted({one.metric for one in self._source.goals if one.main} & names)
            logged = [one for one in known if not one.name.startswith("system/")]
            best = max(logged, key=lambda one: one.count or 0, default=None)
            chosen = chosen or ([] if best is None else [best.name])
        else:
            chosen = [results] if isinstance(results, str) else builtins.list(results)
        goals = self._source.goals
        wanted = {
            one: metric_field(one, goals.better(one)) if one in names else one for one in chosen
        }
        return groups_of(
            self.backend, fields, wanted, filter, limit=limit, reproductions=reproductions
        )

    def logs(
        self,
        refs: Ref | Iterable[Ref],
        level: str | None = None,
        contains: str | None = None,
        tail: int | None = None,
        *,
        pattern: str | None = None,
    ) -> builtins.list[tuple[ExperimentView, LogLine]]:
        """The messages of several experiments in the order of their times, each with its experiment.

        Args:
            level, contains, pattern: As of `ExperimentView.logs`.
            tail: Only the last so many of all of them.

        Raises:
            NotFound, Ambiguous: As `get`.
            QueryError: The pattern is no regular expression.
        """
        from heapq import merge

        each = (
            [(view, line) for line in view.logs(level, contains, tail, pattern=pattern)]
            for view in self._views(refs)
        )
        found = builtins.list(merge(*each, key=lambda pair: pair[1].time))
        return found if tail is None else found[max(0, len(found) - tail) :]

    def follow(
        self,
        refs: Ref | Iterable[Ref],
        *,
        console: bool = False,
        interval: float = 0.5,
        level: str | None = None,
        contains: str | None = None,
        tail: int | None = None,
    ) -> Iterator[tuple[ExperimentView, LogLine]]:
        """Messages (or console lines) of several experiments as they are written, until all have ended; each with its experiment.

        What was written between two looks comes in the order of its times. The arguments are those of `ExperimentView.follow`.
        """
        from .query.changes import ChangesQuestion
        from .query.lines import LinesQuestion
        from .reading.logs import follow_several

        def running(ids: Collection[str]) -> builtins.list[str]:
            self.backend.changes(ChangesQuestion())
            return [one.id for one in self._source.facts(ids, frozenset()) if not one.status.ended]

        views = {view.id: view for view in self._views(refs)}
        asked = {
            id_: LinesQuestion(
                id=id_, stream="console" if console else "messages", level=level, contains=contains
            )
            for id_ in views
        }
        for id_, line in follow_several(
            self.backend, asked, tail, running=running, interval=interval
        ):
            yield views[id_], line

    def summary(self) -> Summary:
        """How many experiments of which status, names and projects, and how much they logged."""
        from .reading import compare as comparing

        return comparing.summary(self.backend)

    def history(
        self,
        refs: Ref | Iterable[Ref],
        metrics: str | Iterable[str] | None = None,
        *,
        points: int | None = None,
        start: int | None = None,
        stop: int | None = None,
        metadata: bool = False,
        attempts: Literal["joined", "each"] | None = None,
    ) -> History:
        """What one or many metrics of one or many experiments were over time.

        Args:
            metrics: Names, or patterns such as `train/*`; all but `system/…` if not given.
            points: At most about how many points to keep of each series: first, last and the smallest
                and largest of each stretch. A series with no more than that many comes whole.
            start: The first step wanted.
            stop: The step before which to end.
            metadata: Also the metadata of each point (read from the journal; slower).
            attempts: Of a run that was resumed: "joined" gives one curve, in which a later attempt takes the place of an earlier one from
                the step on at which it goes on; "each" gives a series for each attempt. Without it, all points are in one series.

        Raises:
            NotFound: An experiment is unknown, or none of them logged one of the metrics.
        """
        from .reading import compare as comparing

        return comparing.history(
            self._source,
            self._views(refs),
            metrics,
            points=points,
            start=start,
            stop=stop,
            metadata=metadata,
            attempts=attempts,
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
        from .reading import compare as comparing

        views = [self.get(a), self.get(b)]
        names = comparing.chosen_metrics(views, metrics)
        history = comparing.history(self._source, views, names)
        return comparing.differences(views[0], views[1], rtol, atol, history, names)

    def _views(self, refs: Ref | Iterable[Ref]) -> builtins.list[ExperimentView]:
        """The experiments meant, each once."""
        if isinstance(refs, Experiments):
            return builtins.list(refs)
        if isinstance(refs, (str, os.PathLike, ExperimentView)) or hasattr(refs, "id"):
            return [self.get(refs)]  # type: ignore[arg-type]
        return builtins.list(dict.fromkeys(self._found(builtins.list(refs))))

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
        return self._edit(TagsEdit(id=self.get(ref).id, add=new, remove=tuple(gone)))

    def note(self, ref: Ref, text: str | None) -> ExperimentView:
        """Set the notes (None removes them); returns the experiment as it is then."""
        return self._edit(FieldEdit(id=self.get(ref).id, field="notes", value=to_plain(text)))

    def describe(self, ref: Ref, text: str | None) -> ExperimentView:
        """Set the description (None removes it); returns the experiment as it is then."""
        return self._edit(FieldEdit(id=self.get(ref).id, field="description", value=to_plain(text)))

    def rename(self, ref: Ref, name: str) -> ExperimentView:
        """Change the name, which is a label: the prefix and the folder stay as they are."""
        return self._edit(
            FieldEdit(id=self.get(ref).id, field="name", value=check_label(name, "name"))
        )

    def set_params(
        self,
        ref: Ref,
        params: Mapping[str, Any],
        *,
        remove: Iterable[str] = (),
        why: str | None = None,
    ) -> ExperimentView:
        """Correct parameters afterwards (dotted keys nest); returns the experiment as it is then.

        Nothing else changes: not the status, the duration or how it was run. What the program had set stays in the record, and is shown
        beside the correction (`view.corrected`).

        Args:
            remove: Dotted names of parameters that are taken away.
            why: Why, to be read beside the correction.
        """
        plain = mask_secrets(nest(to_plain(dict(params))))
        gone = (remove,) if isinstance(remove, str) else tuple(remove)
        return self._edit(
            ParamsEdit(id=self.get(ref).id, params=plain, remove=gone, why=to_plain(why))
        )

    def hide_metrics(
        self, ref: Ref, metrics: str | Iterable[str], *, why: str | None = None
    ) -> ExperimentView:
        """Hide metrics of an experiment: lists, filters, charts, frames and exports are without them; returns it as it is then.

        The record keeps their points, and `show_metrics` brings them back. What was hidden is in `view.hidden`.

        Args:
            metrics: Names, or patterns such as `debug/*`.

        Raises:
            NotFound: It has no metric like that.
        """
        from .reading.changing import hiding

        return self._turn_metrics(ref, metrics, lambda view, names: hiding(view, names, why))

    def show_metrics(self, ref: Ref, metrics: str | Iterable[str]) -> ExperimentView:
        """Show hidden metrics of an experiment again; returns it as it is then.

        Raises:
            NotFound: None like that is hidden.
        """
        from .reading.changing import hiding

        return self._turn_metrics(ref, metrics, lambda view, names: hiding(view, names, show=True))

    def _turn_metrics(
        self,
        ref: Ref,
        metrics: str | Iterable[str],
        how: Callable[[ExperimentView, builtins.list[str]], Change | None],
    ) -> ExperimentView:
        view = self.get(ref)
        names = [metrics] if isinstance(metrics, str) else builtins.list(metrics)
        change = how(view, names)
        if change is None:
            raise NotFound(
                f"{view.prefix} has no metric like {', '.join(map(repr, names))} that this could be about.",
                name=names[0] if names else "",
            )
        self.change([change])
        return self.get(view.id)

    def change(
        self,
        changes: Sequence[Change],
        told: Callable[[int, int], object] = lambda done, total: None,
    ) -> None:
        """Make changes of many experiments, such as `reading.changing.tagging` describes them.

        Args:
            told: Takes how many were made, of how many.
        """
        from .reading.changing import apply

        apply(self._source, changes, told)

    def capture(self, ref: Ref, what: str, data: Mapping[str, Any]) -> ExperimentView:
        """Record a fact about it afterwards, as `Experiment.capture` does; returns the experiment as it is then."""
        plain = mask_secrets(to_plain(dict(data)))
        return self._edit(
            CaptureEdit(id=self.get(ref).id, what=check_label(what, "capture"), data=plain)
        )

    def _edit(self, edit: TagsEdit | FieldEdit | ParamsEdit | CaptureEdit) -> ExperimentView:
        self._append(edit)
        return self.get(edit.id)

    def _append(self, *edits: Edit) -> Edited:
        return self.backend.append(AppendQuestion(edits)).done[0]

    # -- goals -------------------------------------------------------------------------------------

    def goals(self) -> builtins.list[Goal]:
        """What somebody said of metrics: which values are better, and which metric is the main one; by project and metric."""
        return sorted(self._source.goals, key=lambda one: (one.project or "", one.metric))

    def set_goal(
        self,
        metric: str,
        better: Literal["min", "max"] | None = None,
        *,
        main: bool = False,
        project: str | None = None,
    ) -> Goal:
        """Say which values of a metric are better, or that it is the main one: `best`, `compare` and the page go by it.

        A goal is recorded in the store, with who said it and when; a later one of the same metric and project replaces it.

        Args:
            metric: Its whole name.
            better: "min" or "max"; by its name if not given.
            main: Whether it says how good an experiment is: what `best()` and the page look at first. One metric of a project is.
            project: Only for the experiments below this prefix; a project's goal outweighs that for all.

        Raises:
            InvalidValue: `better` is neither.
            InvalidName: The metric or the project cannot be kept.
        """
        from .reading.goals import Goal, set_goal

        if better not in ("min", "max", None):
            raise InvalidValue(f"better must be 'min' or 'max', not {better!r}.", key="better")
        made = Goal(
            metric=metric, better=better, main=main, project=project, user="", time=time.time()
        )
        set_goal(self.backend, self._source.goals, made)
        return self._goal(metric, project)

    def clear_goal(self, metric: str, *, project: str | None = None) -> Goal:
        """Take back what was said of a metric; returns what that was.

        Raises:
            NotFound: Nothing was said of it, for this project.
        """
        from .reading.goals import set_goal

        found = self._goal(metric, project)
        set_goal(self.backend, self._source.goals, found, clear=True)
        self._source.forget_goals()
        return found

    def _goal(self, metric: str, project: str | None) -> Goal:
        self._source.forget_goals()
        said = self._source.goals
        for one in said:
            if (one.metric, one.project) == (metric, project):
                return one
        of = f" of {project}" if project else ""
        known = [one.metric for one in said if one.project == project]
        raise NotFound(
            f"Nothing was said of the metric {metric!r}{of}.", name=metric, nearest=known[:8]
        )

    @property
    def alerts(self) -> Alerts:
        """What is watched for, and what was found: `store.alerts.add("nan", when="nan", to=["me@example.org"])`."""
        from .alerts.face import Alerts

        return Alerts(self.backend)

    @property
    def analysis(self) -> Analysis:
        """What results say: `store.analysis.compare("metrics.acc.max", "params.lr == 0.1", "params.lr == 0.3", pair="params.seed")`."""
        from .analysis.face import Analysis

        analyst = self._analyst
        if analyst is None:
            from .analysis.here import AnalystHere

            analyst = AnalystHere(self.backend, self.get)
        return Analysis(analyst, self._text_of)

    @property
    def comments(self) -> Comments:
        """What people said: `store.comments.add("k7f3", "why does it fall here?", metric="loss", step=1200)`."""
        from .reading.comments import Comments

        return Comments(self.backend)

    @property
    def preferences(self) -> Preferences:
        """How who asks likes the page to be: `store.preferences.set("theme", "dark")`."""
        from .reading.own import Preferences

        return Preferences(self.backend)

    @property
    def stars(self) -> Marks:
        """The experiments that who asks has starred: `store.stars.add("k7f3")`."""
        from .reading.own import STAR, Marks

        return Marks(self.backend, STAR)

    @property
    def pins(self) -> Marks:
        """The experiments that are pinned, for all who see their projects: `store.pins.add("k7f3")`."""
        from .reading.own import PIN, Marks

        return Marks(self.backend, PIN)

    def news(self, since: float | None = None, *, limit: int = 200) -> News:
        """What has changed: experiments that came and ended, comments, alerts, views, reports, pins and aliases, newest first.

        Args:
            since: A time, in seconds since 1970; when who asks has looked last (see `look`) if None, or else a week ago.
            limit: Tell no more than so many; all are counted.
        """
        from .reading.news import news
        from .reading.own import looked

        last = looked(self.backend)
        if since is None:
            since = time.time() - _WEEK if last is None else last
        return replace(news(self.backend, since, limit), looked=last)

    def look(self, at: float | None = None) -> float:
        """Say that what there was at a time (now, if None) has been seen: `news` begins there. Returns the time."""
        from .reading.own import set_looked

        moment = time.time() if at is None else at
        set_looked(self.backend, moment)
        return moment

    # -- what belongs to no experiment -------------------------------------------------------------

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
        asked = DocumentsQuestion(kind=kind, name=name, scope=scope)
        return builtins.list(self.backend.documents(asked).documents)

    def document(self, kind: str, name: str, *, scope: str = "root") -> Document:
        """One document.

        Raises:
            NotFound: There is none.
        """
        found = self.documents(kind, name=name, scope=scope)
        if not found:
            known = [document.name for document in self.documents(kind, scope=scope)]
            raise NotFound(f"There is no {kind} {name!r}.", name=name, nearest=known[:8])
        return found[0]

    def set_document(
        self,
        kind: str,
        name: str,
        body: Mapping[str, Any] | None,
        *,
        scope: str = "root",
        after: Document | None = None,
        expect: bool = False,
    ) -> Document | None:
        """Write a document, or remove it when `body` is None; returns what there is then.

        Args:
            after: The document as its author saw it, where somebody else may have changed it since: what they wrote
                then stays in `others`. By default what there is now is replaced.
            expect: Refuse to write where it is not what `after` is any more; without `after`, where there is one.

        Raises:
            Conflict: Somebody else has changed it meanwhile.
            InvalidName: The kind, name or scope cannot be kept.
            InvalidValue: The body is no mapping.
        """
        if body is not None and not isinstance(body, Mapping):
            raise InvalidValue(
                f"The body of a document must be a mapping, not {body!r}.", key="body"
            )
        seen = None if after is None else (after.event, *(one.event for one in after.others))
        plain = to_plain(body)
        edit = DocumentEdit(kind=kind, name=name, body=plain, scope=scope, after=seen)
        self.backend.append(AppendQuestion((edit,), (seen or ()) if expect else None))
        found = self.documents(kind, name=name, scope=scope)
        return found[0] if found else None

    def versions(
        self, kind: str | None = None, name: str | None = None, *, scope: str | None = None
    ) -> builtins.list[Version]:
        """The versions of models or artifacts, of a kind, a name, a scope; by kind, name, scope and number."""
        asked = DocumentsQuestion(what="version", kind=kind, name=name, scope=scope)
        return builtins.list(self.backend.documents(asked).versions)

    def claim_version(self, kind: str, name: str, *, scope: str = "root", first: int = 1) -> int:
        """A number for a new version, which no other process gets; `set_version` then says what it is.

        Args:
            first: The number of the first version.

        Raises:
            InvalidName: The kind, name or scope cannot be kept.
        """
        done = self._append(ClaimEdit(kind=kind, name=name, first=first, scope=scope))
        assert done.number is not None
        return done.number

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
        self._append(
            VersionEdit(
                kind=kind, name=name, number=number, target=target, digest=digest,
                body=to_plain(dict(body or {})), why=why, scope=scope,
            )
        )  # fmt: skip
        found = self.versions(kind, name, scope=scope)
        return next((one for one in found if one.number == number), None)

    def aliases(
        self, kind: str | None = None, name: str | None = None, *, scope: str | None = None
    ) -> builtins.list[Alias]:
        """The aliases of models or artifacts, of a kind, a name, a scope; by kind, name, scope and alias."""
        asked = DocumentsQuestion(what="alias", kind=kind, name=name, scope=scope)
        return builtins.list(self.backend.documents(asked).aliases)

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
        self._append(
            AliasEdit(kind=kind, name=name, alias=alias, number=number, why=why, scope=scope)
        )
        found = self.aliases(kind, name, scope=scope)
        return next((one for one in found if one.alias == alias), None)

    # -- keeping -----------------------------------------------------------------------------------

    def delete(self, refs: Ref | Iterable[Ref], *, permanently: bool = False) -> Deleted:
        """Put experiments in the trash, or remove them at once with the bytes they take.

        A single prefix may also be that of a folder whose experiment cannot be read, and is therefore not shown; `doctor`
        names such folders. It gets an id of its own in the trash, which the answer has.

        Raises:
            NotFound: One is unknown; then none is deleted.
            StillRunning: One is being written; then none is deleted.
        """
        try:
            ids = [view.id for view in self._views(refs)]
        except NotFound:
            unread = None
            if isinstance(refs, str) and self._source.upkeep is not None:
                unread = self._source.upkeep.discard(refs.strip("/"), permanently=permanently)
            if unread is None:
                raise
            return unread
        return self._source.delete(ids, permanently=permanently)

    def stop(
        self, refs: Ref | Iterable[Ref], why: str | None = None, *, firmly: bool = False
    ) -> int:
        """Stop the programs that record experiments, as Ctrl-C would; to how many on this machine that was said.

        Who asked for it, and why, is in the record, as the capture "stop". Through a server, a program hears of it within
        seconds from the process beside it that pushes.

        Args:
            firmly: They were asked before and go on: send SIGTERM to those on this machine.

        Raises:
            NotFound, Ambiguous: As `get`.
            NotRunning: One of them is not running; then none is stopped.
        """
        ids = [view.id for view in self._views(refs)]
        if firmly:
            return self._source.looked_after().stop(ids, firmly=True)
        return self._source.stop(ids, why)

    def restore(self, ref: str, prefix: str | None = None) -> ExperimentView:
        """Take an experiment back out of the trash, by its id, the start of its id, its prefix or its name.

        Args:
            prefix: Where to put it, if another experiment has taken its place.

        Raises:
            NotFound: There is none like that in the trash.
            Ambiguous: There are several.
            InvalidName: Another experiment is at its prefix by now.
        """
        from .reading import compare as comparing

        found = comparing.in_trash(ref, self.trash())
        self._append(RestoreEdit(id=found.id, prefix=prefix))
        return self.get(found.id)

    def move(self, ref: Ref, prefix: str) -> ExperimentView:
        """File an experiment under another prefix; returns it as it is then. Its id stays, and what links to it.

        Raises:
            NotFound, Ambiguous: As `get`.
            StillRunning: It is being written.
            InvalidName: The prefix cannot be one, or belongs to another experiment.
            InvalidValue: It lies outside of the root, behind a link.
        """
        view = self.get(ref)
        self._append(MoveEdit(id=view.id, prefix=prefix))
        return self.get(view.id)

    def trash(self, filter: str | None = None) -> builtins.list[Trashed]:
        """What is in the trash, newest first.

        Args:
            filter: Only what meets it. Of what is deleted it knows `id`, `prefix`, `name`, `owner`, `project`, `deleted_at` and `bytes`.

        Raises:
            QueryError: The filter cannot be read, or asks for something else.
        """
        found = builtins.list(self._source.looked_after().trash())
        if filter is None:
            return found
        from .reading.trashed import that_fit

        return that_fit(found, filter)

    def in_trash(self, refs: Iterable[str], filter: str | None = None) -> builtins.list[Trashed]:
        """The experiments in the trash that are named as for `restore`, and those that meet a filter.

        Raises:
            NotFound: One is not there, or none meets the filter.
            Ambiguous: Several are meant by one.
            QueryError: As `trash`.
        """
        from .reading import compare as comparing

        there = self.trash()
        found = {one.id: one for one in (comparing.in_trash(ref, there) for ref in refs)}
        if filter is not None:
            found |= {one.id: one for one in self.trash(filter)}
        if not found:
            raise NotFound(f"Nothing in the trash fits {filter!r}: there is nothing to do.")
        return builtins.list(found.values())

    def gc(self, *, dry_run: bool = False, older_than: float | str | None = None) -> int:
        """Empty the trash and remove what nothing refers to; the bytes freed (or that would be).

        Args:
            older_than: Only what was deleted this long ago: seconds, or a text such as "7d".

        Raises:
            InvalidValue: `older_than` is no duration.
        """
        age = _seconds(older_than)
        return self._source.looked_after().gc(older_than=age, dry_run=dry_run)

    def free_files(
        self,
        pattern: str,
        refs: Ref | Iterable[Ref] | None = None,
        *,
        keep_last: int = 0,
        keep_best: bool | str = False,
        mode: Literal["min", "max"] | None = None,
        dry_run: bool = False,
    ) -> Freed:
        """Give back the disk space of saved files, such as old checkpoints. Points, messages and the record that the
        files were saved stay.

        Files whose names differ in numbers only are one series, and those of one step (or of one folder that was saved
        whole) are one checkpoint. Experiments that are still running are left alone.

        Args:
            pattern: A glob pattern for the files' names, or for prefix/name: "*.pt", "checkpoints/*".
            refs: Of which experiments; of all if None.
            keep_last: How many of the newest checkpoints of each series to keep.
            keep_best: Also keep the one at whose step this metric is best; True takes the metric that the checkpoints
                were saved with. A series for which nothing says which is the best is kept.
            mode: Whether small or large values of it are better; by its name if not given.
            dry_run: Only say what would be freed.

        Raises:
            InvalidValue: `keep_best` is True, and the checkpoints do not say which metric.
        """
        from .reading.checkpoints import that_may_go

        views = self.list() if refs is None else self._views(refs)
        asked = [view for view in views if view.file_count]
        running = tuple(view.id for view in asked if not view.status.ended)
        found = that_may_go(
            self._source, (view for view in asked if view.status.ended), pattern,
            last=keep_last, best=bool(keep_best),
            metric=keep_best if isinstance(keep_best, str) else None, mode=mode,
        )  # fmt: skip
        why = f"gc --files {pattern}"
        doomed = {view.id: [one.id for one in files] for view, files in found.items()}
        # An earlier call that was cut short may have left what it had said to be freed.
        doomed |= {
            view.id: []
            for view in asked
            if view.status.ended
            and view.id not in doomed
            and view.facts.state
            and view.facts.state.freed
        }
        count, size = self._source.looked_after().free(doomed, why=why, dry_run=dry_run)
        return Freed(count, size, len(found), running)

    @property
    def weights(self) -> Repository:
        """Versions of model weights that experiments committed: `store.weights.get_all_weights("experiments/k7f3…")`.

        The branch `experiments/<id>` has those of one experiment. Of a server they can be read, tensor by tensor and rows of a
        tensor too; nothing but what is asked for is fetched.

        Raises:
            NotFound: Nobody has committed weights there.
            MissingDependency: `anew[weights]` is not installed.
        """
        from .weights.repository import Repository

        if self._weights_at is None:
            raise NotFound(f"The store at {self.root} keeps no weights.", name="weights")
        return Repository(self._weights_at)

    @property
    def models(self) -> Models:
        """Registered models: `store.models["vit@production"]`, `store.models.register("vit", exp.files.latest("*.pt"))`.

        A model has a name, numbered versions, aliases that mean one of them, and a history of who changed what, when and why.
        """
        from .models.views import Models

        return Models(self.backend, self.get, lambda: self.weights)

    @property
    def saved_views(self) -> SavedViews:
        """Saved views of the page: `store.saved_views.save("overview", {"filter": "status == 'completed'"})`.

        A view has a name, is for all or for a project, and keeps what it showed before, with who saved it and when.
        """
        from .reading.saved_views import SavedViews

        return SavedViews(self.backend)

    @property
    def reports(self) -> Reports:
        """Reports: Markdown with views inside: `store.reports.save("paper", "# What we found …")`, `store.reports.get("paper").text`.

        A report has a name, is for all or for a project, and keeps what it said before, with who saved it and when. `anew.printing.write_report`
        makes one HTML file or a PDF of it.
        """
        from .reports.face import Reports

        return Reports(self.backend, self._showing)

    def lineage(self, what: Ref) -> LineageFacts:
        """Where something comes from, and what came of it: upwards to experiment, code, data and parents, downwards to readers and models.

        Args:
            what: A version of a model (`"vit@production"`), an experiment, a file or folder of this machine, or the name or hash of
                a content that experiments read or logged.

        Raises:
            NotFound: It means nothing that is on record.
            Ambiguous: It means several.
        """
        from .models.asking import find_lineage
        from .models.lineage import lineage_of_experiment

        if not isinstance(what, (str, os.PathLike)):
            id_ = self._text_of(what)
            return lineage_of_experiment(self.backend, id_, id_)
        return find_lineage(self.backend, os.fspath(what), root=self._source.root)

    def du(self, refs: Ref | Iterable[Ref] | None = None) -> Usage:
        """The bytes of disk that experiments take, by kind; of the whole store (its trash, index and weights
        too) when none are named. A capture that several share is counted once."""
        ids = None if refs is None else [view.id for view in self._views(refs)]
        return self._source.looked_after().du(ids)

    def doctor(
        self, *, repair: bool = False, progress: Progress | None = None
    ) -> builtins.list[Finding]:
        """Look for broken lines, damaged files and what folders and index do not agree on.

        Reads every file of records.

        Args:
            repair: Mend what is derived: the index. Records are never touched.
        """
        return builtins.list(self._source.looked_after().doctor(repair=repair, progress=progress))

    def rebuild(self, progress: Progress | None = None) -> Refreshed:
        """Make the index again from the folders alone."""
        return self._source.looked_after().rebuild(progress)

    def refresh(self, progress: Progress | None = None) -> Refreshed:
        """Bring the index up to date now.

        Args:
            progress: Called now and then with how many experiments were taken in, and of how many.
        """
        return self._source.looked_after().refresh(progress)

    def seal(self, refs: Ref | Iterable[Ref] | None = None) -> int:
        """Turn finished points files into Parquet now, small ones too; how many were."""
        ids = None if refs is None else [view.id for view in self._views(refs)]
        return self._source.looked_after().seal(ids)

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
            Incomplete: The zip file was written, without some files that could not be read.
        """
        from .reading.export import export

        views = (
            self.list(sort="created_at", reproductions=True) if refs is None else self._views(refs)
        )
        return export(self._source, views, os.fspath(target), format, whole=refs is None)

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
            InvalidSetting: `to` is no place, or one is known without its password only; or the store is at a server.
            MissingDependency: A tracker's package is not installed.
            NotFound: There is no such experiment, or nothing says where one is to be sent.
            StillRunning: Afresh, while another process is sending one of them there.
        """
        from .forwarders.later import send_later

        if self._source.root is None:
            raise InvalidSetting(
                f"Forwarding is done on the machine that has the store, not from here: the store is at {self.root}. Run the command "
                "there, with the folder as --root.",
                setting="root",
            )
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
        """Release what is held; the store cannot be asked afterwards. A backend that was given stays open."""
        if self._close is not None:
            self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    if not TYPE_CHECKING:  # a checker says itself what there is not

        def __getattr__(self, name: str) -> Any:
            from .reading.habits import OF_A_STORE, missing

            raise missing(self, name, OF_A_STORE)


def _seconds(age: float | str | None) -> float:
    if age is None:
        return 0.0
    seconds = parse_duration(age.strip()) if isinstance(age, str) else float(age)
    if seconds is None or not seconds >= 0:
        raise InvalidValue(
            f"{age!r} is not a length of time. Give seconds, or a string such as '12h' or '7d'.",
            key="older_than",
        )
    return seconds
