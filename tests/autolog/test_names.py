"""Names of what a program reports."""

from __future__ import annotations

import pytest

from anew import Experiment
from anew.autolog.names import Tags, tidy
from anew.record.names import metric_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("train/loss", "train/loss"),
        ("  Loss\nper epoch ", "Loss per epoch"),
        ("two  spaces", "two  spaces"),
        ("\x00\u202ea\ud800b", "a b"),
        ("\n", ""),
        ("é 損失 👩‍🔬", "é 損失 👩‍🔬"),
    ],
)
def test_a_name_is_the_text_without_what_cannot_be_kept(text: str, name: str):
    assert tidy(text) == name
    if name:
        assert metric_name(name) == name


def test_a_name_is_never_too_long():
    name = tidy("x" * 10_000)
    assert metric_name(name) == name


def test_tags_of_other_folders_get_as_much_of_the_folder_as_tells_them_apart():
    tags, one, two = Tags(), Experiment("a/one"), Experiment("a/two")
    names = [
        tags.name(one, folder, "loss")
        for folder in ("x/runs/a", "x/runs/b", "y/runs/b", "x/runs/a", "y/runs/b")
    ]
    assert names == ["loss", "b/loss", "runs/b/loss", "loss", "runs/b/loss"]
    assert tags.name(two, "y/runs/b", "loss") == "loss"
