"""Repositories that earlier versions wrote are read for ever."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from anew.weights import Repository
from anew.weights.records import digest
from tensors import commit

DATA = Path(__file__).parent / "data"
VERSIONS = sorted(path.stem for path in DATA.glob("v*.json"))


@pytest.fixture(params=VERSIONS)
def old(request, tmp_path):
    """A copy of an old repository, and what was in it."""
    shutil.copytree(DATA / request.param, tmp_path / "old")
    return Repository(tmp_path / "old", durable=False), json.loads(
        (DATA / f"{request.param}.json").read_text()
    )


def test_every_commit_of_an_old_repository_reads_back(old):
    repo, expected = old
    assert repo.branches() == expected["branches"]
    assert repo.tags() == expected["tags"]
    log = repo.log()
    assert [c.commit_hash for c in log] == [c["commit_hash"] for c in expected["commits"]]
    for found, told in zip(log, expected["commits"], strict=True):
        assert (found.message, found.experiment, found.step) == (
            told["message"],
            told["experiment"],
            told["step"],
        )
        assert list(found.parents) == told["parents"]
        weights = repo.get_all_weights(found.commit_hash)
        seen = {
            n: [str(a.dtype), list(a.shape), digest(np.ascontiguousarray(a).tobytes()).hex()]
            for n, a in weights.items()
        }
        assert seen == told["tensors"]
    assert repo.fsck().ok


def test_what_is_not_a_tensor_comes_back_too(old):
    repo, _ = old
    first = repo.log()[-1]
    assert first.metadata == {"loss": float("inf"), "at": (1, 2)}
    state = repo.get_all_weights(first.commit_hash).nested("optimizer")
    assert state["groups"] == [{"lr": 0.1, "betas": (0.9, 0.999)}]
    assert state["state"][0]["step"] == 3
    weights = repo.get_all_weights("v1.0")
    assert weights["tied"] is weights["layer.weight"]
    weights["layer.weight"][0, 1] = 5
    assert weights["transposed"][1, 0] == 5


def test_an_old_repository_can_be_written_pushed_and_collected(old, tmp_path):
    repo, expected = old
    commit(repo, {"w": np.ones(3)}, "new")
    repo.gc(grace=0)
    repo.push(tmp_path / "copy")
    assert len(Repository(tmp_path / "copy").log()) == len(expected["commits"]) + 1
    assert repo.fsck().ok
