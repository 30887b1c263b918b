"""The calls of a `SummaryWriter` for all that is not a number."""

from __future__ import annotations

import hashlib
import os
import sys
from typing import TYPE_CHECKING, Any

import anew

from ...trackers.places import safe_path

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ValueCalls"]

_LONGEST_TAG = 500


class ValueCalls:
    """Pictures, sound, texts, distributions, curves, meshes, graphs; `SummaryWriter` has them all."""

    _running: Any  # () -> the experiment, running
    _step: Any  # global_step -> step
    _beside: Any  # (walltime, **facts) -> metadata

    def _keep(self, tag: str, value: Any, step: Any, walltime: float | None, **facts: Any) -> None:
        self._running().log_value(
            _tag(tag), value, self._step(step), metadata=self._beside(walltime, **facts)
        )

    def _file(
        self, kind: str, name: str, data: Any, step: Any, walltime: float | None, **facts: Any
    ) -> None:
        self._running().files(kind).save(
            data, safe_path(name), step=self._step(step), metadata=self._beside(walltime, **facts)
        )

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
        from .arrays import histogram

        self._keep(tag, histogram(values, bins, max_bins), global_step, walltime)

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
        from .arrays import counted

        facts = {"min": min, "max": max, "count": num, "sum": sum, "sum_squares": sum_squares}
        plain = {name: float(value) for name, value in facts.items()}
        value = counted(plain["min"], plain["max"], bucket_limits, bucket_counts)
        self._keep(tag, value, global_step, walltime, **plain)

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: Any = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """Keep an image: floats from 0 to 1 or integers from 0 to 255; other ranges are stretched, and noted.

        Raises:
            InvalidValue: `dataformats` does not fit the shape.
        """
        from .arrays import picture

        pixels = picture(img_tensor, dataformats)
        layout = "HW" if pixels.ndim == 2 else "HWC"
        self._keep(tag, anew.Image(pixels, layout=layout), global_step, walltime)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: Any = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Keep several images as one grid, eight in a row."""
        self.add_image(tag, img_tensor, global_step, walltime, dataformats)

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
        """Keep an image with boxes (xmin, ymin, xmax, ymax) drawn on it; the boxes are kept beside it too."""
        from .arrays import array_of, boxed

        if isinstance(rescale, str):  # tensorboardX has no rescale in this place
            labels = labels if dataformats == "CHW" else dataformats
            rescale, dataformats = 1, rescale
        names = [labels] if isinstance(labels, str) else labels
        facts = {"boxes": array_of(box_tensor).tolist(), **({"labels": [*names]} if names else {})}
        image = boxed(img_tensor, box_tensor, names, rescale, dataformats)
        self._keep(tag, image, global_step, walltime, **facts)

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
        for at, one in enumerate(figures):
            facts = {"index": at} if len(figures) > 1 else {}
            self._keep(tag, anew.Figure(one), global_step, walltime, **facts)
            pyplot = sys.modules.get("matplotlib.pyplot")
            if close and pyplot is not None:
                pyplot.close(one)

    def add_text(
        self, tag: str, text_string: Any, global_step: Any = None, walltime: float | None = None
    ) -> None:
        """Keep a text, shown as Markdown."""
        self._keep(tag, anew.Text(str(text_string), "markdown"), global_step, walltime)

    def add_audio(
        self,
        tag: str,
        snd_tensor: Any,
        global_step: Any = None,
        sample_rate: int = 44100,
        walltime: float | None = None,
    ) -> None:
        """Keep sound: samples from -1 to 1; louder ones are divided by their peak, not cut off."""
        from .arrays import array_of

        self._keep(tag, anew.Audio(array_of(snd_tensor), sample_rate), global_step, walltime)

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
        from .arrays import video

        self._keep(tag, video(vid_tensor, fps or 4, dataformats), global_step, walltime)

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
        from .arrays import pr_table

        table = pr_table(labels, predictions, int(num_thresholds), weights)
        self._keep(tag, table, global_step, walltime, curve="pr")

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
        from .arrays import curve_table

        counts = [true_positive_counts, false_positive_counts, true_negative_counts]
        table = curve_table([*counts, false_negative_counts, precision, recall])
        self._keep(tag, table, global_step, walltime, curve="pr")

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
        from .arrays import array_of, ply

        batches = [None if x is None else array_of(x) for x in (vertices, colors, faces)]
        step, facts = self._step(global_step), {"config": dict(config_dict)} if config_dict else {}
        for at, points in enumerate(batches[0] if batches[0] is not None else ()):
            more = [None if batch is None else batch[at] for batch in batches[1:]]
            name = f"{tag}/step-{step}-{at}.ply"
            self._file("meshes", name, ply(points, *more), step, walltime, **facts)

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
        """
        from .arrays import array_of, npy, picture

        vectors = array_of(mat)
        if metadata is not None and len(metadata) != len(vectors):
            raise ValueError(f"{len(vectors)} vectors have {len(metadata)} entries of metadata.")
        self._file("embeddings", f"{tag}/vectors.npy", npy(vectors), global_step, None)
        if metadata is not None:
            data = {"header": [*metadata_header] if metadata_header else None, "rows": [*metadata]}
            self._file("embeddings", f"{tag}/metadata.json", data, global_step, None)
        if label_img is not None:
            image = anew.Image(picture(label_img, "NCHW"), layout="HWC")
            self._keep(f"embeddings/{tag}/images", image, global_step, None)

    def add_tensor(
        self, tag: str, tensor: Any, global_step: Any = None, walltime: float | None = None
    ) -> None:
        """Keep an array as it is, in `tensors/<tag>/step-<step>.npy`."""
        from .arrays import npy

        step = self._step(global_step)
        self._file("tensors", f"{tag}/step-{step}.npy", npy(tensor), step, walltime)

    def add_graph(
        self,
        model: Any,
        input_to_model: Any = None,
        verbose: bool = False,
        use_strict_trace: bool = True,
    ) -> None:
        """Keep what a model consists of, as a text; it is not traced."""
        parameters = getattr(model, "parameters", None)
        facts = {}
        if callable(parameters):
            try:
                facts = {"parameters": sum(int(each.numel()) for each in parameters())}
            except Exception:  # noqa: BLE001  (a model of another library; the text is enough)
                facts = {}
        self._keep("graph", anew.Text(str(model)), None, None, **facts)

    def add_onnx_graph(self, prototxt: Any = None, *, onnx_model_file: Any = None) -> None:
        """Keep the file of a model in `graphs/`."""
        path = os.fspath(prototxt or onnx_model_file)
        self._file("graphs", os.path.basename(path), path, None, None)

    def add_openvino_graph(self, xmlname: Any) -> None:
        """Keep the file of a model in `graphs/`."""
        self.add_onnx_graph(xmlname)

    def add_custom_scalars(self, layout: Mapping[str, Any]) -> None:
        """Keep how charts are to be arranged."""
        self._running().capture("custom scalars", dict(layout))

    def add_custom_scalars_multilinechart(
        self, tags: Any, category: str = "default", title: str = "untitled"
    ) -> None:
        """Keep that these metrics belong in one chart."""
        self.add_custom_scalars({category: {title: ["Multiline", [*tags]]}})

    def add_custom_scalars_marginchart(
        self, tags: Any, category: str = "default", title: str = "untitled"
    ) -> None:
        """Keep that these metrics are a value, its lower and its upper bound."""
        self.add_custom_scalars({category: {title: ["Margin", [*tags]]}})


def _tag(tag: object) -> str:
    """A tag as the name of a metric: without spaces around it and what cannot be shown, and of a length to be kept."""
    text = "".join(c if c.isprintable() else "_" for c in str(tag).strip())
    if len(text) > _LONGEST_TAG:
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
        text = f"{text[: _LONGEST_TAG - 9]}-{digest}"
    return text or "untitled"
