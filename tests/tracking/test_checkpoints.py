"""Checkpoints of a running experiment: which stay, which is the newest, which the best."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from anew import Experiment, Store
from anew.errors import InvalidValue, NotFound
from anew.record.events import FileLogged, FilesFreed

from .reading import events


def opened(root: Path, name: str = "alice/vision/resnet", **options: Any) -> Experiment:
    return Experiment(
        name, root=root, **{"console": "off", "system_metrics": 0, "quiet": True, **options}
    )


def inodes(root: Path) -> set[int]:
    files = (p for p in root.rglob("*") if p.is_file() and "files" in p.parts)
    return {p.stat().st_ino for p in files}


def names(folder: str) -> list[str]:
    return sorted(p.name for p in Path(folder, "files").rglob("*") if p.is_file())


def test_a_content_that_is_saved_again_takes_no_more_disk(root: Path, tmp_path: Path) -> None:
    source = tmp_path / "model.pt"
    source.write_bytes(os.urandom(200_000))
    for name in ("a/b/one", "a/b/two"):
        with opened(root, name) as exp:
            for step in range(5):
                exp.files("ck").save(source, step=step)
    assert len(inodes(root)) == 1
    store = Store(root)
    assert store.du().by_kind["files"] < 300_000
    one = store["a/b/one"]
    assert [file.step for file in one.files] == [0, 1, 2, 3, 4]
    assert all(file.read_bytes() == source.read_bytes() for file in one.files)
    assert not any(file.path.stat().st_mode & 0o222 for file in one.files)
    copy = one.files[0].save(tmp_path / "copy.pt")
    assert copy.stat().st_mode & stat.S_IWUSR
    assert store.doctor() == []


def test_the_last_and_the_best_stay_and_the_record_keeps_all(root: Path, tmp_path: Path) -> None:
    source = tmp_path / "model.pt"
    with opened(root) as exp:
        ck = exp.files("ck")
        ck.save(b"lr: 0.1", "config.yaml")
        for step, acc in enumerate([0.1, 0.9, 0.3, 0.2, 0.4]):
            exp.log_metric("val/acc", acc, step=step)
            source.write_bytes(b"%d" % step * 1000)
            ck.save(source, f"epoch-{step}.pt", step=step, keep_last=2, keep_best="val/acc")
        assert names(exp.folder) == ["config.yaml", "epoch-1.pt", "epoch-3.pt", "epoch-4.pt"]
        latest, best = ck.latest(), ck.best()
        assert latest is not None
        assert best is not None
        assert (latest.step, best.step) == (4, 1)
        assert Path(best).read_bytes() == b"1" * 1000
        newest = ck.latest("config*")
        assert newest is not None
        assert newest.name == "config.yaml"
        folder = exp.folder
    assert len(inodes(root)) == 4, "what was freed is gone from the shared contents too"
    logged = [e for _, e in events(folder) if isinstance(e, FileLogged)]
    assert [e.step for e in logged] == [None, 0, 1, 2, 3, 4]
    freed = [e for _, e in events(folder) if isinstance(e, FilesFreed)]
    assert {i for e in freed for i in e.file_ids} == {logged[1].file_id, logged[3].file_id}
    view = Store(root)["alice/vision/resnet"]
    assert [f.step for f in view.files] == [None, 1, 3, 4]
    assert [f.step for f in view.files.freed] == [0, 2]
    assert view.files.freed[0].freed_at is not None
    with pytest.raises(NotFound):
        view.files.freed[0].read_bytes()
    files = view.files("ck")
    assert files.latest().step == 4  # type: ignore[union-attr]
    assert files.best().step == files.best("val/acc").step == 1  # type: ignore[union-attr]
    assert files.best("val/acc", mode="min").step == 3  # type: ignore[union-attr]
    assert files("nothing").latest() is None
    assert Store(root).doctor() == []


def test_a_metric_that_is_logged_after_the_save_counts(root: Path) -> None:
    with opened(root) as exp:
        for step, loss in enumerate([0.5, 0.1, 0.7, 0.6]):
            exp.files().save(b"%d" % step, f"m{step}.pt", step=step, keep_best="loss")
            exp.log_metric("loss", loss, step=step)
        best = exp.files().best()
        assert best is not None
        assert best.step == 1
        assert names(exp.folder) == ["m1.pt", "m3.pt"]


def test_a_metric_without_a_value_frees_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened(root) as exp:
        for step in range(3):
            exp.files().save(b"%d" % step, f"m{step}.pt", keep_last=1, keep_best="no/such")
        assert len(names(exp.folder)) == 3


def test_a_folder_is_one_checkpoint(root: Path, tmp_path: Path) -> None:
    with opened(root) as exp:
        for step in range(3):
            folder = tmp_path / f"checkpoint-{step}"
            (folder / "sub").mkdir(parents=True)
            (folder / "model-1-of-2.bin").write_bytes(b"1" * (step + 1))
            (folder / "sub" / "optimizer.bin").write_bytes(b"2" * (step + 1))
            exp.files("ck").save(folder, keep_last=1)
        latest = exp.files("ck").latest()
        assert latest is not None
        assert latest.name == "checkpoint-2"
        assert Path(latest, "sub", "optimizer.bin").read_bytes() == b"222"
        assert names(exp.folder) == ["model-1-of-2.bin", "optimizer.bin"]
    view = Store(root)["alice/vision/resnet"].files("ck").latest()
    assert view is not None
    assert view.path == Path(latest.path)
    view.save(tmp_path / "back")
    assert (tmp_path / "back" / "sub" / "optimizer.bin").read_bytes() == b"222"


def test_what_goes_on_knows_the_checkpoints_of_before(root: Path) -> None:
    with opened(root) as exp:
        for step in range(3):
            exp.log_metric("acc", 1.0 - step / 10, step=step)
            exp.files("ck").save(b"%d" % step, f"m{step}.pt", step=step, keep_last=2)
    with opened(root, resume="allow") as exp:
        assert exp.resumed
        assert exp.last_step == 2
        latest = exp.files("ck").latest()
        assert latest is not None
        assert Path(latest).read_bytes() == b"2"
        assert exp.files("ck").best("acc").step == 1  # type: ignore[union-attr]
        exp.files("ck").save(b"3", "m3.pt", step=3, keep_last=2)
        assert names(exp.folder) == ["m2.pt", "m3.pt"]
        assert exp.files("ck").latest().step == 3  # type: ignore[union-attr]


def test_a_checkpoint_that_lost_its_bytes_is_passed_over(root: Path) -> None:
    with opened(root) as exp:
        saved = [exp.files("ck").save(b"%d" % n * 100, f"m{n}.pt") for n in range(2)]
        path = Path(saved[1])  # type: ignore[arg-type]
        path.chmod(0o644)
        path.write_bytes(b"")
        latest = exp.files("ck").latest()
        assert latest is not None
        assert latest.name == "m0.pt"
    findings = Store(root).doctor()
    assert [(one.kind, one.path) for one in findings] == [("corrupt file", str(path))]


def test_before_anything_is_saved_there_is_no_latest(root: Path) -> None:
    with opened(root) as exp:
        assert exp.files("ck").latest() is None
        assert exp.files("ck").best("acc") is None
        assert exp.files("ck").best() is None
        assert not exp.resumed
        assert exp.last_step is None
    disabled = Experiment("a/b", root=root, mode="disabled")
    with disabled as exp:
        assert exp.files("ck").latest() is None
        exp.files("ck").save(b"x", "x.pt", keep_last=1)


@pytest.mark.parametrize(
    "wrong",
    [{"keep_last": 0}, {"keep_last": True}, {"keep_best": ""}, {"keep_best": "a", "mode": "up"}],
)
def test_a_rule_that_cannot_be_is_refused(root: Path, wrong: dict[str, Any]) -> None:
    with opened(root) as exp:
        with pytest.raises(InvalidValue):
            exp.files().save(b"x", "x.pt", **wrong)
        assert names(exp.folder) == [] if Path(exp.folder, "files").exists() else True


def test_the_best_of_nobody_asks_for_a_metric(root: Path) -> None:
    with opened(root) as exp:
        exp.files("ck").save(b"x", "x.pt")
        with pytest.raises(InvalidValue):
            exp.files("ck").best()
    with pytest.raises(InvalidValue):
        Store(root)["alice/vision/resnet"].files.best()
