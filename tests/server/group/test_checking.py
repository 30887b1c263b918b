"""Objects of a group that are missing or were altered are named, with what they have of which experiment."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from anew import Experiment
from anew.reading.local.seen import Seen
from anew.server.group.contents import key_of_content
from anew.server.group.keeping import Keeper
from anew.server.group.pieces import key_of
from anew.server.group.upkeep import GroupUpkeep
from anew.sync.push import push
from server.group.grouped import Group
from tests.cli.conftest import call

HERE = "http://127.0.0.1:5700"


def test_each_object_that_is_missing_or_altered_is_named_with_its_experiment(
    tmp_path: Path, make_group_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
):
    group, here = Group(tmp_path / "group", make_group_database()), str(tmp_path / "here")
    for name in "abcd":
        with Experiment(f"lab/x/{name}", root=here, quiet=True, system_metrics=0) as exp:
            exp.log_metrics({"loss": 1.0}, step=0)
            exp.files().save_text(f"the file of {name}" * 9000, "notes.txt")
    with closing(group.stores()) as stores:
        truth = stores.truth
        with group.server(stores) as transport:
            assert push(here, HERE, transport=transport).complete
            Keeper(truth).drain()
            upkeep = GroupUpkeep(stores, Seen(stores))
            done: list[tuple[int, int]] = []
            assert upkeep.doctor(progress=lambda *at: done.append(at)) == []
            assert done == [(4, 4)]
            pieces = truth.database.ask(
                "SELECT prefix, id, piece.name, start FROM piece JOIN experiment ON id = experiment WHERE piece.name LIKE 'metrics/%%' ORDER BY prefix"
            )
            keys = {prefix: (id, key_of(id, name, start)) for prefix, id, name, start in pieces}
            files: list[Any] = truth.database.ask(
                "SELECT id, hash FROM file JOIN experiment ON id = experiment WHERE prefix = 'lab/x/d' AND path LIKE 'files/%%'"
            )
            ((last, hash),) = files
            first, second, third = (keys[f"lab/x/{name}"] for name in "abc")
            truth.blobs.delete(first[1])
            whole = truth.blobs.read(second[1])
            truth.blobs.replace(second[1], b"#" + whole[1:])  # of the same size
            truth.blobs.replace(third[1], whole[:-3])
            truth.blobs.replace(key_of_content(hash), b"short")
            found = {(f.kind, f.experiment_id, f.prefix, f.path) for f in upkeep.doctor()}
            assert found == {
                ("unreadable", first[0], "lab/x/a", first[1]),
                ("corrupt file", second[0], "lab/x/b", second[1]),
                ("corrupt file", third[0], "lab/x/c", third[1]),
                ("corrupt file", last, "lab/x/d", key_of_content(hash)),
            }
            at = group.address
            told = call("server", "doctor", "--catalog", at.catalog, "--blobs", at.blobs, "--cache", at.cache, "--json")  # fmt: skip
            assert told.code == 6
            assert {one["experiment"] for one in json.loads(told.out)["findings"]} == {one[1] for one in found}  # fmt: skip
            # The trash goes by the database's clock, however far this server's is off.
            for away in (-3600.0, 3600.0):
                with monkeypatch.context() as patched:
                    now = truth.now()
                    patched.setattr("time.time", lambda at=now + away: at)
                    stores.bin.delete([last], _found(stores), "bob")
                    ((deleted_at,),) = [(one.deleted_at,) for one in stores.trash()]
                    assert now <= deleted_at <= truth.now()
                    assert stores.bin.purge(None, older_than=1800).count == 0
                    stores.bin.restore(last, None, "bob")


def _found(stores: Any) -> Callable[[str], Any]:
    return Seen(stores).one
