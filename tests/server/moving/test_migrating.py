"""A store moves from a folder to a group and back, and every byte of what is true of it is the same."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from blake3 import blake3
from click.testing import CliRunner

from anew import Experiment, Store
from anew.cli.main import cli
from anew.clickhouse import ClickHouse, ClickHouseAddress
from anew.errors import InvalidSetting, InvalidValue, NotFound
from anew.query.points import PointsQuestion
from anew.server.callers import Role
from anew.server.group.address import GroupAddress
from anew.server.group.moving import GroupSide
from anew.server.group.opening import open_group
from anew.server.group.rebuilding import check_group, rebuild_group
from anew.server.identity.accounts import Accounts
from anew.server.identity.audit import Audit
from anew.server.limits import Limits
from anew.server.moving.folder import FolderSide
from anew.server.moving.migrating import Moved, migrate
from anew.server.moving.sides import Target
from anew.server.running import place_of
from anew.stores.series.clickhouse import Table
from anew.values import Image

_DERIVED = ("series", "packs", "uploads", "index.lock", "root", "shared", "server", "reserve")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with something of each kind, an experiment in another one, a sealed one, one in the trash and one that is gone."""
    root = tmp_path_factory.mktemp("made") / "runs"
    note = root.parent / "note é.txt"
    note.write_text("n" * 100_000)
    program = root.parent / "run.sh"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for prefix in ("lab/a/one", "lab/a/one/inside", "solo", "lab/gone", "lab/never", "lab/sealed"):
        with Experiment(
            prefix, root=root, params={"lr": 0.1}, tags=["a"], quiet=True, system_metrics=0
        ) as exp:
            for step in range(40):
                exp.log_metrics({"loss": 1 / (step + 1), "é": float(step)}, step=step)
            exp.log("a message")
            if prefix in ("lab/a/one", "lab/gone"):
                exp.files("out").save(note)
                exp.files("out").save(program)
                exp.log_value("shown", Image(np.zeros((8, 8, 3), np.uint8)))
                exp.weights.commit({"w": np.arange(1000.0)}, "first")
    with Store(root) as store:
        store.seal([store.get("lab/sealed").id])
        store.delete("lab/gone")
        store.delete("lab/never", permanently=True)
        store.move("solo", "lab/moved")
        store.note("lab/a/one", "a note")
        store.set_document("view", "mine", {"a": 1})
    beside = root / ".anew" / "conflicts" / _id_of(root, "lab/a/one")
    beside.mkdir(parents=True)
    (beside / "journal!x.jsonl@0-aa").write_bytes(b"other bytes")
    with closing(Accounts(str(root))) as accounts:
        accounts.add_user("alice", admin=True)
        accounts.add_user("bob", admin=False)
        Audit(accounts.database).note("alice", "command line", "add user", target="bob")
    return root


def _id_of(root: Path, prefix: str) -> str:
    with Store(root) as store:
        return store.get(prefix).id


@pytest.fixture
def there(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "there", symlinks=True))


@pytest.fixture
def group(tmp_path: Path, make_database: Callable[[], str]) -> GroupAddress:
    return GroupAddress(make_database(), str(tmp_path / "bucket"), str(tmp_path / "cache"))


def moved(source: Target, target: Target) -> Moved:
    with closing(source), closing(target):
        return migrate(source, target)


def contents(root: Path) -> dict[str, tuple[str, bool]]:
    """Each file that is truth, with the hash of its bytes and whether it can be run; of the store's journal, the lines."""
    found = {}
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        parts = name.split("/")
        links = path.is_symlink() or name in ("experiments.db", ".gitignore")
        if links or not path.is_file() or (parts[0] == ".anew" and parts[1] in _DERIVED):
            continue
        if name.startswith(("weights/tmp", "experiments.db")) or "/tmp/" in name:
            continue
        digest = blake3(path.read_bytes()).hexdigest()
        found[name] = digest, os.access(path, os.X_OK) and bool(path.stat().st_mode & 0o100)
    lines = sorted(
        line
        for path in (root / ".anew" / "root").glob("*.jsonl")
        for line in path.read_bytes().splitlines()
        if json.loads(line)["k"] not in ("opened", "ended", "changed")
    )
    found["lines"] = blake3(b"\n".join(lines)).hexdigest(), False
    return found


