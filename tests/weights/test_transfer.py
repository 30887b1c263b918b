import os
import threading
from pathlib import Path

import numpy as np
import pytest

from anew.blobs.folder import FolderBlobs
from anew.errors import CorruptData, NotFound, WeightsError
from anew.weights import Repository, transfer
from tensors import assert_same, commit, drifted, noise, packs


@pytest.fixture
def copy(tmp_path):
    return Repository(tmp_path / "copy", init=True, durable=False)


def test_a_push_sends_only_what_is_missing(repo, copy):
    state = {"w": noise(200_000), "frozen": noise(200_000, 1)}
    commit(repo, state)
    first = repo.push(copy)
    assert first.nbytes > 1_000_000
    assert first.branches == {"main": repo.show().commit_hash}
    assert repo.push(copy).objects == 0
    changed = {**state, "w": drifted(state["w"], 1)}
    commit(repo, changed)
    second = repo.push(copy)
    assert 0 < second.nbytes < first.nbytes / 3
    assert_same(copy.get_all_weights(), changed)
    assert_same(copy.get_all_weights("HEAD~1"), state)
    assert copy.fsck().ok


def test_a_clone_carries_all_commits_branches_asked_for_and_tags(repo, tmp_path):
    for n in range(5):
        commit(repo, {"w": np.full(10, n)}, f"c{n}")
    repo.branch("other", "HEAD~2")
    repo.tag("v1", "HEAD~1", message="the first")
    clone = Repository(tmp_path / "clone", init=True, durable=False)
    clone.pull(repo.url, ["main", "other"])
    assert [c.message for c in clone.log()] == ["c4", "c3", "c2", "c1", "c0"]
    assert clone.branches() == repo.branches()
    assert clone.tags() == repo.tags()
    assert clone.ref_history("v1")[0].message == "the first"


def test_a_push_that_would_lose_commits_is_refused(repo, copy):
    commit(repo, {"w": np.zeros(1)})
    repo.push(copy)
    there = commit(copy, {"w": np.ones(1)})
    commit(repo, {"w": np.full(1, 2)})
    with pytest.raises(WeightsError):
        repo.push(copy)
    assert copy.branches()["main"] == there.commit_hash
    with pytest.raises(WeightsError):
        repo.pull(copy)
    repo.pull(copy, strategy="theirs")
    repo.push(copy)
    assert copy.get_all_weights()["w"][0] == 1
    assert len(copy.log()) == 4


def test_a_forced_push_overwrites(repo, copy):
    commit(repo, {"w": np.zeros(1)})
    commit(copy, {"w": np.ones(1)})
    repo.push(copy, force=True)
    assert copy.branches() == repo.branches()


def test_a_pull_does_not_move_the_branch_one_is_on_when_another_is_asked_for(repo, copy):
    commit(repo, {"w": np.zeros(1)})
    commit(copy, {"w": np.ones(1)})
    copy.branch("theirs")
    repo.pull(copy, ["theirs"])
    assert repo.get_all_weights()["w"][0] == 0
    assert repo.get_all_weights("theirs")["w"][0] == 1
    for name in ("nothing", "thiers"):
        with pytest.raises(NotFound, match=name):
            repo.pull(copy, [name])
        with pytest.raises(NotFound, match=name):
            repo.push(copy, [name])


class Cut(Exception):
    """The network went away."""


def test_a_cut_push_goes_on_where_it_was(repo, copy, monkeypatch):
    monkeypatch.setattr(transfer, "_PIECE", 300_000)
    state = {f"w{n}": noise(100_000, n) for n in range(6)}
    commit(repo, state)
    total = repo.push.__self__.du().stored
    uploads = []
    original = FolderBlobs.upload

    def upload(self, path, source):
        if path.startswith("packs/") and str(self.root) == copy.url:
            if len(uploads) == 3:
                raise Cut
            uploads.append(source.stat().st_size)
        original(self, path, source)

    with monkeypatch.context() as cut:
        cut.setattr(FolderBlobs, "upload", upload)
        with pytest.raises(Cut):
            repo.push(copy)
    assert copy.branches() == {}
    assert copy.log() == []
    rest = repo.push(copy)
    assert rest.nbytes < total - 2 * 300_000
    assert_same(copy.get_all_weights(), state)
    assert not os.listdir(copy._blobs.scratch())


