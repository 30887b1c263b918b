"""Tensors for the tests of weights, and the comparison they mean: bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from anew.weights import Commit, Repository


def bits(array: Any) -> bytes:
    """The bytes of an array in C order."""
    return np.ascontiguousarray(array).tobytes()


def same(left: Any, right: Any) -> bool:
    """Whether two arrays have one type, one shape and the same bits."""
    return left.dtype == right.dtype and left.shape == right.shape and bits(left) == bits(right)


def assert_same(restored: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """The restored tensors are those expected, all of them and no other."""
    assert set(restored) == set(expected)
    for name in expected:
        assert same(restored[name], np.asarray(expected[name])), name


def commit(repo: Repository, weights: Any, message: str = "a version", **fields: Any) -> Commit:
    """Stage and commit in one step."""
    repo.stage_weights(weights)
    return repo.commit(message, **fields)


def noise(shape: tuple[int, ...] | int, seed: int = 0, dtype: Any = np.float32) -> np.ndarray:
    """Numbers like those of a trained layer."""
    return (np.random.default_rng(seed).standard_normal(shape) * 0.02).astype(dtype)


def drifted(array: np.ndarray, seed: int, by: float = 1e-3) -> np.ndarray:
    """The array after a step of training."""
    factor = 1 + by * np.random.default_rng(seed).standard_normal(array.shape)
    return (array * factor).astype(array.dtype)


def packs(folder: Path) -> list[Path]:
    """The packs of a repository on disk."""
    return sorted((folder / "packs").glob("*.pack"))