def test_a_store_goes_from_a_folder_to_a_group_and_back_byte_by_byte(there, group, tmp_path):
    before = contents(there)
    first = moved(FolderSide(str(there)), GroupSide(group))
    assert first.equal, first.differences
    kinds = {"events", "points", "messages", "console", "files", "values", "documents", "captures", "conflicts", "weights",
             "experiments", "in the trash", "removed for good", "store events", "accounts", "audit"}  # fmt: skip
    assert kinds == first.there.keys()
    assert first.there["experiments"].things == 4
    assert first.there["in the trash"].things == 1
    assert contents(there) == before
    assert not check_group(group)
    second = moved(GroupSide(group), FolderSide(str(tmp_path / "back")))
    assert second.equal, second.differences
    assert {k: v for k, v in second.there.items() if k != "store events"} == {
        k: v for k, v in first.here.items() if k != "store events"
    }
    assert contents(tmp_path / "back") == before
    again = moved(GroupSide(group), FolderSide(str(tmp_path / "back")))
    assert again.equal
    assert again.copied == 0


def test_what_was_moved_answers_as_before_on_a_server_of_the_group(there, group, tmp_path):
    assert moved(FolderSide(str(there)), GroupSide(group)).equal
    with Store(there) as local, closing(open_group(group, works=False)) as opened:
        while opened.stores.refresh().behind:
            pass
        for view in local.list():
            (found,) = opened.backend.points(
                PointsQuestion(ids=(view.id,), metrics=("loss",))
            ).series
            assert (
                found.values.tolist() == view.metrics["loss"].read(order="written").values.tolist()
            )
        assert {one.id for one in opened.upkeep.trash()} == {one.id for one in local.trash()}


def test_accounts_and_tokens_go_along_and_sessions_do_not(there, group, tmp_path):
    with closing(Accounts(str(there))) as accounts:
        token = accounts.create_token("cluster", Role.WRITER, project="lab/*")
        session = accounts.begin("alice").secret
    assert moved(FolderSide(str(there)), GroupSide(group)).equal
    with closing(Accounts(group.catalog)) as accounts:
        caller = accounts.of_token(token)
        assert caller is not None
        assert caller.role_in("lab/a") == Role.WRITER
        assert accounts.of_session(session) is None
        accounts.add_user("carol")  # numbers go on behind those that came
    again = moved(FolderSide(str(there)), GroupSide(group))
    assert [one.where for one in again.differences] == ["accounts"]
    with closing(Accounts(group.catalog)) as accounts:
        assert [one.name for one in accounts.users()] == ["alice", "bob", "carol"]


_KILLED = """
import os, signal, sys
from contextlib import closing
from anew.cli.main import cli
from anew.clickhouse import ClickHouse, ClickHouseAddress
import anew.server.group.moving, anew.server.group.pieces, anew.server.group.keeping, anew.server.moving.folder
name, count, *args = sys.argv[1:]
left = int(count)
module, kind, method = name.rsplit(".", 2)
kind = getattr(sys.modules[module], kind)
real = getattr(kind, method)
def killing(*args, **options):
    global left
    done = real(*args, **options)
    left -= 1
    if left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return done
setattr(kind, method, killing)
cli(args)
"""
_GROUP, _FOLDER = "anew.server.group.moving.GroupSide", "anew.server.moving.folder.FolderSide"
_KILLS = [
    (f"{_GROUP}.begin", 1), (f"{_GROUP}.take", 2), ("anew.server.group.pieces.Pieces.put", 5), (f"{_GROUP}.put", 9),
    (f"{_GROUP}.settle", 3), (f"{_GROUP}.take_lines", 1), ("anew.server.group.keeping.Keeper.keep", 1), (f"{_GROUP}.finish", 1),
    (f"{_FOLDER}.begin", 1), (f"{_FOLDER}.take", 2), (f"{_FOLDER}.append", 5), (f"{_FOLDER}.put", 9), (f"{_FOLDER}.settle", 3),
    (f"{_FOLDER}.take_lines", 1), (f"{_FOLDER}.finish", 1),
]  # fmt: skip


