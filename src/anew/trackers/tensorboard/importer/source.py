"""A folder of event files: each folder with some in it is a run."""

from __future__ import annotations

import io
import math
import os
import time
from collections.abc import Iterator
from functools import partial
from struct import unpack_from
from typing import Any

from ....errors import InvalidValue
from ....importing.folders import links_below
from ....importing.foreign import is_plain, walk
from ....importing.protobuf import fields
from ....importing.source import Finding, Message, Outcome, Points, Run, SourceFile, SourceValue
from ....importing.unplaced import delimited, kept_records
from ....record.plain import nest
from ....values import Audio, Histogram, Image, Text
from ....values.histogram import MAX_BINS
from .forwarded import ABOUT, LOGS, OWN, About, about_of, is_forwarded, message_of, text_of
from .records import Damaged, records
from .summaries import Event, Summary, event_of, histogram_of, summary_of, tensor_of

__all__ = ["EventFiles", "has_event_files"]

_MARK = ".tfevents."
_ROWS = 4_000
_ALIVE_SECONDS = 600.0
_LOOKED_AT = 20_000


def has_event_files(path: str) -> bool:
    """Whether it is an event file, or a folder with one somewhere below."""
    if os.path.isfile(path):
        return _MARK in os.path.basename(path)
    for count, (_, _, names) in enumerate(walk(path)):
        if any(_MARK in name for name in names):
            return True
        if count > _LOOKED_AT:
            break
    return False


class _Look:
    """What the files of a run say of the run."""

    def __init__(self) -> None:
        self.first: float | None = None
        self.last = 0.0
        self.params: dict[str, Any] = {}
        self.end: tuple[int, float] | None = None
        self.about: About | None = None


