"""Records as TensorBoard's summaries: what an event file holds.

The formats are those of TensorBoard's own protocol buffers (`event.proto`, `summary.proto`) and of its plugins for
text and hyperparameters, which ship with the package `tensorboard` and need no TensorFlow.
"""

from __future__ import annotations

import io
import itertools
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ....errors import MissingDependency
from ....record.events import LogLine, ValueLogged
from ....record.plain import from_plain
from ....record.status import Status
from ....values import Table, load
from ..names import CURVE, CURVE_COLUMNS

try:
    from tensorboard.compat.proto.event_pb2 import Event as EventProto
    from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.types_pb2 import DT_FLOAT, DT_STRING
    from tensorboard.plugins.hparams import plugin_data_pb2 as hparams
    from tensorboard.plugins.pr_curve import plugin_data_pb2 as pr_curves
    from tensorboard.summary.writer.record_writer import RecordWriter
except ImportError:
    raise MissingDependency(
        "Forwarding to tensorboard needs a package that is not installed: pip install tensorboard."
    ) from None

__all__ = [
    "NotShown",
    "encoded",
    "is_curve",
    "log_text",
    "markdown_table",
    "scalar",
    "session",
    "text",
    "value_of",
]

MAX_ROWS = 200
_SHOWN_PICTURES = ("PNG", "JPEG", "GIF", "BMP")  # by TensorBoard's page; others are converted
_COLOURS = {"1": 1, "L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


class NotShown(Exception):
    """TensorBoard cannot show a value; the text says why, as a sentence."""


def encoded(values: Iterable[Any], step: int, t: float) -> bytes:
    """Summaries of one step as a record of an event file; without any, the record that begins a file."""
    event = EventProto(wall_time=t, step=step)
    summary = list(values)
    if summary:
        event.summary.value.extend(summary)
    else:
        event.file_version = "brain.Event:2"
    buffer = io.BytesIO()
    RecordWriter(buffer).write(event.SerializeToString())
    return buffer.getvalue()


def scalar(tag: str, value: float) -> Any:
    """A point. Its value is a float32: the server of TensorBoard's page leaves out any other."""
    return Summary.Value(tag=tag, simple_value=value)


def text(tag: str, content: str) -> Any:
    """A text, read as Markdown."""
    tensor = TensorProto(dtype=DT_STRING, string_val=[content.encode("utf-8", "replace")])
    tensor.tensor_shape.SetInParent()
    return Summary.Value(tag=tag, metadata=_plugin("text", b""), tensor=tensor)


def log_text(line: LogLine) -> str:
    """A message as it stands in the text of a log."""
    fields = f" {json.dumps(line.fields, ensure_ascii=False)}" if line.fields else ""
    return _verbatim(f"{line.level}: {line.message}{fields}")


def session(
    params: Mapping[str, Any], name: str, started: float, ended: tuple[Status, float] | None
) -> list[Any]:
    """What TensorBoard's page of hyperparameters knows of a run: parameters, times, how it ended."""
    start = hparams.SessionStartInfo(group_name=name, start_time_secs=started)
    for key, value in params.items():
        field = start.hparams[key]
        value = from_plain(value)
        if isinstance(value, bool):
            field.bool_value = value
        elif isinstance(value, (int, float)) and _is_finite(value):
            field.number_value = value
        else:
            field.string_value = str(value)
    data = [("session_start_info", hparams.HParamsPluginData(session_start_info=start))]
    if ended is not None:
        status = {Status.COMPLETED: "STATUS_SUCCESS", Status.FAILED: "STATUS_FAILURE"}
        named = status.get(ended[0], "STATUS_UNKNOWN")
        end = hparams.SessionEndInfo(status=named, end_time_secs=ended[1])
        data.append(("session_end_info", hparams.HParamsPluginData(session_end_info=end)))
    nothing = TensorProto(dtype=DT_FLOAT)
    nothing.tensor_shape.dim.add(size=0)
    return [
        Summary.Value(
            tag=f"_hparams_/{tag}",
            metadata=_plugin("hparams", content.SerializeToString()),
            tensor=nothing,
        )
        for tag, content in data
    ]


def value_of(tag: str, record: ValueLogged, folder: str) -> list[Any]:
    """A value beyond numbers, and its caption if it has one.

    Raises:
        NotShown: TensorBoard has no place for it, or it cannot be read.
    """
    make = _KINDS.get(record.kind)
    if make is None:
        raise NotShown(f"TensorBoard cannot hold values of the kind {record.kind!r}.")
    path = None if record.path is None else os.path.join(folder, record.path)
    try:
        made = [make(tag, record, path)]
    except NotShown:
        raise
    except Exception as error:  # whatever a reader of some format raises on a file that is not one
        raise NotShown(
            f"A value of the kind {record.kind!r} cannot be read ({type(error).__name__}); the file or the record is "
            "damaged or gone."
        ) from error
    caption = record.metadata.get("caption")
    if isinstance(caption, str):
        made.append(text(f"{tag}/caption", caption))
    return made


def markdown_table(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """Rows as Markdown has them."""
    lines = [[_in_cell(c) for c in columns]]
    lines.append(["---"] * len(lines[0]))
    lines += [[_in_cell(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _picture(tag: str, record: ValueLogged, path: str | None) -> Any:
    import PIL.Image

    if path is None:
        raise NotShown("TensorBoard shows matplotlib figures; it cannot draw plotly figures.")
    with open(path, "rb") as file:
        content = file.read()
    with PIL.Image.open(io.BytesIO(content)) as picture:
        if picture.format not in _SHOWN_PICTURES:
            moving = getattr(picture, "n_frames", 1) > 1
            content = _as_gif(picture) if moving else _as_png(picture)
        width, height = picture.size
        colours = _COLOURS.get(picture.mode, 3)
    image = Summary.Image(
        width=width, height=height, colorspace=colours, encoded_image_string=content
    )
    return Summary.Value(tag=tag, image=image)


def _as_png(picture: Any) -> bytes:
    buffer = io.BytesIO()
    picture.convert("RGBA" if "A" in picture.getbands() else "RGB").save(buffer, "PNG")
    return buffer.getvalue()


def _as_gif(moving: Any) -> bytes:
    from PIL import ImageSequence

    frames, durations = [], []
    for frame in ImageSequence.Iterator(moving):
        frames.append(frame.convert("RGB"))
        durations.append(frame.info.get("duration") or 100)
    buffer = io.BytesIO()
    frames[0].save(
        buffer, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0
    )
    return buffer.getvalue()


def _figure(tag: str, record: ValueLogged, path: str | None) -> Any:
    plotly = path is None or path.endswith(".json")
    return _picture(tag, record, None if plotly else path)


def _video(tag: str, record: ValueLogged, path: str | None) -> Any:
    if record.metadata.get("format") not in ("gif", "webp", "png"):
        raise NotShown("TensorBoard shows animations as GIF; it cannot play MP4, WebM or AVI.")
    return _picture(tag, record, path)


def _audio(tag: str, record: ValueLogged, path: str | None) -> Any:
    import wave

    if record.metadata.get("format", "wav") != "wav" or path is None:
        raise NotShown("TensorBoard plays audio in WAV format only.")
    with wave.open(path, "rb") as sound:
        facts = {
            "sample_rate": sound.getframerate(),
            "num_channels": sound.getnchannels(),
            "length_frames": sound.getnframes(),
        }
    with open(path, "rb") as file:
        content = file.read()
    audio = Summary.Audio(content_type="audio/wav", encoded_audio_string=content, **facts)
    return Summary.Value(tag=tag, audio=audio)


def _text(tag: str, record: ValueLogged, path: str | None) -> Any:
    content = str(load("text", record.data, path))
    markdown = record.metadata.get("format") == "markdown"
    return text(tag, content if markdown else _verbatim(content))


def is_curve(record: ValueLogged) -> bool:
    """Whether a value is a curve of precision and recall, which TensorBoard has a page for."""
    columns = record.metadata.get("columns")
    return (
        record.kind == "table"
        and record.metadata.get("curve") == CURVE
        and (columns is None or tuple(columns) == CURVE_COLUMNS)
    )


def _curve(tag: str, table: Table) -> Any:
    rows = table.rows or [list(row.values()) for row in table.to_arrow().to_pylist()]
    columns = [[float(value) for value in column] for column in zip(*rows, strict=True)][1:]
    content = pr_curves.PrCurvePluginData(version=0, num_thresholds=len(rows))
    tensor = TensorProto(
        dtype=DT_FLOAT, float_val=[value for column in columns for value in column]
    )
    for size in (len(columns), len(rows)):
        tensor.tensor_shape.dim.add(size=size)
    metadata = _plugin("pr_curves", content.SerializeToString())
    return Summary.Value(tag=tag, metadata=metadata, tensor=tensor)


def _table(tag: str, record: ValueLogged, path: str | None) -> Any:
    table: Table = load("table", record.data, path)
    if is_curve(record) and tuple(table.columns) == CURVE_COLUMNS and len(table):
        return _curve(tag, table)
    count = len(table)
    if record.path is not None and path is not None and path.endswith(".parquet"):
        columns = table.to_arrow().slice(0, MAX_ROWS)
        cells = [column.to_pylist() for column in columns.columns]
        rows: Iterable[Iterable[Any]] = zip(*cells, strict=True)
    else:
        rows = table.rows[:MAX_ROWS]
    content = markdown_table(table.columns, rows)
    if count > MAX_ROWS:
        content += f"\n\nThese are the first {MAX_ROWS} of {count} rows; all are in the experiment's folder: {record.path}"
    return text(tag, content)


def _histogram(tag: str, record: ValueLogged, path: str | None) -> Any:
    found = load("histogram", record.data, path)
    counts = [float(count) for count in found.counts]
    edges = [float(edge) for edge in found.edges]
    filled = [i for i, count in enumerate(counts) if count] or [0]
    total = math.fsum(counts)
    middles = [(a + b) / 2 for a, b in itertools.pairwise(edges)]
    mean = record.metadata.get("mean")
    std = record.metadata.get("std")
    if isinstance(mean, (int, float)) and isinstance(std, (int, float)):
        sums = total * mean, total * (std * std + mean * mean)
    else:
        pairs = list(zip(counts, middles, strict=True))
        sums = math.fsum(c * m for c, m in pairs), math.fsum(c * m * m for c, m in pairs)
    return Summary.Value(
        tag=tag,
        histo=HistogramProto(
            min=edges[filled[0]],
            max=edges[filled[-1] + 1],
            num=total,
            sum=sums[0],
            sum_squares=sums[1],
            bucket_limit=edges[1:],
            bucket=counts,
        ),
    )


_KINDS: dict[str, Callable[[str, ValueLogged, str | None], Any]] = {
    "image": _picture,
    "video": _video,
    "audio": _audio,
    "text": _text,
    "table": _table,
    "histogram": _histogram,
    "figure": _figure,
}


def _plugin(name: str, content: bytes) -> Any:
    return SummaryMetadata(
        plugin_data=SummaryMetadata.PluginData(plugin_name=name, content=content)
    )


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond float64
        return False


def _verbatim(content: str) -> str:
    """A text that Markdown leaves alone."""
    return "\n".join(f"    {line}" for line in content.splitlines())


def _in_cell(cell: Any) -> str:
    shown = " ".join(str(cell).split())
    for mark in "\\|<*_`":
        shown = shown.replace(mark, f"\\{mark}")
    return shown
