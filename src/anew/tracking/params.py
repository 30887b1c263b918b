"""The parameters of an experiment: nested, typed, set at any time, never forgotten."""

from __future__ import annotations

from ..errors import InvalidValue
from ..record.plain import find, flatten, from_plain, merge, nest, to_plain
from ..record.secrets import mask_secrets
from .by_value import by_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

__all__ = ["Params", "prepared"]


def prepared(
    params: Mapping[str, Any] | None, more: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Parameters as they are recorded: plain, nested, without secrets.

    Raises:
        InvalidValue: `params` is not a mapping.
    """
    if params is None:
        params = {}
    elif not hasattr(type(params), "keys"):
        # A configuration object is as good as a mapping.
        from .config import freeze

        params = freeze(params)
    plain = to_plain(by_value({**params, **(more or {})}))
    if not isinstance(plain, dict):
        raise InvalidValue(
            f"params.set takes a mapping or keyword arguments, not {params!r}.", key="params"
        )
    new: dict[str, Any] = mask_secrets(nest(plain))
    return new


class Params:
    """`exp.params`: a nested mapping with dotted and attribute access.

    `set` merges; every change is an event in the journal. Values keep their types (numbers, booleans, texts,
    None, lists, mappings); classes and objects of the program's own are kept as the values of their attributes, anything
    else as text. Secrets are masked.
    """

    def __init__(
        self, on_set: Callable[[dict[str, Any]], None], values: dict[str, Any] | None = None
    ) -> None:
        object.__setattr__(self, "_values", {} if values is None else values)
        object.__setattr__(self, "_on_set", on_set)

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (getattr(self._on_set, "__self__", None), "params")

    def set(self, params: Mapping[str, Any] | None = None, /, **more: Any) -> Params:
        """Set parameters from a mapping (dotted keys nest) and keywords.

        A value replaces the earlier value of its dotted key and no other: "optimizer" and "optimizer.lr" can both be set.

        Raises:
            InvalidValue: `params` is not a mapping, or has a dotted key twice with different values.
        """
        new = prepared(params, more)
        if new:
            self.record(new)
        return self

    def record(self, new: dict[str, Any]) -> None:
        """Set parameters that are plain and nested already, as `prepared` makes them."""
        self._on_set(new)
        merge(self._values, new)

    def get(self, key: str | None = None, default: Any = None, *, flatten: bool = False) -> Any:
        """One parameter by its dotted key, or (without a key) all of them, nested or flat."""
        if key is None:
            values = _flatten(self._values) if flatten else self._values
            return from_plain(values)
        try:
            return self[key]
        except KeyError:
            return default

    def __getitem__(self, key: str) -> Any:
        return from_plain(find(self._values, key))

    def __setitem__(self, key: str, value: Any) -> None:
        self.set({key: value})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            found = self[name]
        except KeyError:
            raise AttributeError(f"There is no parameter {name!r}.") from None
        return _Group(found) if isinstance(found, dict) else found

    def __setattr__(self, name: str, value: Any) -> None:
        self.set({name: value})

    def __contains__(self, key: object) -> bool:
        try:
            self[str(key)]
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def keys(self) -> list[str]:
        """The names at the top level."""
        return list(self._values)

    def __repr__(self) -> str:
        return f"Params({self.get()!r})"


_flatten = flatten


class _Group(dict):  # type: ignore[type-arg]
    """A nested group of parameters, read by attribute too."""

    def __getattr__(self, name: str) -> Any:
        try:
            found = self[name]
        except KeyError:
            raise AttributeError(f"There is no parameter {name!r} in this group.") from None
        return _Group(found) if isinstance(found, dict) else found
