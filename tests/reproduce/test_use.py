"""A change is told once, and by what the program used of it."""

from __future__ import annotations

import pytest

from anew.reproduce.differences import InputDifference, Side, in_no_commit
from anew.reproduce.ran import ran_differences
from anew.reproduce.use import told_once


def ran(*modules, read=(), **more):
    return {"modules": dict.fromkeys(modules, "1"), "read": {n: [1, 1.0, "x"] for n in read}, **more}  # fmt: skip


def commit(*files):
    return InputDifference("code", "commit", "a", "b", "likely", "the commit: a → b", files)


def used(path, kind="code"):
    return InputDifference(kind, path, None, None, "likely", "", seen="used")


def test_a_file_of_a_commit_or_a_patch_is_not_told_again_where_it_was_used():
    both = Side({"ran": ran("train.py", "lib/x.py", read=["data.csv"])})
    patched = InputDifference("code", "train.py", "", "", "likely", "", seen="patch")
    found = [used("train.py"), used("lib/x.py"), used("data.csv", "data"), used("/other/train.py")]
    kept = told_once(both, both, [*found, patched, commit("lib", "data.csv")])
    assert [one.what for one in kept] == ["/other/train.py", "train.py", "commit"]


def test_a_commit_that_changed_nothing_of_what_was_used_is_less_likely():
    both = Side({"ran": ran("train.py")})
    (one,) = told_once(both, both, [commit("notes.md")])
    assert one.weight == "possible"
    (one,) = told_once(both, both, [commit("notes.md", "train.py")])
    assert one.weight == "likely"
    assert one.files == ("notes.md", "train.py")


@pytest.mark.parametrize("less", [{}, {"ran": ran("train.py", read_folders=["data"])}])
def test_where_not_all_that_was_used_is_known_a_commit_stays_likely(less):
    (one,) = told_once(Side({"ran": ran("train.py")}), Side(less), [commit("notes.md")])
    assert one.weight == "likely"


@pytest.mark.parametrize(
    ("name", "loaded", "weight"),
    [
        ("torch", ["numpy"], "unlikely"),
        ("numpy", ["numpy"], "likely"),
        ("scikit-learn", ["sklearn"], "likely"),
        ("pytorch-lightning", ["pytorch_lightning"], "likely"),
        ("torch", None, "likely"),
    ],
)
def test_a_package_that_was_not_loaded_is_an_unlikely_cause(name, loaded, weight):
    more = {} if loaded is None else {"packages": loaded}
    both = Side({"ran": ran("train.py", **more)})
    package = InputDifference("package", name, "1", "2", "likely", "")
    (one,) = told_once(both, both, [package])
    assert one.weight == weight


def test_a_file_that_only_the_re_run_read_is_told():
    a, b = Side({"ran": ran()}), Side({"ran": ran(read=["/d/new"])})
    assert [(one.kind, one.what) for one in ran_differences(a, b)] == [("data", "/d/new")]


def test_a_file_of_the_commit_that_only_one_read_is_not_called_missing(project):
    project.write(".gitignore", "local.txt\n")
    project.write("one.txt", "1")
    project.write("local.txt", "1")
    sha = project.commit()
    facts = {"git": {"commit": sha, "root": str(project.path)}}
    a = Side({**facts, "ran": ran(read=["one.txt", "local.txt"])})
    b = Side({**facts, "ran": ran()})
    found = {one.what: one.weight for one in ran_differences(a, b)}
    assert found == {"one.txt": "possible", "local.txt": "likely"}
    assert in_no_commit(Side({}), ["one.txt"]) is None


def test_of_a_re_run_that_never_opened_its_experiment_what_it_lacked_is_told(project):
    project.write(".gitignore", "local.*\n")
    project.write("local.py", "")
    sha = project.commit(train="")
    git = {"commit": sha, "root": str(project.path)}
    a = Side({"git": git, "ran": ran("train.py", "local.py", read=["local.json"])})
    found = [(one.kind, one.what) for one in ran_differences(a, Side({"git": git}))]
    assert found == [("code", "local.py"), ("data", "local.json")]
