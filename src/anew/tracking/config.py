"""The configuration of an experiment: copied completely, once, and frozen.

`freeze` turns whatever holds a configuration into plain nested data; `FrozenConfig` shows that data
and refuses to change.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from ..errors import ConfigFrozen, InvalidValue
from ..record.plain import fields_of, flatten, from_plain, nest, to_plain
from .by_value import attributes_of, by_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

__all__ = ["FrozenConfig", "config_yaml", "differences", "freeze"]

_KINDS = (
    "a mapping, dataclass, pydantic or attrs model, OmegaConf, argparse namespace, an object with "
    "to_dict(), a class or object of your own with attributes, or the path of a YAML, JSON or TOML file"
)
_BASE = "_base_"
_SUFFIXES = (".yaml", ".yml", ".json", ".toml")


def freeze(config: Any) -> dict[str, Any]:
    """A configuration as plain nested data (see `record.plain`), resolved and independent of its source.

    Args:
        config: A mapping, dataclass, pydantic or attrs model, OmegaConf container (interpolations are
            resolved), `argparse.Namespace`, `SimpleNamespace`, named tuple, an object with `to_dict()`, a class of the
            program's own with attributes, or an object of one, or the path of a YAML, JSON or TOML file. A file may inherit from others: `_base_` in it names
            them, relative to it; what is frozen has everything in it and no inheritance left.

    Raises:
        InvalidValue: It is none of these, the file cannot be read, a dotted key has two values, or a value of an
            OmegaConf is missing.
    """
    if isinstance(config, FrozenConfig):
        return config.plain()
    # Of the class: an attribute dictionary says yes to every name, or raises for it.
    if isinstance(config, str) or hasattr(type(config), "__fspath__"):
        return freeze(_read(os.fspath(config)))
    omegaconf = sys.modules.get("omegaconf")
    if omegaconf is not None and omegaconf.OmegaConf.is_config(config):
        config = _resolve(omegaconf, config)
    if not isinstance(config, Mapping):
        config = _fields(config)
    plain: dict[str, Any] = to_plain(by_value(_resolved_inside(omegaconf, config)))
    nest(plain)  # refuses a dotted key that has two values
    return plain


def _fields(config: Any) -> Mapping[str, Any]:
    fields = fields_of(config)
    if fields is not None:
        return fields
    if callable(getattr(type(config), "to_dict", None)):
        fields = config.to_dict()
        if isinstance(fields, Mapping):
            return fields
    # Such a class may have fields without a value, which only an instance has.
    if not hasattr(config, "__dataclass_fields__") and not hasattr(config, "__attrs_attrs__"):
        fields = attributes_of(config)
        if fields is not None:
            return fields
    what = type(config).__name__ if not isinstance(config, type) else f"the class {config.__name__}"
    hint = " Give an instance, not the class." if isinstance(config, type) else ""
    raise InvalidValue(f"A config must be {_KINDS}, not {what}.{hint}", key="config")


def _resolve(omegaconf: Any, config: Any) -> Any:
    try:
        return omegaconf.OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except Exception as error:
        key = getattr(error, "full_key", None) or ""
        first = str(error).strip().splitlines()[0]
        at = f" at {key!r}" if key else ""
        raise InvalidValue(
            f"The config cannot be resolved{at}: {first}. Give every value marked '???' and every "
            "name an interpolation refers to before the experiment starts.",
            key=key or "config",
        ) from error


def _resolved_inside(omegaconf: Any, value: Any) -> Any:
    """`value` with the OmegaConf containers found in its mappings and lists resolved."""
    if omegaconf is None:
        return value
    if omegaconf.OmegaConf.is_config(value):
        return _resolve(omegaconf, value)
    if type(value) is dict:
        return {k: _resolved_inside(omegaconf, v) for k, v in value.items()}
    if type(value) is list:
        return [_resolved_inside(omegaconf, v) for v in value]
    return value


def _read(path: str, within: tuple[str, ...] = ()) -> Mapping[str, Any]:
    """The mapping in a file, with what it inherits: `_base_` names files whose values count where it has none."""
    full = os.path.abspath(path)
    if full in within:
        raise InvalidValue(
            f"The config file {path!r} inherits from itself: {' → '.join((*within, full))}.",
            key=_BASE,
        )
    loaded = _read_alone(path)
    if _BASE not in loaded:
        return loaded
    own = dict(loaded)
    bases = own.pop(_BASE)
    whole: dict[str, Any] = {}
    for base in [bases] if isinstance(bases, str) else bases if isinstance(bases, list) else [None]:
        if not isinstance(base, str):
            raise InvalidValue(
                f"{_BASE!r} in {path!r} is {bases!r}; it must be the path of a config file or a list of paths.",
                key=_BASE,
            )
        above = _read(os.path.join(os.path.dirname(full), base), (*within, full))
        whole = _merged(whole, above)
    return _merged(whole, own)


def _merged(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """`a` with the values of `b` over it, groups of values merged."""
    merged = dict(a)
    for key, value in b.items():
        there = merged.get(key)
        both = isinstance(there, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(there, value) if both else value  # type: ignore[arg-type]
    return merged


def _read_alone(path: str) -> Mapping[str, Any]:
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in _SUFFIXES:
        raise InvalidValue(
            f"A config must be {_KINDS}; {path[:100]!r} does not end in {', '.join(_SUFFIXES)}.",
            key="config",
        )
    try:
        with open(path, "rb") as file:
            content = file.read()
        if suffix == ".json":
            import json

            loaded = json.loads(content)
        elif suffix == ".toml":
            import tomllib

            loaded = tomllib.loads(content.decode())
        else:
            from .config_text import load_yaml

            loaded = load_yaml(content)
    except OSError as error:
        raise InvalidValue(
            f"The config file {path!r} cannot be read: {error.strerror or error}.", key="config"
        ) from error
    except Exception as error:
        raise InvalidValue(
            f"The config file {path!r} cannot be parsed: {error}", key="config"
        ) from error
    if loaded is None:
        return {}
    if not isinstance(loaded, Mapping):
        raise InvalidValue(
            f"The config file {path!r} holds a {type(loaded).__name__}; a config file must contain a mapping of names at its top level.",
            key="config",
        )
    return loaded


def config_yaml(config: Mapping[str, Any]) -> str:
    """A frozen configuration as YAML that people and other programs read back exactly."""
    from .config_text import dump_yaml

    return dump_yaml(from_plain(to_plain(config)))


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """The dotted keys whose values, or whose presence, differ between two configurations, sorted.

    `1` and `1.0` are the same value, `1` and `True` are not; a NaN is the same as a NaN.
    """
    flat_a, flat_b = flatten(to_plain(a)), flatten(to_plain(b))
    missing = object()
    return sorted(
        key
        for key in flat_a.keys() | flat_b.keys()
        if not _same(flat_a.get(key, missing), flat_b.get(key, missing))
    )


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    return bool(a == b) and isinstance(a, bool) == isinstance(b, bool)


def _refuse(key: object = None) -> NoReturn:
    what = f"{key!r} of the config" if key is not None else "The config"
    raise ConfigFrozen(
        f"{what} cannot be changed: it is frozen, so that the record shows what really ran. Change it before it is given to Experiment(…, config=…), or use exp.params.set(lr=0.1) for what is known later.",
        keys=[str(key)] if key is not None else [],
    )


class _FrozenList(list):  # type: ignore[type-arg]
    """A list inside a frozen configuration: equal to any list of its elements, and unchangeable."""

    __slots__ = ()

    def _changed(self, *_: object, **__: object) -> NoReturn:
        _refuse()

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _changed
    append = extend = insert = pop = remove = clear = sort = reverse = _changed

    def __reduce__(self) -> tuple[Any, ...]:
        return _FrozenList, (list(self),)

    def __copy__(self) -> _FrozenList:
        return self

    def __deepcopy__(self, memo: object) -> list[Any]:
        return [_thawed(v) for v in self]


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return FrozenConfig(value)
    return _FrozenList(_frozen(v) for v in value) if isinstance(value, list) else value


def _thawed(value: Any) -> Any:
    if isinstance(value, FrozenConfig):
        return value.to_dict()
    return [_thawed(v) for v in value] if isinstance(value, list) else value


class FrozenConfig(Mapping):  # type: ignore[type-arg]
    """A configuration to read: `cfg["training"]["lr"]`, `cfg.training.lr` or `cfg["training.lr"]`.

    Every way of changing it raises `ConfigFrozen`. A key with the name of a method (`items`, `keys`,
    `values`, `get`, `to_dict`, `plain`) is reached with brackets. `copy.deepcopy` gives a plain dict to change.
    """

    __slots__ = ("_data",)
    _data: dict[str, Any]

    def __init__(self, config: Mapping[str, Any]) -> None:
        plain = from_plain(to_plain(config))
        object.__setattr__(self, "_data", {k: _frozen(v) for k, v in plain.items()})

    def __getitem__(self, key: str) -> Any:
        data = self._data
        if key in data:
            return data[key]
        head, dot, rest = key.partition(".") if isinstance(key, str) else (key, "", "")
        inner = data.get(head)
        if dot and isinstance(inner, FrozenConfig):
            try:
                return inner[rest]
            except KeyError:
                pass
        raise KeyError(key)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(
                f"The config has no {name!r}; it has {', '.join(map(str, self._data)) or 'nothing'}."
            ) from None

    def __contains__(self, key: object) -> bool:
        try:
            self[key]  # type: ignore[index]
        except KeyError:
            return False
        return True

    def __iter__(self) -> Any:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(k for k in self._data if k.isidentifier())]

    def __repr__(self) -> str:
        return f"FrozenConfig({self.to_dict()!r})"

    def __setattr__(self, name: str, value: object) -> None:
        _refuse(name)

    def __delattr__(self, name: str) -> None:
        _refuse(name)

    def __setitem__(self, key: str, value: object) -> None:
        _refuse(key)

    def __delitem__(self, key: str) -> None:
        _refuse(key)

    def _changed(self, *_: object, **__: object) -> NoReturn:
        _refuse()

    update = pop = popitem = setdefault = clear = __ior__ = _changed

    def to_dict(self) -> dict[str, Any]:
        """A plain dict, an independent copy."""
        return {k: _thawed(v) for k, v in self._data.items()}

    def plain(self) -> dict[str, Any]:
        """As it is kept in the journal (see `record.plain`)."""
        return to_plain(self.to_dict())  # type: ignore[no-any-return]

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenConfig, (self.to_dict(),)

    def __copy__(self) -> FrozenConfig:
        return self

    def __deepcopy__(self, memo: object) -> dict[str, Any]:
        return self.to_dict()
