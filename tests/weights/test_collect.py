import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from anew.errors import InvalidSetting, WeightsError
from anew.weights import Repository
from anew.weights.lease import Lease, active_leases, condemn, condemned
from tensors import assert_same, commit, drifted, noise, packs


def age(folder, seconds=7200.0):
    """Make everything in a repository look this old."""
    then = time.time() - seconds
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (then, then))


def test_what_no_ref_leads_to_is_freed_and_the_rest_stays(repo, tmp_path):
    kept = {"w": noise(300_000)}
    commit(repo, kept)
    repo.branch("topic")
    repo.checkout("topic")
    commit(repo, {"w": noise(300_000, 1)})
    repo.checkout("main")
    repo.delete_branch("topic")
    before = sum(p.stat().st_size for p in packs(tmp_path / "weights"))
    planned = repo.gc(dry_run=True, grace=0)
    assert len(packs(tmp_path / "weights")) == 2
    done = repo.gc(grace=0)
    assert (planned.deleted, planned.freed) == (done.deleted, done.freed)
    after = sum(p.stat().st_size for p in packs(tmp_path / "weights"))
    assert before - after == done.freed > 800_000
    assert_same(Repository(tmp_path / "weights").get_all_weights(), kept)
    assert repo.fsck().ok


def test_what_is_younger_than_the_grace_period_stays(repo, tmp_path):
    commit(repo, {"w": noise(1000)})
    repo.branch("keep", "HEAD")
    commit(repo, {"w": noise(1000, 1)})
    repo.branch("main", "keep", force=True)
    assert repo.gc().deleted == ()
    age(tmp_path / "weights")
    assert len(repo.gc().deleted) == 1
    with pytest.raises(InvalidSetting):
        repo.gc(grace=-1)


def test_what_a_living_delta_needs_stays_although_no_commit_names_it(repo, tmp_path):
    states = [noise(50_000)]
    commit(repo, {"w": states[0]})
    for step in range(3):
        states.append(drifted(states[-1], step))
        commit(repo, {"w": states[-1]})
    last = repo.show()
    assert repo._objects.find(repo.open().entry("w").block_keys()[0])[1].depth == 3
    # A history of the last commit alone: its parents are gone for good.
    orphan = Repository(tmp_path / "weights", branch="orphan", durable=False)
    commit(orphan, {"w": states[-1]})
    repo.checkout("orphan")
    repo.delete_branch("main")
    repo.gc(grace=0)
    assert_same(Repository(tmp_path / "weights").get_all_weights(), {"w": states[-1]})
    assert last.commit_hash not in {c.commit_hash for c in repo.log()}
    assert repo.fsck().ok


def test_an_object_that_no_ref_leads_to_can_be_built_on_after_a_collection(repo, tmp_path):
    """A kept pack may hold a dead delta; the next commit may find it there and rely on it."""
    base, changed = noise(400_000), None
    commit(repo, {"w": base, "x": noise(10)})
    repo.checkout("main")
    repo.branch("start")
    changed = drifted(base, 1)
    commit(repo, {"w": changed, "big": noise(600_000, 5)})
    commit(repo, {"big": noise(600_000, 5)})
    # Only `big` of the second pack is alive; its dead `w` is a delta of the first pack's.
    last = repo.get_all_weights()
    orphan = Repository(tmp_path / "weights", branch="orphan", durable=False)
    commit(orphan, last)
    repo.checkout("orphan")
    for name in ("main", "start"):
        repo.delete_branch(name)
    repo.gc(grace=0)
    commit(repo, {"w": changed})
    assert_same(Repository(tmp_path / "weights").get_all_weights(), {"w": changed})
    assert repo.fsck().ok


