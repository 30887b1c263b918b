"""`run.config`: what the run was configured with, which changes only when it is said to."""

from __future__ import annotations

import copy
import os

from .errors import ConfigError, UsageError
from .plain import plain
from .terminal import termwarn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

__all__ = ["Config", "chosen", "default_config", "items_of", "load_config"]

_DEFAULTS = "config-defaults.yaml"


class Config:
    """The config of a run, read and set by attribute and by key.

    Args:
        on_change: Called with the keys and values that changed.
        allow_val_change: Let values change as if every call said so.
        items: The values of the run that is resumed. A config that is of no run and has none begins with those of `config-defaults.yaml`.
    """

    def __init__(
        self,
        on_change: Callable[[dict[str, Any]], None] | None = None,
        allow_val_change: bool = False,
        items: Mapping[str, Any] | None = None,
    ) -> None:
        if on_change is None and items is None:
            items = default_config()
        object.__setattr__(self, "_items", dict(items or {}))
        object.__setattr__(self, "_on_change", on_change)
        object.__setattr__(self, "_allowed", allow_val_change)
        object.__setattr__(self, "_locked", set())

    def update(self, d: Any, allow_val_change: bool | None = None) -> None:
        """Set several values, from a mapping, an argparse namespace, or another object with attributes.

        Raises:
            ConfigError: One has another value already and `allow_val_change` is not set; then none is set.
            TypeError: It is neither.
        """
        self._set(items_of(d), self._allowed if allow_val_change is None else allow_val_change)

    def setdefaults(self, d: Any) -> None:
        """Set those values that are not set."""
        new = {k: v for k, v in items_of(d).items() if k not in self._items}
        self._set(new, True)

    def update_locked(self, d: Any, user: str | None = None, _allow_val_change: Any = None) -> None:
        """Set values that nothing changes afterwards, as a sweep does."""
        values = items_of(d)
        self._locked.difference_update(values)
        self._set(values, True)
        self._locked.update(values)

    def _set(self, values: dict[str, Any], allowed: bool) -> None:
        changed = {}
        for key, value in values.items():
            if key in self._locked or (key in self._items and _same(self._items[key], value)):
                continue
            if key in self._items and not allowed:
                raise ConfigError(
                    f'Attempted to change value of key "{key}" from {self._items[key]!r} to {value!r}\n'
                    "If you really want to do this, pass allow_val_change=True to config.update()"
                )
            changed[key] = value
        self._items.update(changed)
        if changed and self._on_change is not None:
            self._on_change(changed)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__") and name in self._items:
            return self._items[name]
        raise AttributeError(
            f"The config has no {name!r}; it has {', '.join(self._items) or 'nothing'}."
        )

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._set(items_of({key: value}), self._allowed)

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __bool__(self) -> bool:
        return True

    def get(self, key: str, default: Any = None) -> Any:
        """One value, or the default."""
        return self._items.get(key, default)

    def keys(self) -> list[str]:
        """The names at the top level."""
        return list(self._items)

    def values(self) -> list[Any]:
        """The values, in the order of `keys`."""
        return list(self._items.values())

    def items(self) -> list[tuple[str, Any]]:
        """Names and values."""
        return list(self._items.items())

    def as_dict(self) -> dict[str, Any]:
        """All of it, as a dict of its own."""
        found: dict[str, Any] = copy.deepcopy(self._items)
        return found

    def persist(self) -> None:
        """Nothing to do: what is set is recorded at once."""

    def __reduce__(self) -> Any:
        """A copy, or what is pickled, has the same values and belongs to no run: changing it changes nothing else."""
        return _config_of, (copy.deepcopy(self._items),)

    def __copy__(self) -> Config:
        return _config_of(dict(self._items))

    def __repr__(self) -> str:
        return repr(self._items)


def _config_of(items: dict[str, Any]) -> Config:
    return Config(items=items)


def items_of(given: Any) -> dict[str, Any]:
    """Names and plain values of a mapping, a namespace, another object with attributes, or a YAML file.

    Raises:
        TypeError: It is none of these.
    """
    if hasattr(given, "keys"):
        items = {key: given[key] for key in given.keys()}  # noqa: SIM118  (a Config's __iter__ may differ)
    elif isinstance(given, (str, os.PathLike)):
        items = load_config(given)
    elif hasattr(given, "__dict__") and not isinstance(given, type) and not callable(given):
        items = vars(given)
    else:
        raise TypeError("config must be a dict or have a __dict__ attribute.")
    return {str(key): plain(value) for key, value in items.items()}


def _same(a: Any, b: Any) -> bool:
    return bool(a == b or (a != a and b != b))


def load_config(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The values of a YAML file: `key: value`, or wandb's `key: {value: …, desc: …}`.

    Raises:
        UsageError: There is no such file, or it holds no mapping.
    """
    import yaml

    try:
        with open(path, encoding="utf-8") as file:
            found = yaml.safe_load(file)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageError(f"The config file {os.fspath(path)!r} cannot be read: {error}") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise UsageError(
            f"The config file {os.fspath(path)!r} does not contain a mapping of names to values."
        )
    found.pop("wandb_version", None)
    found.pop("_wandb", None)
    return {str(key): _value_of(entry) for key, entry in found.items()}


def default_config() -> dict[str, Any]:
    """The values of `config-defaults.yaml` in the folder where the program runs; it may be away."""
    if not os.path.isfile(_DEFAULTS):
        return {}
    found = load_config(_DEFAULTS)
    if not found:
        termwarn(f"The file {_DEFAULTS} is empty: there are no defaults.")
    return found


def _value_of(entry: Any) -> Any:
    if isinstance(entry, dict) and "value" in entry and set(entry) <= {"value", "desc"}:
        return entry["value"]
    return entry


def chosen(
    config: dict[str, Any], exclude: Iterable[str], include: Iterable[str]
) -> dict[str, Any]:
    """The part of a config that is asked for.

    Raises:
        UsageError: Both ways of choosing are given.
    """
    exclude, include = list(exclude), list(include)
    if exclude and include:
        raise UsageError("Expected at most only one of config_exclude_keys or config_include_keys")
    if include:
        return {k: v for k, v in config.items() if k in include}
    return {k: v for k, v in config.items() if k not in exclude}
