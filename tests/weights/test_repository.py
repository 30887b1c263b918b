import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from anew.errors import (
    Ambiguous,
    CorruptData,
    InvalidName,
    InvalidValue,
    NotFound,
    UnknownFormat,
    WeightsError,
)
from anew.weights import Repository
from tensors import assert_same, commit, drifted, noise, packs


def test_a_commit_gives_back_all_it_was_told(repo):
    made = commit(
        repo,
        {"w": np.ones(3)},
        "epoch 3",
        author="alice",
        experiment="exp-1",
        step=7,
        metadata={"loss": float("nan"), "at": (1, 2)},
    )
    shown = repo.show(made.commit_hash)
    assert (shown.message, shown.author, shown.experiment, shown.step) == (
        "epoch 3",
        "alice",
        "exp-1",
        7,
    )
    assert np.isnan(shown.metadata["loss"])
    assert shown.metadata["at"] == (1, 2)
    assert (shown.tensors, shown.nbytes, shown.parents) == (1, 24, ())
    assert abs(shown.time - time.time()) < 60
    assert len(made.commit_hash) == 64


def test_every_version_of_a_training_comes_back_bit_for_bit(repo, tmp_path):
    versions, state = [], {"w": noise((100, 100)), "b": noise(100), "frozen": noise(500)}
    for step in range(12):
        versions.append((commit(repo, state, f"step {step}").commit_hash, dict(state)))
        state = {**state, "w": drifted(state["w"], step), "b": drifted(state["b"], step)}
    fresh = Repository(tmp_path / "weights")
    for commit_hash, expected in versions:
        assert_same(fresh.get_all_weights(commit_hash), expected)
    assert [c.message for c in fresh.log()] == [f"step {n}" for n in reversed(range(12))]
    assert fresh.log(limit=2)[1].message == "step 10"


def test_an_unchanged_model_stores_next_to_nothing(repo):
    model = {f"layer.{n}": noise(50_000, n) for n in range(20)}
    commit(repo, model)
    commit(repo, model, "again")
    assert repo.du().commits[-1].stored < 1000
    model["layer.3"] = drifted(model["layer.3"], 1)
    commit(repo, model, "one changed")
    assert 0 < repo.du().commits[-1].stored < 0.7 * model["layer.3"].nbytes


def test_equal_tensors_are_stored_once_across_branches_names_and_repository_objects(repo, tmp_path):
    tensor = noise(100_000)
    commit(repo, {"a": tensor, "b": tensor.copy()})
    before = repo.du().stored
    other = Repository(tmp_path / "weights", branch="other", durable=False)
    commit(other, {"quite/another/name": tensor.copy()})
    assert other.du().stored - before < 1000


def test_small_tensors_that_change_are_new_every_time(repo):
    for value in range(5):
        commit(repo, {"running_mean": np.full(4, value, np.float32), "count": np.int64(value)})
    for back in range(5):
        restored = repo.get_all_weights(f"HEAD~{back}")
        assert restored["count"] == 4 - back
        assert (restored["running_mean"] == 4 - back).all()


def test_chains_of_deltas_are_bounded(repo):
    state = noise(30_000)
    for step in range(12):
        commit(repo, {"w": state})
        state = drifted(state, step)
    depths = {record.depth for _, record in repo._objects.records()}
    assert depths == {0, 1, 2, 3}


def test_staging_adds_up_and_update_starts_from_the_current_commit(repo):
    repo.stage_weights({"a": np.ones(2)})
    assert repo.stage_weights({"b": np.zeros(2)}) == 2
    repo.commit("both")
    assert repo.stage_weights({"b": np.ones(2)}, update=True) == 2
    assert repo.status().staged == {"added": (), "removed": (), "changed": ("b",)}
    repo.commit("b again")
    assert_same(repo.get_all_weights(), {"a": np.ones(2), "b": np.ones(2)})
    repo.stage_weights({"c": np.ones(1)})
    assert repo.status().staged == {"added": ("c",), "removed": ("a", "b"), "changed": ()}
    repo.unstage()
    assert repo.status().staged == {}


def test_nothing_is_left_when_a_stage_is_given_up(repo, tmp_path):
    with repo:
        repo.stage_weights({"a": noise(100_000)})
    folder = tmp_path / "weights"
    assert not list((folder / "tmp").iterdir())
    assert not list((folder / "leases").iterdir())
    assert not packs(folder)


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("HEAD", 4),
        ("HEAD~1", 3),
        ("HEAD^", 3),
        ("main~2^", 1),
        ("~4", 0),
        ("v1", 2),
        ("v1~1", 1),
        ("topic/x", 3),
    ],
)
def test_a_version_goes_by_many_names(repo, name, step):
    commits = [commit(repo, {"w": np.full(3, n)}) for n in range(5)]
    repo.tag("v1", commits[2].commit_hash)
    repo.branch("topic/x", commits[3].commit_hash[:10])
    assert repo.show(name).commit_hash == commits[step].commit_hash


