"""`Experiment`: the handle a training program holds."""

from __future__ import annotations

import errno
import os
import sys

from ..errors import AlreadyRunning, ConfigFrozen, InvalidValue, NotRunning
from ..journal.layout import RootLayout
from ..record import encode as encoding
from ..record.ids import new_id
from ..record.names import check_label, check_metric_name, folder_name
from ..record.plain import merge, to_plain
from ..record.secrets import mask_arguments, mask_secrets, mask_text
from ..record.status import Status
from ..settings import load_settings
from .files import Files, LoggedFile
from .identity import find_place, launch_token
from .metrics import MetricGroup
from .params import Params
from .points import HotPath
from .ranks import find_rank
from .recording import Recording
from .run import Run
from .scalars import as_number, as_step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Any, ParamSpec, TypeVar

    from .config import FrozenConfig
    from .points import LogMetric, LogMetrics

    P = ParamSpec("P")
    T = TypeVar("T")

__all__ = ["Experiment"]

LEVELS = ("debug", "info", "warning", "error", "critical")
_FAST_AFTER = 300  # careful calls; then the fast encoder is worth its import
_opened_by_name: dict[str, int] = {}


class Experiment:
    """One experiment: its parameters, metrics, logs and files, recorded on this machine.

    Use it as a context manager, as a decorator, or through `run.start()` and `run.complete()`:

        with Experiment("alice/vision/resnet50", config={"lr": 3e-4}, tags=["baseline"]) as exp:
            for step in range(1000):
                exp.log_metrics({"train/loss": loss, "train/acc": acc}, step=step)

    When a log call has returned, killing the process loses nothing. Logging never raises because of a failing
    disk (unless `strict`): what is lost is counted and told. A call that cannot be right (a text as a metric, a
    log after the end) raises at once.

    Args:
        name: A prefix if it has a slash (`owner/project/…/name`): one experiment, continued when opened again.
            A name if it has none: every opening makes a new experiment. Without either, `REENACT_PREFIX` or a
            readable random name is used.
        prefix: The same, where one wants to say that it is a prefix.
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
        root: The store's root folder (`REENACT_ROOT`, or `./experiments`).
        mode: "disabled" makes every call do nothing.
        strict: Raise WriteFailed when a record cannot be written.
        quiet: Print nothing at the start and the end.
        console: Keep what the program prints ("on" or "off").
        system_metrics: Seconds between samples of the system's metrics; 0 for none.
        rank: This process's rank, where no launcher says it.
        world_size: How many ranks there are, with `rank`.

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
        mode: str | None = None,
        strict: bool | None = None,
        quiet: bool | None = None,
        console: str | None = None,
        system_metrics: float | None = None,
        rank: int | None = None,
        world_size: int | None = None,
    ) -> None:
        self._settings = load_settings().with_arguments(
            root=None if root is None else os.fspath(root),
            mode=mode,
            strict=strict,
            quiet=quiet,
            console=console,
            system_metrics=system_metrics,
        )
        self._given = name or prefix or self._settings.prefix
        self._project = project
        self._rank = find_rank(os.environ)
        if rank is not None:
            from .ranks import Rank

            self._rank = Rank(as_step(rank), None, world_size or max(2, rank + 1), "given")
        self._config_source = config
        self._config = _freeze(config)
        self._first_params = params
        self._tags = _tags(tags)
        self._bindrs = [check_label(b, "bindr") for b in _several(bindrs)]
        self._description = description
        self._notes = notes
        self._parent = parent
        self._relation = relation
        self._iteration: int | None = None
        self._disabled = self._settings.mode == "disabled"
        self._recording: Recording | None = None
        self._last: Recording | None = None
        self._status = Status.PENDING
        self._files: list[LoggedFile] = []
        self._careful_calls = 0
        self.run = Run(self)
        self.params = Params(self._params_set)
        self._new_hot_path()

    # -- life -------------------------------------------------------------------------------------

    def _new_hot_path(self) -> None:
        self._hot = HotPath(self._log_carefully, self._line_refused, self._iteration)
        self.log_metric = self._hot.log_metric
        self.log_metrics = self._hot.log_metrics

    def _start(self) -> None:
        if self._recording is not None or (self._disabled and self._status is Status.RUNNING):
            raise AlreadyRunning(
                f"The experiment {self.prefix} is already running; end it with run.complete() first."
            )
        if self._disabled:
            self._status = Status.RUNNING
            return
        settings = self._settings
        if not settings.user:
            settings.user = _login()
        if not self._given:
            from ..naming import random_name

            self._given = random_name()
        root = RootLayout(settings.root)
        launch = launch_token(os.environ, settings.launch_id, self._rank.world_size)
        key = f"{settings.root}\0{self._project}\0{self._given}"
        ordinal = _opened_by_name[key] = _opened_by_name.get(key, -1) + 1
        place = find_place(root, self._given, project=self._project, launch=launch, ordinal=ordinal)
        if self._status is not Status.PENDING:
            self._new_hot_path()
            self._files = []
        recording = Recording(root, place, self._rank, settings, self._say)
        try:
            self._begin(recording)
        except BaseException as error:
            recording.close("failed", f"it could not start: {error}")
            raise

    def _begin(self, recording: Recording) -> None:
        """Write what is known at the start. Everything here is also in the journal."""
        if self._config is not None:
            if recording.config is None:
                recording.config = mask_secrets(self._config)
                recording.event("config", config=recording.config)
                recording._documents_due.add("config")
            else:
                self._refuse_other_config(recording)
        self._recording = self._last = recording
        recording.ender = self._end
        self._status = Status.RUNNING
        self.params._take(recording.params)
        about = recording.about
        if self._tags:
            recording.event("tags", add=self._tags)
            about["tags"] = about["tags"] | self._tags
        if self._bindrs:
            recording.event("bindrs", add=self._bindrs)
            about["bindrs"] = list(dict.fromkeys([*about["bindrs"], *self._bindrs]))
        for field, text in (("description", self._description), ("notes", self._notes)):
            if text is not None and text != about[field]:
                text = mask_text(str(text))
                recording.event("field", field=field, value=text)
                about[field] = text
        if self._parent is not None:
            parent = self._parent.id if isinstance(self._parent, Experiment) else str(self._parent)
            recording.event("linked", parent=parent, relation=self._relation)
            about["parent"], about["relation"] = parent, self._relation
        if self._rank.is_lead:
            self.capture("command", _command())
            if self._first_params:
                self.params.set(self._first_params)
            recording._documents_due.add("metadata")
            recording.write_documents()
        recording.start_background()
        if self._rank.is_lead and not self._settings.quiet:
            from .summary import start_lines

            for line in start_lines(
                recording.prefix, recording.experiment_id, self.folder, recording.continued
            ):
                self._say(line)

    def _refuse_other_config(self, recording: Recording) -> None:
        from .config import differences

        new = mask_secrets(self._config)
        differing = differences(recording.config or {}, new)
        if differing:
            keys = ", ".join(differing[:5]) + (" …" if len(differing) > 5 else "")
            raise ConfigFrozen(
                f"The experiment {recording.prefix} was started with another configuration; {keys} "
                f"{'differs' if len(differing) == 1 else 'differ'}. A configuration is frozen when its experiment "
                "starts: choose another prefix, or continue with the recorded configuration.",
                keys=differing,
            )

    def _finish(self, status: str, reason: str | None, error: str | None) -> None:
        """End on request; raises when there is nothing to end."""
        if self._disabled:
            self._status = Status(status)
            return
        self._require_running(
            f"run.{ {'completed': 'complete', 'failed': 'fail'}.get(status, 'cancel') }"
        )
        self._end(status, reason, error)

    def _end(self, status: str, reason: str | None, error: str | None) -> None:
        recording = self._recording
        if recording is None:
            return
        self._warn_of_changed_config()
        path = recording.layout.points(recording.writer.name)
        seconds = _now() - recording.opened_at
        lost = recording.close(status, reason and mask_text(reason), error and mask_text(error))
        self._recording = None
        self._status = Status(status)
        if lost or (
            self._rank.is_lead and not self._settings.quiet and os.getpid() == recording.pid
        ):
            from .summary import end_lines

            lines = end_lines(path, status, seconds, lost, recording.prefix)
            for line in lines if not self._settings.quiet else lines[-1:]:
                self._say(line)

    def _warn_of_changed_config(self) -> None:
        if self._config_source is None or isinstance(self._config_source, (str, os.PathLike)):
            return
        from .config import differences

        try:
            changed = differences(self._config or {}, _freeze(self._config_source) or {})
        except Exception:  # noqa: BLE001  (the user's object; the end must go on)
            return
        if changed:
            self._say(
                f"the configuration was changed after the start ({', '.join(changed[:5])}); the record keeps "
                "what it was at the start"
            )

    def _require_running(self, call: str) -> Recording:
        recording = self._recording
        if recording is None:
            if self._status is Status.PENDING:
                raise NotRunning(
                    f"{call} before the start: use the experiment in a with statement or call run.start() first."
                )
            raise NotRunning(
                f"{call} after the end: the experiment {self.prefix} is {self._status}. Open it again to continue it."
            )
        if os.getpid() != recording.pid:
            recording.reopen_in_child()
            self._hot.known.clear()
        return recording

    def __enter__(self) -> Experiment:
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

        A parameter of the function called `experiment` or `exp` receives it.
        """
        import functools
        import inspect

        names = inspect.signature(function).parameters
        takes = next((n for n in ("experiment", "exp") if n in names), None)

        @functools.wraps(function)
        def recorded(*args: P.args, **kwargs: P.kwargs) -> T:
            with self as experiment:
                if takes is not None and takes not in kwargs:
                    kwargs[takes] = experiment
                return function(*args, **kwargs)

        if takes is not None:
            signature = inspect.signature(function)
            kept = [p for p in signature.parameters.values() if p.name != takes]
            recorded.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
        return recorded

    # -- facts ------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The experiment's id; "" until it has started."""
        return self._last.experiment_id if self._last else ""

    @property
    def prefix(self) -> str:
        """Its path under the root; before the start, what was given."""
        return self._last.prefix if self._last else self._given

    @property
    def name(self) -> str:
        """The last segment of the prefix, or the name that was given."""
        return self._last.name if self._last else self._given.rsplit("/", 1)[-1]

    @property
    def folder(self) -> str:
        """Its folder; "" until it has started."""
        return self._last.layout.folder if self._last else ""

    @property
    def status(self) -> Status:
        """Where it is in its life, as far as this process knows."""
        return self._status

    @property
    def rank(self) -> int | None:
        """This process's rank, None for a process on its own."""
        return self._rank.rank

    @property
    def config(self) -> FrozenConfig:
        """The frozen configuration: read by key, attribute or dotted key."""
        from .config import FrozenConfig

        frozen = (
            self._config
            if self._config is not None
            else (self._last.config if self._last else None)
        )
        return FrozenConfig(frozen or {})

    @property
    def tags(self) -> dict[str, str | None]:
        """Its tags, with their values (None for a plain tag)."""
        return dict(self._last.about["tags"]) if self._last else dict(self._tags)

    @property
    def lost(self) -> int:
        """Records that could not be written so far."""
        return self._last.lost if self._last else 0

    # -- metrics ----------------------------------------------------------------------------------

    def metrics(self, group: str = "") -> MetricGroup:
        """Metrics whose names start with `group/`: `exp.metrics("train").log(loss=0.5)`."""
        return MetricGroup(self, group)

    def set_iteration(self, iteration: int | None) -> None:
        """The step of calls that give none, from now on; None to leave it out again.

        Raises:
            InvalidValue: It is not an integer.
        """
        self._iteration = None if iteration is None else as_step(iteration)
        self._hot.set_iteration(self._iteration)

    def _log_carefully(
        self, metrics: Mapping[str, Any], step: Any, metadata: Mapping[str, Any] | None
    ) -> None:
        """Check and convert one log call; everything or nothing of it is kept."""
        if self._disabled:
            return
        recording = self._require_running("log_metrics")
        if not hasattr(metrics, "items"):
            raise InvalidValue(
                f"log_metrics takes a mapping of names to numbers, not {type(metrics).__name__}; "
                "for one metric use log_metric(name, value)."
            )
        step = self._iteration if step is None else as_step(step)
        known = self._hot.known
        numbers: dict[str, float | str] = {}
        values: list[tuple[str, Any]] = []
        for name, value in metrics.items():
            if name not in known:
                check_metric_name(name)
            try:
                numbers[str(name)] = encoding.number_or_name(as_number(name, value))
            except InvalidValue:
                from ..values import as_value

                found = as_value(value)
                if found is None:
                    raise
                values.append((name, found))
        if numbers:
            record: dict[str, Any] = {"t": _now(), "m": numbers}
            if step is not None:
                record = {"s": step, **record}
            if metadata:
                record["x"] = to_plain(dict(metadata))
            segment = recording.writer.points
            segment.append(encoding.encode_line(record))
            self._careful_calls += 1
            if self._careful_calls > _FAST_AFTER or encoding.is_fast():
                # Known names are what opens the fast way: not before its encoder is there.
                self._hot.ready(segment, encoding.load_fast_encoder())
                known.update(numbers)
            recording.check_strict()
        for name, found in values:
            self._log_found(recording, name, found, step, metadata)

    def _line_refused(self, line: bytes, error: OSError | None) -> None:
        """The fast way could not write a line: find out why, and keep the line if it can be kept."""
        recording = self._require_running("log_metrics")
        segment = recording.writer.points
        replaced = (
            error is not None and error.errno == errno.EBADF
        )  # the door of a segment that ended
        if replaced or segment.trouble is not None:
            segment.append(line)
        else:
            segment.failed(
                line, error or OSError(errno.ENOSPC, "the disk took only part of a record")
            )
        recording.check_strict()

    # -- messages, values, files ------------------------------------------------------------------

    def log(self, message: str, level: str = "info", **fields: Any) -> None:
        """Keep a message, with fields beside it: `exp.log("epoch done", epoch=3)`.

        Args:
            level: debug, info, warning, error or critical.

        Raises:
            InvalidValue: The level is none of these.
            NotRunning: The experiment has not started, or has ended.
        """
        if self._disabled:
            return
        recording = self._require_running("log")
        level = level.lower() if isinstance(level, str) else level
        if level not in LEVELS:
            raise InvalidValue(f"The level {level!r} is none of {', '.join(LEVELS)}.", key="level")
        record: dict[str, Any] = {"t": _now(), "level": level, "message": mask_text(str(message))}
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
        """Keep a value beyond numbers: an `Image`, `Audio`, `Video`, `Text`, `Table`, `Histogram` or `Figure`.

        PIL images, matplotlib and plotly figures and data frames are recognised as they are.

        Raises:
            InvalidValue: The value is of no kind that can be kept.
            NotRunning: The experiment has not started, or has ended.
        """
        if self._disabled:
            return
        from ..values import as_value

        recording = self._require_running("log_value")
        check_metric_name(name)
        found = as_value(value)
        if found is None:
            raise InvalidValue(
                f"The value {name!r} is a {type(value).__name__}, which is no kind of value; wrap it in Image, "
                "Audio, Video, Text, Table, Histogram or Figure (from reenact.values), or log a number with "
                "log_metric.",
                key=name,
            )
        step = self._iteration if step is None else as_step(step)
        self._log_found(recording, name, found, step, metadata)

    def _log_found(
        self,
        recording: Recording,
        name: str,
        value: Any,
        step: int | None,
        metadata: Mapping[str, Any] | None,
    ) -> None:
        stem = "-".join(
            p for p in (folder_name(name), None if step is None else str(step), new_id()) if p
        )
        try:
            saved = value.save(os.path.join(recording.layout.folder, "values"), stem)
        except OSError as error:
            recording.lose(f"the value {name!r} was not saved: {error}")
            return
        fields = {
            "name": name,
            "kind": value.kind,
            "step": step,
            "path": None if saved.path is None else f"values/{saved.path}",
            "data": saved.data,
            "metadata": {**saved.metadata, **to_plain(dict(metadata or {}))} or None,
        }
        recording.event("value", **{k: v for k, v in fields.items() if v is not None})

    def files(self, prefix: str = "") -> Files:
        """Files under a prefix: `exp.files("models").save("model.pth")`."""
        return Files(self, prefix)

    def _file_logged(self, file: LoggedFile, relative: str) -> None:
        recording = self._require_running("files.save")
        self._files.append(file)
        fields = {
            "file_id": file.file_id, "prefix": file.prefix, "name": file.name, "path": relative,
            "size": file.size, "hash": file.hash, "step": file.step, "metadata": file.metadata or None,
        }  # fmt: skip
        recording.event("file", **{k: v for k, v in fields.items() if v is not None})

    def _lose(self, reason: str) -> None:
        self._require_running("files.save").lose(reason)

    # -- parameters and labels --------------------------------------------------------------------

    def _params_set(self, params: dict[str, Any]) -> None:
        if self._disabled:
            return
        recording = self._require_running("params.set")
        recording.event("params", params=params)
        merge(recording.params, params)
        recording.document_due("params")

    def add_tags(self, tags: Iterable[str] | Mapping[str, Any]) -> None:
        """Add tags, or set the values of some."""
        if not self._disabled:
            recording = self._require_running("add_tags")
            new = _tags(tags)
            recording.event("tags", add=new)
            recording.change(tags=recording.about["tags"] | new)

    def remove_tags(self, tags: Iterable[str]) -> None:
        """Remove tags."""
        if not self._disabled:
            recording = self._require_running("remove_tags")
            gone = _several(tags)
            recording.event("tags", remove=gone)
            recording.change(
                tags={k: v for k, v in recording.about["tags"].items() if k not in gone}
            )

    def set_notes(self, notes: str) -> None:
        """Replace the notes."""
        self._set_field("notes", notes)

    def set_description(self, description: str) -> None:
        """Replace the description."""
        self._set_field("description", description)

    def _set_field(self, field: str, text: str) -> None:
        if not self._disabled:
            recording = self._require_running(f"set_{field}")
            text = mask_text(str(text))
            recording.event("field", field=field, value=text)
            recording.change(**{field: text})

    def capture(self, what: str, data: Mapping[str, Any]) -> None:
        """Record a fact about the run under a name, such as "command" or "seeds"; the newest one counts."""
        if not self._disabled:
            recording = self._require_running("capture")
            plain = mask_secrets(to_plain(dict(data)))
            recording.event("captured", what=check_label(what, "capture"), data=plain)
            recording.captured[what] = plain
            recording._documents_due.add("metadata")

    def _say(self, line: str) -> None:
        # The stream the interpreter started with: not what the program made of sys.stderr, and never captured.
        stream = sys.__stderr__ or sys.stderr
        if stream is not None:
            try:
                stream.write(f"reenact: {line}\n")
                stream.flush()
            except (OSError, ValueError):
                pass

    def __repr__(self) -> str:
        return f"<Experiment {self.prefix} {self._status}>"


