"""`SummaryWriter`: where it writes, its life, numbers and hyperparameters."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

import anew
from anew import Status

from ...trackers.around import around, opened_by_a_dialect
from ...trackers.places import prefix_of_path, safe_path
from .values import ValueCalls, _tag

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["UNSUPPORTED", "SummaryWriter"]

UNSUPPORTED: dict[str, str] = {
    "tensorboard --logdir": "no event files are written by itself, and the log directory is made but left to the program; `ANEW_FORWARD_TO=tensorboard:runs` writes them as well",
    "purge_step": "it is kept beside the record; no point that was logged is hidden or removed",
    "writer.file_writer, writer.all_writers": "there is no event file to write protocol buffers to",
    "add_graph(model, input)": "the model is kept as a text; it is not run or traced",
    "display_name, summary_description, new_style, double_precision": "they are taken and change nothing: a number is a float64 anyway",
    "tensorboardX: export_scalars_to_json, comet_config, GlobalSummaryWriter": "`anew export` writes what was logged, `forward_to` sends it elsewhere, `anew.log_metric` logs without a handle",
}

_made: set[str] = set()


class SummaryWriter(ValueCalls):
    """Writes the experiment that a log directory stands for; a second writer of it writes the same one.

    Without a log directory it writes to the experiment that the program began with Anew, if one runs; else to a new
    one, named `runs/<date>_<host><comment>`. With a log directory it has an experiment of its own, a child of the one
    that runs. A step that is not given is 0.

    Args:
        log_dir: The log directory; the folder is made if there is none. tensorboardX calls it `logdir`.
        comment: The end of the name where there is no log directory.
        purge_step: Kept beside the record; nothing is removed.
        max_queue, flush_secs, filename_suffix: Taken and not needed: every call is on disk when it returns.
        write_to_disk: False records nothing.

    Attributes:
        native: The `anew.Experiment` below, for all it can do besides.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        comment: str | None = "",
        purge_step: int | None = None,
        max_queue: int | None = 10,
        flush_secs: float | None = 120,
        filename_suffix: str | None = "",
        write_to_disk: bool | None = True,
        *,
        logdir: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> None:
        unknown = set(options) - {"comet_config"}
        if unknown:
            raise TypeError(f"SummaryWriter has no argument {sorted(unknown)[0]!r}.")
        given = log_dir or logdir
        self.purge_step, self.comment = purge_step, comment
        self._default: list[tuple[int | None, float | None]] = [(None, None)]
        self._written_hparams: Any = None
        self._hparam_runs = 0
        current = around()
        self._own = bool(given) or current is None
        if current is not None and not self._own:
            self.native = current
            self.log_dir = os.path.join(current.folder, "outputs") if current.folder else "runs"
        else:
            mode = None if write_to_disk else "disabled"
            self.log_dir = os.fspath(given) if given else _fresh_log_dir(comment or "")
            prefix = prefix_of_path(self.log_dir, _root())
            self.native = anew.Experiment(prefix=prefix, parent=current, mode=mode)
            opened_by_a_dialect(self.native)
            self.native.run.start()
            facts = {"log_dir": self.log_dir, "purge_step": purge_step}
            self.native.capture("tensorboard", {k: v for k, v in facts.items() if v is not None})
        if "://" not in self.log_dir:
            with contextlib.suppress(OSError, ValueError):  # programs write beside the event files
                os.makedirs(self.log_dir, exist_ok=True)

    # -- its life ----------------------------------------------------------------------------------

    def _running(self) -> anew.Experiment:
        native = self.native
        if native.status is not Status.RUNNING and self._own:
            native.run.start()  # a call after the end goes on with it, as an event file does
        return native

    @property
    def logdir(self) -> str:
        """The log directory, as tensorboardX calls it."""
        return self.log_dir

    def get_logdir(self) -> str:
        """The log directory."""
        return self.log_dir

    def flush(self) -> None:
        """Nothing: every call is on disk when it returns."""

    def close(self) -> None:
        """Complete the experiment, unless the program began it with Anew; a later call goes on with it."""
        if self._own and self.native.status is Status.RUNNING:
            self.native.run.complete()

    def __enter__(self) -> Self:
        self._running()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._own and self.native.status is Status.RUNNING:
            self.native.run.__exit__(kind, error, traceback)

    def __repr__(self) -> str:
        return f"<SummaryWriter {self.log_dir} {self.native!r}>"

    # -- steps and times ---------------------------------------------------------------------------

    @contextlib.contextmanager
    def use_metadata(
        self, *, global_step: int | None = None, walltime: float | None = None
    ) -> Iterator[Self]:
        """The step and time of calls inside the block that give none."""
        self._default.append((global_step, walltime))
        try:
            yield self
        finally:
            self._default.pop()

    def _step(self, global_step: Any) -> int:
        if type(global_step) is int:
            return global_step
        if global_step is None:
            default = self._default[-1][0]
            return 0 if default is None else int(default)
        return int(global_step)

    def _beside(self, walltime: float | None, **facts: Any) -> dict[str, Any] | None:
        walltime = self._default[-1][1] if walltime is None else walltime
        if walltime is not None:
            facts["walltime"] = float(walltime)
        return facts or None

    # -- numbers -----------------------------------------------------------------------------------

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: Any = None,
        walltime: float | None = None,
        new_style: Any = False,
        double_precision: Any = False,
        **options: Any,
    ) -> None:
        """Log a number, exactly as it is; a time of its own is kept beside it as `walltime`.

        Raises:
            InvalidValue: It is not one number.
        """
        unknown = set(options) - {"display_name", "summary_description"}
        if unknown:
            raise TypeError(f"add_scalar has no argument {sorted(unknown)[0]!r}.")
        self._running().log_metric(
            _tag(tag), scalar_value, self._step(global_step), metadata=self._beside(walltime)
        )

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Log several numbers of one chart, as `<main_tag>/<tag>`."""
        row = {_tag(f"{main_tag}/{tag}"): value for tag, value in tag_scalar_dict.items()}
        self._running().log_metrics(row, self._step(global_step), metadata=self._beside(walltime))

    def add_hparams(
        self,
        hparam_dict: Mapping[str, Any],
        metric_dict: Mapping[str, Any],
        hparam_domain_discrete: Any = None,
        run_name: str | None = None,
        global_step: Any = None,
        *,
        name: str | None = None,
    ) -> None:
        """Keep hyperparameters and what they led to: a row of a table in which experiments are compared.

        The first call without a name sets the parameters of this experiment, which then is the row, with all its curves. A
        call with a `run_name`, or another one with other hyperparameters, makes a child experiment for its row.

        Raises:
            TypeError: One of the two is no mapping.
        """
        for what, given in (("hparam_dict", hparam_dict), ("metric_dict", metric_dict)):
            if not isinstance(given, Mapping):
                raise TypeError(f"{what} is a mapping of names to values, not {given!r:.80}.")
        if isinstance(hparam_domain_discrete, str):  # tensorboardX has the name in this place
            name, hparam_domain_discrete = hparam_domain_discrete, None
        named = run_name or name
        params = {key: _plain(value) for key, value in hparam_dict.items()}
        native, step = self._running(), self._step(global_step)
        metrics = {_tag(key): value for key, value in metric_dict.items()}
        if named:
            prefix = prefix_of_path(os.path.join(self.log_dir, named), native.root)
            here = prefix == prefix_of_path(self.log_dir, native.root)
            if not self._own:
                prefix = f"{native.prefix}/{safe_path(named)}"
        else:
            here = self._written_hparams in (None, params)
            prefix = "" if here else self._fresh_row(native)
        if here:
            self._written_hparams = params
            _write_row(native, params, metrics, step, hparam_domain_discrete)
            return
        mode = None if native.folder else "disabled"
        row = anew.Experiment(prefix=prefix, parent=native, root=native.root, mode=mode)
        opened_by_a_dialect(row)
        with row:
            _write_row(row, params, metrics, step, hparam_domain_discrete)

    def _fresh_row(self, native: anew.Experiment) -> str:
        """The prefix of a row that there is not yet, also not from an earlier opening of the log directory."""
        while True:
            self._hparam_runs += 1
            prefix = f"{native.prefix}/hparams-{self._hparam_runs}"
            if not os.path.exists(os.path.join(native.root, prefix)):
                return prefix


def _write_row(
    native: anew.Experiment,
    params: dict[str, Any],
    metrics: dict[str, Any],
    step: int,
    domains: Any,
) -> None:
    native.params.set(params)
    if metrics:
        native.log_metrics(metrics, step)
    if domains:
        native.capture("hparam domains", dict(domains))


def _plain(value: Any) -> Any:
    """A hyperparameter that is a tensor of one element, as the number it stands for."""
    item = getattr(value, "item", None)
    return item() if callable(item) and getattr(value, "shape", None) in ((), (1,)) else value


def _root() -> str:
    return anew.Experiment("-").root


def _fresh_log_dir(comment: str) -> str:
    """TensorBoard's name for a run; another one if that is taken, except by the other ranks of one launch."""
    import socket
    from datetime import datetime

    started = datetime.now().strftime("%b%d_%H-%M-%S")
    name = found = os.path.join("runs", f"{started}_{socket.gethostname()}{comment}")
    root, number = _root(), 1
    alone = int(os.environ.get("WORLD_SIZE") or 1) < 2
    while found in _made or (
        alone and os.path.exists(os.path.join(root, prefix_of_path(found, root)))
    ):
        number += 1
        found = f"{name}-{number}"
    _made.add(found)
    return found
