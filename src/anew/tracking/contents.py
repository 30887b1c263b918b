"""The bytes of data that is saved as a file: the ending of the file's name says in which format."""

from __future__ import annotations

import io
import os
import sys

from ..errors import InvalidValue, MissingDependency

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["figure_bytes", "file_bytes", "is_data"]

_PICKLED = (".pkl", ".pickle", ".joblib", ".dill")


def is_data(source: Any) -> bool:
    """Whether it is data that `file_bytes` writes: a mapping, list, tuple, array or tensor."""
    return isinstance(source, (dict, list, tuple)) or _is_array(source)


def figure_bytes(figure: Any, name: str) -> bytes:
    """A matplotlib figure in the image format of the name's ending, PNG without one."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=os.path.splitext(name)[1][1:] or "png")
    return buffer.getvalue()


def file_bytes(data: Any, name: str) -> bytes:
    """Data in the format that the name's ending stands for: JSON (also without an ending), JSON lines, YAML, a PyTorch
    checkpoint, safetensors, or arrays of NumPy.

    Raises:
        InvalidValue: The format cannot hold the data exactly, or no format is known for the ending.
        MissingDependency: The package that writes the format is not installed.
    """
    ending = os.path.splitext(name)[1].lower()
    write = _FORMATS.get(ending)
    if write is None:
        why = "No pickle is written" if ending in _PICKLED else f"Nothing is written as {ending!r}"
        raise InvalidValue(
            f"The data for {name!r} cannot be saved under this name. {why}; the formats are "
            f"{', '.join(filter(None, _FORMATS))}. Choose one of these endings, or save the file yourself and pass its path.",
            key=name,
        )
    return write(data, name)


def _json(data: Any, name: str) -> bytes:
    import json

    return json.dumps(_exact(data, name), indent=2, ensure_ascii=False).encode(
        "utf-8", "backslashreplace"
    )


def _unnamed(data: Any, name: str) -> bytes:
    if _has_arrays(data):
        raise _refused(name, "it holds arrays. Use the ending .pt, .safetensors, .npz or .json")
    return _json(data, name)


def _json_lines(data: Any, name: str) -> bytes:
    import json

    if not isinstance(data, (list, tuple)):
        raise _refused(name, "JSON lines hold a list, with one line for each element")
    lines = (json.dumps(_exact(one, name), ensure_ascii=False) + "\n" for one in data)
    return "".join(lines).encode("utf-8", "backslashreplace")


def _yaml(data: Any, name: str) -> bytes:
    from .config_text import dump_yaml

    return dump_yaml(_exact(data, name)).encode("utf-8", "backslashreplace")


def _torch(data: Any, name: str) -> bytes:
    torch: Any = sys.modules.get("torch")
    if torch is None:
        try:
            import torch
        except ImportError as error:
            raise MissingDependency(
                f"Saving data as {name!r} needs PyTorch, which is not installed. Choose the ending .json or .npz, or "
                "install it with: pip install torch",
                name="torch",
            ) from error
    buffer = io.BytesIO()
    try:
        torch.save(data, buffer)
    except Exception as error:
        raise _refused(name, f"PyTorch could not write it: {error}") from error
    return buffer.getvalue()


def _safetensors(data: Any, name: str) -> bytes:
    if not isinstance(data, dict) or not all(map(_is_array, data.values())):
        raise _refused(name, "safetensors hold a mapping of names to tensors and nothing else")
    kinds = {type(value).__module__.partition(".")[0] for value in data.values()}
    try:
        if "torch" in kinds:
            from safetensors.torch import save

            return save({str(k): v.contiguous() for k, v in data.items()})
        import numpy as np
        from safetensors.numpy import save as save_arrays

        return save_arrays({str(k): np.ascontiguousarray(v) for k, v in data.items()})
    except ImportError as error:
        raise MissingDependency.of(f"Saving {name!r}", "safetensors", "weights") from error
    except Exception as error:
        raise _refused(name, f"safetensors could not write it: {error}") from error


def _npz(data: Any, name: str) -> bytes:
    import numpy as np

    if not isinstance(data, dict) or not all(map(_is_array, data.values())):
        raise _refused(name, "a .npz file holds a mapping of names to arrays and nothing else")
    buffer = io.BytesIO()
    arrays: Any = {str(key): _numpy(value, name) for key, value in data.items()}
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _npy(data: Any, name: str) -> bytes:
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, _numpy(data, name), allow_pickle=False)
    return buffer.getvalue()


def _numpy(value: Any, name: str) -> Any:
    import numpy as np

    if callable(getattr(value, "detach", None)):
        value = value.detach().cpu()
    try:
        array = np.asarray(value)
    except Exception as error:
        raise _refused(name, f"NumPy has no such array: {error}") from error
    if array.dtype.hasobject:
        raise _refused(name, "it is not an array of numbers or texts")
    return array


_FORMATS: dict[str, Callable[[Any, str], bytes]] = {
    "": _unnamed,
    ".json": _json,
    ".jsonl": _json_lines,
    ".yaml": _yaml,
    ".yml": _yaml,
    ".pt": _torch,
    ".pth": _torch,
    ".ckpt": _torch,
    ".bin": _torch,
    ".tar": _torch,
    ".safetensors": _safetensors,
    ".npz": _npz,
    ".npy": _npy,
}


def _refused(name: str, why: str) -> InvalidValue:
    return InvalidValue(f"The data for {name!r} cannot be saved in this format: {why}.", key=name)


def _is_array(value: Any) -> bool:
    return hasattr(value, "dtype") and hasattr(value, "shape") and not isinstance(value, type)


def _has_arrays(data: Any) -> bool:
    if isinstance(data, dict):
        return any(map(_has_arrays, data.values()))
    if isinstance(data, (list, tuple)):
        return any(map(_has_arrays, data))
    return _is_array(data) and bool(getattr(data, "shape", ()))


def _exact(value: Any, name: str) -> Any:
    """Data as a text format holds it; what it would have to describe instead is refused.

    Arrays become lists; objects with fields become mappings; paths, dates and enumerations their texts.
    """
    from ..record.plain import fields_of

    if value is None or type(value) in (str, bool, int, float):
        return value
    if isinstance(value, dict):
        keys = [_key(key, name) for key in value]
        if len(set(keys)) != len(keys):
            raise _refused(name, "two of its keys have the same text")
        return dict(zip(keys, (_exact(one, name) for one in value.values()), strict=True))
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return [_exact(one, name) for one in value]
    if isinstance(value, (set, frozenset)):
        return sorted((_exact(one, name) for one in value), key=repr)
    if _is_array(value) and callable(listed := getattr(value, "tolist", None)):
        return _exact(listed(), name)
    fields: Mapping[str, Any] | None = fields_of(value)
    if fields is not None:
        return _exact(dict(fields), name)
    return _text(value, name)


def _key(key: Any, name: str) -> str:
    if isinstance(key, str):
        return str(key)
    if key is None or isinstance(key, (bool, int, float)):
        return "null" if key is None else str(key).lower() if isinstance(key, bool) else str(key)
    return str(_text(key, name))


def _text(value: Any, name: str) -> Any:
    from enum import Enum

    if isinstance(value, Enum):
        return _exact(value.value, name)
    for kind in (int, float, str):  # classes derived from them
        if isinstance(value, kind):
            return kind(value)
    if hasattr(value, "__fspath__"):
        return os.fspath(value)
    if callable(iso := getattr(value, "isoformat", None)):
        return iso()
    raise _refused(name, f"it holds a {type(value).__module__}.{type(value).__qualname__}")
