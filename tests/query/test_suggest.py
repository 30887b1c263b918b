from __future__ import annotations

from anew.query.suggest import nearest, one_of


def test_the_nearest_come_by_case_then_by_ending_then_by_spelling():
    known = ["val/loss", "Loss", "lost", "accuracy"]
    assert nearest("loss", known) == ["Loss", "val/loss", "lost"]
    assert nearest("acuracy", known) == ["accuracy"]
    assert nearest("uracy", known)[:1] == ["accuracy"]
    assert nearest("zzz", known) == []
    assert nearest("x", []) == []


def test_names_are_listed_as_one_says_them():
    assert one_of(["a"]) == "a"
    assert one_of(["a", "b"]) == "a or b"
    assert one_of(iter(["a", "b", "c"])) == "a, b or c"