def test_a_pack_that_is_mostly_dead_is_rewritten(repo, tmp_path):
    small, large = noise(5000), noise(500_000, 1)
    commit(repo, {"small": small, "large": large})
    orphan = Repository(tmp_path / "weights", branch="orphan", durable=False)
    commit(orphan, {"small": small})
    repo.checkout("orphan")
    repo.delete_branch("main")
    done = repo.gc(grace=0)
    assert len(done.rewritten) == 1
    assert done.freed > 1_500_000
    assert sum(p.stat().st_size for p in packs(tmp_path / "weights")) < 60_000
    assert_same(Repository(tmp_path / "weights").get_all_weights(), {"small": small})


def test_hundreds_of_small_packs_become_one(repo, tmp_path):
    for n in range(100):
        commit(repo, {"w": np.full(4, n)})
    assert len(packs(tmp_path / "weights")) == 100
    repo.gc(grace=0)
    assert len(packs(tmp_path / "weights")) < 5
    fresh = Repository(tmp_path / "weights")
    assert [fresh.get_all_weights(f"HEAD~{n}")["w"][0] for n in range(100)] == list(
        range(99, -1, -1)
    )
    assert fresh.fsck().ok


def test_a_reader_goes_on_while_packs_are_rewritten_under_it(repo, tmp_path):
    for n in range(100):
        commit(repo, {"w": np.full(4, n)})
    reader = Repository(tmp_path / "weights")
    snapshot = reader.open("HEAD~50")
    repo.gc(grace=0)
    assert snapshot["w"][0] == 49
    assert reader.get_all_weights("HEAD~99")["w"][0] == 0


def test_with_a_writer_at_work_nothing_is_deleted_and_the_next_commit_avoids_what_is_condemned(
    repo, tmp_path
):
    tensor = noise(300_000)
    commit(repo, {"w": noise(10)})
    repo.branch("old")
    repo.checkout("old")
    commit(repo, {"w": tensor})
    repo.checkout("main")
    repo.delete_branch("old")
    writer = Repository(tmp_path / "weights", durable=False)
    writer.stage_weights({"w": tensor})
    done = repo.gc(grace=0)
    assert (done.deleted, done.writers) == ((), 1)
    assert done.waiting == tuple(sorted(condemned(repo._blobs)))
    late = Repository(tmp_path / "weights", branch="late", durable=False)
    commit(late, {"other": tensor})
    writer.commit("built on what was to be deleted")
    repo.gc(grace=0)
    assert not condemned(repo._blobs)
    assert_same(Repository(tmp_path / "weights").get_all_weights(), {"w": tensor})
    assert_same(Repository(tmp_path / "weights").get_all_weights("late"), {"other": tensor})
    assert repo.fsck().ok


def test_a_commit_that_starts_after_the_condemning_stores_again(repo, tmp_path):
    tensor = noise(100_000)
    commit(repo, {"w": tensor})
    condemn(repo._blobs, packs(tmp_path / "weights")[0].stem)
    commit(repo, {"w": tensor})
    assert len(repo._objects._found[repo.open().entry("w").block_keys()[0]]) >= 1
    packs(tmp_path / "weights")[0].unlink()
    assert_same(Repository(tmp_path / "weights").get_all_weights(), {"w": tensor})


def test_the_lease_of_a_process_that_died_is_not_waited_for(repo):
    code = "import sys, os\nfrom anew.weights.lease import Lease\nfrom anew.blobs.folder import FolderBlobs\nLease(FolderBlobs(sys.argv[1]))\nos._exit(0)"
    subprocess.run([sys.executable, "-c", code, repo.url], check=True)
    with Lease(repo._blobs) as mine:
        assert active_leases(repo._blobs, 3600) == [mine.name]
    assert active_leases(repo._blobs, 3600) == []


def test_a_writer_that_was_taken_for_dead_commits_nothing(repo):
    repo.stage_weights({"w": np.ones(3)})
    for entry in repo._blobs.list("leases"):
        repo._blobs.delete(entry.key)
    with pytest.raises(WeightsError):
        repo.commit("too late")
    assert repo.log() == []
    commit(repo, {"w": np.ones(3)})


