import math

import ml_dtypes
import numpy as np
import pytest

from tensors import commit, noise


def test_a_diff_names_what_was_added_removed_and_changed_and_by_how_much(repo):
    old = {
        "same": noise(10),
        "w": np.zeros(4, np.float32),
        "gone": noise(3),
        "shape": noise(4),
        "kind": noise(4),
        "n": np.int64(3),
    }
    new = {
        **old,
        "w": np.array([3, 4, 0, 0], np.float32),
        "shape": noise((2, 2)),
        "kind": noise(4, dtype=np.float64),
        "n": np.int64(5),
        "new": noise(2),
    }
    del new["gone"]
    commit(repo, old)
    commit(repo, new)
    diff = repo.diff("HEAD~1", "HEAD")
    assert (diff.added, diff.removed, diff.unchanged) == (("new",), ("gone",), 1)
    changes = {change.name: change for change in diff.changed}
    assert set(changes) == {"w", "shape", "kind", "n"}
    assert changes["w"].norm == 5.0
    assert changes["w"].changed_elements == 2
    assert changes["n"].norm == 2.0
    assert changes["n"].relative == pytest.approx(2 / 3)
    assert changes["shape"].norm is None
    assert (changes["kind"].old_dtype, changes["kind"].new_dtype) == ("float32", "float64")
    assert not repo.diff("HEAD", "HEAD")


def test_changes_of_bits_alone_count_and_nan_is_said(repo):
    base = np.zeros(4, np.float32)
    commit(
        repo,
        {
            "w": base,
            "n": base,
            "c": base.astype(np.complex64),
            "b": base.astype(ml_dtypes.bfloat16),
        },
    )
    commit(
        repo,
        {
            "w": np.full(4, -0.0, np.float32),
            "n": np.full(4, np.nan, np.float32),
            "c": np.full(4, 3 + 4j, np.complex64),
            "b": np.ones(4, ml_dtypes.bfloat16),
        },
    )
    changes = {change.name: change for change in repo.diff("HEAD~1").changed}
    assert (changes["w"].norm, changes["w"].changed_elements) == (0.0, 4)
    assert math.isnan(changes["n"].norm)
    assert (changes["c"].norm, changes["c"].changed_elements) == (10.0, 4)
    assert changes["b"].norm == 2.0


def test_a_tied_tensor_changes_with_the_one_it_is_tied_to(repo):
    array = noise(50)
    commit(repo, {"a": array, "b": array})
    commit(repo, {"a": array.copy(), "b": array.copy()})
    assert not {c.norm for c in repo.diff("HEAD~1").changed} - {0.0}
    changed = array + 1
    commit(repo, {"a": changed, "b": changed})
    assert {c.name for c in repo.diff("HEAD~2").changed} == {"a", "b"}


def test_a_diff_of_one_block_reads_that_block_alone(repo, monkeypatch):
    big = noise(4_000_000)
    commit(repo, {"big": big})
    big[3_999_999] += 1
    commit(repo, {"big": big})
    read = []
    original = type(repo._objects).read_block
    monkeypatch.setattr(
        type(repo._objects),
        "read_block",
        lambda self, key, out, what: (read.append(len(out)), original(self, key, out, what))[1],
    )
    assert repo.diff("HEAD~1").changed[0].changed_elements == 1
    assert sum(read) <= 2 * 4 * 1024 * 1024
    read.clear()
    repo.diff("HEAD~1", norms=False)
    assert not read