class EventFiles:
    """The event files below a folder.

    Raises:
        InvalidValue: There are none.
    """

    kind = "tensorboard"

    def __init__(self, path: str) -> None:
        if not has_event_files(path):
            raise InvalidValue(f"There are no event files in {path}.", key="source")
        self.where = os.path.abspath(path)
        self._findings: list[Finding] = []
        self._files: dict[str, list[str]] = {}
        self._ours: set[str] = set()
        self._sound: dict[str, int] = {}  # how far files are that are damaged

    def runs(self) -> Iterator[Run]:
        """See `Source.runs`: a folder comes before those in it."""
        known: dict[str, str] = {}
        base = self.where if os.path.isdir(self.where) else os.path.dirname(self.where)
        self._findings += links_below(self.where, lambda name: _MARK in name)
        for folder, folders, names in walk(base):
            folders.sort()
            if not os.path.isdir(self.where):
                names, folders[:] = [os.path.basename(self.where)], []
            paths = [os.path.join(folder, name) for name in sorted(names) if _MARK in name]
            paths = [path for path in paths if is_plain(path)]
            if not paths:
                continue
            run = self._run(base, folder, paths, known)
            if run is not None:
                known[folder] = run.key
                yield run

    def _run(self, base: str, folder: str, paths: list[str], known: dict[str, str]) -> Run | None:
        looks = [self._look(path) for path in paths]
        first = next((look.first for look in looks if look.first is not None), None)
        if first is None:
            return None
        place = os.path.relpath(folder, base).split(os.sep)
        name = os.path.basename(folder) if place == ["."] else place.pop()
        # Paths change when a folder is moved; the name of its first file has time, host and process in it.
        key = f"{os.path.basename(paths[0])} {first!r} {name}"
        parent = next((known[above] for above in _above(folder, base) if above in known), None)
        changed = max(map(os.path.getmtime, paths))
        self._files[key] = paths
        params = {name: value for look in looks for name, value in look.params.items()}
        ends = [look.end for look in looks if look.end is not None]
        status, ended = ends[-1] if ends else (None, max(look.last for look in looks))
        running = status is None and time.time() - changed < _ALIVE_SECONDS
        parts = os.path.basename(paths[0]).partition(_MARK)[2].split(".")
        about = next((look.about for look in looks if look.about is not None), None)
        if about is not None:
            return self._forwarded(key, about, first, None if running else ended, params)
        return Run(
            key=key, place=tuple(part for part in place if part != "."), name=name, started=first,
            ended=None if running else ended, alive=changed, parent=parent, params=params, host=parts[1] if len(parts) > 1 else "",
            status="running" if running else "failed" if status == 2 else "completed",
        )  # fmt: skip

    def _forwarded(
        self, key: str, about: About, first: float, ended: float | None, params: dict[str, Any]
    ) -> Run:  # fmt: skip
        """The run of an experiment that Anew forwarded: what it was there."""
        self._ours.add(key)
        nested = nest(params)
        config = nested.pop("config", None)
        said = about.kept.get("status", "").partition(": ")
        ends: dict[str, Outcome] = {"failed": "failed", "cancelled": "cancelled"}
        status: Outcome = ends.get(said[0], "running" if ended is None else "completed")
        *place, name = about.prefix.split("/")
        return Run(
            key=key, place=tuple(place), name=about.name or name, started=first, ended=ended, alive=ended, params=nested,
            config=config if isinstance(config, dict) else None, user=about.kept.get("user", ""), status=status, reason=said[2] or None,
            tags=about.tags, description=about.description, notes=about.notes, kept={"anew": about.kept},
        )  # fmt: skip

    def _look(self, path: str) -> _Look:
        """Read a file once: whether it is sound, and what it says of the run itself."""
        look = _Look()
        try:
            for record in records(path):
                if record[:1] != b"\x09" or len(record) < 9:
                    continue
                (at,) = unpack_from("<d", record, 1)
                look.first = at if look.first is None else look.first
                look.last = max(look.last, at)
                if b"_hparams_/" in record:
                    self._take_session(look, record)
                if ABOUT.encode() in record and is_forwarded(os.path.basename(path)):
                    look.about = _about(record) or look.about
        except Damaged as error:
            self._sound[path] = error.offset
            self._findings.append(Finding(path, f"{error}; what follows in it is not read.", True))
        except (OSError, ValueError) as error:
            self._findings.append(Finding(path, f"It cannot be read: {error}.", True))
        return look

    def _take_session(self, look: _Look, record: bytes) -> None:
        for data in event_of(record).summaries:
            one = summary_of(data)
            if one.plugin == "hparams":
                params, end = _hparams(one.content)
                look.params.update(params)
                look.end = end or look.end

    def _events(self, path: str, run: str) -> Iterator[Event]:
        """The events of a file, up to where it is damaged."""
        for record in records(path, check=False, until=self._sound.get(path)):
            try:
                yield event_of(record)
            except ValueError as error:
                self._findings.append(Finding(path, f"A record is no event: {error}.", True, run))

    # -- what it logged ----------------------------------------------------------------------------

    def rows(self, run: Run) -> Iterator[Points]:
        """See `Source.rows`: file after file, in the order in which they were begun."""
        names: list[str] = []
        steps: list[int | None] = []
        times: list[float] = []
        values: list[float] = []
        for path in self._files[run.key]:
            for event in self._events(path, run.key):
                for data in event.summaries:
                    found = _number(data)
                    if found is None:
                        continue
                    names.append(found[0])
                    steps.append(event.step)
                    times.append(event.time)
                    values.append(found[1])
                if len(names) >= _ROWS:
                    yield Points(names, steps, times, values)
                    names, steps, times, values = [], [], [], []
        if names:
            yield Points(names, steps, times, values)

    def values(self, run: Run) -> Iterator[SourceValue]:
        """See `Source.values`: images, sounds, histograms and texts."""
        ours = run.key in self._ours
        for event, one in self._others(run):
            if ours and one.tag in OWN:
                continue
            for kind, make in _made(one, ours):
                yield SourceValue(one.tag, kind, event.step, event.time, make)

    def files(self, run: Run) -> Iterator[SourceFile]:
        """See `Source.files`: what belongs to plugins that Anew has nothing for, as it is, and graphs of models."""
        has_others = False
        for path in self._files[run.key]:
            for event in self._events(path, run.key):
                if event.graph is not None:
                    yield _file("graph.pb", event.graph, event)
                has_others = has_others or bool(event.others)
        if has_others:
            others = partial(self._unknown, run.key)
            yield from kept_records("tensorboard", self.where, run.key, self._findings, others)
        for event, one in self._others(run):
            if not _made(one) and one.plugin != "hparams":
                yield _file(f"{one.tag}.pb", one.whole, event)
                what = f"What the plugin {one.plugin!r} shows is kept as a file, as it is."
                self._findings.append(Finding(f"tag {one.tag}", what, False, run.key))

    def _unknown(self, run: str) -> Iterator[tuple[str, bytes]]:
        for path in self._files[run]:
            for event in self._events(path, run):
                for number, data in event.others:
                    yield f"field {number} of events.pb", delimited(data)

    def _others(self, run: Run) -> Iterator[tuple[Event, Summary]]:
        """What is no number. A plugin is named with the first value of a tag alone."""
        plugins: dict[str, str] = {}
        for path in self._files[run.key]:
            for event in self._events(path, run.key):
                for data in event.summaries:
                    if _number(data) is None:
                        one = summary_of(data)
                        if one.plugin:
                            plugins.setdefault(one.tag, one.plugin)
                        yield event, one._replace(plugin=plugins.get(one.tag, ""))

    def messages(self, run: Run) -> Iterator[Message]:
        """TensorBoard has none: its texts are values. Those that Anew forwarded are texts at a tag of their own."""
        if run.key not in self._ours:
            return
        for event, one in self._others(run):
            if one.tag == LOGS and one.tensor is not None:
                for text in _texts(one.tensor):
                    level, message, fields_ = message_of(text)
                    yield Message(event.time, level, message, fields_)

    def printed(self, run: Run) -> Iterator[str]:
        """TensorBoard has nothing printed."""
        return iter(())

    def findings(self) -> tuple[Finding, ...]:
        """See `Source.findings`."""
        return tuple(dict.fromkeys(self._findings))

    def close(self) -> None:
        """Nothing is held."""