def test_collections_and_commits_at_the_same_time_lose_nothing(repo, tmp_path):
    stop = threading.Event()
    failures = []

    def collector():
        try:
            mine = Repository(tmp_path / "weights", durable=False)
            while not stop.is_set():
                mine.gc(grace=0)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=collector) for _ in range(2)]
    commit(repo, {"w": np.zeros(1)})
    for thread in threads:
        thread.start()
    expected = {}
    pool = [noise(3000, seed) for seed in range(4)]
    for n in range(40):
        branch = Repository(tmp_path / "weights", branch=f"b{n % 5}", durable=False)
        state = {"w": pool[n % 4], "x": drifted(pool[n % 4], n)}
        commit(branch, state)
        expected[f"b{n % 5}"] = state
        if n % 7 == 6:
            repo.delete_branch(f"b{(n - 2) % 5}")
            del expected[f"b{(n - 2) % 5}"]
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures
    fresh = Repository(tmp_path / "weights")
    for name, state in expected.items():
        assert_same(fresh.get_all_weights(name), state)
    assert fresh.fsck().ok


def test_a_collection_that_cannot_know_what_is_needed_deletes_nothing(repo, tmp_path):
    commit(repo, {"w": noise(100)})
    repo.branch("spare")
    commit(repo, {"w": noise(100, 1)})
    path = packs(tmp_path / "weights")[-1]
    data = bytearray(path.read_bytes())
    record = repo._objects.find(repo.show().tree)
    if record is None:
        repo._objects.refresh()
        record = repo._objects.find(repo.show().tree)
    data[record[1].offset + 5] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(WeightsError):
        Repository(tmp_path / "weights").gc(grace=0)
    assert len(packs(tmp_path / "weights")) == 2


def test_what_killed_writers_left_is_swept_up(repo, tmp_path):
    scratch = tmp_path / "weights" / "tmp"
    scratch.mkdir(exist_ok=True)
    (scratch / "dead-001.pack").write_bytes(b"half a pack")
    age(tmp_path / "weights")
    repo.stage_weights({"w": np.ones(3)})
    repo.gc()
    assert len(list(scratch.iterdir())) == 1
    repo.commit("alive")


def test_a_version_that_appears_while_garbage_is_sought_keeps_what_it_needs(repo, tmp_path):
    tensor = noise(100_000)
    commit(repo, {"w": noise(10)})
    doomed = Repository(tmp_path / "weights", branch="doomed", durable=False)
    commit(doomed, {"w": tensor})
    repo.delete_branch("doomed")

    def meanwhile(phase):
        if phase == "rewriting":
            commit(Repository(tmp_path / "weights", branch="late", durable=False), {"w": tensor})

    assert repo.gc(grace=0, progress=meanwhile).deleted == ()
    assert_same(Repository(tmp_path / "weights").get_all_weights("late"), {"w": tensor})
    assert repo.fsck().ok


def test_a_catalog_that_a_killed_process_left_beside_its_successor_counts_nothing_twice(tmp_path):
    repo = Repository(tmp_path / "r", init=True)
    for step in range(3):
        repo.stage_weights({"w": np.full(1000, step, np.float32)})
        repo.commit(str(step))
    repo.gc(grace=0)
    (catalog,) = (tmp_path / "r" / "index").glob("*.idx")
    (catalog.parent / f"{int(catalog.stem.split('-')[0], 16) + 1:x}-left.idx").write_bytes(
        catalog.read_bytes()
    )
    before = Repository(tmp_path / "r").du()
    fresh = Repository(tmp_path / "r")
    fresh.gc(grace=0)
    assert len(list((tmp_path / "r" / "index").glob("*.idx"))) == 1
    assert fresh.du().unreachable == before.unreachable == 0
    assert Repository(tmp_path / "r").du().stored == before.stored
