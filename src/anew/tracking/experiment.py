"""`Experiment`: the handle a training program holds."""

from __future__ import annotations

import itertools
import os
import time

from ..errors import AlreadyRunning, InvalidValue
from ..journal.author import login_name
from ..journal.layout import RootLayout
from ..monitor.reads import watch
from ..monitor.workers import report_if_worker
from ..record import encode as encoding
from ..record.names import check_label
from ..record.plain import merge, to_plain
from ..record.secrets import mask_secrets, mask_text
from ..record.status import Status
from ..settings import load_settings
from .careful import PointLog, keep_value
from .choosing import choose
from .ending import describe
from .files import Files
from .habits import ASSIGNED
from .identity import Known, Place
from .life import Life
from .meaning import find_meaning, remember
from .metrics import MetricGroup
from .opening import Given, begin, check, check_parent, warn_of_changed_config
from .params import Params, prepared
from .ranks import Joined, Rank, find_rank
from .recording import LIVE, Recording, Taken
from .run import Run
from .running import find_open, opened
from .scalars import as_step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Any, ParamSpec, TypeVar

    from ..weights.experiment import ExperimentWeights
    from .choosing import Wish
    from .config import FrozenConfig
    from .handle import Handle
    from .identity import Named
    from .inputs import Inputs
    from .meaning import Meaning
    from .points import LogMetric, LogMetrics

    P = ParamSpec("P")
    T = TypeVar("T")

__all__ = ["Experiment"]

# What is read before an experiment is opened counts as well.
watch()
report_if_worker()

ENDS = ("completed", "failed", "cancelled")
LEVELS = ("debug", "info", "warning", "error", "critical")
_NOTHING = object()
_openings = itertools.count()