def _now() -> float:
    import time

    return time.time()


def _freeze(config: Any) -> dict[str, Any] | None:
    if config is None:
        return None
    from .config import freeze

    return freeze(config)


def _several(labels: Iterable[str] | None) -> list[str]:
    if labels is None:
        return []
    return [labels] if isinstance(labels, str) else list(labels)


def _tags(tags: Iterable[str] | Mapping[str, Any] | None) -> dict[str, str | None]:
    if tags is None:
        return {}
    pairs = tags.items() if hasattr(tags, "items") else ((tag, None) for tag in _several(tags))
    return {
        check_label(tag, "tag"): None if value is None else mask_text(str(value))
        for tag, value in pairs
    }


def _login() -> str:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        if os.environ.get(variable):
            return os.environ[variable]
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError, AttributeError):
        return ""


def _command() -> dict[str, Any]:
    """How this process was started. The capture of code and environment builds on this."""
    main = sys.modules.get("__main__")
    entry = getattr(main, "__file__", None)
    try:
        cwd = os.getcwd()
    except FileNotFoundError:
        cwd = ""
    return {
        "argv": mask_arguments(list(getattr(sys, "orig_argv", sys.argv))),
        "cwd": cwd,
        "entry": os.path.abspath(entry) if entry else None,
        "python": sys.version.split()[0],
    }