def test_damage_is_not_sent_on(repo, copy, tmp_path):
    commit(repo, {"w": noise(50_000)})
    pack = packs(tmp_path / "weights")[0]
    data = bytearray(pack.read_bytes())
    data[1000] ^= 1
    pack.write_bytes(bytes(data))
    with pytest.raises(CorruptData):
        Repository(tmp_path / "weights").push(copy)
    assert copy.branches() == {}


def test_objects_without_a_ref_at_the_target_are_not_taken_for_whole_commits(repo, copy):
    commit(repo, {"w": noise(5000)})
    key = bytes.fromhex(repo.show().commit_hash)
    repo._objects.refresh()
    _, record, payload = repo._objects.payload(key, "")
    from anew.weights.pack import PackWriter

    writer = PackWriter(Path(copy._blobs.scratch(), "alone.pack"))
    writer.add(key, payload, raw=record.raw, kind=record.kind)
    writer.finish()
    copy._blobs.upload("packs/alone.pack", writer.path)
    repo.push(copy)
    assert copy.fsck().ok
    assert len(copy.get_all_weights()) == 1


def test_two_pushes_to_one_branch_at_once_lose_nothing(tmp_path, copy):
    repos = [Repository(tmp_path / f"r{n}", init=True, durable=False) for n in range(3)]
    outcomes = []
    for n, one in enumerate(repos):
        commit(one, {"w": noise(1000, n)})

    def push(one):
        try:
            one.push(copy)
            outcomes.append(one.show().commit_hash)
        except WeightsError:
            outcomes.append(None)

    threads = [threading.Thread(target=push, args=(one,)) for one in repos]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [o for o in outcomes if o] == [copy.branches()["main"]]


def test_progress_is_told_in_bytes(repo, copy, monkeypatch):
    monkeypatch.setattr(transfer, "_PIECE", 100_000)
    commit(repo, {f"w{n}": noise(40_000, n) for n in range(4)})
    seen = []
    sent = repo.push(copy, progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (sent.nbytes, sent.nbytes)


def test_a_delta_is_sent_with_what_it_is_a_delta_of(repo, copy, tmp_path):
    state = noise(50_000)
    commit(repo, {"w": state})
    for step in range(2):
        state = drifted(state, step)
        commit(repo, {"w": state})
    alone = Repository(tmp_path / "weights", branch="alone", durable=False)
    commit(alone, {"w": state})
    alone.push(copy)
    assert len(copy.log("alone")) == 1
    assert_same(copy.get_all_weights("alone"), {"w": state})
    assert copy.fsck().ok


def _with_a_tag_elsewhere(repo):
    """Two branches, of which one has a tag; the states of the branch and of the tag."""
    commit(repo, {"w": np.zeros(1000)})
    repo.branch("topic")
    repo.checkout("topic")
    tagged = {"w": noise(1000, 7)}
    commit(repo, tagged)
    repo.tag("v1.0")
    repo.checkout("main")
    last = {"w": noise(1000, 3)}
    commit(repo, last)
    return last, tagged


def test_a_push_with_a_tag_on_another_branch_carries_both(repo, copy):
    last, tagged = _with_a_tag_elsewhere(repo)
    repo.push(copy)
    assert_same(copy.get_all_weights("main"), last)
    assert_same(copy.get_all_weights("v1.0"), tagged)
    assert copy.fsck().ok
    assert repo.push(copy).objects == 0


def test_a_pull_with_a_tag_on_another_branch_carries_both(repo, copy):
    last, tagged = _with_a_tag_elsewhere(repo)
    copy.pull(repo)
    assert_same(copy.get_all_weights("main"), last)
    assert_same(copy.get_all_weights("v1.0"), tagged)
    assert copy.fsck().ok


def test_refs_do_not_move_to_what_did_not_arrive(repo, copy, monkeypatch):
    commit(repo, {"w": noise(50_000)})
    original = FolderBlobs.upload

    def upload(self, path, source):
        original(self, path, source)
        if str(self.root) == copy.url:  # a disk that says yes and keeps nothing
            os.remove(Path(self.root, path))

    with monkeypatch.context() as lossy:
        lossy.setattr(FolderBlobs, "upload", upload)
        with pytest.raises(CorruptData):
            repo.push(copy)
    assert copy.branches() == {}
    repo.push(copy)
    assert copy.fsck().ok


def test_a_push_mends_a_target_that_lost_a_pack(repo, copy, tmp_path):
    state = {"w": noise(50_000)}
    commit(repo, state)
    repo.push(copy)
    for pack in packs(tmp_path / "copy"):
        pack.unlink()
    repo.push(Repository(tmp_path / "copy"))
    assert_same(Repository(tmp_path / "copy").get_all_weights(), state)
