"""What differs between two or more experiments, as a table."""

from __future__ import annotations

import math

from anew.reproduce.differences import Side
from anew.reproduce.matrix import matrix, outliers

PATCH = b"diff --git a/train.py b/train.py\n--- a/train.py\n+++ b/train.py\n@@ -1 +1 @@\n-a\n+%s\n"


def side(lr: float, *, numpy: str = "2.1", patch: bytes = b"", **more: object) -> Side:
    import hashlib

    files = {"requirements.txt": f"numpy=={numpy}\n".encode(), "git.patch": patch}
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    captured = {
        "git": {"commit": "a" * 40, "patch": sums["git.patch"] if patch else None},
        "environment": {"python": "3.12.1", "requirements": sums["requirements.txt"]},
        "hardware": {"cpu": "x"},
        "seeds": {"seed": 1},
        **more,
    }
    return Side(captured, {"lr": lr, "model": {"depth": 2}}, {}, files.get)


def test_two_experiments_have_a_row_and_a_sentence_for_each_difference():
    rows = matrix([side(0.1), side(0.3, numpy="2.2")], ["a", "b"])
    assert [(row.kind, row.what, row.values) for row in rows] == [
        ("config", "lr", (0.1, 0.3)),
        ("package", "numpy", ("2.1", "2.2")),
    ]
    assert all(row.text for row in rows)


def test_more_experiments_have_the_value_of_each_and_the_odd_ones_are_marked():
    changed = side(0.1, patch=PATCH % b"c")
    rows = matrix([side(0.1), side(0.1), side(0.3, numpy="2.2"), changed], list("abcd"))
    by_what = {row.what: row for row in rows}
    assert by_what["lr"].values == (0.1, 0.1, 0.3, 0.1)
    assert by_what["lr"].outliers == (2,)
    assert by_what["numpy"].values == ("2.1", "2.1", "2.2", "2.1")
    assert by_what["train.py"].values[:3] == (None, None, None)
    assert "+c" in by_what["train.py"].values[3]


def test_what_is_the_same_in_all_has_no_row():
    assert matrix([side(0.1)] * 3, list("abc")) == []
    nan = [side(math.nan), side(math.nan)]
    assert matrix(nan, ["a", "b"]) == []


def test_no_value_is_odd_where_none_is_in_the_majority():
    assert outliers([1, 2, 3]) == ()
    assert outliers([1, 2]) == ()
    assert outliers([1, 1, 2]) == (2,)


def test_no_recorded_folder_is_looked_into(tmp_path):
    """git runs what the configuration of a repository names."""
    import subprocess

    trap, sprung = tmp_path / "trap", tmp_path / "sprung"
    subprocess.run(["git", "init", "-q", str(trap)], check=True)
    for key in ("core.fsmonitor", "diff.external", "core.pager"):
        subprocess.run(["git", "-C", str(trap), "config", key, f"touch {sprung}"], check=True)
    sides = [side(0.1, git={"commit": letter * 40, "root": str(trap)}) for letter in ("a", "b")]
    (row,) = matrix(sides, ["a", "b"])
    assert row.values == ("a" * 40, "b" * 40)
    assert not sprung.exists()
