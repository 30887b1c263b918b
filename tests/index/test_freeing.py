"""Freeing saved files of experiments that have ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from anew import Experiment, Store
from anew.blobs.linked import LinkedFiles
from anew.errors import InvalidValue


def trained(root: Path, name: str, accuracies: list[float], **options: Any) -> Experiment:
    """An experiment with a checkpoint for each accuracy, all of them kept."""
    with Experiment(name, root=root, quiet=True, console="off", system_metrics=0, **options) as exp:
        exp.files("notes").save(b"keep me", "notes.txt")
        for step, acc in enumerate(accuracies):
            exp.log_metric("val/acc", acc, step=step)
            exp.files("ck").save(b"%s %d" % (name.encode(), step) * 500, f"e{step}.pt", step=step)
    return exp


def contents(root: Path) -> int:
    return sum(p.is_file() for p in (root / ".anew" / "shared" / "files").rglob("*"))


def test_the_last_and_the_best_of_each_stay_and_the_curves_do(root: Path) -> None:
    trained(root, "a/b/one", [0.1, 0.8, 0.3, 0.2])
    trained(root, "a/b/two", [0.9, 0.1, 0.2])
    with Store(root) as store:
        rule: dict[str, Any] = {"keep_last": 1, "keep_best": "val/acc"}
        before = contents(root)
        would = store.free_files("ck/*", dry_run=True, **rule)
        assert contents(root) == before
        assert (would.files, would.experiments) == (3, 2)
        done = store.free_files("ck/*", **rule)
        assert done == would
        assert done.bytes > 0
        assert contents(root) == before - 3
        one, two = store["a/b/one"], store["a/b/two"]
        assert [f.step for f in one.files("ck")] == [1, 3]
        assert [f.step for f in two.files("ck")] == [0, 2]
        assert [f.step for f in one.files.freed] == [0, 2]
        assert one.files("notes")[0].read_bytes() == b"keep me"
        assert one.metrics["val/acc"].count == 4
        assert store.free_files("ck/*", **rule).files == 0
        assert store.doctor() == []
        assert store.rebuild().experiments == 2
        assert [f.step for f in store["a/b/one"].files.freed] == [0, 2]


def test_a_filter_chooses_and_a_running_one_is_left_alone(root: Path) -> None:
    trained(root, "a/b/old", [0.1, 0.2])
    trained(root, "a/b/new", [0.1, 0.2], tags=["keep"])
    running = Experiment("a/b/live", root=root, quiet=True, console="off", system_metrics=0)
    running.run.start()
    running.files("ck").save(b"x", "e1.pt")
    with Store(root) as store:
        freed = store.free_files("*.pt", store.list("name != 'new'"))
        assert (freed.files, freed.experiments, freed.running) == (2, 1, (running.id,))
        assert len(store["a/b/new"].files("ck")) == 2
        assert len(store["a/b/live"].files("ck")) == 1
    running.run.complete()


def test_shared_content_is_given_back_with_the_last_that_has_it(root: Path) -> None:
    data = b"x" * 50_000
    for name in ("a/b/one", "a/b/two"):
        with Experiment(name, root=root, quiet=True, console="off", system_metrics=0) as exp:
            exp.files("ck").save(data, "m.pt")
    with Store(root) as store:
        assert store.free_files("*.pt", "a/b/one", dry_run=True).bytes == 0
        assert store.free_files("*.pt", dry_run=True).bytes >= 50_000
        assert store.free_files("*.pt", "a/b/one").bytes == 0
        assert store["a/b/two"].files[0].read_bytes() == data
        assert store.delete("a/b/two", permanently=True).bytes >= 50_000
    assert contents(root) == 0


def test_the_trash_gives_back_shared_content(root: Path) -> None:
    for name in ("a/b/one", "a/b/two"):
        with Experiment(name, root=root, quiet=True, console="off", system_metrics=0) as exp:
            exp.files("ck").save(b"x" * 50_000, "m.pt")
    with Store(root) as store:
        store.delete(["a/b/one", "a/b/two"])
        would = store.gc(dry_run=True)
        assert would >= 50_000
        assert store.gc() == would
    assert contents(root) == 0


def test_what_was_said_to_be_freed_and_is_still_there_goes_next_time(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(root, "a/b/one", [0.1, 0.2, 0.3])

    def fails(*_: object) -> int:
        raise PermissionError(13, "no")

    with Store(root) as store:
        with monkeypatch.context() as patch:
            patch.setattr(LinkedFiles, "release", fails)
            with pytest.raises(PermissionError):
                store.free_files("ck/*", keep_last=1)
        assert [f.step for f in store["a/b/one"].files("ck")] == [2]
        assert contents(root) == 4
        trained(root, "a/b/two", [0.1, 0.2])
        assert store.free_files("ck/*", keep_last=1).files == 3
    assert contents(root) == 3


def test_a_record_never_leads_a_free_out_of_the_folder(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "precious.pt"
    outside.write_bytes(b"precious")
    exp = trained(root, "a/b/one", [0.1])
    journal = next(Path(exp.folder, "journal").glob("*.jsonl"))
    lines = [line for line in journal.read_bytes().splitlines(True) if b'"file"' in line]
    for number, path in enumerate(
        ("../../../precious.pt", str(outside), "journal/x.pt", "files/a/../../x.pt")
    ):
        event = json.loads(lines[-1]) | {"path": path, "file_id": f"forged{number}"}
        with journal.open("ab") as file:
            file.write(json.dumps(event).encode() + b"\n")
    (Path(exp.folder) / "files" / "link.pt").symlink_to(outside)
    with Store(root) as store:
        store.free_files("*.pt")
    assert outside.read_bytes() == b"precious"
    assert journal.exists()


def test_the_best_without_a_metric_is_asked_for(root: Path) -> None:
    trained(root, "a/b/one", [0.1, 0.2])
    with Store(root) as store:
        with pytest.raises(InvalidValue):
            store.free_files("ck/*", keep_best=True)
        assert store.free_files("ck/*", keep_best="no/such").files == 0
