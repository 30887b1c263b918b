"""Lightning: `Trainer(logger=AnewLogger("alice/digits/net"))`, and the same for Fabric."""

# mypy: disable-error-code="untyped-decorator"
from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from anew import Experiment, Image, Status, Table, Text

from .lightning_checkpoints import Checkpoints
from .lightning_modules import keep_layers, logger, on_rank_zero, watch_module
from .opening import Opening
from .pytorch import unwatch
from .requiring import check_choice

__all__ = ["AnewLogger"]


class AnewLogger(Opening, logger.Logger):  # type: ignore[misc]  # one of two, chosen above
    """Logs what a LightningModule logs, at Lightning's own steps, on the process of rank 0.

    The experiment is opened when a trainer first needs it, completed after each `fit`, `validate`, `test` or
    `predict` (the next one continues it), failed by an exception, and cancelled by Ctrl-C.

    Args:
        experiment: The experiment to log in, or the name or prefix of one to open. Without either it is the one that
            runs in this process, or a new one.
        log_model: True keeps the checkpoints that are left at the end as files of the experiment, "all" each of them
            when it is written; "weights" commits a version of the module's weights (`exp.weights`) with each.
        log_graph: Keep the module's layers, as a summary, in the file `model/summary.txt`.
        prefix: What the names of metrics and values begin with.
        options: What else `Experiment` takes, for one to open.
    """

    def __init__(
        self,
        experiment: Experiment | str | None = None,
        *,
        log_model: bool | str = False,
        log_graph: bool = False,
        prefix: str = "",
        **options: Any,
    ) -> None:
        check_choice("log_model", log_model, (False, True, "all", "weights"))
        super().__init__(experiment, options)
        self._log_model, self._log_graph = log_model, log_graph
        self._prefix = f"{prefix}/" if prefix else ""
        self._module, self._committed = None, None
        self._checkpoints = Checkpoints(kept=log_model in (True, "all"))

    @property
    @logger.rank_zero_experiment
    def experiment(self) -> Experiment:
        """The experiment; on other ranks than 0 something that takes every call and does nothing."""
        return self._held or self._open()

    @property
    def name(self) -> str | None:
        """The experiment's name."""
        return self._held.name if self._held else None

    @property
    def version(self) -> str | None:
        """The experiment's id."""
        return self._held.id if self._held else None

    @property
    def save_dir(self) -> str | None:
        """The experiment's folder for what a program writes; checkpoints lie below it unless told otherwise."""
        folder = self._held.folder if self._held else ""
        return os.path.join(folder, "outputs") if folder else None

    @on_rank_zero
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log metrics at a step."""
        self._open().log_metrics({self._prefix + name: v for name, v in metrics.items()}, step)

    @on_rank_zero
    def log_hyperparams(
        self, params: Mapping[str, Any] | Namespace, metrics: Mapping[str, Any] | None = None
    ) -> None:
        """Set parameters, and log what they are to be judged by at step 0, as Lightning's `TensorBoardLogger` does."""
        self._open().params.set(vars(params) if isinstance(params, Namespace) else params)
        if metrics:
            self.log_metrics(metrics, 0)

    @on_rank_zero
    def log_graph(self, model: Any, input_array: Any = None) -> None:
        """Called by the trainer for each module it begins with; keeps its layers if that is wished."""
        exp, self._module = self._open(), model
        if self._log_graph:
            keep_layers(exp, model)

    @on_rank_zero
    def log_image(self, key: str, images: Any, step: int | None = None, **each: Any) -> None:
        """Log images (arrays, tensors, PIL images, figures, files), with a `caption=[…]` for each."""
        for at, image in enumerate(images):
            options = {name: given[at] for name, given in each.items()}
            self._open().log_value(self._prefix + key, Image(image, **options), step)

    @on_rank_zero
    def log_text(self, key: str, text: str, step: int | None = None) -> None:
        """Log a text."""
        self._open().log_value(self._prefix + key, Text(text), step)

    @on_rank_zero
    def log_table(
        self, key: str, columns: Any = None, data: Any = None, dataframe: Any = None, step: int | None = None,
    ) -> None:  # fmt: skip
        """Log a table: of columns and rows, or of a data frame."""
        table = Table(columns, data) if dataframe is None else Table(columns, dataframe)
        self._open().log_value(self._prefix + key, table, step)

    @on_rank_zero
    def watch(
        self, model: Any, log: str | None = "gradients", log_freq: int = 100, log_graph: bool = True
    ) -> None:
        """Record histograms of a module's gradients and parameters ("gradients", "parameters", "all"), at the trainer's steps.

        Args:
            log_freq: How many passes from one that is recorded to the next.
            log_graph: Keep the module's layers, too.
        """
        if log is not None:
            watch_module(self._open(), model, log, log_freq, self._prefix)
        if log_graph:
            keep_layers(self._open(), model)

    def unwatch(self, model: Any) -> None:
        """Record nothing more of a module."""
        unwatch(model)

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Called by the trainer, on rank 0, when a checkpoint was written."""
        step = getattr(checkpoint_callback, "_last_global_step_saved", None)
        if self._log_model == "weights" and step != self._committed:
            self._open().weights.commit(self._module, f"checkpoint at step {step}", step)
            self._committed = step  # the "last" checkpoint is written beside the best one
        self._checkpoints.look(checkpoint_callback, step)
        if self._log_model == "all" or checkpoint_callback.save_top_k == -1:
            self._checkpoints.keep(self._open())

    @on_rank_zero
    def finalize(self, status: str) -> None:
        """Called by the trainer at the end, while it handles what went wrong."""
        exp, error = self._held, sys.exc_info()[1]
        if not exp or exp.status is not Status.RUNNING:
            return
        self._checkpoints.keep(exp)
        if status == "success":
            self._trained()
        elif isinstance(error, KeyboardInterrupt):
            exp.run.cancel("interrupted")  # whosever it is: Lightning ends the program now
        elif not self._inside:
            self.finish(error or f"Lightning ended with the status {status!r}")
