"""`SummaryWriter`: the writer of PyTorch and tensorboardX, which records an experiment."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

import anew
from anew import Status
from anew.errors import InvalidValue

from ..around import around, opened_by_a_dialect
from ..places import prefix_of_path
from .translate import calls
from .translate.calls import Row, When
from .write import Rows, write, write_row

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["UNSUPPORTED", "SummaryWriter"]

UNSUPPORTED: dict[str, str] = {
    "tensorboard --logdir": "no event files are written, and the log directory is created but left empty; `ANEW_FORWARD_TO=tensorboard:runs` writes them as well",
    "purge_step": "the value is recorded, but no logged point is hidden or removed",
    "writer.file_writer, writer.all_writers": "there is no event file to write protocol buffers to",
    "add_graph(model, input)": "the model is saved as text; it is run once with the input, which must fit, and its graph is not drawn",
    "display_name, summary_description, new_style, double_precision": "accepted without effect; numbers are always float64",
    "tensorboardX: comet_config, GlobalSummaryWriter": "`forward_to` sends what was logged elsewhere, `anew.log_metric` logs without a handle",
}

_made: set[str] = set()


class NotSquare(InvalidValue, AssertionError):
    """Pictures of an embedding have sides of two lengths."""


class SummaryWriter:
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
        file_writer: None: there is no event file.
    """

    file_writer = None

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
        self._default = [When()]
        self._rows = Rows()
        current = around()
        self._own = bool(given) or current is None
        if current is not None and not self._own:
            self.native = current
            self.log_dir = os.path.join(current.folder, "outputs") if current.folder else "runs"
        else:
            mode = None if write_to_disk else "disabled"
            self.log_dir = os.fspath(given) if given else _fresh_log_dir(comment or "")
            prefix = prefix_of_path(self.log_dir, _root())
            self.native = anew.Experiment(prefix=prefix, parent=current, mode=mode, resume="allow")
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

    def export_scalars_to_json(self, path: str | os.PathLike[str]) -> None:
        """Write all numbers that were logged into a JSON file: `{"<log_dir>/<tag>": [[time, step, value], …]}`."""
        found: dict[str, list[list[Any]]] = {}
        if self.native.folder:
            with anew.Store(self.native.root) as store:
                for name, metric in store.get(self.native.id).metrics.items():
                    points = [[row["time"], row["step"], row["value"]] for row in metric.rows()]
                    found[f"{self.log_dir}/{name}"] = points
        with open(path, "w", encoding="utf-8") as file:
            json.dump(found, file)

    # -- what it is given --------------------------------------------------------------------------

    @contextlib.contextmanager
    def use_metadata(
        self, *, global_step: int | None = None, walltime: float | None = None
    ) -> Iterator[Self]:
        """The step and time of calls inside the block that give none."""
        self._default.append(When(global_step, walltime))
        try:
            yield self
        finally:
            self._default.pop()

    def _record(self, translate: Any, *args: Any) -> None:
        write(self._running(), translate(self._default[-1], *args))

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
        """Log a number, exactly as it is; a time of its own is kept in the metadata as `walltime`.

        Raises:
            InvalidValue: It is not one number.
        """
        unknown = set(options) - {"display_name", "summary_description"}
        if unknown:
            raise TypeError(f"add_scalar has no argument {sorted(unknown)[0]!r}.")
        self._record(calls.add_scalar, tag, scalar_value, global_step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Log several numbers of one chart, as `<main_tag>/<tag>`."""
        self._record(calls.add_scalars, main_tag, tag_scalar_dict, global_step, walltime)

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
        row: Row = calls.add_hparams(
            self._default[-1],
            hparam_dict,
            metric_dict,
            hparam_domain_discrete,
            run_name,
            global_step,
            name=name,
        )
        native = self._running()
        below = self._rows.place(
            row,
            self.log_dir,
            lambda path: os.path.exists(os.path.join(native.root, native.prefix, path)),
        )
        if not below:
            write_row(native, row)
            return
        mode = None if native.folder else "disabled"
        child = anew.Experiment(
            prefix=f"{native.prefix}/{below}", parent=native, root=native.root, mode=mode
        )
        opened_by_a_dialect(child)
        with child:
            write_row(child, row)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: Any = None,
        bins: Any = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """Keep how values are distributed; NaN and infinities are counted apart.

        Args:
            bins: A number, edges, or a method of `numpy.histogram_bin_edges`; at most 512 are kept.
        """
        self._record(calls.add_histogram, tag, values, global_step, bins, walltime, max_bins)

    def add_histogram_raw(
        self,
        tag: str,
        min: float,
        max: float,
        num: float,
        sum: float,
        sum_squares: float,
        bucket_limits: Any,
        bucket_counts: Any,
        global_step: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Keep a histogram that was counted already; `bucket_limits` are the upper limits of its bins."""
        self._record(
            calls.add_histogram_raw,
            tag,
            min,
            max,
            num,
            sum,
            sum_squares,
            bucket_limits,
            bucket_counts,
            global_step,
            walltime,
        )

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: Any = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """Keep an image: floats from 0 to 1 or integers from 0 to 255. Floats outside are cut off, as TensorBoard does.

        Raises:
            InvalidValue: `dataformats` does not fit the shape.
        """
        self._record(calls.add_image, tag, img_tensor, global_step, walltime, dataformats)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: Any = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Keep several images as one grid, eight in a row; of a list, `dataformats` may be that of each."""
        if isinstance(img_tensor, (list, tuple)) and "N" not in dataformats.upper():
            dataformats = f"N{dataformats}"
        self._record(calls.add_images, tag, img_tensor, global_step, walltime, dataformats)

    def add_image_with_boxes(
        self,
        tag: str,
        img_tensor: Any,
        box_tensor: Any,
        global_step: Any = None,
        walltime: float | None = None,
        rescale: Any = 1,
        dataformats: Any = "CHW",
        labels: Any = None,
    ) -> None:
        """Keep an image with boxes (xmin, ymin, xmax, ymax) drawn on it; the boxes are kept in the metadata too."""
        self._record(
            calls.add_image_with_boxes,
            tag,
            img_tensor,
            box_tensor,
            global_step,
            walltime,
            rescale,
            dataformats,
            labels,
        )

    def add_figure(
        self,
        tag: str,
        figure: Any,
        global_step: Any = None,
        close: bool = True,
        walltime: float | None = None,
    ) -> None:
        """Keep a matplotlib figure, or each of several; they are closed unless `close` is False."""
        figures = list(figure) if isinstance(figure, (list, tuple)) else [figure]
        self._record(calls.add_figure, tag, figures, global_step, close, walltime)
        pyplot = sys.modules.get("matplotlib.pyplot")
        if close and pyplot is not None:
            for one in figures:
                pyplot.close(one)

    def add_text(
        self, tag: str, text_string: Any, global_step: Any = None, walltime: float | None = None
    ) -> None:
        """Keep a text, shown as Markdown."""
        self._record(calls.add_text, tag, text_string, global_step, walltime)

    def add_audio(
        self,
        tag: str,
        snd_tensor: Any,
        global_step: Any = None,
        sample_rate: int = 44100,
        walltime: float | None = None,
    ) -> None:
        """Keep sound: samples from -1 to 1; louder ones are divided by their peak, not cut off."""
        self._record(calls.add_audio, tag, snd_tensor, global_step, sample_rate, walltime)

    def add_video(
        self,
        tag: str,
        vid_tensor: Any,
        global_step: Any = None,
        fps: float = 4,
        walltime: float | None = None,
        dataformats: str = "NTCHW",
    ) -> None:
        """Keep a video; those of a batch stand side by side."""
        self._record(calls.add_video, tag, vid_tensor, global_step, fps, walltime, dataformats)

    def add_pr_curve(
        self,
        tag: str,
        labels: Any,
        predictions: Any,
        global_step: Any = None,
        num_thresholds: int = 127,
        weights: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Keep the curve of precision and recall as a table with a row per threshold."""
        self._record(
            calls.add_pr_curve,
            tag,
            labels,
            predictions,
            global_step,
            num_thresholds,
            weights,
            walltime,
        )

    def add_pr_curve_raw(
        self,
        tag: str,
        true_positive_counts: Any,
        false_positive_counts: Any,
        true_negative_counts: Any,
        false_negative_counts: Any,
        precision: Any,
        recall: Any,
        global_step: Any = None,
        num_thresholds: int = 127,
        weights: Any = None,
        walltime: float | None = None,
    ) -> None:
        """As `add_pr_curve`, of counts made already."""
        self._record(
            calls.add_pr_curve_raw,
            tag,
            true_positive_counts,
            false_positive_counts,
            true_negative_counts,
            false_negative_counts,
            precision,
            recall,
            global_step,
            num_thresholds,
            weights,
            walltime,
        )

    def add_mesh(
        self,
        tag: str,
        vertices: Any,
        colors: Any = None,
        faces: Any = None,
        config_dict: Mapping[str, Any] | None = None,
        global_step: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Keep meshes or clouds of points (batch × points × 3) as PLY files in `meshes/<tag>/`."""
        self._record(
            calls.add_mesh, tag, vertices, colors, faces, config_dict, global_step, walltime
        )

    def add_embedding(
        self,
        mat: Any,
        metadata: Any = None,
        label_img: Any = None,
        global_step: Any = None,
        tag: str = "default",
        metadata_header: Any = None,
    ) -> None:
        """Keep vectors with what belongs to each: `vectors.npy`, `metadata.json`, `images.png` in `embeddings/<tag>/`.

        Raises:
            ValueError: There are not as many labels as vectors.
            AssertionError: The pictures are not square.
        """
        sides = tuple(getattr(label_img, "shape", ()))[2:]
        if len(sides) == 2 and sides[0] != sides[1]:
            raise NotSquare(
                f"The pictures of an embedding are square, and these are {sides[1]}×{sides[0]}.",
                key="label_img",
            )
        self._record(
            calls.add_embedding, mat, metadata, label_img, global_step, tag, metadata_header
        )

    def add_tensor(
        self, tag: str, tensor: Any, global_step: Any = None, walltime: float | None = None
    ) -> None:
        """Keep an array as it is, in `tensors/<tag>/step-<step>.npy`."""
        self._record(calls.add_tensor, tag, tensor, global_step, walltime)

    def add_graph(
        self,
        model: Any,
        input_to_model: Any = None,
        verbose: bool = False,
        use_strict_trace: bool = True,
    ) -> None:
        """Keep what a model consists of, as a text. It is run once with the input, if one is given.

        Raises:
            RuntimeError: The input does not fit; whatever the model raises.
        """
        if input_to_model is not None and hasattr(model, "named_modules"):
            _run_once(model, input_to_model)
        self._record(calls.add_graph, model)

    def add_onnx_graph(self, prototxt: Any = None, *, onnx_model_file: Any = None) -> None:
        """Keep the file of a model in `graphs/`."""
        self._record(calls.add_onnx_graph, prototxt or onnx_model_file)

    def add_openvino_graph(self, xmlname: Any) -> None:
        """Keep the file of a model in `graphs/`."""
        self._record(calls.add_openvino_graph, xmlname)

    def add_custom_scalars(self, layout: Mapping[str, Any]) -> None:
        """Keep how charts are to be arranged."""
        self._record(calls.add_custom_scalars, layout)

    def add_custom_scalars_multilinechart(
        self, tags: Any, category: str = "default", title: str = "untitled"
    ) -> None:
        """Keep that these metrics belong in one chart."""
        self._record(calls.add_custom_scalars_multilinechart, tags, category, title)

    def add_custom_scalars_marginchart(
        self, tags: Any, category: str = "default", title: str = "untitled"
    ) -> None:
        """Keep that these metrics are a value, its lower and its upper bound."""
        self._record(calls.add_custom_scalars_marginchart, tags, category, title)


def _run_once(model: Any, given: Any) -> None:
    """Run a model of PyTorch as it is evaluated; random numbers that follow are as if it had not been run."""
    import torch

    training = model.training
    try:
        model.eval()
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            model(*given) if isinstance(given, (tuple, list)) else model(given)
    finally:
        model.train(training)


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
