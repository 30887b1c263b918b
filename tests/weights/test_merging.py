import numpy as np
import pytest

from anew.errors import InvalidSetting, WeightsError
from anew.weights import MergeConflict, Repository
from tensors import assert_same, commit


@pytest.fixture
def forked(repo):
    """Two branches that each changed a tensor of their own and `both` differently."""
    base = {
        "mine": np.zeros(4, np.float32),
        "yours": np.zeros(4, np.float32),
        "both": np.zeros(4, np.float32),
        "steps": np.int64(0),
    }
    commit(repo, base)
    repo.branch("other")
    commit(
        repo,
        {
            **base,
            "mine": np.ones(4, np.float32),
            "both": np.full(4, 2, np.float32),
            "steps": np.int64(5),
        },
    )
    repo.checkout("other")
    commit(
        repo,
        {
            **base,
            "yours": np.ones(4, np.float32),
            "both": np.full(4, 4, np.float32),
            "steps": np.int64(7),
            "new": np.ones(2),
        },
    )
    repo.checkout("main")
    return repo


def test_a_branch_that_is_behind_moves_forward(repo, tmp_path):
    commit(repo, {"w": np.zeros(1)})
    repo.branch("topic")
    repo.checkout("topic")
    ahead = commit(repo, {"w": np.ones(1)})
    repo.checkout("main")
    assert repo.merge("topic").commit_hash == ahead.commit_hash
    assert repo.merge("topic").commit_hash == ahead.commit_hash
    assert set(Repository(tmp_path / "weights").branches()) == {"main", "topic"}


def test_what_both_sides_changed_is_named_and_nothing_happens(forked):
    before = forked.branches()
    with pytest.raises(MergeConflict) as caught:
        forked.merge("other")
    assert set(caught.value.conflicts) == {"both", "steps"}
    assert forked.branches() == before
    with pytest.raises(InvalidSetting):
        forked.merge("other", strategy="best")


@pytest.mark.parametrize(
    ("strategy", "both", "steps"), [("ours", 2, 5), ("theirs", 4, 7), ("average", 3, 5)]
)
def test_a_strategy_decides_the_conflicts_and_only_those(forked, strategy, both, steps):
    merged = forked.merge("other", strategy=strategy, message="together")
    assert_same(
        forked.get_all_weights(),
        {
            "mine": np.ones(4, np.float32),
            "yours": np.ones(4, np.float32),
            "both": np.full(4, both, np.float32),
            "steps": np.int64(steps),
            "new": np.ones(2),
        },
    )
    assert len(merged.parents) == 2
    assert merged.metadata["strategy"] == strategy
    assert len(forked.log()) == 4
    assert forked.merge("other").commit_hash == merged.commit_hash


def test_a_removed_tensor_stays_removed_and_a_change_of_it_is_a_conflict(repo):
    commit(repo, {"a": np.zeros(1), "b": np.zeros(1)})
    repo.branch("other")
    commit(repo, {"b": np.zeros(1)})
    repo.checkout("other")
    commit(repo, {"a": np.zeros(1), "b": np.ones(1)})
    repo.checkout("main")
    repo.merge("other")
    assert_same(repo.get_all_weights(), {"b": np.ones(1)})
    repo.checkout("other")
    commit(repo, {"a": np.ones(1), "b": np.ones(1)})
    with pytest.raises(MergeConflict, match="a"):
        repo.merge("main", strategy="average")
    repo.merge("main", strategy="ours")
    assert "a" in repo.get_all_weights()


def test_shapes_that_differ_cannot_be_averaged(repo):
    commit(repo, {"a": np.zeros(1)})
    repo.branch("other")
    commit(repo, {"a": np.zeros(2)})
    repo.checkout("other")
    commit(repo, {"a": np.zeros(3)})
    with pytest.raises(MergeConflict):
        repo.merge("main", strategy="average")


def test_tied_tensors_are_merged_together(repo):
    def tied(value):
        array = np.full(5, value, np.float32)
        return {"a": array, "b": array, "c": np.zeros(1)}

    commit(repo, tied(0))
    repo.branch("other")
    commit(repo, {**tied(0), "c": np.ones(1)})
    repo.checkout("other")
    commit(repo, tied(2))
    repo.checkout("main")
    repo.merge("other")
    restored = repo.get_all_weights()
    assert restored["a"] is restored["b"]
    assert_same(restored, {**tied(2), "c": np.ones(1)})
    commit(repo, tied(4))
    repo.checkout("other")
    commit(repo, tied(8))
    repo.merge("main", strategy="average")
    restored = repo.get_all_weights()
    assert restored["a"] is restored["b"]
    assert (restored["a"] == 6).all()


def test_histories_without_a_common_commit_can_be_merged(repo, tmp_path):
    commit(repo, {"a": np.zeros(1)})
    other = Repository(tmp_path / "weights", branch="unrelated", durable=False)
    commit(other, {"b": np.zeros(1)})
    repo.merge("unrelated")
    assert_same(repo.get_all_weights(), {"a": np.zeros(1), "b": np.zeros(1)})


def test_criss_cross_merges_take_a_common_commit(forked):
    forked.merge("other", strategy="ours")
    forked.checkout("other")
    forked.merge("main~1", strategy="theirs")
    commit(forked, {**forked.get_all_weights(), "yours": np.full(4, 9, np.float32)})
    forked.checkout("main")
    forked.merge("other", strategy="theirs")
    assert (forked.get_all_weights()["yours"] == 9).all()
    assert forked.fsck().ok


def test_a_merge_waits_for_staged_tensors_to_be_committed(forked):
    forked.stage_weights({"w": np.ones(1)})
    with pytest.raises(WeightsError, match="staged"):
        forked.merge("other")
