"""Objects and classes of a program that hold its settings, as the values in them.

`record.plain` knows the usual kinds of configuration. What a program makes itself, a class with attributes or an object of one,
would be no more than a name to it, and the values in it would be lost. They are taken apart here, for configurations and
parameters only. What a library made (a model, an optimizer, a function) stands for itself and is left as it is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from ..errors import InvalidValue
from ..record.plain import MAX_DEPTH, fields_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["attributes_of", "by_value"]

MOST_VALUES = 100_000
_PLAIN = (str, int, float, bool, bytes, type(None))


def by_value(value: Any) -> Any:
    """`value` with the program's own objects and classes in it, at any depth, as mappings of their attributes.

    Raises:
        InvalidValue: It has more values than a configuration has: something else was given by mistake.
    """
    return _Taker().take(value, ())


class _Taker:
    def __init__(self) -> None:
        self._left = MOST_VALUES

    def take(self, value: Any, around: tuple[int, ...]) -> Any:
        if isinstance(value, _PLAIN):
            return value
        if id(value) in around or len(around) > MAX_DEPTH:
            return value
        inside = (*around, id(value))
        if isinstance(value, Mapping):
            self._count(len(value), value)
            return {key: self.take(one, inside) for key, one in value.items()}
        if type(value) in (list, tuple):
            self._count(len(value), value)
            return [self.take(one, inside) for one in value]
        fields = fields_of(value)
        if fields is None:
            fields = attributes_of(value)
        if fields is None:
            return value
        self._count(len(fields), value)
        return {key: self.take(one, inside) for key, one in fields.items()}

    def _count(self, more: int, value: Any) -> None:
        self._left -= more
        if self._left < 0:
            raise InvalidValue(
                f"A configuration or parameter holds more than {MOST_VALUES:,} values, the last ones in a "
                f"{type(value).__name__}. Give the values that are settings, not objects that hold data.",
                key=type(value).__name__,
            )


def attributes_of(value: Any) -> dict[str, Any] | None:
    """The public attributes of a class of the program's own, or of an object of one; None for anything else.

    Those of a class are what stands in it and in its bases, without methods, properties and nested functions; an object has
    its own besides.
    """
    kind = value if isinstance(value, type) else type(value)
    classes = [one for one in kind.__mro__ if one is not object]
    if not classes or not all(map(_is_ours, classes)):
        return None
    found: dict[str, Any] = {}
    for one in reversed(classes):
        for name, attribute in vars(one).items():
            if _is_setting(name, attribute):
                found[name] = attribute
    if not isinstance(value, type):
        own = dict(getattr(value, "__dict__", {}))
        for one in classes:
            slots = vars(one).get("__slots__", ())
            for name in [slots] if isinstance(slots, str) else slots:
                if hasattr(value, name):
                    own[name] = getattr(value, name)
        found |= {name: held for name, held in own.items() if not name.startswith("_")}
    return found or None


def _is_setting(name: str, attribute: Any) -> bool:
    if name.startswith("_"):
        return False
    # Functions, properties, class methods and slots; classes in it are groups of settings.
    is_descriptor = hasattr(type(attribute), "__get__")
    return isinstance(attribute, type) or not is_descriptor


def _is_ours(kind: type) -> bool:
    """Whether the program made this class: not Python, and no installed package."""
    if kind.__module__ == "__main__":
        return True
    path = getattr(sys.modules.get(kind.__module__), "__file__", None)
    top = kind.__module__.partition(".")[0]
    if not isinstance(path, str) or top in sys.stdlib_module_names or top == "anew":
        return False
    parts = path.split(os.sep)
    return not ("site-packages" in parts or "dist-packages" in parts)
