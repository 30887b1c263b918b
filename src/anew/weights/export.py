"""Writing weights to the files other programs read."""

from __future__ import annotations

import os
from collections.abc import Callable, ItemsView, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from anew.errors import InvalidValue
from anew.weights.dtypes import dtype_name

__all__ = ["Exportable", "save"]


class Exportable(Protocol):
    """Arrays by name, with what a file of another program must know of them; `Weights` are."""

    dtypes: dict[str, str]
    framework: str

    def items(self) -> ItemsView[str, Any]:
        """The names and arrays."""
        ...

    def to_torch(self) -> dict[str, Any]:
        """The same as torch tensors."""
        ...


def save(weights: Exportable, path: Path) -> Path:
    """Write the tensors to `path` in the format its suffix names, complete or not at all."""
    if path.suffix == ".safetensors":
        from anew.weights import safefile

        streams = {}
        for name, array in weights.items():
            dtype = weights.dtypes.get(name) or dtype_name(array.dtype, name)
            streams[name] = (dtype, tuple(array.shape), _stream(array))
        safefile.write(
            path, streams, metadata={"format": "pt"} if weights.framework == "torch" else {}
        )
        return path
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if path.suffix == ".npz":
            for name, array in weights.items():
                if array.dtype.kind == "V" and array.dtype.names is None:
                    raise InvalidValue(
                        f"{name!r} is {array.dtype}, which an .npz file cannot store.", key=name
                    )
            with temporary.open("wb") as file:
                np.savez(file, **dict(weights.items()))
        elif path.suffix in (".pt", ".pth"):
            import torch

            torch.save(weights.to_torch(), temporary)
        else:
            raise InvalidValue(f"{path} must end in .safetensors, .npz or .pt.")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _stream(array: np.ndarray[Any, Any]) -> Callable[[], Iterator[Any]]:
    def parts() -> Iterator[Any]:
        yield np.ascontiguousarray(array).reshape(-1).view(np.uint8).data

    return parts
