import random

import numpy as np
import pytest

from anew.errors import CorruptData, NotFound
from anew.weights import Repository
from anew.weights.pack import BLOCK
from tensors import assert_same, commit, drifted, noise, packs


@pytest.fixture
def trained(repo):
    """Three commits of three tensors, the later ones as deltas."""
    states = []
    state = {"a": noise(20_000), "b": noise(20_000, 1), "c": noise(20_000, 2)}
    for step in range(3):
        commit(repo, state, f"step {step}")
        states.append(state)
        state = {name: drifted(array, step) for name, array in state.items()}
    return states


def flip(path, offset):
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x10
    path.write_bytes(bytes(data))


def block_of(repo, name, ref="HEAD"):
    repo._objects.refresh()
    return repo._objects.find(repo.open(ref).entry(name).block_keys()[0])


def test_a_whole_repository_is_found_whole(repo, trained):
    health = repo.fsck()
    assert health.ok
    assert (health.commits, health.tensors) == (3, 9)


def test_a_flipped_bit_is_found_named_and_keeps_no_other_tensor_from_being_read(
    repo, trained, tmp_path
):
    pack, record = block_of(repo, "b", "HEAD~2")
    flip(tmp_path / "weights" / "packs" / f"{pack}.pack", record.offset + record.stored // 2)
    fresh = Repository(tmp_path / "weights")
    with pytest.raises(CorruptData):
        fresh.get_all_weights("HEAD")
    for back, state in enumerate(reversed(trained)):
        snapshot = fresh.open(f"HEAD~{back}")
        for name in ("a", "c"):
            assert np.array_equal(snapshot[name], state[name])
        partial = fresh.get_all_weights(f"HEAD~{back}", skip_damaged=True)
        assert_same(partial, {name: state[name] for name in ("a", "c")})
        assert set(partial.damaged) == {"b"}
    health = fresh.fsck()
    assert not health.ok
    assert any(record.key.hex()[:16] in problem.what for problem in health.problems)
    assert all(names == ["b"] for names in health.lost.values())
    assert len(health.lost) == 3


def test_after_damage_the_next_commit_is_whole_again(repo, trained, tmp_path):
    pack, record = block_of(repo, "b")
    flip(tmp_path / "weights" / "packs" / f"{pack}.pack", record.offset + 9)
    fresh = Repository(tmp_path / "weights", durable=False)
    state = {name: drifted(array, 9) for name, array in trained[-1].items()}
    commit(fresh, state)
    assert_same(Repository(tmp_path / "weights").get_all_weights(), state)


def test_any_flipped_byte_of_any_pack_changes_no_tensor_in_silence(repo, trained, tmp_path):
    expected = {c.commit_hash: s for c, s in zip(reversed(repo.log()), trained, strict=True)}
    chooser = random.Random(4)
    for _ in range(60):
        path = chooser.choice(packs(tmp_path / "weights"))
        whole = path.read_bytes()
        flip(path, chooser.randrange(len(whole)))
        fresh = Repository(tmp_path / "weights")
        for commit_hash, state in expected.items():
            try:
                snapshot = fresh.open(commit_hash)
            except (CorruptData, NotFound):
                continue
            for name in state:
                try:
                    assert np.array_equal(snapshot[name], state[name])
                except (CorruptData, NotFound):
                    pass
        assert not fresh.fsck().ok or path.read_bytes() == whole
        path.write_bytes(whole)


@pytest.mark.parametrize("where", [-1, -20, -60, -200])
def test_a_pack_with_a_damaged_index_is_still_read(repo, trained, tmp_path, where):
    for path in packs(tmp_path / "weights"):
        flip(path, path.stat().st_size + where)
    fresh = Repository(tmp_path / "weights")
    for back, state in enumerate(reversed(trained)):
        assert_same(fresh.get_all_weights(f"HEAD~{back}"), state)
    health = fresh.fsck()
    assert len(health.problems) == 3
    assert not health.lost


def test_a_truncated_and_an_empty_pack_lose_only_what_was_in_them(repo, trained, tmp_path):
    second = trained_hash(repo, 1)
    last = packs(tmp_path / "weights")[-1]
    whole = last.read_bytes()
    for size in (len(whole) // 2, 10, 0):
        last.write_bytes(whole[:size])
        fresh = Repository(tmp_path / "weights")
        assert_same(fresh.get_all_weights(second), trained[1])
        health = fresh.fsck()
        assert health.lost_commits or health.lost


def trained_hash(repo, step):
    return next(c.commit_hash for c in repo.log() if c.message == f"step {step}")


def test_a_missing_pack_is_reported_as_what_it_held(repo, trained, tmp_path):
    first = packs(tmp_path / "weights")[0]
    hashes = [c.commit_hash for c in repo.log()]
    first.unlink()
    health = Repository(tmp_path / "weights").fsck()
    assert hashes[-1] in health.lost_commits
    with pytest.raises(NotFound):
        Repository(tmp_path / "weights").get_all_weights(hashes[0])


def test_damage_is_healed_by_a_pull_from_another_copy(repo, trained, tmp_path):
    repo.push(tmp_path / "copy")
    pack, record = block_of(repo, "a")
    flip(tmp_path / "weights" / "packs" / f"{pack}.pack", record.offset + 3)
    hurt = Repository(tmp_path / "weights", durable=False)
    assert not hurt.fsck().ok
    assert hurt.pull(tmp_path / "copy").objects == 0
    assert hurt.pull(tmp_path / "copy", verify=True).objects == 1
    fresh = Repository(tmp_path / "weights")
    for back, state in enumerate(reversed(trained)):
        assert_same(fresh.get_all_weights(f"HEAD~{back}"), state)
    assert not fresh.fsck().lost


def test_a_broken_ref_is_named(repo, trained, tmp_path):
    newest = max((tmp_path / "weights" / "refs" / "heads" / "main").iterdir())
    newest.write_bytes(b"")
    with pytest.raises(CorruptData, match=newest.name):
        repo.show()
    assert [p.what for p in repo.fsck().problems] == ["branch"]
    newest.unlink()
    assert repo.show().message == "step 1"


def test_objects_that_lie_about_their_kind_are_not_believed(repo, trained):
    kinds = {record.kind for _, record in repo._objects.records()}
    assert BLOCK in kinds
    key = repo.open().entry("a").block_keys()[0]
    with pytest.raises(CorruptData):
        repo._objects.read_small(key, "A commit")
