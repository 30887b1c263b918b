import numpy as np
import pytest

from anew.errors import InvalidValue
from anew.weights import ExperimentWeights, Repository
from tensors import assert_same, noise


def test_the_best_experiment_leads_to_its_weights(tmp_path):
    recorded = []
    weights = ExperimentWeights(
        tmp_path / "weights",
        "exp-1",
        on_commit=lambda commit, message, step: recorded.append((commit, message, step)),
        durable=False,
    )
    assert not (tmp_path / "weights").exists()
    for step in range(3):
        weights.commit(
            {"w": np.full(3, step)}, f"epoch {step}", step=step, metadata={"acc": step / 10}
        )
    commit_hash, message, step = recorded[1]
    assert (message, step) == ("epoch 1", 1)
    repo = Repository(tmp_path / "weights")
    assert repo.get_all_weights(commit_hash)["w"][0] == 1
    assert repo.show(commit_hash).experiment == "exp-1"
    assert [c.step for c in weights.log()] == [2, 1, 0]
    assert weights.load()["w"][0] == 2
    assert weights.open("HEAD~1")["w"][0] == 1
    assert_same(weights.load_into({"w": np.zeros(3, np.int64)}), {"w": np.full(3, 2)})


def test_experiments_share_a_repository_and_equal_tensors_but_no_branch(tmp_path):
    backbone = noise(100_000)
    first, second = (
        ExperimentWeights(tmp_path / "weights", f"e{n}", durable=False) for n in range(2)
    )
    first.commit({"backbone": backbone, "head": noise(10, 1)}, "a")
    second.commit({"backbone": backbone, "head": noise(10, 2)}, "b")
    repo = Repository(tmp_path / "weights")
    assert set(repo.branches()) == {"experiments/e0", "experiments/e1"}
    assert repo.du().stored < 1.2 * backbone.nbytes
    assert [c.message for c in second.log()] == ["b"]


def test_a_forked_experiment_begins_from_its_parents_weights(tmp_path):
    parent = ExperimentWeights(tmp_path / "weights", "parent", durable=False)
    commit = parent.commit({"w": noise(10_000)}, "start")
    child = ExperimentWeights(
        tmp_path / "weights", "child", start=commit.commit_hash, durable=False
    )
    assert child.load()["w"].shape == (10_000,)
    made = child.commit({"w": noise(10_000) * np.float32(1.0001)}, "next")
    assert made.parents == (commit.commit_hash,)
    again = ExperimentWeights(
        tmp_path / "weights", "child", start=commit.commit_hash, durable=False
    )
    assert again.load()["w"][0] == child.load()["w"][0]


def test_a_refused_tensor_leaves_the_experiment_ready_for_the_next(tmp_path):
    weights = ExperimentWeights(tmp_path / "weights", "e", durable=False)
    with pytest.raises(InvalidValue):
        weights.commit({"w": np.array([object()])}, "no")
    weights.commit({"w": np.ones(1)}, "yes")
    assert [c.message for c in weights.log()] == ["yes"]


def test_an_experiment_id_may_be_a_prefix(tmp_path):
    weights = ExperimentWeights(tmp_path / "weights", "alice/vision/resnet50", durable=False)
    weights.commit({"w": np.ones(1)}, "yes")
    assert set(Repository(tmp_path / "weights").branches()) == {"experiments/alice/vision/resnet50"}
