"""Random commits, branches, merges, collections and cut-off writers against a dictionary of copies."""

import shutil
import tempfile
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from anew.weights import MergeConflict, Repository
from anew.weights.stage import Stager
from tensors import assert_same, drifted, noise

NAMES = ("w", "b/ias", "..", "ü")


class Weights(RuleBasedStateMachine):
    commits = Bundle("commits")

    @initialize()
    def start(self):
        self.folder = Path(tempfile.mkdtemp(prefix="anew-weights-"))
        self.repo = Repository(self.folder / "r", init=True, durable=False)
        self.model: dict[str, dict[str, np.ndarray]] = {}
        self.heads: dict[str, str] = {}
        self.state = {"w": noise(600)}
        self.alive: set[str] = set()

    def teardown(self):
        if hasattr(self, "folder"):
            self.repo.unstage()
            shutil.rmtree(self.folder)

    @property
    def branch(self):
        return self.repo.branch_name

    @rule(
        name=st.sampled_from(NAMES),
        seed=st.integers(0, 5),
        kind=st.sampled_from(["drift", "new", "bf16", "empty", "drop", "nan"]),
    )
    def change(self, name, seed, kind):
        if kind == "drop" and len(self.state) > 1:
            self.state.pop(name, None)
        elif kind == "drift" and name in self.state and self.state[name].dtype == np.float32:
            self.state = {**self.state, name: drifted(self.state[name], seed)}
        elif kind == "bf16":
            self.state = {**self.state, name: noise(300, seed, ml_dtypes.bfloat16)}
        elif kind == "empty":
            self.state = {**self.state, name: np.zeros((0, seed), np.int8)}
        elif kind == "nan":
            self.state = {**self.state, name: np.full(5, np.nan, np.float32)}
        else:
            self.state = {**self.state, name: noise((seed + 1, 100), seed)}
        if not self.state:
            self.state = {"w": noise(10)}

    @rule(target=commits)
    def commit(self):
        self.repo.stage_weights(self.state)
        made = self.repo.commit("c")
        self.model[made.commit_hash] = {name: array.copy() for name, array in self.state.items()}
        self.heads[self.branch] = made.commit_hash
        return made.commit_hash

    @rule()
    def stage_and_forget(self):
        self.repo.stage_weights(self.state)
        self.repo.unstage()

    @rule()
    def a_writer_dies(self):
        """Objects are published, the ref is never moved, the lease stays behind."""
        stager = Stager(self.repo._blobs, self.repo._objects, self.repo._history.block_size)
        from anew.weights import model_to_weights

        stager.add(model_to_weights({"lost": noise(500, 9), **self.state}), {})
        stager.publish()
        stager._give_up.detach()
        stager._lease.release()

    @precondition(lambda self: self.heads)
    @rule(name=st.sampled_from(["main", "a", "b/c"]), at=commits)
    def new_branch(self, name, at):
        if at in self.reachable():
            self.repo.branch(name, at, force=True)
            self.heads[name] = at

    @precondition(lambda self: self.heads)
    @rule(data=st.data())
    def checkout(self, data):
        name = data.draw(st.sampled_from(sorted(self.heads)))
        self.repo.checkout(name)
        self.state = dict(self.model[self.heads[name]])

    @precondition(lambda self: len(self.heads) > 1)
    @rule(data=st.data())
    def delete(self, data):
        name = data.draw(st.sampled_from(sorted(set(self.heads) - {self.branch})))
        self.repo.delete_branch(name)
        del self.heads[name]

    @precondition(lambda self: self.branch in self.heads)
    @rule(data=st.data(), strategy=st.sampled_from(["ours", "theirs", None]))
    def merge(self, data, strategy):
        name = data.draw(st.sampled_from(sorted(self.heads)))
        try:
            merged = self.repo.merge(name, strategy=strategy)
        except MergeConflict:
            return
        if merged.commit_hash not in self.model:
            restored = self.repo.get_all_weights(merged.commit_hash)
            sides = [self.model[parent] for parent in merged.parents]
            for tensor, array in restored.items():
                assert any(
                    tensor in side and array.tobytes() == side[tensor].tobytes() for side in sides
                )
            self.model[merged.commit_hash] = {n: a.copy() for n, a in restored.items()}
        self.heads[self.branch] = merged.commit_hash
        self.state = dict(self.model[merged.commit_hash])

    @rule()
    def collect(self):
        self.repo.gc(grace=0)

    @rule()
    def reopen(self):
        self.repo = Repository(self.folder / "r", durable=False)

    @rule()
    def forget_catalogs(self):
        shutil.rmtree(self.folder / "r" / "index", ignore_errors=True)

    @rule()
    def push_and_continue_from_the_copy(self):
        if self.heads:
            shutil.rmtree(self.folder / "copy", ignore_errors=True)
            self.repo.push(self.folder / "copy", sorted(self.heads))
            copy = Repository(self.folder / "copy")
            for name, head in self.heads.items():
                assert_same(copy.get_all_weights(name), self.model[head])

    def reachable(self):
        return {c.commit_hash for head in self.heads.values() for c in self.repo.log(head)}

    @invariant()
    def every_commit_reads_back(self):
        if not hasattr(self, "repo"):
            return
        assert self.repo.branches() == self.heads
        for commit_hash in self.reachable():
            assert_same(self.repo.get_all_weights(commit_hash), self.model[commit_hash])

    @invariant()
    def nothing_is_damaged(self):
        if hasattr(self, "repo"):
            assert self.repo.fsck().ok


@pytest.mark.parametrize("examples", [4, pytest.param(25, marks=pytest.mark.slow)])
def test_a_repository_has_what_a_dictionary_of_copies_has(examples):
    run_state_machine_as_test(
        Weights,
        settings=settings(
            max_examples=examples,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