class Experiment:
    """One experiment: its parameters, metrics, logs and files, recorded on this machine.

    Use it as a context manager, as a decorator, or through `run.start()` and `run.complete()`:

        with Experiment("alice/vision/resnet50", config={"lr": 3e-4}, tags=["baseline"]) as exp:
            for step in range(1000):
                exp.log_metrics({"train/loss": loss, "train/acc": acc}, step=step)

    What is called most; `help(Experiment.log)` and so on say more:

    - `exp.log({"loss": 0.5, "sample": Image(array)}, step=3)` records metrics and values, `exp.log("text")` a message.
    - `exp.log_metrics({"loss": 0.5}, step=3)` records metrics alone, and is the fastest way to do so.
    - `exp.params.set({"lr": 0.1})` records parameters; reading one is `exp.params["lr"]`.
    - `exp.files("models").save("model.pt", step=3)` keeps a file.
    - `exp.log_value("table", table)` keeps an image, a table, a figure …
    - `exp.weights` keeps versions of model weights.
    - `exp.finish()` ends it where there is no `with` block.

    When a log call has returned, killing the process loses nothing. Logging never raises because of a failing
    disk (unless `strict`): what is lost is counted and told. A call that cannot be right (a text as a metric, a
    log after the end) raises at once.

    Args:
        name: A prefix if it has a slash (`owner/project/…/name`): where the experiment is filed. Opened again after
            it has ended, a new experiment begins beside it, `…/name~2`. A name if it has none: the experiment gets a
            folder of its own. Without either, `ANEW_PREFIX` or a readable random name is used.
        prefix: The same, but a prefix also without a slash.
        config: The configuration, frozen from here on: a mapping, dataclass, pydantic model, OmegaConf,
            argparse namespace, or the path of a YAML, JSON or TOML file.
        params: First parameters, as for `exp.params.set`.
        tags: A list of tags or a mapping of tags to values.
        bindrs: Labels of a resource or a team.
        description: What this is.
        notes: What to remember about it.
        parent: Experiment, id or prefix this one comes from.
        project: A folder for experiments opened by name.
        relation: How it comes from the parent: child, resumed, forked or reproduces.
        root: The store: a folder, as a path or a `file://` URL, or the URL of a server, to which what is recorded on
            this machine is pushed in the background. By default `ANEW_ROOT`; without it the nearest `experiments/` that
            is a store, from the working directory upwards; without one `./experiments`.
        local: With a server as root: the folder of this machine that it is recorded in.
        mode: "disabled" makes every call do nothing.
        strict: Raise WriteFailed when a record cannot be written.
        quiet: Print nothing at the start and the end.
        console: Keep what the program prints ("on" or "off").
        system_metrics: Seconds between samples of the system's metrics; 0 for none.
        forward_to: Other trackers to send this to in the background: "mlflow", "wandb:offline", "tensorboard:runs" …,
            or addresses of `anew.forwarders`.
        rank: This process's rank, where no launcher says it.
        world_size: How many ranks there are, with `rank`.
        resume: Continue an experiment instead of beginning one: "auto" the last one if it was interrupted, "allow"
            the last one however it ended (else a new one), "must" the last one or NotFound, or an id.
        config_conflict: "refuse" to continue an experiment with another configuration; "keep" records both.

    Raises:
        InvalidName: The prefix, name, a tag or a bindr cannot be kept.
        InvalidValue: The configuration is of a kind that cannot be frozen.
        InvalidSetting: A setting has a value it cannot have.
    """

    log_metric: LogMetric
    log_metrics: LogMetrics

    def __init__(
        self,
        name: str | None = None,
        *,
        prefix: str | None = None,
        config: Any = None,
        params: Mapping[str, Any] | None = None,
        tags: Iterable[str] | Mapping[str, Any] | None = None,
        bindrs: Iterable[str] | None = None,
        description: str | None = None,
        notes: str | None = None,
        parent: Experiment | str | None = None,
        project: str | None = None,
        relation: str = "child",
        root: str | os.PathLike[str] | None = None,
        local: str | os.PathLike[str] | None = None,
        mode: str | None = None,
        strict: bool | None = None,
        quiet: bool | None = None,
        console: str | None = None,
        system_metrics: float | None = None,
        forward_to: Iterable[Any] | Any = None,
        rank: int | None = None,
        world_size: int | None = None,
        resume: str | bool | None = None,
        config_conflict: str | None = None,
    ) -> None:
        self._arguments = {name: given for name, given in locals().items() if name != "self"}
        settings = load_settings().with_arguments(
            root=root,
            local=local,
            mode=mode,
            strict=strict,
            quiet=quiet,
            console=console,
            system_metrics=system_metrics,
            forward_to=forward_to,
            resume=resume,
            config_conflict=config_conflict,
        )
        self._opened_as = name or prefix or ""
        self._is_prefix = not name and bool(prefix)
        self._project = project
        which = find_rank(os.environ)
        if rank is not None:
            which = Rank(as_step(rank), None, world_size or max(2, rank + 1), "given")
        self._given = Given(config)
        self._given.params = prepared(params) if params else {}
        self._given.tags = _tags(tags)
        self._given.bindrs = [mask_text(check_label(b, "bindr")) for b in _several(bindrs, "bindr")]
        self._given.description = None if description is None else mask_text(str(description))
        self._given.notes = None if notes is None else mask_text(str(notes))
        self._given.parent, self._given.relation = parent, relation
        # For other rooms of Anew; not meant for programs.
        self.life = Life(settings, which, self._opened_as or settings.prefix)
        if settings.forward_to:
            from ..forwarding.address import as_addresses

            self.life.forward_to = as_addresses(settings.forward_to)
        self._weights: ExperimentWeights | None = None
        self._known_params: dict[str, Any] = {}
        self.run: Run[Experiment] = Run(self.life, self._start, self._finish)
        self.params = Params(self._params_set, self._known_params)
        self._points = PointLog(self.life, self._install)
        self.life.on_reopened = self._points.forget_names
        self.life.experiment = self

    # -- life -------------------------------------------------------------------------------------

    def _install(self, log_metric: LogMetric, log_metrics: LogMetrics) -> None:
        self.log_metric, self.log_metrics = log_metric, log_metrics

    def _start(self) -> Experiment:
        life = self.life
        if life.recording is not None or (life.disabled and life.status is Status.RUNNING):
            raise AlreadyRunning(
                f"The experiment {self.prefix} is already running. End it with run.complete() first."
            )
        if life.disabled:
            life.status = Status.RUNNING
            opened(self)
            return self
        settings = life.settings
        if not settings.user:
            settings.user = login_name()
        meant = find_meaning(life, self._opened_as, self._project, is_prefix=self._is_prefix)
        joined = meant.joined
        if meant.belongs:
            # Its place in the family is what the program that started it says.
            self._given.parent = None
        if joined is not None and joined.again:
            # It was recorded before: who counts experiments must be able to leave it out.
            self._given.parent = self._given.parent or joined.again
            self._given.relation = "reproduces"
        check_parent(self._given)
        if settings.server and not meant.belongs:
            from .syncing import fetch_to_continue

            fetch_to_continue(meant.root, settings.server, meant.called, meant.wish, life.say)
        recording = self._open(meant.root, meant.wish, meant.called, joining=meant.joining)
        life.files = []
        remember(recording.experiment_id, meant.root.root)
        self._take(recording, meant)
        before = life.status, life.last
        try:
            begin(self._given, life, recording, self.params)
        except BaseException as error:
            life.recording = None
            life.status, life.last = before
            reason = f"it could not start: {describe(error)[0]}"
            if recording.resumed:
                recording.withdraw(reason)
            else:
                recording.close("failed", reason)
            raise
        if meant.launch.scattered and not recording.continued and not settings.quiet:
            life.say(
                "the ranks on other machines cannot know of this experiment and record their own; set ANEW_LAUNCH to a text that all of them share"
            )
        if settings.server:
            from .syncing import begin_syncing

            begin_syncing(recording, settings.server)
        opened(self)
        return self

    def _take(self, recording: Recording, meant: Meaning) -> None:
        """Have an opening be this experiment's, with all that it says of itself and that this does for it."""
        joined = meant.joined
        if joined is not None and joined.belongs:
            recording.forwarded_outside = joined.forwarded
            if (calls := joined.until.get(self.life.rank.label)) is not None:
                recording.until = calls, joined.signal
        recording.opened_as = self._opened_as
        nth = next(_openings)
        if meant.belongs or not recording.joins:
            names = {"opened_as": self._opened_as, "nth": nth, "repeat": meant.ordinal}
            if (
                joined is not None
                and joined.belongs
                and not joined.chosen
                and self.life.rank.is_lead
            ):
                from ..provenance.command import is_worker

                recording.captures("program", {**names, "worker": is_worker()})
            recording.capture_with(names, meant.belongs, self.life.outside)
        recording.ender = self._end
        recording.forget_names = self._points.forget_names
        self._known_params.clear()
        merge(self._known_params, recording.params)

    def _open(
        self, root: RootLayout, wish: Wish, called: Named | None, *, joining: str
    ) -> Recording:
        """Open what is meant; nothing is written where that is refused.

        Args:
            joining: The prefix of what a program around this one records, if this belongs to it.
        """
        life = self.life
        replaced = life.replaces.life.recording if life.replaces is not None else None

        def ready(recording: Recording) -> None:
            check(self._given, recording)
            if replaced is not None and life.replaces.life.recording is replaced:
                life.replaces.run.complete()
                if recording.continued:
                    recording.state = recording.read_state()

        while True:
            here = [
                one
                for one in list(LIVE.values())
                if one.pid == os.getpid() and one.root.root == root.root and one is not replaced
            ]
            place = (
                _joining(root, joining) if joining else choose(root, called, wish, here, life.say)
            )
            try:
                return Recording(root, place, life.rank, life.settings, life.say, ready, wish.job)
            except Taken:
                continue

    def _finish(self, status: str, reason: str | None, error: str | None) -> None:
        """End on request; raises when there is nothing to end."""
        if self.life.disabled:
            self.life.status = Status(status)
            return
        self.life.require(
            f"run.{ {'completed': 'complete', 'failed': 'fail'}.get(status, 'cancel') }"
        )
        self._end(status, reason, error)

    def _end(self, status: str, reason: str | None, error: str | None) -> None:
        life, recording = self.life, self.life.recording
        if recording is None:
            return
        warn_of_changed_config(self._given, life)
        path = recording.layout.points(recording.writer.name)
        seconds = time.time() - recording.opened_at
        try:
            lost = recording.close(status, reason, error)
        finally:
            life.recording = None
            life.status = Status(status)
            self._points.renew()
        quiet = life.settings.quiet
        speaks = life.rank.is_lead and os.getpid() == recording.pid and recording.role != "child"
        if lost or (speaks and not quiet):
            from .summary import end_lines

            lines = end_lines(path, status, seconds, lost, recording.prefix)
            for line in lines if not quiet else lines[-1:]:
                life.say(line)
        if life.settings.server:
            from .syncing import end_syncing

            end_syncing(recording, life.settings.server)
        if recording.forwardings:
            from .forwarding import finish_forwarding

            finish_forwarding(recording, None if quiet else life.say)

    def finish(self, status: str = "completed", reason: str | None = None) -> None:
        """End the experiment as completed, failed or cancelled; a `with` block does it by itself.

        Raises:
            NotRunning: It has not started, or has ended.
            InvalidValue: The status is none of these.
        """
        if status not in ENDS:
            raise InvalidValue(
                f"The status must be {', '.join(ENDS[:-1])} or {ENDS[-1]}, not {status!r}.",
                key="status",
            )
        self.run.end(status, reason, reason if status == "failed" else None)

    def __enter__(self) -> Experiment:
        if self.life.is_live:
            from .running import started

            current: Experiment | None = started()
            if current is self:
                return self  # `with anew.start(…) as exp:`, which has started it; the block ends it
        return self.run.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.run.__exit__(kind, error, traceback)

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """Use the experiment as a decorator: each call of the function is one opening.

        A parameter of the function called `experiment` or `exp` receives it. The function may be a coroutine or a generator.
        """
        from .decorating import decorated

        return decorated(function, self._for_a_call)

    def _for_a_call(self) -> Experiment:
        """This experiment; another one like it where a call of the same function is still recorded."""
        return Experiment(**self._arguments) if self.life.is_live else self

    # -- copies -----------------------------------------------------------------------------------

    def __copy__(self) -> Experiment:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Experiment:
        return self  # a copy of a model, or of whatever else holds it, records into the same experiment

    def __reduce__(self) -> tuple[Any, ...]:
        handle = self.life.to_be_joined()
        if handle is None:
            return _unstarted, ({**self._arguments, "config": self._given.config},)
        return _joined, (handle,)

    def _join(self, handle: Handle) -> None:
        """Become the experiment that was handed to this process."""
        self.life.handle, self.life.status, self.life.rank = handle, handle.status, Joined()
        self.life.on_joined = self._have_joined
        if handle.status is Status.RUNNING:
            opened(self)

    def _have_joined(self, recording: Recording) -> None:
        recording.ender, recording.forget_names = self._end, self._points.forget_names
        merge(self._known_params, recording.params)

    # -- facts ------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The experiment's id; "" until it has started."""
        known = self.life.last or self.life.handle
        return known.experiment_id if known else ""

    @property
    def prefix(self) -> str:
        """Its path under the root; before the start, what was given."""
        return self.life.prefix

    @property
    def name(self) -> str:
        """The last segment of the prefix, or the name that was given."""
        last = self.life.last or self.life.handle
        return last.name if last else self.life.given.rsplit("/", 1)[-1]

    @property
    def root(self) -> str:
        """The root folder of the store it is in, or will be in."""
        return self.life.root

    @property
    def folder(self) -> str:
        """Its folder; "" until it has started."""
        return self.life.folder

    @property
    def status(self) -> Status:
        """Where it is in its life, as far as this process knows."""
        return self.life.status

    @property
    def resumed(self) -> bool:
        """Whether this opening continues what earlier ones recorded."""
        return self.life.last is not None and self.life.last.resumed

    @property
    def last_step(self) -> int | None:
        """The largest step that earlier openings recorded; None without one.

        A program that continues begins with the step after it.
        """
        return self.life.last.last_step if self.life.last is not None else None

    @property
    def rank(self) -> int | None:
        """This process's rank, None for a process on its own."""
        return self.life.rank.rank

    @property
    def config(self) -> FrozenConfig:
        """The frozen configuration: read by key, attribute or dotted key."""
        from .config import FrozenConfig

        frozen = self._given.config
        if frozen is None and self.life.last is not None:
            frozen = self.life.last.config
        return FrozenConfig(frozen or {})

    @property
    def tags(self) -> dict[str, str | None]:
        """Its tags, with their values (None for a plain tag)."""
        last = self.life.last
        return dict(last.about["tags"] if last else self._given.tags)

    @property
    def lost(self) -> int:
        """Records that could not be written so far."""
        return self.life.last.lost if self.life.last else 0

    # -- metrics ----------------------------------------------------------------------------------

    def metrics(self, group: str = "") -> MetricGroup:
        """Metrics whose names start with `group/`: `exp.metrics("train").log(loss=0.5)`."""
        return MetricGroup(self._log_row, group)

    def _log_row(self, *row: Any, **more: Any) -> None:
        self.log_metrics(*row, **more)

    def set_iteration(self, iteration: int | None) -> None:
        """The step of calls that give none, from now on; None to leave it out again.

        Raises:
            InvalidValue: It is not an integer.
        """
        self._points.set_iteration(iteration)

    # -- messages, values, files ------------------------------------------------------------------

    def log(
        self,
        what: str | Mapping[str, Any] | object = _NOTHING,
        /,
        level: str | int | None = None,
        *,
        step: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        """Log metrics, images and other values in one call, or record a message.

        A mapping holds metrics and values by name: `exp.log({"loss": 0.5, "sample": Image(array)}, step=3)`. Numbers are
        logged as by `log_metrics`; an `Image`, `Audio`, `Video`, `Text`, `Table`, `Histogram`, `Figure` (or a list of
        them), PIL images, matplotlib and plotly figures and data frames as by `log_value`. If one of them can be neither,
        the call raises and keeps nothing.

        A text is a message, and keywords are its fields: `exp.log("epoch done", epoch=3)`.

        Args:
            level: Of a message: debug, info (if not given), warning, error or critical. After a mapping, the second
                argument is the step.
            step: The step of what a mapping holds.
            metadata: Anything to be kept with it.

        Raises:
            InvalidValue: A value of the mapping is neither a number nor anything that can be kept; the level is none of
                these; or metrics are given with keywords other than `step` and `metadata`.
            NotRunning: The experiment has not started, or has ended.
        """
        if type(what) is dict and not fields and level is None:
            self.log_metrics(what, step, metadata=metadata)
            return
        if not isinstance(what, str) and hasattr(what, "items"):
            if fields or (step is not None and level is not None):
                raise InvalidValue(
                    f"Metrics are logged with step= and metadata= only, not with {', '.join(fields) or repr(level)}. Put "
                    "everything that belongs to a step into one mapping.",
                    key=next(iter(fields), "level"),
                )
            self.log_metrics(what, level if step is None else step, metadata=metadata)  # type: ignore[arg-type]
            return
        if step is not None:
            fields["step"] = step
        if metadata is not None:
            fields["metadata"] = metadata
        self._log_message(what, level, fields)

    def _log_message(self, what: object, level: str | int | None, fields: dict[str, Any]) -> None:
        if what is _NOTHING or isinstance(what, (int, float)) or hasattr(what, "dtype"):
            given = f"a {type(what).__name__}" if what is not _NOTHING else ", ".join(fields)
            raise InvalidValue(
                f"log() takes a mapping of names to values, or a message, not {given or 'nothing'}: "
                'exp.log({"loss": 0.5}, step=3), exp.log("epoch done").',
                key="what",
            )
        if self.life.disabled:
            return
        recording = self.life.require("log")
        level = "info" if level is None else level.lower() if isinstance(level, str) else level
        if level not in LEVELS:
            raise InvalidValue(
                f"The level must be one of {', '.join(LEVELS)}, not {level!r}.", key="level"
            )
        record: dict[str, Any] = {
            "t": time.time(),
            "level": level,
            "message": mask_text(str(what)),
        }
        if fields:
            record["fields"] = mask_secrets(to_plain(fields))
        recording.writer.logs.append(encoding.encode_line(record))
        recording.check_strict()

    def log_value(
        self,
        name: str,
        value: Any,
        step: int | None = None,
        *,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Record a value that is not a number: an `Image`, `Audio`, `Video`, `Text`, `Table`, `Histogram` or `Figure`.

        PIL images, matplotlib and plotly figures and data frames are recognised as they are.

        Raises:
            InvalidValue: The value is of no kind that can be kept.
            NotRunning: The experiment has not started, or has ended.
        """
        if self.life.disabled:
            return
        from ..values import as_value

        recording = self.life.require("log_value")
        name = self._points.name(name)
        if self._points.is_nothing(name, value):
            return
        found = as_value(value)
        if found is None:
            raise InvalidValue(
                f"The value {name!r} is a {type(value).__name__}, which cannot be logged as a value. Wrap it in Image, "
                "Audio, Video, Text, Table, Histogram or Figure (from anew.values), or log a number with "
                "log_metric.",
                key=name,
            )
        keep_value(recording, name, found, self._points.step(step), metadata)

    @property
    def inputs(self) -> Inputs:
        """The data this experiment reads: `exp.inputs.add("data/train.csv")`."""
        from .inputs import Inputs

        return Inputs(self.life)

    def files(self, prefix: str = "") -> Files:
        """Files under a prefix: `exp.files("models").save("model.pth")`."""
        return Files(self.life, prefix)

    @property
    def weights(self) -> ExperimentWeights:
        """Versions of this experiment's model weights: `exp.weights.commit(model, "epoch 3")`.

        They are kept in the store's `weights/` repository, on a branch named after the experiment.

        Raises:
            NotRunning: The experiment has not started.
        """
        if self._weights is None:
            from ..weights.experiment import DisabledWeights, ExperimentWeights

            if self.life.disabled:
                return DisabledWeights()
            recording = self.life.require("weights")
            self._weights = ExperimentWeights(
                recording.root.weights,
                recording.experiment_id,
                on_commit=self._weights_committed,
                author=self.life.settings.user or None,
                fetch=self._fetch_weights,
            )
        return self._weights

    def _fetch_weights(self) -> None:
        """Fetch what another machine committed, if this one goes on with an experiment that was recorded there."""
        recording, server = self.life.recording, self.life.settings.server
        if recording is not None and recording.continued and server:
            from .syncing import fetch_weights

            fetch_weights(recording.root, server, recording.experiment_id, self.life.say)

    def _weights_committed(self, commit: str, message: str, step: int | None) -> None:
        if (
            self.life.recording is not None
        ):  # after the end the repository alone keeps it, linked by the id
            self.capture("weights", {"commit": commit, "message": message, "step": step})

    # -- parameters and labels --------------------------------------------------------------------

    def _params_set(self, params: dict[str, Any]) -> None:
        if self.life.disabled:
            return
        recording = self.life.require("params.set")
        recording.event("params", params=params)
        merge(recording.params, params)
        recording.document_due("params")

    def add_tags(self, tags: Iterable[str] | Mapping[str, Any]) -> None:
        """Add tags, or set the values of some."""
        if not self.life.disabled:
            recording = self.life.require("add_tags")
            new = _tags(tags)
            recording.event("tags", add=new)
            recording.change(tags=recording.about["tags"] | new)

    def remove_tags(self, tags: Iterable[str]) -> None:
        """Remove tags."""
        if not self.life.disabled:
            recording = self.life.require("remove_tags")
            gone = [mask_text(tag) for tag in _several(tags)]
            recording.event("tags", remove=gone)
            recording.change(
                tags={k: v for k, v in recording.about["tags"].items() if k not in gone}
            )

    def set_name(self, name: str) -> None:
        """Change the name, which is a label: the prefix and the folder stay as they are.

        Raises:
            InvalidName: It is empty, too long or holds control characters.
        """
        if not self.life.disabled:
            recording = self.life.require("set_name")
            name = mask_text(check_label(name, "name"))
            recording.event("field", field="name", value=name)
            recording.name = name
            recording.document_due("metadata")

    def set_notes(self, notes: str) -> None:
        """Replace the notes."""
        self._set_field("notes", notes)

    def set_description(self, description: str) -> None:
        """Replace the description."""
        self._set_field("description", description)

    def _set_field(self, field: str, text: str) -> None:
        if not self.life.disabled:
            recording = self.life.require(f"set_{field}")
            text = mask_text(str(text))
            recording.event("field", field=field, value=text)
            recording.change(**{field: text})

    def forward(self, to: Iterable[Any] | Any) -> None:
        """Send this experiment to other trackers in the background, as the argument `forward_to` does.

        Raises:
            InvalidSetting: One of them is no tracker to forward to.
            NotRunning: The experiment has ended; `Store.forward` and `anew forward` send it then.
        """
        from ..forwarding.address import as_addresses

        addresses = as_addresses(to)
        known = self.life.forward_to
        known += [one for one in addresses if one not in known]
        if self.life.status is not Status.PENDING and not self.life.disabled:
            from .forwarding import begin_forwarding

            begin_forwarding(self.life.require("forward"), addresses)

    def capture(self, what: str, data: Mapping[str, Any]) -> None:
        """Record a fact about the run under a name, such as "command" or "seeds"; the newest one counts.

        In `metadata.json` it stands under that name; facts captured as "metadata" stand there at the top, each
        under its own, for programs that read that file by keys of theirs; they are in it when the call returns.
        """
        if not self.life.disabled:
            recording = self.life.require("capture")
            recording.captures(check_label(what, "capture"), dict(data))
            if what == "metadata":
                recording.write_due()
            recording.check_strict()

    if not TYPE_CHECKING:  # a type checker is to find what does not exist

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_") or "life" not in self.__dict__:
                raise AttributeError(f"An Experiment has no {name!r}.", name=name)
            from .habits import missing

            raise missing("An Experiment", name, [*dir(type(self)), *vars(self)])

        def __setattr__(self, name: str, value: Any) -> None:
            if name in ASSIGNED:
                raise AttributeError(
                    f"The {name} of an experiment cannot be assigned. Use {ASSIGNED[name]}.",
                    name=name,
                )
            object.__setattr__(self, name, value)

    def _repr_html_(self) -> str:
        """What a notebook shows of it."""
        from html import escape

        return f"<b>{escape(self.prefix)}</b> {escape(str(self.status))} <code>{escape(self.id)}</code>"

    def __repr__(self) -> str:
        return f"<Experiment {self.prefix} {self.life.status}>"


def _joining(root: RootLayout, prefix: str) -> Place:
    """The place of what a program around this one records."""
    outer = Known(root, prefix)
    name = prefix.rsplit("/", 1)[-1]
    lead = outer.lead()
    return Place(root, prefix, name, outer.id, str(lead.get("opening") or ""), joins=True)


def _unstarted(arguments: dict[str, Any]) -> Experiment:
    return Experiment(**arguments)


def _joined(handle: Handle) -> Experiment:
    """The experiment of a handle: this process's own, if it has it open, or one that joins it."""
    here = find_open(handle.root, handle.experiment_id)
    if here is not None:
        known: Experiment = here
        return known
    experiment = Experiment(
        prefix=handle.prefix,
        root=handle.root,
        mode="on",
        quiet=True,
        console="off",
        system_metrics=0,
    )
    experiment._join(handle)
    return experiment


def _several(labels: Iterable[str] | None, what: str = "tag") -> list[str]:
    if labels is None:
        return []
    try:
        return [labels] if isinstance(labels, str) else list(labels)
    except TypeError as error:
        raise InvalidValue(
            f"A {what} is a string, and several are a list of strings, not {type(labels).__name__}."
        ) from error


def _tags(tags: Iterable[str] | Mapping[str, Any] | None) -> dict[str, str | None]:
    if tags is None:
        return {}
    pairs = tags.items() if hasattr(tags, "items") else ((tag, None) for tag in _several(tags))
    checked = {check_label(tag, "tag"): None if v is None else str(v) for tag, v in pairs}
    masked: dict[str, str | None] = mask_secrets(checked)
    return masked