def _number(data: bytes) -> tuple[str, float] | None:
    """The tag and number of a value that is one: as most are written, or as an array of one number."""
    # By far the most are a tag and a float: 0a LENGTH TAG 15 FLOAT.
    length = data[1] if len(data) > 1 else 0
    if (
        data[:1] == b"\x0a"
        and length < 0x80
        and len(data) == length + 7
        and data[length + 2] == 0x15
    ):
        return data[2 : length + 2].decode("utf-8", "replace"), unpack_from("<f", data, length + 3)[
            0
        ]
    one = summary_of(data)
    if one.number is not None:
        return one.tag, one.number
    if one.tensor is None or one.plugin not in ("scalars", "") or one.tag.startswith("_hparams_/"):
        return None
    try:
        tensor = tensor_of(one.tensor)
    except ValueError:
        return None
    if len(tensor.values) == 1 and not tensor.shape:
        return one.tag, float(tensor.values[0])
    return None


def _about(record: bytes) -> About | None:
    """What an event of the forwarder's says of its experiment."""
    try:
        for data in event_of(record).summaries:
            one = summary_of(data)
            if one.tag == ABOUT and one.tensor is not None:
                return next(map(about_of, _texts(one.tensor)), None)
    except ValueError:
        pass
    return None


def _texts(tensor: bytes) -> list[str]:
    try:
        return [text.decode("utf-8", "replace") for text in tensor_of(tensor).texts]
    except ValueError:
        return []


