"""Accelerate: `Accelerator(log_with=AnewTracker())`, or `log_with="anew"` once this module is imported."""

# mypy: disable-error-code="untyped-decorator"
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

from anew import Experiment, Image, Table, Text

from .opening import Opening
from .requiring import require

_tracking: Any = require("accelerate.tracking", "accelerate")

__all__ = ["AnewTracker"]


class AnewTracker(Opening, _tracking.GeneralTracker):  # type: ignore[misc]  # has no types
    """Logs what `accelerator.log` is given, on the main process.

    `accelerator.init_trackers` opens the experiment and sets the configuration as its parameters;
    `accelerator.end_training` completes it if it was opened here. A program that ends by an exception fails it; for
    one that is caught, put `with AnewTracker(…) as tracker:` around the training.

    Args:
        run_name: What `init_trackers` calls the project, with `log_with="anew"`: the name of the experiment where
            none is given and none runs.
        experiment: The experiment to log in, or the name or prefix of one to open. Without either it is the one that
            runs in this process, or a new one.
        options: What else `Experiment` takes, for one to open; with `log_with="anew"` these come from
            `init_trackers(…, init_kwargs={"anew": {…}})`.
    """

    name = "anew"
    requires_logging_directory = False
    main_process_only = True

    def __init__(
        self,
        run_name: str | None = None,
        *,
        experiment: Experiment | str | None = None,
        **options: Any,
    ) -> None:
        Opening.__init__(self, experiment, options)
        _tracking.GeneralTracker.__init__(self)
        self._suggested = {"name": run_name} if run_name else {}

    def __enter__(self) -> Self:
        self._inside = (
            True  # it is opened by `start`: which process is the main one is not known yet
        )
        return self

    @property
    def tracker(self) -> Experiment | None:
        """The experiment, as `accelerator.get_tracker("anew", unwrap=True)` gives it; None before it is there."""
        return self._held

    @_tracking.on_main_process
    def start(self) -> None:
        """Called by `init_trackers`: open the experiment."""
        self._open()

    @_tracking.on_main_process
    def store_init_configuration(self, values: Mapping[str, Any]) -> None:
        """Called by `init_trackers`: set parameters."""
        self._open().params.set(values)

    @_tracking.on_main_process
    def log(self, values: Mapping[str, Any], step: int | None = None, **kwargs: Any) -> None:
        """Log numbers as metrics, those in a mapping as `name/…`, and texts as texts.

        Args:
            values: What to log.
            step: Its step.
            kwargs: `metadata=…` is kept beside each; it comes from `log(…, log_kwargs={"anew": {…}})`.
        """
        exp = self._open()
        numbers: dict[str, Any] = {}
        for name, value in values.items():
            if isinstance(value, str):
                exp.log_value(name, Text(value), step, **kwargs)
            elif isinstance(value, Mapping):
                numbers |= {f"{name}/{below}": number for below, number in value.items()}
            else:
                numbers[name] = value
        if numbers:
            exp.log_metrics(numbers, step, **kwargs)

    @_tracking.on_main_process
    def log_images(
        self, values: Mapping[str, Iterable[Any]], step: int | None = None, **kwargs: Any
    ) -> None:
        """Log images: lists or batches of arrays, tensors or PIL images.

        Args:
            values: The images under each name.
            step: Their step.
            kwargs: What `Image` takes, such as `caption`.
        """
        for name, images in values.items():
            for image in images:
                self._open().log_value(name, Image(image, **kwargs), step)

    @_tracking.on_main_process
    def log_table(
        self,
        table_name: str,
        columns: list[str] | None = None,
        data: Any = None,
        dataframe: Any = None,
        step: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Log a table, from columns and rows or from a data frame."""
        table = Table(columns, data, **kwargs) if dataframe is None else Table(dataframe, **kwargs)
        self._open().log_value(table_name, table, step)

    @_tracking.on_main_process
    def finish(self, error: BaseException | str | None = None) -> None:
        """Called by `end_training`: end the experiment if it was opened here."""
        if error is not None or not self._inside:
            Opening.finish(self, error)


if hasattr(_tracking, "register_tracker_class"):  # older versions know their own names alone
    _tracking.register_tracker_class(AnewTracker)
