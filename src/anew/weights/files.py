"""Weights out of the files other programs leave: safetensors, npz, and torch's own, never unpickled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from anew.errors import InvalidValue, NotFound, WeightsError
from anew.weights.bundle import Weights
from anew.weights.pytree import weights_of_container, weights_of_pytree

__all__ = ["SUFFIXES", "load"]

SUFFIXES = (".safetensors", ".npz", ".npy", ".pt", ".pth", ".ckpt", ".bin")


def load(path: Path) -> Weights:
    """The tensors of a file.

    Raises:
        NotFound: there is no such file.
        InvalidValue: this module does not read files of that kind.
        WeightsError: it holds Python objects, which reading would have to run.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path}.", name=str(path))
    suffix = path.suffix.lower()
    if suffix == ".safetensors":
        from anew.weights import safefile

        sources, metadata = safefile.read(path)
        structure = {"metadata": dict(metadata)} if metadata else {}
        return Weights(sources, structure=structure, framework="")
    if suffix in (".npz", ".npy"):
        return _load_numpy(path)
    if suffix in SUFFIXES:
        return _load_torch(path)
    raise InvalidValue(
        f"{path} is not a file of weights. Give a file ending in {', '.join(SUFFIXES)}."
    )


def _load_numpy(path: Path) -> Weights:
    try:
        if path.suffix.lower() == ".npy":
            array = np.load(path, mmap_mode="r", allow_pickle=False)
            return Weights({path.stem: array}, framework="numpy")
        with np.load(path, allow_pickle=False) as archive:
            return Weights({name: archive[name] for name in archive.files}, framework="numpy")
    except (ValueError, OSError, EOFError) as error:
        raise WeightsError(
            f"{path} cannot be read without unpickling Python objects, or is damaged: {error}"
        ) from error


def _load_torch(path: Path) -> Weights:
    import pickle

    import torch

    try:
        value: Any = torch.load(path, map_location="cpu", weights_only=True, mmap=_is_zip(path))
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise WeightsError(
            f"{path} holds more than tensors and plain data, or is damaged, so it is not read: "
            "reading a .pt file could run any code. Save a state_dict() instead. "
            f"(torch says: {str(error).splitlines()[0]})"
        ) from error
    if isinstance(value, torch.Tensor):
        return Weights({path.stem: value}, framework="torch")
    if isinstance(value, dict) and value:
        weights = weights_of_container(value)
        return Weights(weights, structure=weights.structure, framework="torch")
    return weights_of_pytree(value, "torch")


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"PK"
