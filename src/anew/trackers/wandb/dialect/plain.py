"""What programs hand over as a config or a summary, as plain data."""

from __future__ import annotations

from collections.abc import Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["MAX_LISTED", "elements", "nearest", "plain", "warn_once"]

MAX_LISTED = (
    32  # elements of an array that are kept one by one; larger ones are kept as a histogram
)
_told: set[str] = set()


def plain(value: Any) -> Any:
    """`value` as dicts, lists, texts, numbers, booleans and None; what is none of these is its text."""
    kind = type(value)
    if value is None or kind in (str, int, float, bool):
        return value
    if hasattr(value, "items"):
        return {str(k): plain(v) for k, v in value.items()}
    if (
        isinstance(value, Sequence)
        and not isinstance(value, (str, bytes))
        and not hasattr(value, "_asdict")
    ):
        return [plain(v) for v in value]  # OmegaConf's lists too
    if isinstance(value, (set, frozenset)):
        return sorted((plain(v) for v in value), key=lambda v: (str(type(v)), v))
    return _other(value)


def _other(value: Any) -> Any:
    from dataclasses import asdict, is_dataclass
    from enum import Enum

    if isinstance(value, Enum):
        return plain(value.value)
    for base in (bool, int, float, str):
        if isinstance(value, base):
            return base(value)
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    for method in ("_asdict", "model_dump"):
        if hasattr(value, method) and not isinstance(value, type):
            return plain(getattr(value, method)())
    if elements(value) is not None:
        if callable(getattr(value, "detach", None)):  # torch
            value = value.detach().cpu()
            value = value.float() if "bfloat16" in str(value.dtype) else value
        listed = value.tolist() if hasattr(value, "tolist") else value
        return listed if isinstance(listed, (list, int, float, str, bool)) else str(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    if callable(value) or isinstance(value, type):
        name = getattr(value, "__qualname__", None) or type(value).__qualname__
        return f"{getattr(value, '__module__', '')}.{name}".lstrip(".")
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if type(value).__name__ == "Namespace":  # argparse's
        return plain(vars(value))
    return str(value)


def elements(value: Any) -> int | None:
    """How many elements an array or tensor has; None for what is neither."""
    shape = getattr(value, "shape", None)
    if shape is None or callable(shape) or not hasattr(value, "dtype"):
        return None
    count = 1
    for length in shape:
        count *= int(length)
    return count


def nearest(name: str, known: Any) -> str:
    """` Did you mean 'x'?`, or nothing."""
    import difflib

    found = difflib.get_close_matches(str(name), [str(one) for one in known], 1)
    return f" Did you mean {found[0]!r}?" if found else ""


def warn_once(message: str, stacklevel: int = 3) -> None:
    """Say something once in the life of the process."""
    if message not in _told:
        _told.add(message)
        import warnings

        warnings.warn(message, stacklevel=stacklevel + 1)
