"""A folder that somebody else packed is unpacked into a root: nothing in it leads outside, whatever is done then."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from anew import Experiment, Store
from anew.errors import AnewError
from anew.index import Index
from anew.index.trash import Trash
from anew.stores.open import open_stores


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """What lies outside and must stay as it is, with everything that the commands could take for theirs."""
    folder = tmp_path / "home"
    (folder / "thesis").mkdir(parents=True)
    (folder / "thesis" / "thesis.tex").write_text("years of work")
    (folder / "abcdefghijkl").mkdir()
    (folder / "abcdefghijkl" / "x.parquet").write_bytes(b"years of work")
    (folder / "0123456789abcdef0123456789abcdef").write_bytes(b"years of work")
    old = 1_000_000_000
    for path in folder.rglob("*"):
        os.utime(path, (old, old))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    for name in ("a/p/one", "a/p/two"):
        with Experiment(name, root=folder, quiet=True, system_metrics=0, console="off") as exp:
            exp.log_metric("loss", 1.0, 0)
    return folder


def state(folder: Path) -> dict[str, bytes | None]:
    return {
        str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None
        for p in folder.rglob("*")
    }


def do_everything(root: Path) -> list[str]:
    """All that a user does in a root, one thing after the other; the errors there were."""
    said = []

    def attempt(what: Callable[[Store], object]) -> None:
        try:
            with Store(root) as store:
                what(store)
        except (AnewError, OSError) as error:
            said.append(f"{type(error).__name__}: {error}")

    attempt(lambda s: [(v.prefix, v.metrics, v.logs(), v.console()) for v in s.list()])
    attempt(lambda s: [s.tag(v.id, ["mine"]) for v in s.list() if v.prefix.startswith("a/p")])
    attempt(lambda s: s.doctor(repair=True))
    attempt(lambda s: s.rebuild())
    attempt(lambda s: s.du())
    attempt(lambda s: s.delete("a/p/one"))
    attempt(lambda s: [s.delete(v.id) for v in s.list() if v.prefix != "a/p/two"])
    attempt(lambda s: [s.restore(item.id) for item in s.trash()])
    attempt(lambda s: s.gc(dry_run=False))
    attempt(lambda s: Trash(Index(open_stores(root))).gc(grace=0.0))
    attempt(lambda s: s.delete("a/p/two", permanently=True))
    attempt(lambda s: s.gc(dry_run=False))
    return said


@pytest.mark.parametrize(
    "link", [".anew/trash", ".anew/shared", ".anew/series", ".anew/packs", ".anew/root", ".anew", "experiments.db"]
)  # fmt: skip
def test_a_link_in_place_of_the_stores_own_folders_is_not_followed(root, home, link):
    before = state(home)
    path = root / link
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    path.symlink_to(home / "0123456789abcdef0123456789abcdef" if link.endswith(".db") else home)
    said = do_everything(root)
    assert state(home) == before
    assert any(str(path) in line for line in said)


@pytest.mark.parametrize("name", ["journal", "metrics", "logs", "files", "environment", "values"])
def test_links_in_an_experiment_are_not_followed(root, home, name):
    before = state(home)
    folder = root / "x" / "y" / "received"
    shutil.copytree(root / "a" / "p" / "two", folder, symlinks=True)
    events = next((folder / "journal").glob("*.jsonl"))
    events.write_text(
        events.read_text().replace(
            json.loads(events.read_text().split("\n")[0])["experiment_id"], "abcdefghijkl"
        )
    )
    if (folder / name).exists():
        shutil.rmtree(folder / name)
    (folder / name).symlink_to(home)
    do_everything(root)
    assert state(home) == before


def test_an_experiment_behind_a_link_is_not_deleted_outside_of_the_root(root, tmp_path):
    other = tmp_path / "another"
    with Experiment("x/y/theirs", root=other, quiet=True, system_metrics=0, console="off") as exp:
        exp.log_metric("loss", 2.0, 0)
    (root / "b").symlink_to(other / "x")
    with (root / ".anew" / "root" / "received.jsonl").open("w") as file:
        hint = {"k": "opened", "t": 1.0, "experiment_id": exp.id, "prefix": "b/y/theirs"}
        file.write(json.dumps(hint) + "\n")
    before = {k for k in state(other) if "/metrics/" in k or "metadata" in k}
    do_everything(root)
    assert before <= set(state(other))


def test_restoring_into_a_folder_with_links_writes_nothing_outside(root, home):
    with Store(root) as store:
        found = store.get("a/p/one")
        store.delete(found.id)
        trashed = root / ".anew" / "trash" / found.id / "content"
        shutil.copytree(trashed, root / "a" / "p" / "one", symlinks=True)
        before = state(home)
        (trashed / "thesis").mkdir()
        (trashed / "thesis" / "thesis.tex").write_text("a longer text than there is outside")
        (root / "a" / "p" / "one" / "thesis").symlink_to(home / "thesis")
        store.restore(found.id)
    assert state(home) == before


@pytest.mark.parametrize("place", [".anew/root/pipe.jsonl", "a/p/one/metrics/0009-main-aaaa.parquet", "a/p/one/journal/0009-main-aaaa.jsonl", "a/p/one/logs/logs-0009-main-aaaa.jsonl"])  # fmt: skip
def test_a_pipe_in_place_of_a_file_holds_nobody_up(root, place):
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(root / place)
    done = threading.Thread(target=do_everything, args=(root,), daemon=True)
    done.start()
    done.join(300)
    assert not done.is_alive()


def test_a_document_in_the_trash_decides_nothing(root, home):
    before = state(home)
    item = root / ".anew" / "trash" / "z"
    item.mkdir(parents=True)
    event = {
        "experiment_id": "z",
        "prefix": "../home/thesis",
        "name": "x",
        "deleted_at": 0.0,
        "bytes": 1,
        "doing": "delete",
    }
    (item / "deleted.json").write_text(json.dumps(event))
    with (root / ".anew" / "root" / "received.jsonl").open("w") as file:
        for number, prefix in enumerate(
            ("../home/thesis", str(home / "thesis"), "a/../../home", "a//b", "")
        ):
            for kind in ("deleted", "restored", "moved", "purged", "opened", "changed"):
                line = {
                    "k": kind,
                    "t": 1.0,
                    "id": f"e{number}{kind}",
                    "experiment_id": "z",
                    "prefix": prefix,
                }
                file.write(json.dumps(line) + "\n")
    do_everything(root)
    assert state(home) == before


@pytest.mark.parametrize(
    "experiment_id", ["../../home/thesis", "/", "..", ".", "a/b", "x\x00y", "", "a" * 5000]
)
def test_an_id_is_no_path(root, home, experiment_id):
    before = state(home)
    folder = root / "x" / "y" / "received"
    shutil.copytree(root / "a" / "p" / "two", folder, symlinks=True)
    events = next((folder / "journal").glob("*.jsonl"))
    lines = events.read_text().splitlines()
    first = json.loads(lines[0]) | {"experiment_id": experiment_id}
    events.write_text("\n".join([json.dumps(first), *lines[1:]]) + "\n")
    do_everything(root)
    assert state(home) == before
    assert not (root / "home").exists()


@pytest.mark.parametrize(
    "place",
    ["metrics/0009-main-aaaa.parquet", "metrics/0009-main-aaaa.jsonl", "journal/0009-main-aaaa.jsonl", "logs/logs-0009-main-aaaa.jsonl",
     "logs/train-0009-main-aaaa.log", "environment/git.patch", "environment/requirements.txt"],
)  # fmt: skip
def test_a_file_that_is_a_link_is_not_read(root, place):
    folder = root / "a" / "p" / "one"
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / place).unlink(missing_ok=True)
    (folder / place).symlink_to("/dev/zero")
    done = threading.Thread(target=do_everything, args=(root,), daemon=True)
    done.start()
    done.join(300)
    assert not done.is_alive()


def test_an_experiment_that_is_continued_does_not_follow_links(root, home):
    before = state(home)
    folder = root / "a" / "p" / "one"
    for name in ("metadata.json", "config.yaml", "params.json", "train.log"):
        path = folder / ("logs" if name == "train.log" else "") / name
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(home / "thesis" / "thesis.tex")
    with Experiment(
        "a/p/one", root=root, quiet=True, system_metrics=0, config={"lr": 1}, resume="allow"
    ) as exp:
        exp.params.set(a=1)
        print("hello")
    assert state(home) == before
