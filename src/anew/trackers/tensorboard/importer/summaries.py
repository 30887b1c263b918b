"""What an event says: its fields as TensorBoard's `event.proto`, `summary.proto` and `tensor.proto` number them."""

from __future__ import annotations

from struct import iter_unpack, unpack_from
from typing import Any, NamedTuple

from ....importing.protobuf import fields, signed

__all__ = [
    "Event",
    "Summary",
    "Tensor",
    "event_of",
    "histogram_of",
    "plugin_of",
    "summary_of",
    "tensor_of",
]

_FLOAT, _DOUBLE, _INT32, _STRING, _INT64, _BOOL, _HALF = 1, 2, 3, 7, 9, 10, 19
_SAYS_NOTHING = frozenset({1, 2, 3, 4, 5, 10})  # 3 and 10 say which program wrote the file
_PACKED = {_FLOAT: "<f", _DOUBLE: "<d", _INT32: "<i", _INT64: "<q", _BOOL: "<?", _HALF: "<e"}


class Event(NamedTuple):
    """An event: when, at which step, and its summaries as bytes; `graph` is a graph of the model, `others` what has no place here, by field."""

    time: float
    step: int
    summaries: list[bytes]
    graph: bytes | None = None
    others: tuple[tuple[int, bytes], ...] = ()


class Summary(NamedTuple):
    """One value of an event, by its tag; what of it is there. `whole` is all of it."""

    tag: str
    number: float | None
    image: bytes | None
    audio: bytes | None
    histogram: bytes | None
    tensor: bytes | None
    plugin: str
    content: bytes
    whole: bytes


class Tensor(NamedTuple):
    """An array: its shape, and its values or texts, flat."""

    shape: tuple[int, ...]
    values: list[Any]
    texts: list[bytes]


def event_of(data: bytes) -> Event:
    """What a record holds.

    Raises:
        ValueError: It is no event.
    """
    time, step, summaries, graph = 0.0, 0, [], None
    others: tuple[tuple[int, bytes], ...] = ()
    for number, value in fields(data):
        if number == 1 and isinstance(value, bytes):
            (time,) = unpack_from("<d", value)
        elif number == 2:
            step = signed(value)
        elif number == 5 and isinstance(value, bytes):
            summaries += [one for at, one in fields(value) if at == 1 and isinstance(one, bytes)]
        elif number == 4 and isinstance(value, bytes):
            graph = value
        elif number not in _SAYS_NOTHING and isinstance(value, bytes):
            others += ((number, value),)
    return Event(time, step, summaries, graph, others)


def summary_of(data: bytes) -> Summary:
    """One value of an event."""
    tag, number, plugin, content = "", None, "", b""
    found: dict[int, bytes] = {}
    for at, value in fields(data):
        if not isinstance(value, bytes):
            continue
        if at == 1:
            tag = value.decode("utf-8", "replace")
        elif at == 2:
            (number,) = unpack_from("<f", value)
        elif at == 9:
            plugin, content = plugin_of(value)
        else:
            found[at] = value
    return Summary(
        tag, number, found.get(4), found.get(6), found.get(5), found.get(8), plugin, content, data
    )


def plugin_of(metadata: bytes) -> tuple[str, bytes]:
    """The name of the plugin that a value is for, and what it says to it."""
    for at, value in fields(metadata):
        if at == 1 and isinstance(value, bytes):
            inside = {number: one for number, one in fields(value) if isinstance(one, bytes)}
            return inside.get(1, b"").decode("utf-8", "replace"), inside.get(2, b"")
    return "", b""


def tensor_of(data: bytes) -> Tensor:
    """An array.

    Raises:
        ValueError: It is none of numbers or texts.
    """
    kind, shape, content, texts = 0, [], b"", []
    values: list[Any] = []
    for at, value in fields(data):
        if at == 1 and isinstance(value, int):
            kind = value
        elif at == 2 and isinstance(value, bytes):
            for number, one in fields(value):
                if number == 2 and isinstance(one, bytes):
                    sizes = [signed(size) for key, size in fields(one) if key == 1]
                    shape.append(sizes[0] if sizes else 0)
        elif at == 4 and isinstance(value, bytes):
            content = value
        elif at == 8 and isinstance(value, bytes):
            texts.append(value)
        elif at in (5, 6, 7, 10):
            values += _numbers(at, value)
    if content and kind in _PACKED:
        values = [one for (one,) in iter_unpack(_PACKED[kind], content)]
    elif content:
        raise ValueError(f"an array of type {kind}")
    return Tensor(tuple(shape), values, texts)


def _numbers(at: int, value: int | bytes) -> list[Any]:
    """Numbers of a field that may be packed."""
    if isinstance(value, int):
        return [signed(value)]
    if at in (5, 6):
        return [one for (one,) in iter_unpack("<f" if at == 5 else "<d", value)]
    found, number, shift = [], 0, 0
    for byte in value:  # numbers of any length, one behind the other
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            found.append(signed(number))
            number = shift = 0
    return found


def histogram_of(data: bytes) -> tuple[list[float], list[float]]:
    """Counts, and the edges around them, one more than counts."""
    low = 0.0
    limits: list[float] = []
    counts: list[float] = []
    for at, value in fields(data):
        if not isinstance(value, bytes):
            continue
        if at == 1:
            (low,) = unpack_from("<d", value)
        elif at in (6, 7):
            numbers = [one for (one,) in iter_unpack("<d", value)]
            (limits if at == 6 else counts).extend(numbers)
    first = min(low, limits[0]) if limits else low
    return counts, [first, *limits]
