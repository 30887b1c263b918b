"""The doctor finds what is broken, mends what is derived, and touches no record."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from anew import Experiment
from anew.index import Index
from anew.index.doctor import examine
from anew.journal.root import append
from anew.query.question import FactsQuestion
from anew.stores.open import open_stores
from tests.stores.journals import Journal, finished, running


@pytest.fixture
def index(root: Path):
    root.mkdir()
    stores = open_stores(root)
    yield Index(stores)
    stores.close()


def kinds(index: Index, **how: bool) -> list[tuple[str, str]]:
    return [(finding.kind, finding.prefix) for finding in examine(index, **how)]


def test_a_healthy_store_has_no_findings(root, index):
    finished(root, "p/done")
    running(root, "p/live").points([(0, {"loss": 1.0})])
    index.refresh()
    index.seal()
    assert examine(index) == []


def test_broken_lines_are_named_by_file_and_line(root, index):
    journal = running(root, "p/run")
    journal.points([(0, {"loss": 1.0})])
    journal.raw(journal.layout.points("0001-main"), b"{torn\n")
    journal.raw(journal.layout.events("0001-main"), b"\0\0\0\n")
    index.refresh()
    found = {(f.kind, Path(f.path).name, Path(f.path).parent.name, f.line) for f in examine(index)}
    assert found == {
        ("broken line", "0001-main.jsonl", "metrics", 2),
        ("broken line", "0001-main.jsonl", "journal", 2),
    }


def test_a_truncated_parquet_file_is_found(root, index):
    journal = finished(root, "p/run")
    index.refresh()
    index.seal()
    path = journal.metrics_path(suffix="parquet")
    path.write_bytes(path.read_bytes()[:-1])
    (finding,) = examine(index)
    assert (finding.kind, finding.path) == ("corrupt file", str(path))
    assert path.exists()


def recorded(root: Path, prefix: str = "p/run") -> Path:
    """What a real writer wrote."""
    with Experiment(prefix, root=root, quiet=True, console="off", system_metrics=0) as exp:
        for step in range(400):
            exp.log_metric("loss", step)
        exp.log("a message")
    return root / prefix


@pytest.mark.parametrize("sealed", [False, True])
def test_what_a_writer_wrote_and_is_all_there_is_no_finding(root, index, sealed):
    recorded(root)
    index.refresh()
    if sealed:
        index.seal()
    assert examine(index) == []


@pytest.mark.parametrize("kept", [0, 1, 50, -1, -20])
@pytest.mark.parametrize("what", ["metrics", "logs"])
def test_a_file_that_lost_its_end_after_its_writer_had_ended_is_found(root, index, what, kept):
    (path,) = (recorded(root) / what).glob("*0001-*.jsonl")
    data = path.read_bytes()
    path.write_bytes(data[:kept])
    index.refresh()
    (finding,) = examine(index)
    assert (finding.kind, finding.path) == ("cut short", str(path))


def test_a_file_of_points_that_is_gone_is_found(root, index):
    (path,) = (recorded(root) / "metrics").iterdir()
    path.unlink()
    index.refresh()
    (finding,) = examine(index)
    assert (finding.kind, finding.path) == ("cut short", str(path))


def test_an_experiment_that_is_still_written_is_not_called_cut_short(root, index):
    exp = Experiment("p/run", root=root, quiet=True, console="off", system_metrics=0)
    with exp:
        exp.log_metric("loss", 1.0)
        (path,) = (root / "p/run/metrics").glob("*.jsonl")
        with path.open("ab") as file:
            file.write(b'{"t":1,"m":{"lo')
        index.refresh()
        assert examine(index) == []


def test_folders_and_catalog_are_brought_together(root, index, tmp_path):
    gone, moved = finished(root, "p/gone"), finished(root, "p/moved")
    index.refresh()
    shutil.rmtree(gone.folder)
    shutil.move(moved.folder, root / "q")
    stranger = finished(tmp_path / "elsewhere", "x")
    shutil.copytree(stranger.folder, root / "copied" / "in")
    expected = [("gone", "p/gone"), ("gone", "p/moved")]
    expected += [("not indexed", "copied/in"), ("not indexed", "q")]
    assert sorted(kinds(index)) == expected
    assert sorted(kinds(index)) == expected
    assert sorted(kinds(index, repair=True)) == expected
    assert kinds(index) == []


def test_a_copy_is_reported_and_left_to_the_user(root, index):
    journal = finished(root, "p/run")
    index.refresh()
    shutil.copytree(journal.folder, root / "a" / "copy")
    for _ in range(2):
        assert kinds(index, repair=True) == [("copy", "a/copy")]


def test_a_folder_that_does_not_say_which_experiment_it_is(root, index):
    Journal(root, "p/blank")
    index.refresh()
    assert kinds(index) == [("no identity", "p/blank")]


def test_leftovers_are_removed(root, index):
    finished(root, "p/run")
    index.refresh()
    folder = root / ".anew" / "series" / "bcdf2345gone"
    folder.mkdir(parents=True)
    (folder / "x").write_bytes(b"x")
    assert kinds(index) == [("leftover", "")]
    assert kinds(index, repair=True) == [("leftover", "")]
    assert kinds(index) == []


def test_a_catalog_that_lies_about_problems_is_corrected(root, index):
    journal = running(root, "p/run")
    path = journal.layout.points("0001-main")
    journal.raw(path, b'{"t":1,"m":{"a":1\n')  # a write cut short ...
    assert index.refresh().problems == 1
    journal.raw(path, b'{"t":1,"m":{"a":1}}\n')  # ... that was repeated whole
    assert examine(index, repair=True) == []
    question = FactsQuestion(ids=[journal.id], parts=frozenset({"problems"}), now=0.0)
    (facts,) = index.stores.catalog.facts(question)
    assert facts.problems == ()


def test_a_deletion_that_moved_nothing_and_a_stranger_in_the_trash_are_told(root, index):
    journal = finished(root, "p/run")
    index.refresh()
    append(index.root, "deleted", {"experiment_id": journal.id, "prefix": "p/run"})
    (root / ".anew" / "trash" / "stranger" / "content").mkdir(parents=True)
    index.refresh()
    found = [(f.kind, f.prefix) for f in examine(index, repair=True)]
    assert found == [("trash", "p/run"), ("trash", "")]
    assert journal.folder.exists()
    assert (root / ".anew" / "trash" / "stranger").exists()


def test_a_broken_line_of_the_root_s_journal_is_told_with_its_place(root, index):
    finished(root, "p/run")
    [file] = (root / ".anew" / "root").glob("*.jsonl")
    with open(file, "ab") as out:
        out.write(b"nonsense\n")
    index.refresh()
    [finding] = examine(index)
    assert (finding.kind, finding.path, finding.line) == ("broken line", str(file), 3)


def test_two_experiments_in_one_folder_are_told(root, index, tmp_path):
    journal = finished(root, "p/run")
    other = Journal(tmp_path / "elsewhere", "p/run").opened("0001-main-zzzz")
    shutil.copytree(other.folder, journal.folder, dirs_exist_ok=True)
    index.refresh()
    [finding] = examine(index)
    assert (finding.kind, finding.prefix) == ("mixed", "p/run")


def test_records_that_were_synced_into_a_finished_experiment_are_told_and_taken_in(root, index):
    journal = finished(root, "p/run")
    index.refresh()
    assert examine(index) == []
    journal.points([(9, {"loss": 0.25})])
    assert kinds(index) == [("not indexed", "p/run")]
    examine(index, repair=True)
    assert examine(index) == []