def _made(one: Summary, ours: bool = False) -> list[tuple[str, Any]]:
    """The values that one is here, each with its kind; none for what Anew has no kind for.

    Args:
        ours: Whether Anew's forwarder wrote it, which marks texts that are no Markdown.
    """
    if one.image is not None:
        pictures = [
            value for at, value in fields(one.image) if at == 4 and isinstance(value, bytes)
        ]
        return [("image", partial(Image, picture)) for picture in pictures]
    if one.audio is not None:
        sounds = [value for at, value in fields(one.audio) if at == 4 and isinstance(value, bytes)]
        return [("audio", partial(Audio, sound)) for sound in sounds]
    if one.histogram is not None:
        return [("histogram", partial(_histogram, *histogram_of(one.histogram)))]
    if one.tensor is None:
        return []
    try:
        tensor = tensor_of(one.tensor)
    except ValueError:
        return []
    if one.plugin == "text":
        texts = [text.decode("utf-8", "replace") for text in tensor.texts]
        pairs = [text_of(text) if ours else (text, "markdown") for text in texts]
        return [("text", partial(Text, text, form)) for text, form in pairs]
    if one.plugin == "images":  # width and height come first
        return [("image", partial(Image, picture)) for picture in tensor.texts[2:]]
    if one.plugin == "audio":
        return [("audio", partial(Audio, sound)) for sound in tensor.texts[::2] if sound]
    if one.plugin == "histograms" and tensor.values and len(tensor.values) % 3 == 0:
        rows = [tensor.values[at : at + 3] for at in range(0, len(tensor.values), 3)]
        return [
            (
                "histogram",
                partial(
                    _histogram, [row[2] for row in rows], [rows[0][0], *(row[1] for row in rows)]
                ),
            )
        ]
    return []


def _histogram(counts: list[float], edges: list[float]) -> Histogram:
    """A histogram. Neighbouring bins that are all empty become one, which changes nothing; those without a bound go.

    Its bins are narrow near zero, so there are hundreds, and those between a few values are empty.
    """
    bins = [[count, low, high] for count, low, high in zip(counts, edges, edges[1:], strict=False)]
    while len(bins) > 1 and bins[-1][0] == 0:
        bins.pop()
    while len(bins) > 1 and bins[0][0] == 0:
        bins.pop(0)
    joined: list[list[float]] = []
    for one in bins:
        if joined and joined[-1][0] == 0 == one[0]:
            joined[-1][2] = one[2]
        else:
            joined.append(one)
    while len(joined) > MAX_BINS:  # two by two, as no more can be kept
        joined = [
            [sum(one[0] for one in pair), pair[0][1], pair[-1][2]]
            for pair in (joined[at : at + 2] for at in range(0, len(joined), 2))
        ]
    steps = [joined[0][1]]
    for one in joined:
        steps.append(one[2] if one[2] > steps[-1] else math.nextafter(steps[-1], math.inf))
    return Histogram(([one[0] for one in joined], steps))


def _file(name: str, data: bytes, event: Event) -> SourceFile:
    return SourceFile("tensorboard", name, lambda: io.BytesIO(data), event.step, event.time)


def _hparams(content: bytes) -> tuple[dict[str, Any], tuple[int, float] | None]:
    """Parameters, and status and time of the end, out of what `add_hparams` writes (`plugin_data.proto` of the plugin)."""
    params: dict[str, Any] = {}
    end = None
    for at, value in fields(content):
        if at == 3 and isinstance(value, bytes):  # session_start_info
            for number, entry in fields(value):
                if number == 1 and isinstance(entry, bytes):
                    pair = dict(fields(entry))
                    key, given = pair.get(1, b""), pair.get(2, b"")
                    if isinstance(key, bytes) and isinstance(given, bytes):
                        params[key.decode("utf-8", "replace")] = _value(given)
        elif at == 4 and isinstance(value, bytes):  # session_end_info
            found = dict(fields(value))
            status, stamp = found.get(1, 0), found.get(2, b"")
            when = unpack_from("<d", stamp)[0] if isinstance(stamp, bytes) and stamp else 0.0
            end = (status if isinstance(status, int) else 0, when)
    return params, end


def _value(data: bytes) -> Any:
    """A value of `google.protobuf.Value`."""
    for at, value in fields(data):
        if at == 2 and isinstance(value, bytes):
            number = unpack_from("<d", value)[0]
            return int(number) if number.is_integer() and abs(number) < 1 << 53 else number
        if at == 3 and isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        if at == 4:
            return bool(value)
    return None


def _above(folder: str, base: str) -> Iterator[str]:
    while folder != base and len(folder) > len(base):
        folder = os.path.dirname(folder)
        yield folder
