"""Converting users' values to plain JSON, keeping the types that JSON has.

Non-finite floats become `{"$float": "NaN" | "Infinity" | "-Infinity"}` and come back as floats from
`from_plain`. Objects of known shape (dataclasses, pydantic and attrs models, namespaces, named tuples,
OmegaConf containers, arrays) become mappings and lists; anything else is kept as its text, never pickled.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, MutableSequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

__all__ = [
    "fields_of",
    "find",
    "flatten",
    "from_plain",
    "merge",
    "nest",
    "parse_json",
    "remove",
    "to_plain",
]

_SCALARS = (str, int, bool, type(None))
MAX_DEPTH = 50
# Where an object lies, as in `<function gelu at 0x7f0c1e>`: new in every run.
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")
_MAX_INT_BITS = 1023  # beyond, no reader could compare it as a float
_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_CIRCULAR = "<contains itself>"


def parse_json(text: str | bytes) -> Any:
    """What JSON out of a file holds.

    Raises:
        ValueError: It is no JSON, or nested deeper than Python can read.
    """
    try:
        return json.loads(text)
    except RecursionError as error:  # a RuntimeError, which nobody expects of a damaged file
        raise ValueError(f"nested too deeply: {error}") from None


def to_plain(value: Any) -> Any:
    """`value` as plain JSON: dicts with string keys, lists, strings, numbers, booleans, None.

    Never raises for a value it does not know, or one that contains itself: it keeps a text instead.
    """
    return _plain(value, ())


def _plain(value: Any, around: tuple[int, ...]) -> Any:
    kind = type(value)
    if kind in _SCALARS:
        if kind is str:
            return _clean(value)
        return value if kind is not int or value.bit_length() <= _MAX_INT_BITS else hex(value)
    if kind is float:
        return value if math.isfinite(value) else {"$float": _float_name(value)}
    if len(around) > MAX_DEPTH:
        return _text(value)[:1000]
    if id(value) in around:
        return _CIRCULAR
    inside = (*around, id(value))
    if isinstance(value, Mapping):
        return _named(value.items(), inside)
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return [_plain(v, inside) for v in value]
    if isinstance(value, (set, frozenset)):
        return [_plain(v, inside) for v in _in_order(value)]
    return _other(value, inside)


def _other(value: Any, inside: tuple[int, ...]) -> Any:
    from enum import Enum

    if isinstance(value, Enum):
        return _plain(value.value, inside)
    for base in (bool, int, str, float):  # subclasses, np.float64 and np.str_ among them
        if isinstance(value, base):
            return _plain(base(value), inside)
    dtype = getattr(value, "dtype", None)
    if dtype is not None and getattr(dtype, "kind", "") not in ("M", "m"):
        for way in ("tolist", "item"):  # arrays and scalars of NumPy, PyTorch and JAX
            method = getattr(value, way, None)
            try:
                if callable(method) and type(got := method()) is not type(value):
                    return _plain(got, inside)
            except Exception:  # noqa: BLE001  (a device that failed: the text says what it was)
                continue
    fields = fields_of(value)
    if fields is not None:
        return _named(fields.items(), inside)
    if isinstance(value, MutableSequence) and not isinstance(value, bytearray):
        return [_plain(v, inside) for v in value]
    if isinstance(value, type) or callable(value):
        module = getattr(value, "__module__", None)
        name = getattr(value, "__qualname__", None)
        return _clean(f"{module}.{name}") if module and name else _text(value)
    return _text(value)


def _named(items: Iterable[tuple[Any, Any]], inside: tuple[int, ...]) -> dict[str, Any]:
    """A mapping with text keys. Keys that have the same text, such as 1 and "1", stay apart by their type."""
    named: dict[str, Any] = {}
    for key, value in items:
        text = _key(key)
        if text in named:
            text = kind = f"{text} ({type(key).__name__})"
            count = 2
            while text in named:
                text, count = f"{kind} {count}", count + 1
        named[text] = _plain(value, inside)
    return named


def fields_of(value: Any) -> Mapping[str, Any] | None:
    """The fields, by name, of an object such as a dataclass; None for an object without fields.

    Knows dataclasses, pydantic models of both generations, attrs classes, named tuples,
    `argparse.Namespace`, `types.SimpleNamespace` and msgspec structs, without importing any.
    """
    kind = type(value)
    if isinstance(value, type):
        return None
    names = getattr(kind, "__dataclass_fields__", None)
    if names is None and hasattr(kind, "__attrs_attrs__"):
        names = [attribute.name for attribute in kind.__attrs_attrs__]
    if names is None and isinstance(value, tuple):
        names = getattr(kind, "_fields", None)
    if names is None and hasattr(kind, "__struct_fields__"):
        names = kind.__struct_fields__
    if names is not None:
        return {name: getattr(value, name, None) for name in names}
    if callable(getattr(kind, "model_dump", None)) and hasattr(kind, "model_fields"):
        dumped: Mapping[str, Any] = value.model_dump()
        return dumped
    if hasattr(kind, "__fields__") and callable(getattr(kind, "dict", None)):  # pydantic 1
        old: Mapping[str, Any] = value.dict()
        return old
    if any(c.__name__ in ("Namespace", "SimpleNamespace") for c in kind.__mro__):
        return dict(vars(value))
    return None


def _text(value: Any) -> str:
    """What an object says of itself; its class where that would be an address, new in every run."""
    kind: Any = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    try:
        if hasattr(value, "isoformat"):
            return str(value.isoformat())
        if kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__:
            return _clean(name)
        return _clean(_ADDRESS.sub("", str(value)))
    except Exception:  # noqa: BLE001  (a stranger's __str__)
        return _clean(name)


def _key(key: Any) -> str:
    if isinstance(key, str):
        return _clean(str(key) if type(key) is str else str.__str__(key))
    from enum import Enum

    return _key(key.value) if isinstance(key, Enum) else _text(key)


def _in_order(values: Any) -> Any:
    try:
        return sorted(values)
    except Exception:  # noqa: BLE001  (of several types, or of one without an order)
        return sorted(values, key=_text)


def _clean(text: str) -> str:
    """`text` as valid Unicode: lone surrogates (undecodable file names) are replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def _float_name(value: float) -> str:
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def _is_float(value: Any) -> bool:
    """Whether a mapping is the tagged form of a non-finite float."""
    if len(value) != 1:
        return False
    name = value.get("$float")
    return isinstance(name, str) and name in _FLOATS


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping) and not _is_float(value)