def killed(kills: list[tuple[str, int]], source: str, target: str) -> None:
    for name, count in kills:
        done = subprocess.run(
            [sys.executable, "-c", _KILLED, name, str(count), "server", "migrate", "--from", source, "--to", target],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL, name


def interrupted(kills: list[tuple[str, int]], there: Path, group: GroupAddress, back: Path) -> None:
    address, before = f"{group.catalog},{group.blobs}", contents(there)
    killed([one for one in kills if not one[0].startswith(_FOLDER)], str(there), address)
    first = moved(FolderSide(str(there)), GroupSide(group))
    assert first.equal, first.differences
    killed([one for one in kills if one[0].startswith(_FOLDER)], address, str(back))
    last = moved(GroupSide(group), FolderSide(str(back)))
    assert last.equal, [k for k in last.there if last.there[k] != last.here.get(k)]
    assert contents(back) == before


def test_a_move_that_is_killed_goes_on(there, group):
    killed([_KILLS[2]], str(there), f"{group.catalog},{group.blobs}")
    first = moved(FolderSide(str(there)), GroupSide(group))
    assert first.equal, first.differences


@pytest.mark.slow
def test_a_move_that_is_killed_at_each_step_goes_on(there, group, tmp_path):
    interrupted(_KILLS, there, group, tmp_path / "back")


@pytest.mark.slow
def test_a_store_goes_to_a_bucket_to_another_group_and_back_however_often_that_is_cut_short(
    there: Path, tmp_path: Path, make_database: Callable[[], str], make_real_bucket: Callable[[], str],
    make_clickhouse: Callable[[], str],
):  # fmt: skip
    before = contents(there)
    first, second = (
        GroupAddress(make_database(), make_real_bucket(), str(tmp_path / name)) for name in "ab"
    )
    second = second._replace(series=make_clickhouse())
    places = [
        str(there),
        f"{first.catalog},{first.blobs}",
        f"{second.catalog},{second.blobs},{second.series}",
        str(tmp_path / "back"),
    ]
    puts = [
        ("anew.server.group.pieces.Pieces.put", 5),
        (f"{_GROUP}.put", 9),
        (f"{_GROUP}.settle", 3),
    ]
    for kills, (source, target) in zip(
        (puts, [(f"{_GROUP}.take", 2), *puts], [(f"{_FOLDER}.put", 9)]),
        pairwise(places),
        strict=True,
    ):
        killed(kills, source, target)
        args = ["server", "migrate", "--from", source, "--to", target, "--json"]
        result = CliRunner().invoke(cli, args)
        assert result.exit_code == 0, result.output
        told = json.loads(result.stdout)
        assert told["equal"]
        assert told["there"] == told["here"]
        assert told["here"]["points"]["hash"]
        again = json.loads(CliRunner().invoke(cli, args).stdout)
        assert (again["equal"], again["copied"]) == (True, 0)
    assert contents(there) == before
    assert contents(tmp_path / "back") == before
    # In ClickHouse the servers of the group it has come to put all points, and answer from there.
    table = Table(ClickHouse(ClickHouseAddress.of(second.series)))
    assert table.rows() == {}
    with Store(there) as local, closing(open_group(second, works=False)) as opened:
        while opened.stores.refresh().behind:
            pass
        assert not opened.stores.series.health().failing
        ids = {view.id for view in local.list()}
        assert set(table.rows()) == ids
        for view in local.list():
            (found,) = opened.backend.points(PointsQuestion(ids=(view.id,), metrics=("loss",))).series  # fmt: skip
            expected = view.metrics["loss"].read(order="written").values
            assert found.values.tolist() == expected.tolist()
    table.engine.close()


def test_no_server_starts_on_a_store_that_has_come_in_part(there, group, tmp_path):
    back = tmp_path / "back"
    with closing(GroupSide(group)) as one, closing(FolderSide(str(back))) as other:
        one.begin(str(there))
        other.begin(group.shown)
    with pytest.raises(InvalidSetting) as of_group:
        open_group(group, works=False)
    with pytest.raises(InvalidSetting) as of_folder:
        place_of(str(back), "x", Limits())
    assert (of_group.value.setting, of_folder.value.setting) == ("catalog", "root")


def test_what_is_written_meanwhile_comes_with_the_next_run(there, group):
    with Experiment("lab/live", root=there, quiet=True, system_metrics=0) as exp:
        exp.log_metrics({"loss": 1.0}, step=0)
        stop = threading.Event()

        def write() -> None:
            step = 1
            while not stop.wait(0.001):
                exp.log_metrics({"loss": float(step)}, step=step)
                step += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            first = moved(FolderSide(str(there)), GroupSide(group))
        finally:
            stop.set()
            writer.join()
        assert {one.where for one in first.differences} <= {"lab/live"}
        assert {one.why for one in first.differences} <= {"growing"}
    with Store(there) as store:
        store.delete("lab/a/one/inside")
        store.move("lab/sealed", "lab/sealed2")
        store.seal([store.get("lab/live").id])
    last = moved(FolderSide(str(there)), GroupSide(group))
    assert last.equal, last.differences
    assert last.here["in the trash"].things == 2


def test_a_source_that_is_damaged_is_named_and_the_rest_comes(there, group, tmp_path):
    assert moved(FolderSide(str(there)), GroupSide(group)).equal
    whole = contents(there)
    bucket, id = Path(group.blobs), _id_of(there, "lab/a/one")
    (altered, *_) = sorted(bucket.glob(f"experiments/{id}/segments/metrics/*/*"))
    altered.write_bytes(altered.read_bytes()[::-1])
    for one in bucket.glob("contents/*/*"):
        if one.stat().st_size == 100_000:
            one.unlink()
    result = CliRunner().invoke(
        cli, ["server", "migrate", "--from", f"{group.catalog},{group.blobs}", "--to", str(tmp_path / "back"), "--json"]
    )  # fmt: skip
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert not told["equal"]
    named = {(one["why"], one["where"], one["what"]) for one in told["differences"]}
    metrics = altered.parent.name
    assert ("unreadable", "lab/a/one", f"metrics/{metrics}") in named
    files = {what for _, _, what in named if what.startswith("files/")}
    assert all(what.endswith("note é.txt") for what in files)
    assert len(named) == 1 + 2
    came = contents(tmp_path / "back")
    lost = {name for name in whole if came.get(name) != whole[name]}
    assert {name.rpartition("/")[2] for name in lost} == {"note é.txt", metrics}


def test_a_place_with_another_store_is_refused_and_so_is_one_without_any(there, group, tmp_path):
    with Experiment("x/y/z", root=tmp_path / "other", quiet=True, system_metrics=0):
        pass
    before = contents(tmp_path / "other")
    with pytest.raises(InvalidValue):
        moved(FolderSide(str(there)), FolderSide(str(tmp_path / "other")))
    assert contents(tmp_path / "other") == before
    with pytest.raises(NotFound):
        moved(FolderSide(str(tmp_path / "nothing")), GroupSide(group))


@pytest.mark.slow
def test_what_the_bucket_says_is_enough_to_make_the_tables_of_what_was_moved(
    there, group, make_database
):
    assert moved(FolderSide(str(there)), GroupSide(group)).equal
    lost = group._replace(catalog=make_database())
    recovered, _ = rebuild_group(lost)
    assert recovered is not None
    assert not recovered.problems
    with closing(GroupSide(group)) as one, closing(GroupSide(lost)) as other:
        assert {i: x._replace(deleted_at=0) for i, x in one.items().items()} == {
            i: x._replace(deleted_at=0) for i, x in other.items().items()
        }
        for item in one.items().values():
            # A segment that nothing was written to is no object.
            assert {h.path: h.size for h in one.held(item) if h.size} == {
                h.path: h.size for h in other.held(item) if h.size
            }


def test_the_command_counts_first_and_says_what_it_found(there, group, monkeypatch):
    monkeypatch.setenv("ANEW_SERVER_CATALOG", group.catalog)
    monkeypatch.setenv("ANEW_SERVER_BLOBS", group.blobs)
    args = ["server", "migrate", "--from", str(there), "--to", "group"]
    dry = CliRunner().invoke(cli, [*args, "--dry-run", "--json"])
    assert dry.exit_code == 0, dry.output
    assert not Path(group.blobs).exists()
    result = CliRunner().invoke(cli, [*args, "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["equal"]
    assert told["there"] == told["here"]
    counted = json.loads(dry.stdout)["there"]
    assert {k: v["things"] for k, v in counted.items()} == {
        k: v["things"] for k, v in told["here"].items()
    }
    people = CliRunner().invoke(cli, args)
    assert "Both places have the same" in people.output
    for wrong in ("postgresql://x/y", "postgresql://x/y,s3://b,http://z"):
        assert (
            CliRunner().invoke(cli, ["server", "migrate", "--from", wrong, "--to", "x"]).exit_code
            == 2
        )
