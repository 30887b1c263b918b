"""The same repository in a bucket, on a real S3 server."""

import threading

import numpy as np
import pytest

from anew.blobs.bucket import BucketBlobs
from anew.errors import NotFound, UnknownFormat, WeightsError
from anew.weights import Repository, transfer
from tensors import assert_same, commit, drifted, noise


@pytest.fixture
def bucket(make_bucket):
    """The URL of an empty bucket."""
    return make_bucket()


def test_versions_in_a_bucket_come_back_bit_for_bit(bucket):
    repo = Repository(bucket, init=True)
    states, state = (
        [],
        {"w": noise(1_500_000), "b": noise(10), "n": np.int64(1), "e": np.zeros((0, 3))},
    )
    for step in range(3):
        commit(repo, state, f"step {step}", step=step)
        states.append(state)
        state = {**state, "w": drifted(state["w"], step), "n": np.int64(step)}
    fresh = Repository(bucket)
    for back, expected in enumerate(reversed(states)):
        assert_same(fresh.get_all_weights(f"HEAD~{back}"), expected)
    assert [c.step for c in fresh.log()] == [2, 1, 0]
    assert np.array_equal(fresh.get_weight("w", rows=slice(5, 9)), states[-1]["w"][5:9])
    assert fresh.fsck().ok
    assert fresh.du().ratio > 1.3


def test_branches_tags_merges_and_collections_work_in_a_bucket(bucket):
    repo = Repository(bucket, init=True)
    commit(repo, {"a": noise(1000), "b": noise(1000, 1)})
    repo.branch("topic/x")
    repo.checkout("topic/x")
    commit(repo, {"a": noise(1000, 2), "b": noise(1000, 1)})
    repo.checkout("main")
    commit(repo, {"a": noise(1000), "b": noise(1000, 3)})
    repo.merge("topic/x")
    assert_same(repo.get_all_weights(), {"a": noise(1000, 2), "b": noise(1000, 3)})
    repo.tag("v1")
    repo.branch("doomed")
    doomed = Repository(bucket, branch="doomed")
    commit(doomed, {"big": noise(200_000)})
    doomed.checkout("main")
    repo.delete_branch("doomed")
    done = repo.gc(grace=0)
    assert len(done.deleted) == 1
    assert done.freed > 500_000
    assert Repository(bucket).fsck().ok
    assert set(Repository(bucket).branches()) == {"main", "topic/x"}


def test_committers_to_one_branch_of_a_bucket_lose_no_commit(make_real_bucket):
    # A server that looks whether a key is taken, and then puts it, loses one of two that come at once.
    bucket = make_real_bucket()
    Repository(bucket, init=True)
    failures = []

    def work(number):
        try:
            mine = Repository(bucket)
            for step in range(4):
                commit(mine, {"w": np.full(100, number * 10 + step)}, f"{number}/{step}")
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    repo = Repository(bucket)
    assert {c.message for c in repo.log()} == {f"{n}/{s}" for n in range(3) for s in range(4)}


def test_push_and_pull_go_between_a_folder_and_a_bucket_and_resume(bucket, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "_PIECE", 300_000)
    local = Repository(tmp_path / "local", init=True, durable=False)
    state = {f"w{n}": noise(100_000, n) for n in range(5)}
    commit(local, state)
    uploads = []
    original = BucketBlobs.upload

    def upload(self, path, source):
        if len(uploads) == 2:
            raise ConnectionError("the network went away")
        uploads.append(path)
        original(self, path, source)

    with monkeypatch.context() as cut:
        cut.setattr(BucketBlobs, "upload", upload)
        with pytest.raises(ConnectionError):
            local.push(bucket)
    assert Repository(bucket).branches() == {}
    rest = local.push(bucket)
    assert rest.nbytes < 0.7 * local.du().stored
    clone = Repository(tmp_path / "clone", init=True, durable=False)
    clone.pull(bucket)
    assert_same(clone.get_all_weights(), state)
    assert clone.pull(bucket).objects == 0


def test_a_bucket_without_a_repository_or_with_other_things_is_said(bucket):
    with pytest.raises(NotFound, match="init=True"):
        Repository(bucket)
    blobs = BucketBlobs(bucket)
    blobs.replace("thesis.txt", b"all of it")
    with pytest.raises(WeightsError):
        Repository(bucket, init=True)
    blobs.replace("format.json", b'{"format": "anew-weights", "version": 9, "block_size": 4194304}')
    with pytest.raises(UnknownFormat):
        Repository(bucket)


def test_memory_is_a_place_too():
    repo = Repository("memory:///", init=True)
    commit(repo, {"w": np.ones(3)})
    repo.checkout("main")
    assert repo.get_all_weights()["w"][0] == 1
    assert repo.gc(grace=0).freed == 0