def test_a_name_that_means_nothing_says_what_may_have_been_meant(repo):
    with pytest.raises(NotFound):
        repo.show()
    assert repo.log() == []
    commit(repo, {"w": np.ones(3)})
    repo.branch("baseline")
    for name, words in (
        ("baselin", "Did you mean 'baseline'"),
        ("HEAD~1", "beyond the first"),
        ("ffff0000", "called"),
        ("", ""),
    ):
        if name:
            with pytest.raises(NotFound, match=words):
                repo.show(name)
    with pytest.raises(NotFound):
        repo.get_weight("W")


def test_the_start_of_several_hashes_is_ambiguous(repo):
    starts: list[str] = []
    while len(set(starts)) == len(starts):  # of 65,536 starts, two of some 300 are alike
        starts.append(commit(repo, {"w": np.full(1, len(starts))}).commit_hash[:4])
    with pytest.raises(Ambiguous):
        repo.show(starts[-1])
    assert repo.show(starts[0] if starts[0] != starts[-1] else starts[1])
    assert len(repo.log()) == len(starts)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "HEAD",
        "a~1",
        "a..b/../c",
        "/a",
        "a/",
        "-x",
        "a b ",
        "a\nb",
        "f" * 64,
        "x" * 201,
        "a^",
        "..",
    ],
)
def test_names_that_would_be_misread_are_refused_for_branches_and_tags(repo, name):
    commit(repo, {"w": np.ones(1)})
    with pytest.raises(InvalidName):
        repo.branch(name)
    with pytest.raises(InvalidName):
        repo.tag(name)


@pytest.mark.parametrize(
    "name", ["a/b/c", "ü-重み", "con", "a..b", "A", "a", "x y", "100%", "e=mc2", ".hidden"]
)
def test_a_branch_may_have_most_names_and_never_leaves_its_folder(repo, tmp_path, name):
    made = commit(repo, {"w": np.ones(1)})
    repo.branch(name)
    assert repo.branches()[name] == made.commit_hash
    assert {p.name for p in tmp_path.iterdir()} == {"weights"}
    assert all(p.is_dir() for p in (tmp_path / "weights" / "refs" / "heads").iterdir())


def test_branches_and_tags_are_made_moved_and_deleted(repo):
    first, second = (commit(repo, {"w": np.full(1, n)}).commit_hash for n in range(2))
    repo.tag("v1", first, message="the first")
    with pytest.raises(WeightsError):
        repo.tag("v1", second)
    repo.tag("v1", first)
    repo.tag("v1", second, force=True)
    assert repo.tags() == {"v1": second}
    repo.delete_tag("v1")
    with pytest.raises(NotFound):
        repo.delete_tag("v1")
    repo.tag("v1", first)
    assert [ref.commit for ref in repo.ref_history("v1")] == [first, None, second, first]
    with pytest.raises(WeightsError):
        repo.delete_branch("main")


def test_checkout_moves_to_a_branch_and_a_commit_alone_takes_no_commits(repo, tmp_path):
    first = commit(repo, {"w": np.zeros(1)})
    repo.branch("other")
    repo.checkout("other")
    commit(repo, {"w": np.ones(1)})
    assert Repository(tmp_path / "weights").status().branch == "other"
    assert repo.branches()["main"] == first.commit_hash
    repo.checkout(first.commit_hash)
    assert repo.status().branch is None
    assert repo.get_all_weights()["w"][0] == 0
    with pytest.raises(WeightsError):
        commit(repo, {"w": np.ones(1)})
    repo.checkout("main")
    commit(repo, {"w": np.ones(1)})


