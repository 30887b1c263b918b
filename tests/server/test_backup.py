"""Backups: made while programs record and the server answers, kept up to date, and made a store again."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from anew import Experiment, Status, Store
from anew.errors import InvalidValue, NotFound
from anew.server import backup as room
from anew.server.backup import back_up, restore
from anew.server.identity.accounts import Accounts
from serving import in_process


def record(root: Path, prefix: str = "lab/vision/one", points: int = 5) -> str:
    with Experiment(
        prefix=prefix, root=str(root), quiet=True, system_metrics=0, params={"lr": 0.1}
    ) as exp:
        for step in range(points):
            exp.log_metrics({"loss": 1 / (step + 1)}, step=step)
        exp.log("done")
        exp.files("models").save(b"weights" * 1000, "m.bin")
        return exp.id


def same(a: Path, b: Path) -> None:
    with Store(a) as one, Store(b) as other:
        assert [v.id for v in one.list()] == [v.id for v in other.list()]
        for left, right in zip(one.list(), other.list(), strict=True):
            assert (left.prefix, left.status, left.params, left.tags) == (
                right.prefix,
                right.status,
                right.params,
                right.tags,
            )
            assert (
                left.metrics["loss"].read().values.tolist()
                == right.metrics["loss"].read().values.tolist()
            )
            assert [f.read_bytes() for f in left.files] == [f.read_bytes() for f in right.files]
            assert [line.message for line in left.logs()] == [line.message for line in right.logs()]


def test_a_store_comes_back_from_its_backup_with_files_documents_trash_and_links(
    root: Path, tmp_path: Path
):
    record(root)
    record(root, "lab/vision/one/inside")
    gone = record(root, "lab/speech/two")
    with Store(root) as store:
        store.tag("lab/vision/one", "kept")
        store.delete(gone)
    done = back_up(str(root), str(tmp_path / "backup"))
    assert (done.experiments, done.accounts) == (2, False)
    assert not (tmp_path / "backup/.anew/packs").exists()
    assert not (tmp_path / "backup/experiments.db").exists()
    again = restore(str(tmp_path / "backup"), str(tmp_path / "new"))
    assert again.experiments == 2
    same(root, tmp_path / "new")
    with Store(tmp_path / "new") as store:
        assert [one.id for one in store.trash()] == [gone]
        store.restore(gone)
        assert store.get(gone).status is Status.COMPLETED
    # The same content in two experiments is one file here as it was there.
    first, second = (tmp_path / "new").glob("lab/vision/**/m.bin")
    assert first.stat().st_ino == second.stat().st_ino
    assert not (tmp_path / "new/backup.json").exists()


def test_a_later_backup_writes_only_what_is_new_and_forgets_what_was_deleted(
    root: Path, tmp_path: Path
):
    target = tmp_path / "backup"
    record(root, points=2000)
    deleted = record(root, "lab/vision/two")
    first = back_up(str(root), str(target)).bytes
    with Store(root) as store:
        store.delete(deleted, permanently=True)
        store.seal()
    record(root, "lab/vision/three")
    second = back_up(str(root), str(target)).bytes
    assert second < first
    shutil.rmtree(root / ".anew/packs", ignore_errors=True)
    same(root, target)
    assert not (target / "lab/vision/two").exists()
    assert back_up(str(root), str(target)).bytes < 2000


def test_a_backup_of_what_is_being_written_is_a_state_that_once_was(root: Path, tmp_path: Path):
    stop = threading.Event()
    with Experiment(prefix="lab/x/live", root=str(root), quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"loss": 0.0}, step=0)

        def write() -> None:
            step = 1
            while not stop.is_set():
                exp.log_metrics({"loss": float(step)}, step=step)
                if step % 50 == 0:
                    exp.files("f").save(f"{step}".encode(), f"{step}.txt")
                step += 1
                stop.wait(0.0002)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for number in range(3):
                target = tmp_path / f"backup-{number}"
                back_up(str(root), str(target))
                back_up(str(root), str(target))
                with Store(target) as store:
                    (view,) = store.list()
                    values = view.metrics["loss"].read().values.tolist()
                    assert values == [float(n) for n in range(len(values))]
                    assert all(f.read_bytes() for f in view.files)
        finally:
            stop.set()
            writer.join()


def test_accounts_come_back_and_nobody_is_logged_in_by_a_backup(root: Path, tmp_path: Path):
    record(root)
    accounts = Accounts(str(root), first="alice")
    begun = accounts.redeem(accounts.first_link(), "alice")
    assert begun is not None
    accounts.link_for("alice")
    accounts.close()
    target = tmp_path / "backup"
    assert back_up(str(root), str(target)).accounts
    assert stat.S_IMODE(os.stat(target / ".anew/server").st_mode) == 0o700
    assert stat.S_IMODE(os.stat(target / ".anew/server/accounts.db").st_mode) == 0o600
    restore(str(target), str(tmp_path / "new"))
    with sqlite3.connect(tmp_path / "new/.anew/server/accounts.db") as there:
        for table in ("sessions", "links"):
            assert there.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    there.close()
    made = Accounts(str(tmp_path / "new"), first="bob")
    assert [user.name for user in made.users()] == ["alice"]
    made.close()


@pytest.mark.parametrize("where", ["backup", ".", ".."])
def test_a_backup_does_not_lie_in_its_store_or_around_it(root: Path, where: str):
    record(root)
    with pytest.raises(InvalidValue):
        back_up(str(root), str(root / where))


def test_only_a_whole_backup_is_restored_and_only_where_nothing_is(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    record(root)
    target, other = tmp_path / "backup", tmp_path / "other"
    with pytest.raises(NotFound):
        restore(str(root), str(tmp_path / "new"))
    other.mkdir()
    (other / "mine.txt").write_text("mine")
    with pytest.raises(InvalidValue):
        back_up(str(root), str(other))
    back_up(str(root), str(target))
    with pytest.raises(InvalidValue):
        restore(str(target), str(other))

    def full(*_: object) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(room, "copy_accounts", full)
    with pytest.raises(OSError):
        restore(str(target), str(tmp_path / "new"))
    assert sorted(os.listdir(tmp_path)) == ["backup", "experiments", "other"]
    with pytest.raises(OSError):
        back_up(str(root), str(target))
    monkeypatch.undo()
    assert json.loads((target / "backup.json").read_text())["complete"] is False
    with pytest.raises(InvalidValue):
        restore(str(target), str(tmp_path / "new"))


def test_a_link_out_of_the_store_is_not_followed(root: Path, tmp_path: Path):
    record(root)
    (tmp_path / "secret.txt").write_text("secret")
    (root / "lab/vision/one/files/out").symlink_to(tmp_path)
    (root / "lab/vision/one/files/up.txt").symlink_to(tmp_path / "secret.txt")
    back_up(str(root), str(tmp_path / "backup"))
    assert not list((tmp_path / "backup").rglob("*secret*"))
    assert not (tmp_path / "backup/lab/vision/one/files/up.txt").exists()


def test_a_client_of_a_server_restored_from_yesterday_sends_again_what_was_lost(tmp_path: Path):
    from anew.sync.push import push

    here, server = tmp_path / "here", tmp_path / "server"
    server.mkdir()
    record(here, "lab/vision/one")
    with in_process(str(server)) as transport:
        push(here, "http://127.0.0.1:5700", transport=transport)
        back_up(str(server), str(tmp_path / "backup"))
        record(here, "lab/vision/two")
        with Experiment(
            prefix="lab/vision/one", resume="allow", root=str(here), quiet=True, system_metrics=0
        ) as exp:
            exp.log_metrics({"loss": 0.5}, step=9)
            exp.files("models").save(b"more", "more.bin")
        push(here, "http://127.0.0.1:5700", transport=transport)
    shutil.rmtree(server)
    restore(str(tmp_path / "backup"), str(server))
    with in_process(str(server)) as transport:
        push(here, "http://127.0.0.1:5700", transport=transport)
    same(here, server)