def from_plain(value: Any) -> Any:
    """The inverse of `to_plain` for non-finite floats; everything else is returned as it is."""
    if isinstance(value, dict):
        if _is_float(value):
            return _FLOATS[value["$float"]]
        return {k: from_plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [from_plain(v) for v in value]
    return value


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping with dotted keys as a nested one: `{"a.b": 1}` → `{"a": {"b": 1}}`.

    A key with an empty part ("a..b", ".", "") is one name. Where a name has a value of its own as well as names
    below it, as in `{"a": 1, "a.b": 2}`, both are kept, the lower ones under their dotted keys.

    Raises:
        InvalidValue: A dotted key is given twice, with different values.
    """
    nested: dict[str, Any] = {}
    seen: dict[str, Any] = {}
    for path, value in _leaves(flat):
        key = ".".join(path)
        if key in seen and not _equal(seen[key], value):
            from ..errors import InvalidValue

            raise InvalidValue(
                f"{key!r} is given twice, as {seen[key]!r} and as {value!r}. Give it once.", key=key
            )
        seen[key] = value
        _put(nested, path, value)
    return nested


def merge(into: dict[str, Any], new: Mapping[str, Any]) -> None:
    """Set the values of the nested mapping `new` in `into`, each at its dotted key; all others stay (see `nest`).

    What is taken over from `new` is copied, so that a later merge into `into` leaves `new` alone.
    """
    for path, value in _leaves(new):
        _put(into, path, value)


def remove(of: dict[str, Any], name: str) -> None:
    """Take the value of a dotted key away, and what is empty above it then; nothing if it is not there."""
    inside, rest = of, name
    path: list[tuple[dict[str, Any], str]] = []
    while rest not in inside:
        first = next(
            (key for key in inside if rest.startswith(key + ".") and isinstance(inside[key], dict)),
            None,
        )
        if first is None:
            return
        path.append((inside, first))
        inside, rest = inside[first], rest[len(first) + 1 :]
    del inside[rest]
    for above, key in reversed(path):
        if not above[key]:
            del above[key]


def _leaves(nested: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[Any, Any]]:
    """Each value that is not a group of others, with its path: dots in a key separate parts."""
    for key, value in nested.items():
        parts = key.split(".")
        path = (*above, *parts) if all(parts) else (*above, key)
        if _is_nested(value):
            if value:
                yield from _leaves(value, path)
                continue
            value = {}
        yield path, value


def _put(into: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Set one value. Below a name that has a value of its own, the rest of the path is one dotted key."""
    for at, part in enumerate(path[:-1]):
        whole = ".".join(path[at:])
        if whole in into:
            into[whole] = value
            return
        below = into.setdefault(part, {})
        if not _is_nested(below):
            into[whole] = value
            return
        into = below
    last = path[-1]
    there = into.get(last)
    if there and _is_nested(there):
        if value == {}:
            return  # an empty group in a group that has values
        del into[last]
        for key, inner in flatten(there).items():
            into.setdefault(f"{last}.{key}", inner)
    into[last] = value


def _equal(a: Any, b: Any) -> bool:
    return type(a) is type(b) and a == b


def find(nested: Any, key: str) -> Any:
    """The value at a dotted key, where parts of the path may hold dots themselves.

    Raises:
        KeyError: There is none.
    """
    if not _is_nested(nested):
        raise KeyError(key)
    if key in nested:
        return nested[key]
    head, dot, rest = key.partition(".")
    while dot:
        if head in nested:
            try:
                return find(nested[head], rest)
            except KeyError:
                pass
        more, dot, rest = rest.partition(".")
        head = f"{head}.{more}"
    raise KeyError(key)


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested mapping with dotted keys; empty mappings and lists stay as they are."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        name = f"{prefix}{key}"
        if value and _is_nested(value):
            flat.update(flatten(value, name + "."))
        else:
            flat[name] = value
    return flat
