"""What is given to `log`, sorted: numbers for the metrics, everything else for the values."""

from __future__ import annotations

from collections.abc import Mapping

from .media import Media
from .plain import MAX_LISTED, elements, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Plain", "Row", "name_of"]

_PLAIN = frozenset((float, int, bool))


class Row:
    """One call of `log`, sorted.

    Attributes:
        numbers: Names (nested ones dotted) and numbers.
        values: Names and what is kept as a value: media, lists of them, texts, figures, lists.
        nested: The names at the top level that held a mapping.
        told: All of it as the summary has it, but media.
    """

    __slots__ = ("nested", "numbers", "told", "values")

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.numbers: dict[str, Any] = {}
        self.values: list[tuple[str, Any]] = []
        self.nested: list[str] = []
        self.told: dict[str, Any] = {}
        for key, value in data.items():
            if type(key) is not str:
                raise TypeError("Key values passed to `wandb.log` must be strings.")
            kind = type(value)
            if kind in _PLAIN:
                self.numbers[key] = self.told[key] = value
                continue
            self._sort(key, value, self.told, "")

    def _sort(self, key: str, value: Any, told: dict[str, Any], before: str) -> None:
        name = before + key
        if value is None:
            return  # nothing to keep, and nothing that a summary says
        if isinstance(value, Media) or _is_media_list(value):
            self.values.append((name, value))
        elif isinstance(value, (list, tuple)) and any(isinstance(v, Media) for v in value):
            self.values.append((name, [v for v in value if isinstance(v, Media)]))
            self._sort(key, [v for v in value if not isinstance(v, Media)], told, before)
        elif isinstance(value, Mapping):
            if not before and value:
                self.nested.append(key)
            inner: dict[str, Any] = {}
            for k, v in value.items():
                self._sort(str(k), v, inner, name + ".")
            if inner:
                told[key] = inner
        elif _is_number(value):
            self.numbers[name] = value
            told[key] = _python_number(value)
        else:
            self._sort_other(name, key, value, told)

    def _sort_other(self, name: str, key: str, value: Any, told: dict[str, Any]) -> None:
        import anew

        from .media import Histogram, Plotly
        from .table import Table

        count = elements(value)
        if count is not None and count > MAX_LISTED and _is_real(value):
            self.values.append((name, Histogram(value, num_bins=32)))
        elif isinstance(value, str):
            told[key] = str(value)
            self.values.append((name, anew.Text(str(value))))
        elif hasattr(value, "savefig") or type(value).__module__.startswith(
            ("plotly.", "matplotlib.")
        ):
            self.values.append((name, Plotly(value)))
        elif type(value).__name__ == "DataFrame":
            self.values.append((name, Table(dataframe=value)))
        elif hasattr(value, "convert") and hasattr(value, "mode") and hasattr(value, "save"):
            from .media import Image

            self.values.append((name, Image(value)))
        else:
            told[key] = plain(value)
            self.values.append((name, Plain(told[key])))


class Plain:
    """A list, or something else that is neither number nor text, kept as JSON."""

    def __init__(self, data: Any) -> None:
        self.data = data


def name_of(key: str) -> str:
    """A name as a run can have it: what is not to be seen is a space, and none is at the ends."""
    if key.isprintable() and key == key.strip():
        return key
    return " ".join("".join(c if c.isprintable() else " " for c in key).split())


def _is_media_list(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and bool(value)
        and all(isinstance(v, Media) for v in value)
    )


def _is_number(value: Any) -> bool:
    if isinstance(value, (bool, int, float)):
        return True
    count = elements(value)
    if count is not None:
        return count == 1 and _is_real(value)
    import numbers
    from decimal import Decimal

    return isinstance(value, (numbers.Real, Decimal))


def _is_real(value: Any) -> bool:
    dtype = value.dtype
    return getattr(dtype, "kind", "f") in "biufV" and "complex" not in str(dtype)


def _python_number(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    try:
        found = value.item() if hasattr(value, "item") else float(value)
    except Exception:  # noqa: BLE001  (what cannot be a number: the log call says so)
        return None
    return found if isinstance(found, (bool, int, float)) else float(found)