def test_a_folder_that_is_no_repository_is_left_alone(tmp_path):
    with pytest.raises(NotFound, match="init=True"):
        Repository(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    with pytest.raises(WeightsError):
        Repository(tmp_path / "mine", init=True)
    assert {p.name for p in (tmp_path / "mine").iterdir()} == {"thesis.txt"}


def test_a_repository_of_a_newer_version_is_refused(repo, tmp_path):
    path = tmp_path / "weights" / "format.json"
    body = json.loads(path.read_text())
    path.write_text(json.dumps({**body, "version": 2}))
    with pytest.raises(UnknownFormat):
        Repository(tmp_path / "weights", init=True)
    path.write_text("{")
    with pytest.raises(CorruptData):
        Repository(tmp_path / "weights")
    path.write_text(json.dumps({**body, "format": "something"}))
    with pytest.raises(WeightsError, match="something"):
        Repository(tmp_path / "weights")


def test_init_of_an_existing_repository_opens_it(repo, tmp_path):
    made = commit(repo, {"w": np.ones(1)})
    assert Repository(tmp_path / "weights", init=True).show().commit_hash == made.commit_hash


def test_metadata_that_is_no_plain_data_is_refused(repo):
    repo.stage_weights({"w": np.ones(1)})
    with pytest.raises(InvalidValue, match="metadata/model"):
        repo.commit("no", metadata={"model": object()})
    assert repo.log() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"message": 3},
        {"message": None},
        {"message": "\ud800"},
        {"message": "m", "author": b"alice"},
        {"message": "m", "experiment": 7},
        {"message": "m", "step": 1.5},
        {"message": "m", "step": 1 << 70},
    ],
)
def test_what_could_not_be_read_again_is_not_written(repo, fields):
    commit(repo, {"w": np.ones(1)}, "fine", step=np.int64(4))
    repo.stage_weights({"w": np.zeros(1)})
    with pytest.raises(InvalidValue):
        repo.commit(**fields)
    assert [c.message for c in repo.log()] == ["fine"]
    assert repo.show().step == 4


def test_text_that_is_no_unicode_is_kept_in_metadata(repo):
    made = commit(repo, {"w": np.ones(1)}, "odd", metadata={"file": "caf\udce9"})
    assert repo.show(made.commit_hash).metadata == {"file": "caf\udce9"}


def test_threads_that_commit_to_one_branch_lose_no_commit(tmp_path):
    Repository(tmp_path / "r", init=True, durable=False)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            mine = Repository(tmp_path / "r", durable=False)
            for step in range(6):
                commit(mine, {"w": np.full(500, number * 100 + step)}, f"{number}/{step}")
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    repo = Repository(tmp_path / "r")
    assert {c.message for c in repo.log()} == {f"{n}/{s}" for n in range(4) for s in range(6)}
    assert repo.fsck().ok


COMMITTER = """
import sys, numpy as np
from anew.weights import Repository
repo = Repository(sys.argv[1], durable=False)
for step in range(8):
    repo.stage_weights({"w": np.full(2000, step), "who": np.int64(int(sys.argv[2]))})
    repo.commit(f"{sys.argv[2]}/{step}")
"""


def test_processes_that_commit_to_one_branch_lose_no_commit(tmp_path):
    repo = Repository(tmp_path / "r", init=True, durable=False)
    running = [
        subprocess.Popen([sys.executable, "-c", COMMITTER, tmp_path / "r", str(n)])
        for n in range(3)
    ]
    assert [process.wait() for process in running] == [0, 0, 0]
    log = repo.log()
    assert len(log) == 24
    for found in log:
        number, step = map(int, found.message.split("/"))
        weights = repo.get_all_weights(found.commit_hash)
        assert weights["who"] == number
        assert (weights["w"] == step).all()


def test_many_commits_are_gathered_into_catalogs_and_the_catalogs_can_go(repo, tmp_path):
    hashes = [commit(repo, {"w": np.full(2, n)}).commit_hash for n in range(150)]
    folder = tmp_path / "weights"
    assert list((folder / "index").iterdir())
    assert [c.commit_hash for c in reversed(Repository(folder).log())] == hashes
    for path in (folder / "index").iterdir():
        data = bytearray(path.read_bytes())
        data[-7] ^= 1
        path.write_bytes(bytes(data))
    assert [c.commit_hash for c in reversed(Repository(folder).log())] == hashes
    for path in (folder / "index").iterdir():
        path.unlink()
    fresh = Repository(folder)
    assert [c.commit_hash for c in reversed(fresh.log())] == hashes
    assert fresh.get_all_weights(hashes[3])["w"][0] == 3


def test_opening_imports_no_framework(tmp_path):
    code = """
import sys
from anew.weights import Repository
assert "numpy" in sys.modules
import numpy as np
repo = Repository(sys.argv[1], init=True)
repo.stage_weights({"w": np.ones(3, np.float32)})
repo.commit("one")
repo.get_all_weights()
heavy = {"torch", "jax", "keras", "sklearn", "obstore", "rich", "pandas", "pyarrow"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code, tmp_path / "r"], check=True)


def test_importing_the_room_imports_nothing_heavy():
    code = "import sys, anew.weights; from anew.weights import ExperimentWeights; bad = {'numpy', 'zstandard', 'blake3', 'msgspec'} & set(sys.modules); assert not bad, bad"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_path_may_be_a_file_url_or_have_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    Repository("~/a b", init=True)
    assert Repository((tmp_path / "a b").as_uri()).url == str(tmp_path / "a b")
    assert Path(tmp_path / "a b" / "format.json").is_file()
