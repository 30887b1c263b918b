"""Weights that experiments commit arrive on a server with them: each object once, and only where they belong."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anew import Store
from anew.errors import InvalidSetting, NotFound
from anew.reading.remote.calls import Calls
from anew.reading.remote.weights import RemoteWeights
from anew.server.access import Access
from anew.server.app import make_app
from anew.server.callers import Role
from anew.server.identity.accounts import Accounts
from anew.sync import weights as sending
from anew.sync.push import Pushed, open_pusher, push
from anew.sync.server import Server
from anew.weights import Repository
from anew.weights.experiment import ExperimentWeights
from anew.weights.pack import PackWriter
from serving import InProcess, in_process, over_a_socket, place_of
from sync.recorded import Root

HERE = "http://127.0.0.1:5700"


@pytest.fixture
def there(tmp_path: Path) -> Path:
    folder = tmp_path / "there"
    folder.mkdir()
    return folder


@pytest.fixture
def server(there: Path) -> Iterator[InProcess]:
    with in_process(str(there)) as transport:
        yield transport


def model(seed: int, size: int = 4_000) -> dict[str, Any]:
    values = np.random.default_rng(seed)
    return {
        "head.weight": values.standard_normal((size // 40, 40)).astype(np.float32),
        "bias": values.standard_normal(40),
        "steps": np.arange(7) + seed,
    }


def commit(root: Root, id: str, seed: int, **more: Any) -> str:
    own = ExperimentWeights(root.layout.weights, id, durable=False)
    return own.commit(model(seed, **more), f"epoch {seed}", step=seed).commit_hash


def recorded(root: Root, prefix: str = "lab/x/a", seeds: tuple[int, ...] = (1,)) -> tuple[str, str]:
    id, writer = root.open(prefix)
    root.points(id, writer, 5)
    made = ""
    for seed in seeds:
        made = commit(root, id, seed)
    return id, made


def sent(root: Root, transport: Any, **more: Any) -> Pushed:
    return push(root.path, HERE, transport=transport, **more)


def read(transport: Any, token: str | None = None) -> Repository:
    return Repository(RemoteWeights(Calls(transport, HERE, token=token)))


def equal(found: Any, expected: dict[str, Any]) -> bool:
    return set(found) == set(expected) and all(
        np.array_equal(found[name], value) for name, value in expected.items()
    )


def test_every_version_arrives_bit_for_bit_and_a_second_push_sends_nothing(
    root: Root, server: InProcess, there: Path
):
    id, made = recorded(root, seeds=(1, 2, 3))
    first = sent(root, server)
    assert first.complete
    assert not first.refused
    assert not first.conflicts
    on_server = Repository(there / "weights")
    assert on_server.branches() == {f"experiments/{id}": made}
    assert equal(on_server.get_all_weights(made), model(3))
    assert equal(on_server.get_all_weights(f"{made}~2"), model(1))
    assert on_server.fsck().ok
    packs = sorted((there / "weights/packs").iterdir())
    assert sent(root, server).file_bytes == 0
    assert sorted((there / "weights/packs").iterdir()) == packs


def test_weights_are_read_from_a_server_over_a_socket_tensor_by_tensor(
    root: Root, there: Path, tmp_path: Path
):
    id, made = recorded(root, seeds=(1, 2))
    with over_a_socket(str(there)) as url:
        push(root.path, url)
        with Store(url) as store:
            found = store.weights
            assert found.branches() == {f"experiments/{id}": made}
            assert [one.step for one in found.log(made)] == [2, 1]
            assert equal(found.get_all_weights(f"experiments/{id}"), model(2))
            rows = found.get_weight("head.weight", f"{made[:10]}~1", rows=slice(3, 9))
            assert np.array_equal(rows, model(1)["head.weight"][3:9])
            assert found.diff(f"{made}~1", made).changed
            found.checkout(made, to=tmp_path / "out.safetensors")
            copy = Repository(tmp_path / "copy", init=True, branch="main")
            copy.pull(found, [f"experiments/{id}"])
            assert equal(copy.get_all_weights(made), model(2))
            assert copy.fsck().ok
            with pytest.raises(InvalidSetting):
                found.branch("mine", made)
            with pytest.raises(InvalidSetting):
                found.stage_weights(model(1))
            with pytest.raises(InvalidSetting):
                found.du()
            with pytest.raises(NotFound):
                found.open("no-such-branch")


def test_what_was_sent_before_a_cut_is_not_sent_again(
    root: Root, server: InProcess, there: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sending, "_PACK", 100_000)
    monkeypatch.setattr("anew.sync.files._PIECE", 40_000)
    id, _ = root.open("lab/x/a")
    commit(root, id, 1, size=200_000)  # one block: one pack of many pieces
    made = commit(root, id, 2, size=60_000)
    received: list[int] = []

    class Cut:
        """Breaks off at a piece of a content, and counts those that arrive."""

        def __init__(self, after: int) -> None:
            self.left = after

        def send(self, method: str, path: str, *given: Any, **more: Any) -> Any:
            if path.endswith("/pieces"):
                if not self.left:
                    raise ConnectionResetError("cut")
                self.left -= 1
                received.append(len(given[1]))
            return server.send(method, path, *given, **more)

        def close(self) -> None:
            pass

    tries = 0
    while True:
        tries += 1
        try:
            done = sent(root, Cut(3))
            break
        except OSError:
            assert tries < 100
    assert tries > 3
    assert done.complete
    assert equal(Repository(there / "weights").get_all_weights(made), model(2, size=60_000))
    stored = sum(one.stat().st_size for one in (there / "weights/packs").iterdir())
    assert sum(received) < 1.1 * stored


def test_what_two_experiments_share_is_sent_and_stored_once(
    root: Root, server: InProcess, there: Path
):
    recorded(root, "lab/x/a", seeds=(1,))
    first = sent(root, server)
    recorded(root, "lab/x/b", seeds=(1,))
    second = sent(root, server)
    assert second.complete
    assert second.file_bytes < first.file_bytes / 4
    assert Repository(there / "weights").fsck().ok


def test_a_version_that_was_committed_after_the_end_arrives_with_the_next_push(
    root: Root, server: InProcess, there: Path
):
    id, _ = recorded(root)
    sent(root, server)
    made = commit(root, id, 9)
    assert sent(root, server).complete
    assert Repository(there / "weights").branches()[f"experiments/{id}"] == made


def test_versions_of_two_machines_are_both_kept_and_said_once(
    root: Root, server: InProcess, there: Path, tmp_path: Path
):
    id, _ = recorded(root)
    sent(root, server)
    other = Root(tmp_path / "other", 7)
    shutil.copytree(root.path, other.path, dirs_exist_ok=True)
    shutil.rmtree(other.path / ".anew")
    other.folders[id] = other.path / "lab/x/a"
    ours, theirs = commit(root, id, 2), commit(other, id, 3)
    assert sent(root, server).complete
    kept = sent(other, server)
    assert kept.complete
    assert "weights" in kept.conflicts[id]
    assert sent(other, server).conflicts == {}
    branches = Repository(there / "weights").branches()
    assert branches[f"experiments/{id}"] == ours
    assert theirs in branches.values()


def test_a_pack_with_wrong_bytes_is_refused_and_nothing_of_it_stays(
    root: Root, server: InProcess, there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    id, _ = recorded(root)
    add = PackWriter.add

    def lie(self: PackWriter, key: bytes, payload: bytes, **more: Any) -> None:
        add(self, bytes(31) + b"\1" if more["kind"] == 1 else key, payload, **more)

    with monkeypatch.context() as patched:
        patched.setattr(PackWriter, "add", lie)
        done = sent(root, server)
    assert id in done.refused
    assert not list((there / "weights").glob("packs/*"))
    assert read(server).branches() == {}


class Shared:
    """A server with accounts, and tokens of two projects."""

    def __init__(self, there: Path, accounts: Path) -> None:
        self.place = place_of(str(there))
        self.accounts = Accounts(str(accounts), trusting=False)
        self.transport = InProcess(make_app(self.place, Access("tester", identities=self.accounts)))

    def token(self, name: str, role: Role, pattern: str) -> str:
        return self.accounts.create_token(name, role, project=pattern)

    def close(self) -> None:
        self.transport.close()
        self.place.close()
        self.accounts.close()


@pytest.fixture
def teams(there: Path, tmp_path: Path) -> Iterator[Shared]:
    made = Shared(there, tmp_path / "accounts")
    yield made
    made.close()


def test_who_may_not_see_a_project_can_neither_read_its_weights_nor_build_on_them(
    root: Root, teams: Shared, tmp_path: Path, there: Path
):
    mine = teams.token("mine", Role.WRITER, "lab/x")
    other = teams.token("other", Role.WRITER, "lab/y")
    id, made = recorded(root, "lab/x/a", seeds=(1, 2))
    assert sent(root, teams.transport, token=mine).complete
    assert equal(read(teams.transport, mine).get_all_weights(made), model(2))

    stranger = read(teams.transport, other)
    assert stranger.branches() == {}
    with pytest.raises(NotFound):
        stranger.open(made)
    # The same content of somebody else is sent again, and then theirs.
    root_of_other = Root(tmp_path / "other", 3)
    id_of_other, made_of_other = recorded(root_of_other, "lab/y/b", seeds=(1, 2))
    calls = Calls(teams.transport, HERE, token=other)
    push(root_of_other.path, HERE, transport=teams.transport, token=other, stop=lambda: False)
    assert equal(read(teams.transport, other).get_all_weights(made_of_other), model(2))
    assert read(teams.transport, other).branches() == {f"experiments/{id_of_other}": made_of_other}
    server = Server(calls)
    # A commit of the other project cannot become a branch of one's own.
    assert server.move_branch(id_of_other, made).status == "missing"
    assert server.move_branch(id, made).status == "unknown"
    assert server.branches([id])[0].status == "unknown"
    key = bytes.fromhex(made)
    assert server.lacking(id_of_other, [key]) == (key,)
    assert Repository(there / "weights").fsck().ok


def test_a_sender_who_was_cut_off_before_the_branch_moved_goes_on_after_a_restart(
    root: Root, teams: Shared, there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    token = teams.token("mine", Role.WRITER, "lab/x")
    id, made = recorded(root, "lab/x/a")

    def cut(self: Server, *given: Any) -> Any:
        raise ConnectionResetError("cut")

    with monkeypatch.context() as patched:
        patched.setattr(Server, "move_branch", cut)
        with pytest.raises(OSError):
            sent(root, teams.transport, token=token)
    teams.close()
    again = Shared(there, tmp_path / "accounts")
    try:
        done = sent(root, again.transport, token=token)
        assert done.complete
        assert Repository(there / "weights").branches() == {f"experiments/{id}": made}
        assert len(list((there / "weights/packs").iterdir())) == 1
    finally:
        again.close()


def test_only_the_experiments_that_are_meant_send_their_weights(
    root: Root, server: InProcess, there: Path
):
    one, _ = recorded(root, "lab/x/a", seeds=(1,))
    recorded(root, "lab/x/b", seeds=(2,))
    pusher = open_pusher(root.path, HERE, transport=server)
    assert pusher.run(ids=[one]).complete
    assert list(Repository(there / "weights").branches()) == [f"experiments/{one}"]


def near(seed: int, steps: int) -> dict[str, Any]:
    """A model after some small steps, each of which is stored as a difference to the one before."""
    chance = np.random.default_rng(seed)
    values = chance.standard_normal(200_000).astype(np.float32)
    for _ in range(steps):
        values *= 1.0 + chance.standard_normal(len(values)).astype(np.float32) * 1e-5
    return {"w": values}


def test_differences_arrive_whatever_the_server_stores_their_base_as(
    root: Root, server: InProcess, there: Path, tmp_path: Path
):
    id, _ = root.open("lab/x/a")
    own = ExperimentWeights(root.layout.weights, id, durable=False)
    for steps in range(3):
        own.commit(near(1, steps), "a version")
    assert sent(root, server).complete
    # Here the last of them is the first, and stored whole; what follows is a difference to it.
    other = Root(tmp_path / "other", 5)
    second, _ = other.open("lab/x/b")
    own = ExperimentWeights(other.layout.weights, second, durable=False)
    made = [own.commit(near(1, steps), "a version").commit_hash for steps in (2, 3)]
    objects = Repository(other.layout.weights).history.objects
    depths = {record.depth for _, record in objects.records()}
    assert depths == {0, 1}
    assert sent(other, server).complete
    found = Repository(there / "weights")
    assert found.fsck().ok
    assert equal(found.get_all_weights(made[1]), near(1, 3))
    assert equal(read(server).get_all_weights(made[0]), near(1, 2))
