"""Tensors of any framework as runs of bytes, without copying what can be read in place.

A source is read block by block while a commit is made. It never changes the tensor it reads and
keeps nothing of it afterwards, so later training steps cannot reach what was committed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from anew.errors import InvalidValue
from anew.weights.codec import Bytes
from anew.weights.dtypes import TORCH, dtype_name, itemsize

__all__ = ["Memory", "Source", "is_tensor", "restrided", "source_of"]


@dataclass(frozen=True, slots=True)
class Memory:
    """Where a tensor lies: on which device, at which address, with which strides in bytes."""

    device: str
    start: int
    strides: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A tensor to store. `read(start, stop)` gives that range of its bytes in C order.

    What `read` returns may be the tensor's own memory: use it before the tensor changes.
    """

    dtype: str
    shape: tuple[int, ...]
    read: Callable[[int, int], Bytes]
    memory: Memory | None = None
    # The given number of elements that lie one after another from the tensor's first.
    span: Callable[[int], Source] | None = None
    # False when `read` has to gather scattered elements: then it is best asked for all at once.
    in_place: bool = True

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return math.prod(self.shape) * itemsize(self.dtype)


def is_tensor(value: object) -> bool:
    """Whether the value is an array or tensor of a framework this module reads."""
    if isinstance(value, Source | np.ndarray | np.generic):
        return True
    kind = type(value)
    module = kind.__module__.partition(".")[0]
    if module == "torch":
        return hasattr(value, "untyped_storage")
    if module in ("jax", "jaxlib", "tensorflow", "keras") or hasattr(value, "__array__"):
        return hasattr(value, "shape") and hasattr(value, "dtype")
    # Subclasses of a tensor that live in somebody else's module, such as a quantised parameter.
    return any(
        base.__module__.startswith("torch") and base.__name__ == "Tensor" for base in kind.__mro__
    )


def source_of(value: object, where: str) -> Source:
    """The tensor as a source; `where` names it in errors.

    Raises:
        InvalidValue: it is not a tensor, or one whose elements cannot be kept.
    """
    if isinstance(value, Source):
        return value
    if any(
        base.__module__ == "torch" and base.__name__ == "Tensor" for base in type(value).__mro__
    ):
        return _from_torch(value, where)
    if not is_tensor(value):
        raise InvalidValue(
            f"{where} is a {type(value).__name__}, not a tensor or array.", key=where
        )
    key_data = _key_data(value)
    array = np.asarray(value if key_data is None else key_data)
    if isinstance(array, np.ma.MaskedArray):
        array = array.filled()
    return _from_numpy(array, where, shared=isinstance(value, np.ndarray))


def _key_data(value: object) -> object:
    """The plain numbers of JAX's typed random keys, which numpy cannot see."""
    if type(value).__module__.startswith("jax") and str(getattr(value, "dtype", "")).startswith(
        "key<"
    ):
        import jax

        return jax.random.key_data(value)  # type: ignore[arg-type]
    return None


def _from_numpy(array: np.ndarray[Any, Any], where: str, *, shared: bool) -> Source:
    name = dtype_name(array.dtype, where)
    memory = None
    if shared and array.size and all(stride >= 0 for stride in array.strides):
        memory = Memory("cpu", array.__array_interface__["data"][0], array.strides)

    def span(count: int) -> Source:
        run = restrided(array, (count,), (array.dtype.itemsize,))
        return _from_numpy(run, where, shared=False)

    if array.flags.c_contiguous:
        flat = array.reshape(-1).view(np.uint8) if array.size else np.empty(0, np.uint8)
        return Source(name, array.shape, lambda start, stop: flat[start:stop], memory, span)

    def read(start: int, stop: int) -> Bytes:
        if stop - start == array.nbytes:
            part = np.ascontiguousarray(array).reshape(-1)
        else:
            part = np.ascontiguousarray(
                array.flat[start // array.itemsize : stop // array.itemsize]
            )
        return part.view(np.uint8)

    return Source(name, array.shape, read, memory, span, in_place=False)


def restrided(
    array: np.ndarray[Any, Any], shape: tuple[int, ...], strides: tuple[int, ...]
) -> np.ndarray[Any, Any]:
    """The array's memory from its first element, in another shape and with other strides in bytes."""
    # Through a type without a meaning: numpy's stride tricks know only numpy's own types.
    plain = array.view(f"V{array.dtype.itemsize}")
    return np.lib.stride_tricks.as_strided(plain, shape, strides).view(array.dtype)


def _from_torch(value: Any, where: str) -> Source:
    import torch

    with torch.no_grad():
        tensor = value.detach()
        if hasattr(tensor, "full_tensor"):
            tensor = tensor.full_tensor()
        name = str(tensor.dtype).removeprefix("torch.")
        if (
            tensor.layout != torch.strided
            or tensor.is_quantized
            or tensor.is_meta
            or name not in TORCH
        ):
            kind = "a meta tensor" if tensor.is_meta else f"{tensor.layout} of {tensor.dtype}"
            raise InvalidValue(
                f"{where} is {kind}, which has no plain bytes to store. Convert it first: "
                ".to_dense() for sparse ones, .dequantize() or .int_repr() for quantised ones.",
                key=where,
            )
        lazy = tensor.is_conj() or tensor.is_neg()
        tensor = tensor.resolve_conj().resolve_neg()
        shape = tuple(tensor.shape)
        size = tensor.element_size()
        memory = None
        if tensor.numel() and not lazy:
            strides = tuple(stride * size for stride in tensor.stride())
            memory = Memory(str(tensor.device), tensor.data_ptr(), strides)

    def span(count: int) -> Source:
        return _from_torch(torch.as_strided(tensor, (count,), (1,), tensor.storage_offset()), where)

    in_place = tensor.is_contiguous()
    return Source(name, shape, _torch_reader(tensor), memory, span, in_place=in_place)


def _torch_reader(tensor: Any) -> Callable[[int, int], Bytes]:
    import torch

    size = tensor.element_size()
    if not tensor.numel():
        return lambda start, stop: np.empty(0, np.uint8)
    if tensor.is_contiguous():
        flat = tensor.reshape(-1).view(torch.uint8)
        if flat.device.type == "cpu":
            array: Bytes = flat.numpy()
            return lambda start, stop: array[start:stop]
        return lambda start, stop: flat[start:stop].cpu().numpy()

    def read(start: int, stop: int) -> Bytes:
        if stop - start == tensor.numel() * size:
            dense = tensor.contiguous().cpu().reshape(-1)
            return dense.view(torch.uint8).numpy()  # type: ignore[no-any-return]
        return _torch_range(tensor, start // size, stop // size)

    return read


def _torch_range(tensor: Any, start: int, stop: int) -> Bytes:
    """Elements start to stop in C order, by whole rows of the first dimension, then cut."""
    import torch

    if tensor.dim() == 0 or tensor.is_contiguous():
        flat = tensor.reshape(-1)[start:stop].cpu().contiguous()
        return flat.view(torch.uint8).numpy()  # type: ignore[no-any-return]
    row = tensor[0].numel()
    first, last = start // row, (stop - 1) // row
    if first == last:
        return _torch_range(tensor[first], start - first * row, stop - first * row)
    parts = []
    for index in range(first, last + 1):
        begin = start - index * row if index == first else 0
        end = stop - index * row if index == last else row
        if begin == 0 and end == row:
            parts.append(tensor[index].contiguous().cpu().reshape(-1).view(torch.uint8).numpy())
        else:
            parts.append(_torch_range(tensor[index], begin, end))
    return np.concatenate(parts)
