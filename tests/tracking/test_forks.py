"""Going on in a copy of an experiment's folder makes a fork; a moved or synced folder stays what it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from anew import Experiment, Store


def record(root: Path, prefix: str, start: int, stop: int, **more: object) -> str:
    with Experiment(prefix, root=root, quiet=True, system_metrics=0, resume="allow", **more) as exp:  # type: ignore[arg-type]
        for step in range(start, stop):
            exp.log_metric("loss", float(step), step=step)
    return exp.id


@pytest.fixture
def copied(tmp_path: Path) -> tuple[Path, str]:
    root = tmp_path / "experiments"
    base = record(root, "t/p/base", 0, 5, params={"lr": 0.1}, config={"depth": 3})
    shutil.copytree(root / "t" / "p" / "base", root / "t" / "p" / "fork", symlinks=True)
    return root, base


def test_going_on_in_a_copy_makes_a_fork_and_leaves_the_original(copied):
    root, base = copied
    with Store(root) as store:
        assert [view.prefix for view in store.list()] == ["t/p/base"]
        fork = record(root, "t/p/fork", 5, 7)
        assert fork != base
        assert {view.prefix: view.id for view in store.list()} == {
            "t/p/base": base,
            "t/p/fork": fork,
        }
        one, two = store["t/p/base"], store["t/p/fork"]
        assert (one.metrics["loss"].count, one.metrics["loss"].last) == (5, 4.0)
        assert (two.metrics["loss"].count, two.metrics["loss"].last) == (7, 6.0)
        assert (two.parent, two.relation) == (base, "forked")
        assert (dict(two.params), dict(two.config)) == ({"lr": 0.1}, {"depth": 3})
        assert (two.name, two.status) == ("fork", "completed")
        assert [f.kind for f in store.doctor()] == []
        store.rebuild()
        assert {view.prefix: view.id for view in store.list()} == {
            "t/p/base": base,
            "t/p/fork": fork,
        }


def test_a_fork_is_itself_when_it_is_continued_and_may_be_forked(copied):
    root, base = copied
    fork = record(root, "t/p/fork", 5, 7)
    assert record(root, "t/p/fork", 7, 9) == fork
    assert record(root, "t/p/base", 5, 6) == base
    shutil.copytree(root / "t" / "p" / "fork", root / "t" / "p" / "third", symlinks=True)
    third = record(root, "t/p/third", 9, 10)
    with Store(root) as store:
        found = {view.id: view.metrics["loss"].count for view in store.list()}
        assert found == {base: 6, fork: 9, third: 10}
        assert store[third].parent == fork


def test_a_folder_that_was_moved_stays_the_same_experiment(copied):
    root, base = copied
    shutil.rmtree(root / "t" / "p" / "base")
    assert record(root, "t/p/fork", 5, 7) == base
    with Store(root) as store:
        assert [(view.id, view.prefix) for view in store.list()] == [(base, "t/p/fork")]


def test_a_copy_of_a_root_has_the_same_experiments(copied, tmp_path):
    root, base = copied
    shutil.rmtree(root / "t" / "p" / "fork")
    shutil.copytree(root, tmp_path / "other", symlinks=True)
    assert record(tmp_path / "other", "t/p/base", 5, 7) == base


def test_a_copy_that_was_made_outside_of_the_original_s_prefix_in_another_root_is_the_same(
    copied, tmp_path
):
    root, base = copied
    other = tmp_path / "other"
    shutil.copytree(root / "t" / "p" / "base", other / "q" / "copy", symlinks=True)
    assert record(other, "q/copy", 5, 7) == base


def test_a_prefix_that_leads_out_of_the_root_is_nobody_s_original(copied):
    root, base = copied
    for path in (root / "t" / "p" / "fork" / "journal").glob("*.jsonl"):
        path.write_text(path.read_text().replace('"t/p/base"', '"../../t/p/base"'))
    assert record(root, "t/p/fork", 5, 7) == base


@pytest.mark.parametrize("end", ["moved", "restored elsewhere"])
def test_a_copy_of_what_a_command_filed_elsewhere_is_a_fork_too(copied, end):
    root, base = copied
    shutil.rmtree(root / "t" / "p" / "fork")
    with Store(root) as store:
        if end == "moved":
            store.move(base, "t/q/now")
        else:
            store.delete(base)
            store.restore(base, "t/q/now")
        shutil.copytree(root / "t" / "q" / "now", root / "t" / "p" / "fork", symlinks=True)
        fork = record(root, "t/p/fork", 5, 7)
        assert {view.id: view.prefix for view in store.list()} == {
            base: "t/q/now",
            fork: "t/p/fork",
        }
        assert record(root, "t/q/now", 5, 6) == base
        assert store[base].metrics["loss"].count == 6


@pytest.mark.parametrize("permanently", [False, True])
def test_a_copy_of_what_was_deleted_is_named_by_the_doctor_and_goes_on_as_a_fork(
    copied, permanently
):
    root, base = copied
    with Store(root) as store:
        store.delete(base, permanently=permanently)
        assert list(store.list()) == []
        assert [(f.kind, f.prefix) for f in store.doctor()] == [("copy", "t/p/fork")]
        fork = record(root, "t/p/fork", 5, 7)
        view = store["t/p/fork"]
        assert (view.id, view.parent, view.metrics["loss"].count) == (fork, base, 7)
        assert fork != base
        assert [f.kind for f in store.doctor()] == []
