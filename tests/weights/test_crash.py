"""kill -9 at random moments of a commit, a collection and a push; a disk that fills up."""

import random
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from anew.weights import Repository
from tensors import assert_same, commit, noise, packs

STATE = """
import sys, numpy as np
from anew.weights import Repository
def state(step, size=60_000):
    rng = np.random.default_rng(step)
    return {"w": rng.standard_normal(size).astype(np.float32), "same": np.arange(size, dtype=np.float32), "step": np.int64(step)}
"""

COMMITS = (
    STATE
    + """
repo = Repository(sys.argv[1])
repo.stage_weights(state(0))  # imports what the first one needs
repo.unstage()
print("ready", flush=True)
for step in range(int(sys.argv[2]), 10_000):
    repo.stage_weights(state(step))
    made = repo.commit(str(step), step=step)
    print(made.commit_hash, flush=True)
"""
)

COLLECTS = (
    STATE
    + """
repo = Repository(sys.argv[1])
print("ready", flush=True)
while True:
    repo.gc(grace=0)
"""
)

PUSHES = (
    STATE
    + """
from anew.weights import transfer
transfer._PIECE = 200_000
repo = Repository(sys.argv[1])
print("ready", flush=True)
repo.push(sys.argv[2])
print("pushed", flush=True)
"""
)

exec(STATE)


def killed(code, *arguments, after):
    """Start a program, kill it so many seconds after it is ready; what it had printed."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    printed = process.stdout.read().split()
    process.stdout.close()
    process.wait()
    return printed


def check(folder, told):
    """Every commit that was told about is there and whole, and nothing is half there."""
    repo = Repository(folder)
    log = repo.log()
    assert set(told) <= {c.commit_hash for c in log}
    for found in log:
        assert_same(repo.get_all_weights(found.commit_hash), state(found.step))  # noqa: F821
    assert [c.step for c in log] == sorted((c.step for c in log), reverse=True)
    assert repo.fsck().ok
    return len(log)


def kill_commits(folder, rounds, seed):
    chooser = random.Random(seed)
    Repository(folder, init=True)
    told, step = [], 0
    for _ in range(rounds):
        told += killed(COMMITS, folder, step, after=chooser.uniform(0.0, 0.2))
        check(folder, told)
        newest = Repository(folder).log(limit=1)
        step = newest[0].step + 1 if newest else 0
    repo = Repository(folder)
    repo.gc(grace=0)
    check(folder, told)
    assert told


def test_a_commit_killed_at_any_moment_is_there_or_not(tmp_path):
    kill_commits(tmp_path / "r", 3, seed=1)


@pytest.mark.slow
def test_forty_commits_killed_at_random_moments_are_there_or_not(tmp_path):
    kill_commits(tmp_path / "r", 40, seed=2)


def kill_collections(folder, rounds, seed):
    chooser = random.Random(seed)
    repo = Repository(folder, init=True, durable=False)
    step = 0
    for _ in range(rounds):
        for _ in range(3):
            commit(repo, state(step, 20_000), step=step)  # noqa: F821
            step += 1
        expected = {c.commit_hash: c.step for c in repo.log()}
        for name in range(3):
            branch = Repository(folder, branch=f"dead{name}", durable=False)
            commit(branch, {"w": noise(100_000, step + name), "small": noise(10)})
            branch.delete_branch(f"dead{name}")
        killed(COLLECTS, folder, after=chooser.uniform(0.0, 0.05))
        fresh = Repository(folder)
        for commit_hash, number in expected.items():
            assert_same(fresh.get_all_weights(commit_hash), state(number, 20_000))  # noqa: F821
        assert fresh.fsck().ok
    last = Repository(folder)
    last.gc(grace=0)
    # A pack more than half alive is kept as it is, so a collection leaves at most that much behind.
    usage = last.du()
    assert usage.unreachable <= usage.stored / 2
    assert last.fsck().ok


def test_a_collection_killed_at_any_moment_loses_nothing(tmp_path):
    kill_collections(tmp_path / "r", 2, seed=3)


@pytest.mark.slow
def test_twenty_five_collections_killed_at_random_moments_lose_nothing(tmp_path):
    kill_collections(tmp_path / "r", 25, seed=4)


def kill_pushes(folder, other, rounds, seed):
    chooser = random.Random(seed)
    repo = Repository(folder, init=True, durable=False)
    there = Repository(other, init=True, durable=False)
    step = 0
    for _ in range(rounds):
        before = there.branches()
        for _ in range(4):
            commit(repo, state(step), step=step)  # noqa: F821
            step += 1
        told = killed(PUSHES, folder, other, after=chooser.uniform(0.0, 0.06))
        fresh = Repository(other)
        assert fresh.branches() in (before, repo.branches())
        if told:
            assert fresh.branches() == repo.branches()
        check(other, [])
    repo.push(there)
    there.gc(grace=0)
    assert check(other, []) == step


def test_a_push_killed_at_any_moment_leaves_the_target_whole(tmp_path):
    kill_pushes(tmp_path / "a", tmp_path / "b", 2, seed=5)


@pytest.mark.slow
def test_twenty_pushes_killed_at_random_moments_leave_the_target_whole(tmp_path):
    kill_pushes(tmp_path / "a", tmp_path / "b", 20, seed=6)


FULL = (
    STATE
    + """
import resource
repo = Repository(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    repo.stage_weights(state(1))
    repo.commit("does not fit")
except OSError as error:
    print("refused", type(error).__name__)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
repo.stage_weights(state(2))
print(repo.commit("fits", step=2).message)
"""
)


@pytest.mark.parametrize("room", [0, 8, 50, 5000, 200_000])
def test_a_disk_that_fills_up_is_said_and_leaves_every_commit_whole(tmp_path, room):
    folder = tmp_path / "r"
    repo = Repository(folder, init=True, durable=False)
    commit(repo, state(0), step=0)  # noqa: F821
    told = subprocess.run(
        [sys.executable, "-c", FULL, folder, str(room)], capture_output=True, text=True, check=True
    )
    assert told.stdout == "refused OSError\nfits\n"
    assert check(folder, []) == 2
    assert not list((folder / "tmp").iterdir())
    assert not list((folder / "leases").iterdir())
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_folder_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    folder = tmp_path / "r"
    repo = Repository(folder, init=True, durable=False)
    commit(repo, {"w": np.ones(3)})
    (folder / "tmp").rmdir()
    (folder / "tmp").write_text("in the way")
    with pytest.raises(OSError, match="tmp"):
        commit(repo, {"w": np.zeros(3)})
    (folder / "tmp").unlink()
    assert repo.get_all_weights()["w"][0] == 1
    commit(repo, {"w": np.zeros(3)})


FORKS = (
    STATE
    + """
import os
repo = Repository(sys.argv[1], durable=False)
repo.stage_weights(state(0))
child = os.fork()
if child == 0:
    mine = Repository(sys.argv[1], branch="child", durable=False)
    mine.stage_weights(state(1))
    mine.commit("child", step=1)
    sys.exit(0)
os.waitpid(child, 0)
repo.commit("parent", step=0)
"""
)


def test_a_fork_that_ends_takes_nothing_from_the_process_that_stages(tmp_path):
    repo = Repository(tmp_path / "r", init=True, durable=False)
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKS, tmp_path / "r"], check=True)
    check(tmp_path / "r", [])
    assert {c.message for name in ("main", "child") for c in repo.log(name)} == {"parent", "child"}
    assert packs(tmp_path / "r")
