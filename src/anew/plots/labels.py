"""Names for curves that tell them apart: the experiment's name, and what differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

__all__ = ["Labelled", "differing", "flat", "labels", "short_keys", "shown"]


class Labelled(Protocol):
    """What a label is made of."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def prefix(self) -> str: ...
    @property
    def params(self) -> Mapping[str, Any]: ...
    @property
    def config(self) -> Mapping[str, Any] | None: ...


def flat(params: Mapping[str, Any], start: str = "") -> dict[str, Any]:
    """A nested mapping as one of dotted keys."""
    out: dict[str, Any] = {}
    for key, value in params.items():
        if isinstance(value, Mapping) and value:
            out.update(flat(value, f"{start}{key}."))
        else:
            out[f"{start}{key}"] = value
    return out


def shown(value: Any) -> str:
    """A parameter's value for people: short, without noise digits."""
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, float):
        return f"{value:.4g}" if float(f"{value:.4g}") == value else f"{value:.6g}"
    return str(value)


_SAYS_NOTHING = frozenset({"name", "type", "value", "kind", "id", "class"})


def short_keys(keys: Sequence[str]) -> list[str]:
    """Dotted keys by their last part; by the last two where that alone says nothing or is not unique."""
    last = [key.rpartition(".")[2] for key in keys]
    return [
        ".".join(key.split(".")[-2:]).removeprefix("params.").removeprefix("config.")
        if part in _SAYS_NOTHING or last.count(part) > 1
        else part
        for key, part in zip(keys, last, strict=True)
    ]


def differing(params: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys whose values are not the same in all of the (flat) mappings, telling ones first.

    A key that is missing somewhere differs. Keys that split the mappings into more, but not into
    singletons when fewer parts do, come first; then their own order.
    """
    order: dict[str, set[str]] = {}
    for one in params:
        for key in one:
            order.setdefault(key, set())
    for key, values in order.items():
        values.update(repr(one.get(key, _ABSENT)) for one in params)
    return [key for key, values in order.items() if len(values) > 1]


_ABSENT = object()


def labels(experiments: Sequence[Labelled]) -> dict[str, str]:
    """A label per experiment id, no two the same.

    The name alone when it is enough; else the name and the parameters and configuration keys that differ among its
    namesakes, as few as tell them apart; else the name and the id.
    """
    names = Counter(one.name for one in experiments)
    out: dict[str, str] = {}
    for name, count in names.items():
        namesakes = [one for one in experiments if one.name == name]
        if count == 1:
            out[namesakes[0].id] = name
            continue
        params = [{**flat(one.config or {}), **flat(one.params)} for one in namesakes]
        chosen = _enough(params, differing(params))
        for one, values in zip(namesakes, params, strict=True):
            told = " ".join(
                f"{short}={shown(values[key])}"
                for key, short in zip(chosen, short_keys(chosen), strict=True)
                if key in values
            )
            out[one.id] = f"{name} {told}".strip()
    repeated = Counter(out.values())
    for one in experiments:
        if repeated[out[one.id]] > 1:
            out[one.id] = f"{out[one.id]} ({one.id[:6]})"
    return out


def _enough(params: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> list[str]:
    """The first keys, added one by one while they split further, until nobody is alike (at most 4)."""
    chosen: list[str] = []
    parts = 1
    for key in keys:
        tried = [*chosen, key]
        split = len({tuple(repr(one.get(k, _ABSENT)) for k in tried) for one in params})
        if split > parts:
            chosen, parts = tried, split
        if parts == len(params) or len(chosen) == 4:
            break
    return chosen
