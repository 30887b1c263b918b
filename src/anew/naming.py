"""Names for experiments: descriptive ones made from the configuration, and random readable ones.

The default `dpo_llama-7b_beta0.1_0115_1430` is the form many training codebases write by hand:
algorithm, model, the hyper-parameter that matters most for that algorithm, month-day and time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from .errors import InvalidValue
from .record.names import folder_name
from .record.plain import fields_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

__all__ = ["generate_experiment_name", "random_name"]

_TIMESTAMP = "%m%d_%H%M"
_MISSING = object()
# By algorithm: what to call the hyper-parameter, and where a configuration may keep it.
_KEY_PARAMETERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "dpo": ("beta", ("dpo.beta", "algorithm.beta", "beta")),
    "grpo": ("clip", ("grpo.clip_ratio", "algorithm.clip_ratio", "clip_ratio")),
    "ipo": ("beta", ("ipo.beta", "algorithm.beta", "beta")),
    "kto": ("beta", ("kto.beta", "algorithm.beta", "beta")),
    "ppo": ("clip", ("ppo.clip_ratio", "algorithm.clip_ratio", "clip_ratio")),
}


def generate_experiment_name(
    config: Any, pattern: str | None = None, now: datetime | None = None
) -> str:
    """A descriptive name for an experiment with this configuration.

    Without a pattern: the algorithm, the last path segment of the model's name, the key hyper-parameter
    (beta of DPO, clip ratio of PPO …) and the time, as in `dpo_llama-7b_beta0.1_0115_1430`; what
    the configuration does not have is left out.

    Args:
        config: A mapping or an object with attributes, nested.
        pattern: A format string over dotted keys of the configuration and `now`, such as
            `"{algorithm.name}_{model.name}_lr{training.lr:g}_{now:%m%d_%H%M}"`. Of a value with
            slashes only the last segment is used. Only data is reached: no methods, no private attributes.
        now: The time of the name; the present if not given.

    Raises:
        InvalidValue: The pattern cannot be read, or names a key the configuration does not have.
    """
    if pattern is not None:
        return _from_pattern(config, pattern, now)
    algorithm = _first(config, ("algorithm.name", "algorithm"))
    model = _first(config, ("model.name", "model"))
    parts = [_word(part) for part in (algorithm, model) if part is not _MISSING]
    if not parts:
        name = _first(config, ("experiment.name", "name"))
        parts = [random_name() if name is _MISSING else _word(name)]
    label, keys = _KEY_PARAMETERS.get(str(algorithm).lower(), ("", ()))
    value = _first(config, keys)
    if value is not _MISSING:
        parts.append(f"{label}{_word(value)}")
    return "_".join([*parts, _moment(now, _TIMESTAMP)])


def _moment(now: datetime | None, spec: str) -> str:
    return time.strftime(spec) if now is None else now.strftime(spec)


def _first(config: Any, keys: tuple[str, ...]) -> Any:
    """The first of these keys that holds a text or a number."""
    for key in keys:
        value = _look_up(config, key)
        value = getattr(value, "value", value) if hasattr(value, "_value_") else value  # an enum
        if isinstance(value, (str, int, float)) and value != "":
            return value
    return _MISSING


def _look_up(config: Any, key: str) -> Any:
    value = config
    for part in key.split("."):
        value = _step_into(value, part)
        if value is _MISSING:
            return _MISSING
    return value


def _step_into(value: Any, part: str) -> Any:
    """One key deeper into mappings and objects that hold data; never into code."""
    if isinstance(value, Mapping):
        try:
            return value[part]
        except Exception:  # noqa: BLE001  (no such key, or one an OmegaConf cannot resolve)
            return _MISSING
    if part.startswith("_") or not part.isidentifier() or _is_code(value):
        return _MISSING
    try:
        found = getattr(value, part, _MISSING)
    except Exception:  # noqa: BLE001  (a property of a stranger's class)
        return _MISSING
    return _MISSING if _is_code(found) else found


def _is_code(value: Any) -> bool:
    from types import ModuleType

    return isinstance(value, (type, ModuleType)) or callable(value)


def _word(value: object) -> str:
    """A value as part of a name: the last path segment, without what a folder cannot hold."""
    from enum import Enum

    if isinstance(value, Enum):
        value = value.value
    return folder_name(str(value).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1])


def _from_pattern(config: Any, pattern: str, now: datetime | None) -> str:
    from string import Formatter

    parts: list[str] = []
    try:
        parsed = list(Formatter().parse(pattern))
    except ValueError as error:
        raise InvalidValue(
            f"The name pattern {pattern!r} cannot be read: {error}. Write fields in braces: "
            "'{model.name}_{now:%m%d}'.",
            key="pattern",
        ) from None
    for literal, field, spec, conversion in parsed:
        parts.append(literal)
        if field is None:
            continue
        if conversion or "{" in (spec or "") or "[" in field or not all(field.split(".")):
            raise InvalidValue(
                f"The field {field!r} of the name pattern {pattern!r} must be a dotted key of "
                "the configuration, optionally followed by ':' and a format.",
                key="pattern",
            )
        parts.append(_field(config, field, spec or "", pattern, now))
    name = "".join(parts)
    if not name.strip():
        raise InvalidValue(f"The name pattern {pattern!r} produces an empty name.", key="pattern")
    return name


def _field(config: Any, field: str, spec: str, pattern: str, now: datetime | None) -> str:
    if field == "now":
        return folder_name(_moment(now, spec or _TIMESTAMP))
    value = _look_up(config, field)
    if value is _MISSING:
        raise InvalidValue(
            f"The name pattern {pattern!r} uses {field!r}, which is not in the "
            f"configuration.{_nearest(config, field)}",
            key=field,
        )
    if isinstance(value, (Mapping, list, tuple, set)) or fields_of(value) is not None:
        raise InvalidValue(
            f"The name pattern {pattern!r} uses {field!r}, which is a group of values. Name one "
            "of its values.",
            key=field,
        )
    if not spec:
        return _word(value)
    import re

    if re.search(r"\d{4}", spec):
        raise InvalidValue(
            f"The format {spec!r} of {field!r} is wider than a name may be long.", key=field
        )
    try:
        return _word(format(value, spec))
    except (ValueError, TypeError) as error:
        raise InvalidValue(
            f"The value {value!r} of {field!r} cannot be written as {spec!r}: {error}.", key=field
        ) from None


def _nearest(config: Any, field: str) -> str:
    import difflib

    from .record.plain import flatten, to_plain

    fields = config if isinstance(config, Mapping) else fields_of(config)
    if fields is None:
        fields = getattr(config, "__dict__", {})
    near = difflib.get_close_matches(field, flatten(to_plain(fields)), 1)
    return f" Did you mean {near[0]!r}?" if near else ""


# Short, known to most readers of English, hard to mistake for one another when read aloud.
_FIRST = (
    "amber ample autumn azure bold brave breezy bright brisk calm candid cheery clear clever "
    "coral cosy crimson crisp dapper daring dawn eager early easy fair fancy fleet fresh "
    "gentle gilded glad golden grand happy hazel hidden humble indigo ivory jolly keen kind "
    "lilac lively lucid lucky lunar mellow merry mild misty mossy nimble noble olive opal "
    "patient plucky polite proud quick quiet rapid ready rosy royal ruby rustic sandy scarlet "
    "serene sharp silent silver sleek smooth snowy solar spry steady still sturdy sunny swift "
    "tidy topaz tranquil vivid warm wise witty young zesty "
)
_SECOND = (
    "acorn alder anchor antler arbor aspen badger beacon birch bison brook canyon cedar cliff "
    "cloud clover comet condor coyote crane creek cypress dahlia delta dolphin dune eagle elm "
    "ember falcon fern finch fjord forest fox garden geyser glacier grove gull harbor hawk "
    "heron hill iris island ivy jasmine juniper kestrel lagoon lake lantern lark laurel lynx "
    "maple marten meadow mesa moon moor oak ocean orchid osprey otter owl panda pebble pine "
    "plover poplar prairie puffin quail quartz raven reef ridge river robin sage salmon shore "
    "sparrow spring spruce star stone stream summit swan thistle tide trail tulip valley "
    "violet walnut wave willow wren yarrow "
)


def random_name(seed: str = "") -> str:
    """A readable name such as `brisk-otter-417`; the same one for the same seed, if one is given.

    Takes nothing from, and leaves alone, the random number generators a training seeds.

    Args:
        seed: What processes that must arrive at one name have in common.
    """
    if seed:
        from hashlib import sha256

        raw = sha256(seed.encode("utf-8", "replace")).digest()
    else:
        raw = os.urandom(6)
    number = int.from_bytes(raw[:6], "big")
    firsts, seconds = _FIRST.split(), _SECOND.split()
    number, first = divmod(number, len(firsts))
    number, second = divmod(number, len(seconds))
    return f"{firsts[first]}-{seconds[second]}-{100 + number % 900}"
