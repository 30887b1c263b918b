"""`anew weights`, as a user types it."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from anew.cli.main import cli
from anew.weights import Repository
from tensors import noise, packs


def call(*arguments, code=0):
    outcome = CliRunner().invoke(cli, ["weights", *map(str, arguments)])
    assert outcome.exit_code == code, outcome.output
    return outcome


def told(*arguments, code=0):
    return json.loads(call(*arguments, "--json", code=code).stdout)


@pytest.fixture
def files(tmp_path):
    """Two checkpoints of one model in files."""
    state = {"w": noise((10, 10)), "b": noise(10)}
    np.savez(tmp_path / "one.npz", **state)
    np.savez(tmp_path / "two.npz", **{**state, "b": state["b"] * 2, "new": np.ones(2)})
    return tmp_path


@pytest.fixture
def two(files):
    call("commit", "one.npz", "-m", "first")
    call("commit", "two.npz", "-m", "second", "--experiment", "k7f3", "--step", "5")
    return Repository("experiments/weights")


def test_a_file_is_committed_to_the_stores_own_folder(files):
    assert "[main " in call("commit", "one.npz", "-m", "first").stdout
    made = told("commit", "two.npz", "-m", "second", "--step", "5", "--author", "alice")
    assert (made["step"], made["author"], made["tensor_count"]) == (5, "alice", 3)
    assert call("log", "-q").stdout.split()[0] == made["commit_hash"]
    assert (files / "experiments" / "weights" / "format.json").is_file()


def test_the_log_shows_messages_names_and_steps(two):
    two.tag("v1")
    text = call("log").stdout
    assert "second" in text
    assert "main, v1" in text
    assert [c["message"] for c in told("log")["commits"]] == ["second", "first"]
    assert len(told("log", "-n", "1")["commits"]) == 1
    assert [c["step"] for c in told("log", "--experiment", "k7f3")["commits"]] == [5]


def test_a_version_and_a_difference_are_shown(two):
    assert "w" in call("show", "HEAD~1").stdout
    assert {t["name"]: t["shape"] for t in told("show")["tensors"]} == {
        "w": [10, 10],
        "b": [10],
        "new": [2],
    }
    assert call("show", "-q").stdout.split() == ["w", "b", "new"]
    text = call("diff")
    assert "+  new" in text.stdout
    assert "~  b" in text.stdout
    found = told("diff", "HEAD~1", "HEAD")
    assert found["added"] == ["new"]
    assert found["changed"][0]["norm"] > 0
    assert told("diff", "--no-norms")["changed"][0]["norm"] is None


def test_a_checkout_writes_a_file_or_changes_the_branch(two, files):
    call("checkout", "HEAD~1", "--to", "out.safetensors")
    call("checkout", "HEAD", "--to", "part.npz", "--only", "b")
    assert list(np.load(files / "part.npz")) == ["b"]
    assert (files / "out.safetensors").stat().st_size > 400
    call("branch", "topic", "HEAD~1")
    assert "topic" in call("checkout", "topic").stdout
    assert told("status")["branch"] == "topic"
    assert "On topic" in call("status").stdout
    assert call("checkout", "nowhere", code=3).stdout == ""
    call("checkout", "topic", "--only", "b", code=2)


def test_branches_and_tags_are_listed_made_and_deleted(two):
    call("branch", "topic", "HEAD~1")
    assert "* main" in call("branch").stdout
    assert set(told("branch")["names"]) == {"main", "topic"}
    call("branch", "topic", code=1)
    call("branch", "topic", "--force")
    call("branch", "--delete", "topic")
    assert call("branch", "-q").stdout.split() == ["main"]
    call("tag", "v1", "-m", "paper")
    assert set(told("tag")["names"]) == {"v1"}
    call("tag", "-d", "v1")
    assert told("tag") == {"names": {}}


def test_a_merge_names_conflicts_and_takes_a_strategy(two, files):
    call("branch", "topic", "HEAD~1")
    call("checkout", "topic")
    np.savez(files / "three.npz", w=np.zeros((10, 10)), b=np.zeros(10, np.float32))
    call("commit", "three.npz", "-m", "third")
    outcome = call("merge", "main", code=1)
    assert "Both sides changed 1 tensors: b" in outcome.stderr
    assert len(told("merge", "main", "--strategy", "average")["parents"]) == 2


def test_versions_are_pushed_pulled_verified_measured_and_collected(two, files):
    assert "Sent main" in call("push", "there").stdout
    assert told("push", "there")["objects"] == 0
    call("pull", "there", "--repo", "here")
    assert told("log", "--repo", "here")["commits"][0]["message"] == "second"
    assert told("fsck")["ok"]
    assert "all whole" in call("fsck").stdout
    assert told("du")["logical"] == 440 + 456
    assert "2 versions" in call("du").stdout
    assert told("gc", "--dry-run", "--grace", "0")["deleted"] == []
    assert "Freed" in call("gc").stdout


def test_damage_is_reported_with_an_exit_code(two, files):
    path = packs(files / "experiments" / "weights")[0]
    data = bytearray(path.read_bytes())
    data[300] ^= 1
    path.write_bytes(bytes(data))
    outcome = call("fsck", code=6)
    assert "cannot restore" in outcome.stdout
    assert told("fsck", code=6)["ok"] is False


def test_without_a_repository_it_says_how_to_make_one(files):
    outcome = call("log", code=3)
    assert "anew weights init" in outcome.stderr
    assert call("init").stdout
    assert told("log") == {"commits": []}
    assert call("log").stdout == ""
    call("commit", "missing.npz", "-m", "x", code=2)


def test_the_repository_may_be_named(files):
    call("commit", "one.npz", "-m", "x", "--repo", "elsewhere")
    assert len(told("log", "--repo", "elsewhere")["commits"]) == 1
    root = files / "store"
    assert call("init", "--root", root, "-q").stdout.strip() == str(root / "weights")
