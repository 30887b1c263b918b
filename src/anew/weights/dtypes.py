"""The element types a tensor may have, under one name each in every framework.

An element type is written in the repository by its name here. `numpy_dtype` gives the numpy type
(from ml_dtypes where numpy has none), `width` how many bytes the codec treats as one number.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from anew.errors import InvalidValue, MissingDependency, UnknownFormat

__all__ = [
    "SAFETENSORS",
    "TORCH",
    "dtype_name",
    "is_float",
    "itemsize",
    "numpy_dtype",
    "torch_tensor",
    "width",
]

_PLAIN = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
)
_EXTENDED = (
    *("bfloat16", "float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz", "float8_e4m3fn"),
    *("float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu", "float6_e2m3fn"),
    *("float6_e3m2fn", "float4_e2m1fn", "int2", "int4", "uint2", "uint4"),
)
# Types that torch has and numpy has not; their bytes are kept and numpy shows them as uint8.
_BYTES_ONLY = ("float4_e2m1fn_x2",)

# Names that torch spells the same way; the rest of its types cannot be kept.
TORCH = frozenset(
    {
        *_PLAIN,
        *("bfloat16", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz"),
        *("float8_e8m0fnu", "float4_e2m1fn_x2"),
    }
)

SAFETENSORS = {
    "bool": "BOOL",
    "int8": "I8",
    "int16": "I16",
    "int32": "I32",
    "int64": "I64",
    "uint8": "U8",
    "uint16": "U16",
    "uint32": "U32",
    "uint64": "U64",
    "float16": "F16",
    "bfloat16": "BF16",
    "float32": "F32",
    "float64": "F64",
    "complex64": "C64",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
    "float8_e8m0fnu": "F8_E8M0",
    "float8_e4m3fnuz": "F8_E4M3FNUZ",
    "float8_e5m2fnuz": "F8_E5M2FNUZ",
}


def numpy_dtype(name: str) -> np.dtype[Any]:
    """The numpy type of the name that a repository gives.

    Raises:
        UnknownFormat: this version knows no such type.
    """
    if name in _PLAIN:
        return np.dtype(name)
    if name.startswith(">") and name[1:] in _PLAIN:
        swapped: np.dtype[Any] = np.dtype(name[1:]).newbyteorder(">")
        return swapped
    if name in _EXTENDED:
        try:
            import ml_dtypes
        except ModuleNotFoundError as error:
            raise MissingDependency.of(
                f"The element type {name}", "ml_dtypes", "weights"
            ) from error

        extended: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
        return extended
    if name in _BYTES_ONLY:
        return np.dtype(np.uint8)
    if name.startswith("numpy:"):
        dtype = _from_description(name)
        if not dtype.hasobject:
            return dtype
    raise UnknownFormat(
        f"The element type {name!r} is not known to this version of Anew. "
        "It was written by a newer version; upgrade Anew."
    )


def dtype_name(dtype: np.dtype[Any], where: str) -> str:
    """The repository's name of a numpy type; `where` names the tensor in the error.

    Raises:
        InvalidValue: the elements are Python objects, or of a type that differs per machine.
    """
    if dtype.hasobject:
        raise InvalidValue(
            f"{where} holds Python objects, which only pickle could save. Convert it to an array of numbers or fixed-width text first.",
            key=where,
        )
    name = dtype.name
    if name in _PLAIN:
        return f">{name}" if dtype.byteorder == ">" else name
    if name in _EXTENDED and dtype.kind in "Vf":
        return name
    if dtype.kind in "USMm" or dtype.names is not None:
        from numpy.lib.format import dtype_to_descr

        return "numpy:" + json.dumps(dtype_to_descr(dtype))
    if name in _EXTENDED:
        return name
    raise InvalidValue(
        f"{where} has the element type {name}, which is not the same on every machine. "
        "Convert it with .astype('float64') or another type of fixed size first.",
        key=where,
    )


def itemsize(name: str) -> int:
    """How many bytes one element takes in memory and in the repository."""
    return numpy_dtype(name).itemsize


def width(name: str) -> int:
    """How many bytes the codec shuffles as one number: 1, 2, 4 or 8, and a divisor of the item."""
    dtype = numpy_dtype(name)
    if dtype.kind == "c":
        return dtype.itemsize // 2
    if dtype.kind == "U":
        return 4
    for candidate in (8, 4, 2):
        if dtype.itemsize % candidate == 0 and (dtype.names or dtype.itemsize == candidate):
            return candidate
    return 1


def torch_tensor(array: np.ndarray[Any, Any], name: str = "") -> Any:
    """A torch tensor that shares an array's memory.

    Args:
        array: The array; one that is not contiguous is copied.
        name: Its element type, where numpy can only show it as bytes.

    Raises:
        InvalidValue: torch has no such element type.
    """
    import torch

    name = name or dtype_name(array.dtype, "A tensor")
    if name not in TORCH:
        raise InvalidValue(f"torch has no tensors of {name}; read it as a numpy array instead.")
    dtype = getattr(torch, name)
    if array.size == 0:
        return torch.empty(array.shape, dtype=dtype)
    flat = torch.from_numpy(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
    return flat.view(dtype).reshape(array.shape)


def is_float(name: str) -> bool:
    """Whether averaging two tensors of this type has a meaning."""
    return name.lstrip(">").startswith(("float", "bfloat", "complex")) and name not in _BYTES_ONLY


def _from_description(name: str) -> np.dtype[Any]:
    from numpy.lib.format import descr_to_dtype

    def tuples(value: Any) -> Any:
        # JSON has no tuples; numpy's description of fields is a list of them.
        if isinstance(value, list) and value and isinstance(value[0], str):
            head, kind, *shape = value
            return (head, tuples(kind), *(tuple(s) if isinstance(s, list) else s for s in shape))
        return [tuples(v) for v in value] if isinstance(value, list) else value

    try:
        dtype: np.dtype[Any] = descr_to_dtype(tuples(json.loads(name.removeprefix("numpy:"))))
        return dtype
    except (ValueError, TypeError, KeyError) as error:
        raise UnknownFormat(f"The element type {name!r} cannot be read: {error}.") from error
